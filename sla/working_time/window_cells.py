"""The look-up of a window table for single instants: plain ints in dictionaries, filled as they are asked for.

A numpy call on one instant costs several microseconds, a dictionary of tuples a tenth of one. A cell is what a bucket
of the table knows; see `sla.working_time.window_table` for why a bucket touches at most one window.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from sla.working_time.window_table import WindowTable

TimeCell: TypeAlias = tuple[int, int, int, int]
WorkCell: TypeAlias = tuple[int, int, int]

MAX_CELLS = 1 << 18  # about 60 MiB; a calendar chopped into seconds would fill the memory otherwise
MAX_SHIFT = 36  # 19 hours: a bucket must fit between an instant and the end of the table


class WindowCells:
    """The cells of one table: `time_cells` by `at >> time_shift`, `work_cells` by `worked >> work_shift`.

    A time cell holds opening, closing and prefix of its window, and working time minus clock while open. A work cell holds
    the working time at which the next window takes over, and the closed time before and after that. Both dictionaries are
    plain ones, which Python reads fastest: whoever misses a cell has it added and asks again.
    """

    def __init__(self, table: WindowTable) -> None:
        self._table: Final = table
        gaps = table.opens[1:] - table.closes[:-1]
        self.time_shift: Final = min(table.narrowest_us(gaps).bit_length() - 1, MAX_SHIFT)
        self.work_shift: Final = min(table.narrowest_us(table.lengths).bit_length() - 1, MAX_SHIFT)
        self.time_cells: Final[dict[int, TimeCell]] = {}
        self.work_cells: Final[dict[int, WorkCell]] = {}
        self._of_window: Final[
            dict[int, TimeCell]
        ] = {}  # buckets of one window share its cell, and the processor's cache
        # All that a look-up needs in one tuple: one attribute to read instead of five.
        self.quick: Final = (self.time_cells, self.time_shift, self.work_cells, self.work_shift, table.total_us)

    def add_time(self, at_us: int) -> None:
        """Add the cell of an instant, whose whole bucket must lie in the table."""
        table, bucket = self._table, at_us >> self.time_shift
        index = int(np.searchsorted(table.closes, bucket << self.time_shift, side="right"))
        if index < len(table.opens):
            level = -int(table.waits[index])
            cell = (int(table.opens[index]), int(table.closes[index]), int(table.before[index]), level)
        else:  # after the last window: never open
            cell = (table.high_us, table.high_us, table.total_us, 0)
        if len(self.time_cells) >= MAX_CELLS:
            self.time_cells.clear()
        self.time_cells[bucket] = self._of_window.setdefault(index, cell)

    def add_work(self, worked_us: int) -> None:
        """Add the cell of an amount of working time, which must lie in `[0, total)` of the table."""
        table, bucket = self._table, worked_us >> self.work_shift
        index = int(np.searchsorted(table.before, bucket << self.work_shift, side="right")) - 1
        following = min(index + 1, len(table.waits) - 1)
        if len(self.work_cells) >= MAX_CELLS:
            self.work_cells.clear()
        self.work_cells[bucket] = (
            int(table.before[index + 1]),
            int(table.waits[index]),
            int(table.waits[following]),
        )
