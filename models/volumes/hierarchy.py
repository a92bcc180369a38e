"""Parts that add up to the whole, exactly: trace minimisation with a diagonal matrix, then numbers on a grid.

Wickramasuriya, Athanasopoulos and Hyndman (2019), Optimal forecast reconciliation using trace minimization. With one whole
that each level divides anew and independent errors the minimum has a closed form, which is what is computed here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.scales import Float64Array
from models.volumes.intervals import PROPORTIONAL
from sla.instants import Int64Array

GRID = 1024.0  # a power of two: multiples of its inverse add up without rounding


def reconcile(said: Float64Array, variance: Float64Array, levels: Sequence[Int64Array]) -> Float64Array:
    """s x h, nowhere below 0, in which the parts of each level add up to row 0, exactly.

    `said` are the single forecasts, `variance` (s x h) how far each is usually off, squared, in any unit; a level whose
    parts would fall below 0 on a day is scaled there instead.
    """
    spread = np.maximum(variance, 1e-12)
    total, weight = said[0] / spread[0], 1.0 / spread[0]
    sums = [said[places].sum(axis=0) for places in levels]
    spreads = [spread[places].sum(axis=0) for places in levels]
    for found, wide in zip(sums, spreads, strict=True):
        total, weight = total + found / wide, weight + 1.0 / wide
    whole = on_grid(np.where(said[0] == 0.0, 0.0, np.maximum(total / weight, 0.0)))
    out = np.zeros_like(said)
    out[0] = whole
    for places, found, wide in zip(levels, sums, spreads, strict=True):
        parts = said[places] + spread[places] / wide * (whole - found)
        scaled = said[places] * (whole / np.maximum(found, 1e-12))
        even = np.where(found > 0.0, scaled, whole / len(places))
        out[places] = divided(np.where((parts < 0.0).any(axis=0), even, parts), whole)
    return out


def daily_variance(variance: Float64Array, said: Float64Array) -> Float64Array:
    """s x h: each series' usual squared error, on days with more expected more: as a count's with some noise of its own.

    A series is not taken to be off by more than twice what is expected of it and one: one that fell silent had large errors then.
    """
    size = said + 0.01 + (PROPORTIONAL * said) ** 2
    usual = np.minimum(variance, (1.0 + 2.0 * said.mean(axis=1)) ** 2)
    found: Float64Array = usual[:, None] * size / size.mean(axis=1, keepdims=True)
    return found


def on_grid(values: Float64Array) -> Float64Array:
    """The nearest multiples of 1/1024."""
    found: Float64Array = np.round(values * GRID) / GRID
    return found


def divided(parts: Float64Array, whole: Float64Array) -> Float64Array:
    """Parts (k x h, not below 0) on the grid that add up to `whole` (h, on the grid): what is left over goes to the largest.

    Where rounding up gave out too much, the largest has it to give: it is never less than what rounding added.
    """
    found = np.floor(parts * GRID) / GRID
    left = whole - found.sum(axis=0)
    largest = np.argmax(found, axis=0)
    found[largest, np.arange(len(whole))] += left
    return found
