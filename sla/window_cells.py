"""The look-up of a window table for single instants: plain ints in dictionaries, filled as they are asked for.

A numpy call on one instant costs several microseconds, a dictionary of tuples a tenth of one. A cell is what a bucket
of the table knows; see `sla.window_table` for why a bucket touches at most one window.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sla.window_table import WindowTable

MAX_CELLS = 1 << 18  # about 30 MiB; a calendar chopped into seconds would fill the memory otherwise
MAX_SHIFT = 36  # 19 hours: a bucket must fit between an instant and the end of the table


class TimeCells(dict[int, tuple[int, int, int, int]]):
    """For the bucket `at >> shift` of an instant: opening, closing and prefix of its window, and working time minus clock.

    A bucket that the table does not cover whole raises KeyError.
    """

    __slots__ = ("_table", "shift")

    def __init__(self, table: WindowTable) -> None:
        super().__init__()
        self._table = table
        self.shift: Final = min(table.narrowest_us(table.opens[1:] - table.closes[:-1]).bit_length() - 1, MAX_SHIFT)

    def __missing__(self, bucket: int) -> tuple[int, int, int, int]:
        table, begin = self._table, bucket << self.shift
        if not (table.low_us <= begin and begin + (1 << self.shift) <= table.high_us):
            raise KeyError(bucket)
        index = int(np.searchsorted(table.closes, begin, side="right"))
        if index < len(table.opens):
            level = -int(table.waits[index])
            cell = (int(table.opens[index]), int(table.closes[index]), int(table.before[index]), level)
        else:  # after the last window: never open
            cell = (table.high_us, table.high_us, table.total_us, 0)
        if len(self) >= MAX_CELLS:
            self.clear()
        self[bucket] = cell
        return cell


class WorkCells(dict[int, tuple[int, int, int]]):
    """For the bucket `worked >> shift` of working time: where the next window takes over, closed time before and after.

    Working time outside the table raises KeyError.
    """

    __slots__ = ("_table", "shift", "total_us")

    def __init__(self, table: WindowTable) -> None:
        super().__init__()
        self._table = table
        self.total_us: Final = table.total_us
        self.shift: Final = min(table.narrowest_us(table.lengths).bit_length() - 1, MAX_SHIFT)

    def __missing__(self, bucket: int) -> tuple[int, int, int]:
        table, begin = self._table, bucket << self.shift
        if not 0 <= begin < table.total_us:
            raise KeyError(bucket)
        index = int(np.searchsorted(table.before, begin, side="right")) - 1
        following = min(index + 1, len(table.waits) - 1)
        cell = (int(table.before[index + 1]), int(table.waits[index]), int(table.waits[following]))
        if len(self) >= MAX_CELLS:
            self.clear()
        self[bucket] = cell
        return cell
