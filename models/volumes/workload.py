"""Hours of work ahead, and the backlog if as much gets done as lately."""

from __future__ import annotations

import numpy as np

from features.volumes.handling import Handling
from models.scales import Float64Array
from models.volumes.intervals import QUANTILES
from models.volumes.means import same_weekdays

Z = (-1.959964, -1.281552, 1.281552, 1.959964)  # of a normal distribution, at QUANTILES
PAST_WEEKS = 26
LEAST_ORIGINS = 8


def workload_hours(
    expected: Float64Array, bounds: Float64Array, handling: Handling
) -> tuple[Float64Array, Float64Array]:
    """Expected hours (h) and their bounds (4 x h), from expected tickets (h), their bounds (4 x h) and handling time.

    The distance of each bound grows by what handling adds, independent of how many come: the error of the mean, and that
    a day's few tickets are not average ones (variances add).
    """
    hours = expected * handling.minutes / 60.0
    of_mean = expected * handling.error / 60.0
    of_tickets = np.sqrt(expected) * handling.deviation / 60.0
    added = np.sqrt(of_mean**2 + of_tickets**2)
    away = (bounds - expected[None, :]) * handling.minutes / 60.0
    side = np.array(Z)[:, None]
    found = hours[None, :] + np.sign(side) * np.sqrt(away**2 + (side * added[None, :]) ** 2)
    return hours, np.maximum(np.where(expected[None, :] > 0, found, 0.0), 0.0)


def backlog_ahead(
    opened: Float64Array, resolved: Float64Array, open_now: float, expected: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """The expected backlog at the end of each day (h) and bounds (4 x h); `opened` and `resolved` are past days (n).

    What is open, plus what is expected to come, less the mean of the last four same weekdays of what was resolved; not below
    0. Bounds are quantiles of how far the same sum, with the mean of four for arrivals too, was off at up to 26 past weeks;
    NaN with fewer than eight.
    """
    horizon = len(expected)
    done = same_weekdays(resolved[None, :], horizon, 4)[0]
    backlog = np.maximum(open_now + np.cumsum(expected - done), 0.0)
    past = open_now - np.cumsum((opened - resolved)[::-1])[::-1]  # at the beginning of each day
    at_end = np.append(past[1:], open_now)
    errors = np.full((PAST_WEEKS, horizon), np.nan)
    for week in range(1, PAST_WEEKS + 1):
        origin = len(opened) - 7 * week
        if origin < 28:
            break
        flow = [same_weekdays(counts[None, :origin], horizon, 4)[0] for counts in (opened, resolved)]
        said = np.maximum(past[origin] + np.cumsum(flow[0] - flow[1]), 0.0)
        known = at_end[origin : origin + horizon]
        errors[week - 1, : len(known)] = known - said[: len(known)]
    return backlog, _bounds(backlog, errors)


def _bounds(backlog: Float64Array, errors: Float64Array) -> Float64Array:
    """Quantiles day by day where eight errors are known; beyond that the last such day's, growing with the root of time."""
    known = np.isfinite(errors).sum(axis=0) >= LEAST_ORIGINS
    out = np.full((len(QUANTILES), len(backlog)), np.nan)
    if not known.any():
        return out
    last = int(np.flatnonzero(known)[-1])
    for day in range(len(backlog)):
        at = min(day, last)
        found = np.nanquantile(errors[:, at], QUANTILES) * np.sqrt((day + 1) / (at + 1))
        out[:, day] = np.maximum(backlog[day] + found, 0.0)
    return out
