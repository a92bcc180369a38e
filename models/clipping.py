"""The range of every input in training, so that a model is never asked about values it has not seen."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array


@dataclass(frozen=True)
class TrainingRange:
    """Smallest, usual (median) and largest training value of each of k columns; all NaN where a column was never filled."""

    low: Float64Array
    usual: Float64Array
    high: Float64Array

    def clip(self, X: Float64Array) -> Float64Array:
        """The same matrix with every value moved into its column's range; missing stays missing.

        A linear model extrapolates: when a workload counter left its range, AUC fell from .82 to .73 on a real log.
        A column that was never filled in training is returned as missing: the model cannot know what it means.
        """
        with np.errstate(invalid="ignore"):
            return np.minimum(np.maximum(X, self.low), self.high)

    def outside(self, X: Float64Array) -> Float64Array:
        """The share of rows, for each column, whose value lies outside the training range."""
        if len(X) == 0:
            return np.zeros(X.shape[1])
        return np.asarray(np.logical_or(np.less(X, self.low), np.greater(X, self.high)).mean(axis=0), dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Lists of numbers, null for missing."""
        return {name: _nullable(getattr(self, name)) for name in ("low", "usual", "high")}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TrainingRange:
        """The range written by `to_json`."""
        return cls(*(np.array(data[name], dtype=np.float64) for name in ("low", "usual", "high")))


def fit_range(X: Float64Array, typical: NDArray[np.bool_] | None = None) -> TrainingRange:
    """The range of the finite values of each column of an n x k matrix; what is usual is read from the `typical` rows."""
    finite = np.where(np.isfinite(X), X, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's "All-NaN slice": such a column stays NaN, on purpose
        usual = np.nanmedian(finite if typical is None else finite[typical], axis=0)
        return TrainingRange(np.nanmin(finite, axis=0), usual, np.nanmax(finite, axis=0))


def _nullable(values: Float64Array) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
