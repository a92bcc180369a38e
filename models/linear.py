"""Logistic regression on the same features: the baseline every model must beat, and a steadying member of the blend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.scales import Float64Array

KIND = "linear"
_LISTS = ("center", "scale", "coefficient", "missing")


@dataclass(frozen=True)
class LinearMember:
    """Log odds = intercept + sum of coefficient x standardised value + what a missing value says, for k columns.

    With `is_logged` a value is first taken to its sign times log(1 + its size).
    """

    center: Float64Array
    scale: Float64Array
    coefficient: Float64Array
    missing: Float64Array
    intercept: float
    is_logged: bool = False

    kind = KIND

    def margin(self, X: Float64Array) -> Float64Array:
        """Log odds, n: of each row the same to the last bit in any company, as it is laid out for itself before it is summed."""
        return np.asarray(np.ascontiguousarray(self.attributions(X)).sum(axis=1) + self.intercept, dtype=np.float64)

    def attributions(self, X: Float64Array) -> Float64Array:
        """n x k: how far each value moves the log odds from those of an average training row."""
        values = _logged(X) if self.is_logged else X
        return np.where(np.isnan(X), self.missing, self.coefficient * _standardised(values, self.center, self.scale))

    def exact_attributions(self, X: Float64Array) -> tuple[Float64Array, float]:
        """The same: a linear model has only one additive reading."""
        return self.attributions(X), self.intercept

    @property
    def feature_count(self) -> int:
        """How many features a row has."""
        return len(self.coefficient)

    @property
    def baseline(self) -> float:
        """Log odds of a row whose every value is average."""
        return self.intercept

    def to_json(self) -> dict[str, Any]:
        """Plain lists of numbers, and whether values are taken to their logarithm."""
        lists = {name: getattr(self, name).tolist() for name in _LISTS}
        return {**lists, "intercept": self.intercept, "is_logged": self.is_logged}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LinearMember:
        """The member written by `to_json`."""
        lists = {name: np.array(data[name], dtype=np.float64) for name in _LISTS}
        return cls(**lists, intercept=float(data["intercept"]), is_logged=bool(data.get("is_logged", False)))


def fit_linear(
    X: Float64Array,
    y: Float64Array,
    weight: Float64Array,
    *,
    evidence: float = 100.0,
    rounds: int = 200,
    is_logged: bool = False,
) -> LinearMember:
    """L2-penalised logistic regression; missing values get their own coefficient, constant columns none.

    `y` may be an expectation between 0 and 1. `evidence` is how much all rows together weigh against the penalty, whatever
    their number: what hurts here is not small samples but drift, which more rows do not cure. Values are clipped to the
    training range before, by the caller. `is_logged` is for counts and times with long tails: from one ticket to ten is
    then as far as from ten to a hundred.
    """
    from sklearn.linear_model import LogisticRegression  # who only asks a model does without it: see lean_imports

    X = _logged(X) if is_logged else X
    center, scale = _moments(X)
    absent = np.isnan(X)
    has_missing = np.flatnonzero(absent.any(axis=0) & ~absent.all(axis=0))
    values = np.where(absent, 0.0, _standardised(X, center, scale))
    design = np.concatenate([values, absent[:, has_missing].astype(np.float64)], axis=1)
    design, y, weight = _decided(design, y, weight)
    model = LogisticRegression(C=evidence / max(weight.sum(), 1e-12), max_iter=rounds, tol=1e-3).fit(
        design, y, sample_weight=weight
    )
    k = X.shape[1]
    missing = np.zeros(k)
    missing[has_missing] = model.coef_[0, k:]
    return LinearMember(center, scale, model.coef_[0, :k].copy(), missing, float(model.intercept_[0]), is_logged)


def _decided(
    design: Float64Array, y: Float64Array, weight: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Rows with outcomes of 0 or 1: a row between counts as both, with shares of its weight."""
    between = np.flatnonzero((y > 0) & (y < 1))
    if not len(between):
        return design, y, weight
    as_broken = weight.copy()
    as_broken[between] *= y[between]
    return (
        np.concatenate([design, design[between]]),
        np.concatenate([np.asarray(y > 0, dtype=np.float64), np.zeros(len(between))]),
        np.concatenate([as_broken, (weight * (1.0 - y))[between]]),
    )


def _logged(X: Float64Array) -> Float64Array:
    return np.asarray(np.sign(X) * np.log1p(np.abs(X)), dtype=np.float64)


def _moments(X: Float64Array) -> tuple[Float64Array, Float64Array]:
    filled = np.isfinite(X)
    count = np.maximum(filled.sum(axis=0), 1)
    values = np.where(filled, X, 0.0)
    center = values.sum(axis=0) / count
    spread = np.sqrt((np.where(filled, X - center, 0.0) ** 2).sum(axis=0) / count)
    return center, np.where(spread > 1e-12, spread, 1.0)  # a constant column standardises to zeros


def _standardised(X: Float64Array, center: Float64Array, scale: Float64Array) -> Float64Array:
    # Eight standard deviations: one wild training value must not steer a linear model.
    return np.clip((X - center) / scale, -8.0, 8.0)
