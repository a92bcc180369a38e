"""What the time trees of a hazard model read: an interval ahead, and how the clock stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.intervals import COUNT, LEAST_HOURS, ends_hours
from models.scales import Float64Array

REMAINING, TARGET, SHARE = "remaining_hours", "target_hours", "share_used"
NEEDED = (REMAINING, TARGET, SHARE)
"""Without these features there is no time axis, and no hazard model."""
TIME_FEATURES = (
    *NEEDED,
    "elapsed_hours",
    "is_clock_paused",
    "priority_place",
    "due_in_hours",
    "closed_hours_until_due",
    "hours_to_close",
    "hours_to_open",
    "is_new",
    "is_assigned",
    "is_waiting",
    "silence_hours",
    "hours_in_status",
)
"""Beside the interval itself, what may change the course of a clock over time and not only its pace."""
INTERVAL_COLUMNS = 4
INTERVALS = slice(1, INTERVAL_COLUMNS)
"""The columns that differ from interval to interval, but for its number."""


def time_rows(X: Float64Array, places: Sequence[int], last: int, first: int = 0) -> Float64Array:
    """The time trees' columns for the intervals from `first` up to, not including, `last` of every row, row after row."""
    out = np.empty((len(X), last - first, INTERVAL_COLUMNS + len(places)))
    out[:, :, 0] = np.arange(first, last)
    out[:, :, 1:INTERVAL_COLUMNS] = _of_intervals(X, places, last)[:, :, first:].transpose(1, 2, 0)
    out[:, :, INTERVAL_COLUMNS:] = _of_rows(X, places)[:, None, :]
    return out.reshape(len(X) * (last - first), -1)


def interval_columns(
    X: Float64Array, places: Sequence[int], row: NDArray[np.int64], interval: NDArray[np.int64]
) -> Float64Array:
    """The same columns for any pairs of a row and an interval.

    The interval's number, where it begins and how long it is in hours, the share of the target used at its beginning;
    then the time features, missing where the model has them not.
    """
    out = np.empty((len(row), INTERVAL_COLUMNS + len(places)))
    out[:, 0] = interval
    for column, values in enumerate(_of_intervals(X, places, COUNT), start=1):
        out[:, column] = values[row, interval]
    for column, values in enumerate(_of_rows(X, places).T, start=INTERVAL_COLUMNS):
        out[:, column] = values[row]
    return out


def interval_values(X: Float64Array, places: Sequence[int], count: int) -> Float64Array:
    """What the time trees read of the first intervals of n rows beside the rows' own columns: 3 x count columns, n each.

    In the order of the trees' columns from INTERVALS on, and of each the intervals.
    """
    return _of_intervals(X, places, count).transpose(0, 2, 1).reshape(-1, len(X))


def _of_intervals(X: Float64Array, places: Sequence[int], count: int) -> Float64Array:
    """3 x n x count: where each interval begins, how long it is, and the share of the target used at its beginning."""
    ends = ends_hours(X[:, places[0]], X[:, places[1]])[:, :count]
    out = np.zeros((3, *ends.shape))
    out[0, :, 1:] = ends[:, :-1]
    out[1] = ends - out[0]
    out[2] = X[:, [places[2]]] + out[0] / np.maximum(X[:, [places[1]]], LEAST_HOURS)
    return out


def _of_rows(X: Float64Array, places: Sequence[int]) -> Float64Array:
    """The time features of each row, NaN where the model has them not."""
    found = X[:, places]
    found[:, np.less(places, 0)] = np.nan
    return found
