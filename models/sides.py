"""On which side of each threshold of a model's trees the values of rows lie: while none is crossed, the answer stays the same.

A tree asks of a value only whether it lies above a threshold. Between two ticks most values of most tickets move, and few of them
past any threshold; a row on the same sides of all of them ends in the same leaves, so its score is the same to the last bit.
To look whether it is costs a twentieth of asking the trees.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array
from sla.instants import BoolArray

Codes = NDArray[np.unsignedinteger[Any]]
Thresholds = Mapping[int, Float64Array]
"""By the place of a column, the thresholds at which trees split it, sorted, none twice."""


def thresholds_of(booster: lgb.Booster) -> Thresholds:
    """The thresholds of a booster's trees, which LightGBM writes with all their digits. Raises ValueError where it splits by categories."""
    text = str(booster.model_to_string(num_iteration=-1))
    if any(int(count) for count in _lines(text, "num_cat")):
        raise ValueError("trees that split by categories have no thresholds")
    found: dict[int, set[float]] = {}
    for places, values in zip(_lines(text, "split_feature"), _lines(text, "threshold"), strict=True):
        for place, value in zip(places.split(), values.split(), strict=True):
            found.setdefault(int(place), set()).add(float(value))
    return {place: np.array(sorted(values)) for place, values in found.items()}


def united(several: Iterable[Thresholds]) -> Thresholds:
    """The thresholds of several models of the same columns."""
    found: dict[int, Float64Array] = {}
    for one in several:
        for place, values in one.items():
            found[place] = np.union1d(found.get(place, np.empty(0)), values)
    return found


@dataclass(frozen=True)
class Sides:
    """The thresholds of models that read n x k values, and of columns that they make of these: `derived` gives them, columns x n."""

    thresholds: Thresholds
    derived: Callable[[Float64Array], Float64Array] | None = None
    derived_thresholds: Sequence[Float64Array] = ()

    def none(self, rows: int) -> Codes:
        """Room for the sides of so many rows."""
        return np.zeros((len(self._columns), rows), self._kind)

    def of(self, X: Float64Array) -> Codes:
        """The sides of n rows, columns with thresholds x n: how many thresholds lie below each value, and a number of its own for NaN."""
        codes = self.none(len(X))
        for out, values, column in zip(codes, self._values(X), self._columns, strict=True):
            out[:] = np.searchsorted(column.thresholds, values)  # NaN is sorted behind all numbers
            out[np.isnan(values)] = column.missing
        return codes

    def hold(self, X: Float64Array, codes: Codes) -> BoolArray:
        """Whether each of n rows lies on the sides that were found before, for less than it costs to find them. Minus infinity never does."""
        found = np.ones(len(X), np.bool_)
        for then, values, column in zip(codes, self._values(X), self._columns, strict=True):
            is_same = (values > column.above[then]) & (values <= column.upto[then])
            is_missing = np.isnan(values)
            if is_missing.any():
                is_same |= is_missing & (then == column.missing)
            found &= is_same
        return found

    def _values(self, X: Float64Array) -> Iterable[Float64Array]:
        yield from (X[:, place] for place in self._places)
        if self.derived is not None:
            derived = self.derived(X)
            yield from (values for values, mine in zip(derived, self.derived_thresholds, strict=True) if len(mine))

    @cached_property
    def _places(self) -> list[int]:
        return sorted(self.thresholds)

    @cached_property
    def _columns(self) -> list[_Column]:
        derived = [_Column.of(mine) for mine in self.derived_thresholds if len(mine)]
        return [_Column.of(self.thresholds[place]) for place in self._places] + derived

    @cached_property
    def _kind(self) -> np.dtype[Any]:
        return np.min_scalar_type(max((column.missing for column in self._columns), default=0))


@dataclass(frozen=True)
class _Column:
    """The m thresholds of a column. On side j, of m + 1, lie the values above `above[j]`, up to and including `upto[j]`."""

    thresholds: Float64Array
    above: Float64Array
    upto: Float64Array

    @classmethod
    def of(cls, thresholds: Float64Array) -> _Column:
        return cls(
            thresholds,
            np.concatenate([[-np.inf], thresholds, [np.nan]]),
            np.concatenate([thresholds, [np.inf, np.nan]]),
        )

    @property
    def missing(self) -> int:
        """The side of NaN: nothing lies there by its size."""
        return len(self.thresholds) + 1


def _lines(text: str, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", text, flags=re.MULTILINE)
