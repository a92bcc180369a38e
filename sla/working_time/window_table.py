"""Working time as prefix sums over opening windows, looked up in constant time.

`before[i]` is the working time up to the opening of window i. Working time up to an instant is then
`before[i] + clip(at - open[i], 0, length[i])` for the right i, and elapsed time is a difference of two such values: exact,
whatever lies between, and the cost does not grow with the length of the interval.

The right i is found without a search: time is cut into buckets no longer than the shortest break between two windows,
so a bucket touches at most one window and knows its opening, length and prefix. Its width is a power of two, so that
the bucket of an instant is one shift. The way back (instant at which so much working time has passed) is the same with
the roles changed: buckets of working time no longer than the shortest window. Where a calendar is so finely chopped that
buckets would need too much memory, a binary search takes over.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from sla.instants import NEVER_US, BoolArray, Int64Array
from sla.working_time.interval_sets import Intervals

MAX_BUCKETS = 1 << 20  # three int64 each: 24 MiB at most
CHUNK = 32_768  # instants handled at once, so that intermediate arrays stay in the processor's cache


class WindowTable:
    """The opening windows within the span `[low_us, high_us]`, ready for queries on instants in that span."""

    def __init__(self, windows: Intervals, low_us: int, high_us: int) -> None:
        self.opens, self.closes = windows
        self.low_us, self.high_us = low_us, high_us
        self.lengths = self.closes - self.opens
        self.before = np.concatenate(([0], np.cumsum(self.lengths)))  # one more than windows
        self.total_us = int(self.before[-1])
        self.waits = self.opens - self.before[:-1]  # closed time before each window
        # The working time at which the next window takes over; after the last one there is none.
        self._until = np.append(self.before[1:-1], NEVER_US)

    # ---- vectorised

    def worked_us(self, at_us: Int64Array) -> Int64Array:
        """Return the working time from the start of the span up to each instant; instants must lie in the span."""
        if len(self.opens) == 0:
            return np.zeros(at_us.shape, np.int64)
        at_us, shape = at_us.ravel(), at_us.shape
        out = np.empty(len(at_us), np.int64)
        scratch = np.empty((3, min(CHUNK, len(at_us))), np.int64)
        for begin in range(0, len(at_us), CHUNK):
            at = at_us[begin : begin + CHUNK]
            self._worked_chunk(at, out[begin : begin + CHUNK], *scratch[:, : len(at)])
        return out.reshape(shape)

    def _worked_chunk(
        self, at: Int64Array, out: Int64Array, index: Int64Array, part: Int64Array, gathered: Int64Array
    ) -> None:
        opens, lengths, before, shift = self._time_buckets
        if shift < 0:
            np.subtract(np.searchsorted(self.opens, at, side="right"), 1, out=index)
            np.maximum(index, 0, out=index)
        else:
            np.subtract(at, self.low_us, out=part)
            np.right_shift(part, shift, out=index)
        # mode="clip" spares numpy a buffered second pass for bounds checks; indices are in range by construction.
        np.take(opens, index, out=gathered, mode="clip")
        np.subtract(at, gathered, out=part)
        np.take(lengths, index, out=gathered, mode="clip")
        np.minimum(part, gathered, out=part)
        np.maximum(part, 0, out=part)
        np.take(before, index, out=gathered, mode="clip")
        np.add(part, gathered, out=out)

    def instant_us(self, worked_us: Int64Array, forward: BoolArray) -> Int64Array:
        """Return the instants at which the given working time since the start of the span has passed.

        `worked_us` must lie in [0, total]. Where it falls on the border of two windows there are many such instants:
        `forward` gives the earliest (the closing), otherwise the latest (the opening).
        """
        out = np.empty(len(worked_us), np.int64)
        if len(self.opens) == 0:
            out.fill(self.low_us)
            return out
        for begin in range(0, len(worked_us), CHUNK):
            worked = worked_us[begin : begin + CHUNK]
            out[begin : begin + CHUNK] = self._instant_chunk(worked, forward[begin : begin + CHUNK])
        return out

    def _instant_chunk(self, worked: Int64Array, forward: BoolArray) -> Int64Array:
        first, shift = self._work_buckets
        # Going forward, the window with the last microsecond of the amount counts; going backward, the one after it.
        place = np.maximum(worked - forward, 0)
        if shift < 0:
            index = np.minimum(np.searchsorted(self.before, place, side="right") - 1, len(self.opens) - 1)
        else:
            index = np.take(first, place >> shift, mode="clip")
            index += place >= np.take(self._until, index, mode="clip")
        return worked + np.take(self.waits, index, mode="clip")

    def is_open(self, at_us: Int64Array) -> BoolArray:
        """Return whether each instant lies in a window."""
        index = self._window_index(at_us)
        return (index >= 0) & (at_us < self._padded(self.closes, self.low_us)[index])

    def next_open_us(self, at_us: Int64Array) -> Int64Array:
        """Return the instants themselves where open, else the next opening in the span; NEVER_US where there is none."""
        index = self._window_index(at_us) + 1
        return np.where(self.is_open(at_us), at_us, self._padded(self.opens, NEVER_US)[index])

    def next_close_us(self, at_us: Int64Array) -> Int64Array:
        """Return the next closing in the span; NEVER_US where there is none, or where the span cuts the window off."""
        index = np.searchsorted(self.closes, at_us, side="right")
        closes = self._padded(self.closes, NEVER_US)[index]
        return np.where(closes == self.high_us, NEVER_US, closes)

    def last_open_us(self, at_us: Int64Array) -> Int64Array:
        """Return the instants themselves where open, else the last closing in the span; -NEVER_US where there is none."""
        index = np.searchsorted(self.closes, at_us, side="right") - 1
        return np.where(self.is_open(at_us), at_us, self._padded(self.closes, -NEVER_US)[index])

    def _window_index(self, at_us: Int64Array) -> Int64Array:
        """Return for each instant the last window that opens at or before it, -1 for none."""
        return np.searchsorted(self.opens, at_us, side="right").astype(np.int64) - 1

    @staticmethod
    def _padded(values: Int64Array, beyond: int) -> Int64Array:
        return np.append(values, beyond)  # found by the index one past the last and by -1

    def narrowest_us(self, widths: Int64Array) -> int:
        """Return the smallest of some widths between windows, or the whole span when there are none."""
        return int(widths.min()) if len(widths) else max(self.high_us - self.low_us, 1)

    # ---- buckets

    @cached_property
    def _time_buckets(self) -> tuple[Int64Array, Int64Array, Int64Array, int]:
        gaps = self.opens[1:] - self.closes[:-1]
        shift = _shift(self.narrowest_us(gaps), self.high_us - self.low_us)
        if shift < 0:
            return self.opens, self.lengths, self.before[:-1], shift
        count = ((self.high_us - self.low_us) >> shift) + 1
        starts = self.low_us + (np.arange(count, dtype=np.int64) << shift)
        index = np.minimum(np.searchsorted(self.closes, starts, side="right"), len(self.opens) - 1)
        return self.opens[index], self.lengths[index], self.before[:-1][index], shift

    @cached_property
    def _work_buckets(self) -> tuple[Int64Array, int]:
        shift = _shift(int(self.lengths.min()), self.total_us)
        if shift < 0:
            return np.empty(0, np.int64), shift
        starts = np.arange((self.total_us >> shift) + 1, dtype=np.int64) << shift
        index = np.searchsorted(self.before, starts, side="right").astype(np.int64) - 1
        return np.minimum(index, len(self.opens) - 1), shift


def _shift(width: int, span: int) -> int:
    """Return the power of two of the widest bucket that is at most `width`, or -1 when too many would be needed."""
    shift = max(width.bit_length() - 1, 0)
    return shift if (span >> shift) < MAX_BUCKETS else -1
