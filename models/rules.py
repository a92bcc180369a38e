"""What a desk could compute without a model: smoothed breach rates in tables. Every figure of a model stands beside these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array

Int64Array = NDArray[np.int64]

SHARE_EDGES = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
"""Where a clock's used share changes cell: finer at the start, where most tickets are."""


@dataclass(frozen=True)
class RateTable:
    """Breach rates of (coarse, fine) cells, each shrunk towards its coarse cell, that towards the base rate."""

    base_rate: float
    coarse_keys: Int64Array
    coarse_rates: Float64Array
    cell_keys: Int64Array
    cell_rates: Float64Array

    def predict(self, coarse: Int64Array, fine: Int64Array) -> Float64Array:
        """The breach rate of each row's cell; an unseen cell has its coarse cell's rate, an unseen coarse cell the base rate."""
        rates = _looked_up(self.coarse_keys, self.coarse_rates, coarse, np.full(len(coarse), self.base_rate))
        return _looked_up(self.cell_keys, self.cell_rates, _pairs(coarse, fine), rates)


def fit_rate_table(
    coarse: Int64Array, fine: Int64Array, y: Float64Array, weight: Float64Array, strength: float = 20.0
) -> RateTable:
    """The table of weighted breach rates; `strength` is how many rows of the parent's rate are added to each cell."""
    base = float(np.average(y, weights=weight))
    unit = weight / weight.mean()  # strength counts rows, whatever the weights sum to
    keys, rates = _shrunk(coarse, y, unit, np.full(len(y), base), strength)
    parents = _looked_up(keys, rates, coarse, np.full(len(y), base))
    cells, cell_rates = _shrunk(_pairs(coarse, fine), y, unit, parents, strength)
    return RateTable(base, keys, rates, cells, cell_rates)


def share_cells(share_used: Float64Array) -> Int64Array:
    """The cell of each clock's used share; -1 where it is unknown."""
    cells = np.searchsorted(SHARE_EDGES, np.nan_to_num(share_used), side="right").astype(np.int64)
    return np.where(np.isnan(share_used), -1, cells)


def _shrunk(
    keys: Int64Array, y: Float64Array, weight: Float64Array, parent: Float64Array, strength: float
) -> tuple[Int64Array, Float64Array]:
    unique, position = np.unique(keys, return_inverse=True)
    position = position.reshape(-1)
    rows = np.bincount(position, weight, len(unique))
    breaches = np.bincount(position, weight * y, len(unique))
    parents = np.bincount(position, weight * parent, len(unique)) / np.maximum(rows, 1e-12)
    return unique, (breaches + strength * parents) / (rows + strength)


def _looked_up(known: Int64Array, rates: Float64Array, keys: Int64Array, otherwise: Float64Array) -> Float64Array:
    if len(known) == 0:
        return otherwise
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[place] == keys, rates[place], otherwise)


def _pairs(coarse: Int64Array, fine: Int64Array) -> Int64Array:
    return coarse.astype(np.int64) * (1 << 32) + fine.astype(np.int64)
