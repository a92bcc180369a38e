"""The time ahead of a clock, cut into intervals: in the time it has left, and after its target.

Their borders are shares of what the clock has left, then multiples of its target, so that one model serves a promise of
a quarter of an hour and one of weeks, and a promise breaks exactly at a border.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array

Places = NDArray[np.int64]

IN_TIME = np.array([0.0, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0])
"""Where intervals end that lie within the time left, as shares of it; closer at first, when most clocks stop.

The first has no length: many clocks stop without running on, because they wait or their calendar is closed.
"""
LATE = np.array([0.1, 0.3, 0.6, 1.0, 1.7, 3.0, 6.0, 12.0])
"""Where later intervals end, as multiples of the target after it is used up."""
COUNT = len(IN_TIME) + len(LATE)
LEAST_HOURS = 1e-6

_SHARES = np.concatenate([IN_TIME, np.ones(len(LATE))])
_MULTIPLES = np.concatenate([np.zeros(len(IN_TIME)), LATE])


def ends_hours(remaining_hours: Float64Array, target_hours: Float64Array) -> Float64Array:
    """n x COUNT: where each interval ends, in hours ahead; rising along each row."""
    left = np.maximum(remaining_hours, LEAST_HOURS)[:, None]
    return np.asarray(left * _SHARES + np.maximum(target_hours, LEAST_HOURS)[:, None] * _MULTIPLES)


def intervals_lived(
    hours: Float64Array, has_stopped: NDArray[np.bool_], ends: Float64Array
) -> tuple[Places, NDArray[np.bool_]]:
    """How many intervals each of n clocks entered and is known to have left, and whether it stopped in the last of these.

    `hours` is how long it ran on; a clock that is not known to have stopped counts up to the last interval it outlived.
    One that stops at a border stopped before it: a promise that is kept at the last moment is kept.
    """
    place = (hours[:, None] > ends).sum(axis=1)
    stops = has_stopped & (place < COUNT)
    return np.where(stops, place + 1, place).astype(np.int64), stops


def quantiles_hours(survival_log: Float64Array, ends: Float64Array, levels: Sequence[float]) -> Float64Array:
    """The times, in hours ahead, by which a clock has stopped with the probabilities `levels`, n x levels.

    `survival_log` is n x COUNT: the logarithm of the probability that the clock outlives each interval. Within an
    interval, and after the last one at the rate of that, the hazard is constant (an exponential tail).
    """
    none, rows = np.zeros((len(ends), 1)), np.arange(len(ends))[:, None]
    wanted = np.log1p(np.negative(levels))
    place = np.minimum((survival_log[:, None, :] > wanted[:, None]).sum(axis=2), COUNT - 1)
    before = np.concatenate([none, survival_log], axis=1)[rows, place]
    start = np.concatenate([none, ends], axis=1)[rows, place]
    fall = np.minimum(survival_log[rows, place] - before, -1e-9)
    return np.asarray(start + (wanted - before) / fall * (ends[rows, place] - start), dtype=np.float64)


def stopped_by(hours: Float64Array, survival_log: Float64Array, ends: Float64Array) -> Float64Array:
    """The probability given to each clock that it would have stopped by then, n: the inverse of `quantiles_hours`."""
    place = np.minimum((hours[:, None] > ends).sum(axis=1), COUNT - 1)
    rows = np.arange(len(ends))
    before = np.concatenate([np.zeros((len(ends), 1)), survival_log], axis=1)[rows, place]
    start = np.concatenate([np.zeros((len(ends), 1)), ends], axis=1)[rows, place]
    width = ends[rows, place] - start
    part = np.divide(hours - start, width, out=np.ones(len(ends)), where=width > 0)
    return np.asarray(-np.expm1(before + part * np.minimum(survival_log[rows, place] - before, -1e-9)))
