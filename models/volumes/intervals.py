"""Intervals from past errors (split conformal): how far what came lay from what had been said, by level and days ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.scales import Float64Array
from sla.instants import Int64Array

COVERAGES = (0.8, 0.95)
QUANTILES = (0.025, 0.1, 0.9, 0.975)
PROPORTIONAL = 0.08  # part of the spread that grows with the count itself; the rest is that of a Poisson count
BUCKETS = (0, 2, 7, 28)  # days ahead at which a new bucket begins
SHRINKAGE = 20.0  # errors' worth of "as far off as the others of the level"
LEAST_ERRORS = 10
DAYS, WEEKS, HALF_HOURS = "days", "weeks", "half hours"


def unit(said: Float64Array) -> Float64Array:
    """What errors are measured in: the spread of a count with some noise of its own, 1 at 0."""
    found: Float64Array = np.sqrt(np.maximum(said, 0.0) + 1.0 + (PROPORTIONAL * said) ** 2)
    return found


def bucket_of(horizon: int) -> Int64Array:
    """The bucket of each day ahead, the first being 0."""
    return np.searchsorted(np.array(BUCKETS), np.arange(horizon), side="right") - 1


@dataclass(frozen=True)
class Intervals:
    """Of one kind of period: each series' scale (s), and quantiles of scaled errors by level and bucket (4)."""

    scales: Float64Array
    quantiles: Mapping[str, Mapping[int, tuple[float, float, float, float]]]

    def around(self, said: Float64Array, level: str, place: int, bucket: Int64Array) -> Float64Array:
        """4 x h bounds (at QUANTILES) of what was said (h), not below 0; NaN where the level was never judged."""
        table = self.quantiles.get(level) or {}
        rows = [_of_bucket(table, int(one)) for one in bucket]
        found = np.array(rows).T * (self.scales[place] * unit(said))[None, :]
        return np.asarray(np.maximum(said[None, :] + found, 0.0), dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        tables = {level: {str(key): list(row) for key, row in table.items()} for level, table in self.quantiles.items()}
        return {"scales": self.scales.tolist(), "quantiles": tables}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Intervals:
        """What `to_json` wrote."""
        tables = {
            level: {int(key): tuple(row) for key, row in table.items()} for level, table in data["quantiles"].items()
        }
        return cls(np.array(data["scales"], np.float64), tables)


def calibrate(
    errors: Float64Array,
    said: Float64Array,
    levels: Mapping[str, Int64Array],
    buckets: Int64Array,
    weight: Float64Array | None = None,
) -> Intervals:
    """Intervals from errors and what had been said, both o x s x h; `buckets` (h). Missing errors are left out.

    Errors are divided by `unit`, then by the series' own mean of that, shrunk towards its level's. Quantiles have the
    correction for finite samples: one error more counts as farther out than all. `weight` (o) says how much an origin counts.
    """
    score = errors / unit(said)
    even = np.ones(len(errors)) if weight is None else weight
    size = np.where(np.isfinite(score), np.abs(score), 0.0)
    known = np.einsum("o,osh->s", even, np.isfinite(score) * 1.0)
    total = np.einsum("o,osh->s", even, size)
    scales = np.ones(errors.shape[1])
    tables: dict[str, dict[int, tuple[float, float, float, float]]] = {}
    for level, places in levels.items():
        usual = total[places].sum() / max(known[places].sum(), 1e-9)
        scales[places] = (total[places] + SHRINKAGE * usual) / np.maximum(known[places] + SHRINKAGE, 1.0)
        scales[places] = np.maximum(scales[places], 1e-6)
        tables[level] = _tables(score[:, places] / scales[None, places, None], even, buckets)
    return Intervals(scales, {level: table for level, table in tables.items() if table})


def _tables(
    scaled: Float64Array, weight: Float64Array, buckets: Int64Array
) -> dict[int, tuple[float, float, float, float]]:
    found = {}
    for bucket in np.unique(buckets):
        part = scaled[:, :, buckets == bucket]
        known = np.isfinite(part)
        if known.sum() >= LEAST_ERRORS:
            weights = np.broadcast_to(weight[:, None, None], part.shape)[known]
            low, lower, upper, high = _quantiles(part[known], weights)
            found[int(bucket)] = (low, lower, upper, high)
    return found


def _quantiles(errors: Float64Array, weight: Float64Array) -> list[float]:
    """The conformal quantiles at QUANTILES: with equal weights of n errors the ceil((n + 1) q)-th, from either side."""
    order = np.argsort(errors, kind="stable")
    ordered, share = errors[order], np.cumsum(weight[order]) / (weight.sum() + weight.mean())
    last = len(errors) - 1
    above = [min(int(np.searchsorted(share, q - 1e-12)), last) for q in QUANTILES if q > 0.5]
    mirrored = np.cumsum(weight[order][::-1]) / (weight.sum() + weight.mean())
    below = [last - min(int(np.searchsorted(mirrored, 1.0 - q - 1e-12)), last) for q in QUANTILES if q < 0.5]
    return [float(ordered[place]) for place in (*below, *above)]


def _of_bucket(
    table: Mapping[int, tuple[float, float, float, float]], bucket: int
) -> tuple[float, float, float, float]:
    """The bucket's quantiles, or those of the nearest that was judged (the later of two)."""
    if not table:
        return (float("nan"),) * 4
    return table[min(table, key=lambda one: (abs(one - bucket), -one))]
