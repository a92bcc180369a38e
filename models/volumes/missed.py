"""Breaches ahead if as large a share is missed as lately: of all tickets, shared out over the parts of each level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from models.scales import Float64Array
from models.volumes.hierarchy import divided, on_grid
from models.volumes.intervals import QUANTILES, calibrate
from models.volumes.means import same_weekdays
from sla.instants import Int64Array

PAST_WEEKS = 26
LEAST_ORIGINS = 8
STRETCHES = ((0, 7), (7, 28), (28, 371))  # days ahead whose errors are taken together
LEAN_TICKETS = 5.0  # a week's worth of "as much more as all tickets", for a part of which few come
LEAN_BREACHES = 40.0  # of the last four weeks, worth of a part's share of half a year
LEAN_WEEKDAY = 100.0  # of half a year, worth of "each weekday alike"

Level = tuple[str, Int64Array]


def breaches_ahead(
    breached: Float64Array, opened: Float64Array, expected: Float64Array, levels: Iterable[Level] = ()
) -> tuple[Float64Array, Float64Array]:
    """The expected breaches (s x h) and bounds (4 x s x h); `breached` and `opened` are past days (s x n), row 0 the whole.

    The whole: the mean of the last four same weekdays, times what is expected to come in that week over what came in a week of the last
    four. Each level's parts share that out, exactly, as breaches fell lately and as each expects more or less.
    Bounds are from how far the same, without what is expected, was off at up to 26 past weeks, by level and stretch of days ahead; NaN
    where fewer than eight weeks tell.
    """
    horizon, parts = expected.shape[1], list(levels)
    said = _shared(breached, _growth(opened, expected), parts)
    past = np.full((PAST_WEEKS, len(breached), horizon), np.nan)
    errors = past.copy()
    even = np.ones_like(expected)
    for week in range(1, PAST_WEEKS + 1):
        origin = breached.shape[1] - 7 * week
        if origin < 28:
            break
        past[week - 1] = _shared(breached[:, :origin], even, parts)
        known = breached[:, origin : origin + horizon]
        errors[week - 1, :, : known.shape[1]] = known - past[week - 1, :, : known.shape[1]]
    return said, _bounds(said, past, errors, [("all", np.zeros(1, np.int64)), *parts])


def _growth(opened: Float64Array, expected: Float64Array) -> Float64Array:
    """s x h: what is expected to come in each week over what came in one of the last four; a part of a week is as the one before."""
    horizon, lately = expected.shape[1], opened[:, -28:]
    usual = lately.sum(axis=1) * 7.0 / lately.shape[1]
    weeks = np.add.reduceat(expected, np.arange(0, horizon, 7), axis=1)
    of_all = weeks[0] / usual[0] if usual[0] > 0.0 else np.ones(weeks.shape[1])
    found = (weeks + LEAN_TICKETS * of_all[None, :]) / (usual + LEAN_TICKETS)[:, None]
    full = horizon // 7
    if horizon % 7:  # the days of a part of a week, beside those of the same weekdays
        found[:, full] = found[:, full - 1] if full else 1.0
    return np.repeat(found, 7, axis=1)[:, :horizon]


def _shared(breached: Float64Array, growth: Float64Array, levels: Sequence[Level]) -> Float64Array:
    """s x h: the whole by the mean of four same weekdays, times its growth; the parts of each level share it out."""
    horizon = growth.shape[1]
    out = np.zeros_like(growth)
    out[0] = on_grid(same_weekdays(breached[:1], horizon, 4)[0] * growth[0])
    for _, places in levels:
        weight = _shares(breached[places], horizon) * growth[places]
        out[places] = divided(weight / np.maximum(weight.sum(axis=0), 1e-9) * out[0], out[0])
    return out


def _shares(breached: Float64Array, horizon: int) -> Float64Array:
    """k x h: each part's share of a level's breaches of four weeks, drawn to that of half a year, and tilted by its weekdays."""
    half_year = breached[:, -7 * PAST_WEEKS :]
    usual = half_year.sum(axis=1) / max(float(half_year.sum()), 1e-9)
    lately = breached[:, -28:].sum(axis=1)
    share = (lately + LEAN_BREACHES * usual) / (lately.sum() + LEAN_BREACHES)
    out = np.zeros((len(breached), 7))
    days = half_year.shape[1]
    for ahead in range(7):
        on_weekday = half_year[:, (np.arange(days) - days - ahead) % 7 == 0].sum(axis=1)
        tilted = (on_weekday + LEAN_WEEKDAY * usual) / (on_weekday.sum() + LEAN_WEEKDAY)
        out[:, ahead] = share * tilted / np.maximum(usual, 1e-9)
    return out[:, np.arange(horizon) % 7]


def _bounds(said: Float64Array, past: Float64Array, errors: Float64Array, levels: Sequence[Level]) -> Float64Array:
    """4 x s x h, from errors and what had been said (o x s x h)."""
    horizon = said.shape[1]
    stretch = np.searchsorted([end for _, end in STRETCHES], np.arange(horizon), side="right")
    is_judged = np.zeros(horizon, np.bool_)
    for place in range(len(STRETCHES)):
        days = stretch == place
        origins = int(np.isfinite(errors[:, 0, days]).any(axis=1).sum())
        is_judged |= days & (origins >= LEAST_ORIGINS)
    errors = np.where(is_judged, errors, np.nan)
    intervals = calibrate(errors, past, dict(levels), stretch)
    out = np.full((len(QUANTILES), *said.shape), np.nan)
    for level, places in levels:
        for place in places:
            around = intervals.around(said[place], level, int(place), stretch)
            out[:, place] = np.where(is_judged, around, np.nan)
    return out
