"""Runs of rows inside tickets: what held last, since when, and where a run began, without a loop over tickets.

`row_start` is the first row of each row's ticket throughout; nothing reaches across tickets.
"""

from __future__ import annotations

import numpy as np

from sla.instants import BoolArray, Int64Array


def last_true(mask: BoolArray) -> Int64Array:
    """The last row at or before each row at which the mask holds, in whatever ticket; -1 where there is none."""
    rows = np.where(mask, np.arange(mask.size, dtype=np.int64), np.int64(-1))
    return np.maximum.accumulate(rows, out=rows)


def next_true(mask: BoolArray) -> Int64Array:
    """The first row at or after each row at which the mask holds, in whatever ticket; n where there is none."""
    rows = np.where(mask, np.arange(mask.size, dtype=np.int64), np.int64(mask.size))
    return np.minimum.accumulate(rows[::-1])[::-1]


def held_before(mask: BoolArray, row_start: Int64Array) -> BoolArray:
    """Whether the mask has held at or before each row of the same ticket."""
    return last_true(mask) >= row_start


def previous(mask: BoolArray, row_start: Int64Array) -> BoolArray:
    """The mask at the row before, False at the first row of each ticket."""
    shifted = np.zeros_like(mask)
    shifted[1:] = mask[:-1]
    shifted[row_start] = False
    return shifted


def run_start(mask: BoolArray, row_start: Int64Array) -> Int64Array:
    """The first row of the run of true rows that each true row belongs to; meaningless where the mask is false."""
    return last_true(mask & ~previous(mask, row_start))


def last_row(offsets: Int64Array, by_us: Int64Array, ticket: Int64Array, at_us: Int64Array) -> Int64Array:
    """The last row of each ticket whose instant is not after the one asked about, -1 where there is none.

    `by_us` must ascend within each ticket; the search halves all tickets' rows at once.
    """
    low, high = offsets[ticket].copy(), offsets[ticket + 1].copy()
    first = low.copy()
    for _ in range(int(np.max(high - low, initial=0)).bit_length()):
        middle = (low + high) >> 1
        inside = middle < high
        goes_up = inside & (by_us[np.minimum(middle, by_us.size - 1)] <= at_us)
        low = np.where(goes_up, middle + 1, low)
        high = np.where(inside & ~goes_up, middle, high)
    return np.where(low > first, low - 1, np.int64(-1))
