"""How a day's count falls over its half hours: shares by weekday, learned from recent days; sparse series lean on the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.volumes.counts import SLOTS
from features.volumes.openings import weekdays
from models.scales import Float64Array
from models.volumes.hierarchy import GRID

SAME_WEEKDAYS = 8
FADING = 0.85  # what a week weighs, relative to the week after it
EVIDENCE = 30.0  # tickets that a series' own pattern over all days, and the whole's, weigh against the weekday's


def day_shapes(half_hours: NDArray[np.uint16], first_day: int) -> Float64Array:
    """s x 7 x 48 shares, each adding up to 1, after the last of t days; `half_hours` is s x t x 48, the first series the whole."""
    s, t = half_hours.shape[:2]
    recent = half_hours[:, max(t - 7 * SAME_WEEKDAYS, 0) :].astype(np.float64)
    weekday = weekdays(first_day + t - recent.shape[1], recent.shape[1])
    age = np.arange(recent.shape[1])[::-1] // 7
    totals = recent.sum(axis=2, keepdims=True)
    faded = FADING ** age[None, :, None] * (totals > 0)
    shares = faded * recent / np.maximum(totals, 1.0)
    counts = recent * faded
    out = np.empty((s, 7, SLOTS))
    over_days = _shares(counts.sum(axis=1), np.full((s, SLOTS), 1.0 / SLOTS), 1.0)
    own = _shares(counts.sum(axis=1), over_days[:1], EVIDENCE)
    for one in range(7):
        days = weekday == one
        weight = faded[:, days].sum(axis=1)
        mean = shares[:, days].sum(axis=1) / np.maximum(weight, 1e-9)
        seen = counts[:, days].sum(axis=(1, 2))[:, None]
        whole = mean[:1] if seen[0, 0] > 0 else over_days[:1]
        lean = own if seen[0, 0] <= 0 else _shares(counts.sum(axis=1), whole, EVIDENCE)
        out[:, one] = (seen * mean + EVIDENCE * lean) / (seen + EVIDENCE)
    out /= out.sum(axis=2, keepdims=True)
    return out


def last_four_shapes(half_hours: NDArray[np.uint16], first_day: int) -> Float64Array:
    """s x 7 x 48 shares: of the sum over the last four same weekdays with a count, as the simple forecast has them."""
    s, t = half_hours.shape[:2]
    recent = half_hours[:, max(t - 84, 0) :].astype(np.float64)
    weekday = weekdays(first_day + t - recent.shape[1], recent.shape[1])
    out = np.empty((s, 7, SLOTS))
    for one in range(7):
        days = recent[:, weekday == one][:, ::-1]
        some = days.sum(axis=2) > 0
        latest = some & (np.cumsum(some, axis=1) <= 4)
        total = (days * latest[:, :, None]).sum(axis=1)
        out[:, one] = (total + 1e-9) / (total.sum(axis=1, keepdims=True) + SLOTS * 1e-9)
    return out


def half_hours_of(days: Float64Array, shapes: Float64Array, first_day: int) -> Float64Array:
    """h x 48 of one series: the days (h, on the grid) in half hours that add up to them exactly; `shapes` is 7 x 48."""
    share = shapes[weekdays(first_day, len(days))]
    found = np.floor(days[:, None] * share * GRID) / GRID
    found[np.arange(len(days)), share.argmax(axis=1)] += days - found.sum(axis=1)
    return found


def _shares(counts: Float64Array, prior: Float64Array, evidence: float) -> Float64Array:
    found: Float64Array = (counts + evidence * prior) / (counts.sum(axis=1, keepdims=True) + evidence)
    return found
