"""Instants as the signs `20240304T080000000000`, as event ids hold them: many at once, without a text for each."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sla.instants import DAY_US, Int64Array

Bytes: TypeAlias = NDArray[np.uint8]

WIDTH = 21
FIRST_US, LAST_US = (int(np.datetime64(year, "us").astype(np.int64)) for year in ("1000", "9999"))
"""From the first on and before the last, years have four digits."""
_MOST_DAYS = 1_000_000  # between the first day and the last; with more, dates are written for the days that occur


def stamps(at_us: Int64Array) -> Bytes:
    """Date, time and microseconds of instants with a year of four digits, in UTC: n x WIDTH, ASCII."""
    days, in_day_us = np.divmod(at_us, DAY_US)
    out = np.empty((len(at_us), WIDTH), dtype=np.uint8)
    out[:, :8] = _dates(days)
    out[:, 8] = ord("T")
    seconds, fraction = np.divmod(in_day_us, 1_000_000)
    clock = seconds // 3600 * 10_000 + seconds // 60 % 60 * 100 + seconds % 60
    write_digits(out[:, 9:15], clock)
    write_digits(out[:, 15:], fraction)
    return out


def write_digits(place: Bytes, numbers: Int64Array) -> None:
    """Each number into a row of signs, with zeros before it, as many digits as there are columns."""
    rest = numbers.astype(np.int32)  # digits of six places at most; twice as quick as 64 bits
    if not rest.any():
        place[:] = ord("0")
        return
    for column in range(place.shape[1] - 1, -1, -1):
        rest, digit = np.divmod(rest, np.int32(10))
        place[:, column] = digit + ord("0")


def _dates(days: Int64Array) -> Bytes:
    if not len(days):
        return np.empty((0, 8), np.uint8)
    first, last = int(days.min()), int(days.max())
    if last - first < _MOST_DAYS:
        distinct, places = np.arange(first, last + 1), days - first
    else:
        distinct, places = np.unique(days, return_inverse=True)
    dates = np.datetime_as_string(distinct.view("datetime64[D]"), unit="D").astype("S10")
    signs = np.frombuffer(dates.tobytes(), dtype=np.uint8).reshape(-1, 10)[:, [0, 1, 2, 3, 5, 6, 8, 9]]
    return signs[places]
