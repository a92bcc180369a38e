"""The window table of a calendar, built when first needed and grown to whatever instants are asked about."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import numpy as np

from sla.instants import DAY_US, NEVER_US, SECOND_US, Int64Array, from_us, to_us
from sla.working_time.calendar_errors import NeverOpen, OutOfSpan
from sla.working_time.interval_sets import no_intervals
from sla.working_time.opening_windows import WindowSource
from sla.working_time.window_cells import WindowCells
from sla.working_time.window_table import WindowTable

FIRST_US: Final = to_us(datetime(1900, 1, 1, tzinfo=UTC))
LAST_US: Final = to_us(datetime(2200, 1, 1, tzinfo=UTC))
MARGIN_US: Final = 40 * DAY_US
PAD_US: Final = DAY_US  # a table reaches further than what is asked of it, by more than a bucket of its cells
HOUR_US: Final = 3600 * SECOND_US


class GrowingTable:
    """Tables that cover what is asked. A table is never changed, only replaced as a whole, so readers need no lock."""

    def __init__(self, source: WindowSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._use(WindowTable(no_intervals(), 0, -1))

    def covering(self, *instants: Int64Array) -> WindowTable:
        """Return a table that holds all instants of some arrays."""
        filled = [array for array in instants if array.size]
        if not filled:
            return self._table
        return self.spanning(min(int(a.min()) for a in filled), max(int(a.max()) for a in filled))

    def spanning(self, low_us: int, high_us: int) -> WindowTable:
        """Return a table that holds both instants, grown if need be."""
        table = self._table
        if table.low_us <= low_us - PAD_US and high_us + PAD_US <= table.high_us:
            return table
        for at_us in (low_us, high_us):
            if not FIRST_US <= at_us <= LAST_US:
                raise OutOfSpan(
                    f"calendar {self._source.name!r} was asked about the instant {_named(at_us)}, outside the years 1900 to "
                    "2199 that calendars cover: a placeholder for `no date`, or a wrong unit, is the usual cause"
                )
        with self._lock:
            table = self._table
            if not (table.low_us <= low_us - PAD_US and high_us + PAD_US <= table.high_us):
                if table.low_us <= table.high_us:
                    low_us, high_us = min(low_us, table.low_us), max(high_us, table.high_us)
                # A stream of later and later instants must not rebuild the table for each of them.
                margin = max(MARGIN_US, (high_us - low_us) // 8)
                low_us, high_us = max(low_us - margin, FIRST_US - PAD_US), min(high_us + margin, LAST_US + PAD_US)
                table = WindowTable(self._source.windows(low_us, high_us), low_us, high_us)
                self._use(table)
        return table

    def reaching(self, start_us: Int64Array, amount_us: Int64Array) -> tuple[WindowTable, Int64Array]:
        """Return a table in which every amount is used up, and the working time from its beginning to there."""
        # No more than the years hold, so that a placeholder cannot overflow into a small sum.
        amount_us = np.clip(amount_us, FIRST_US - LAST_US, LAST_US - FIRST_US)
        table = self.covering(start_us)
        while True:
            worked = table.worked_us(start_us)
            worked += amount_us
            lacks_after = worked.size > 0 and int(worked.max()) > table.total_us
            lacks_before = worked.size > 0 and int(worked.min()) < 0
            if not lacks_after and not lacks_before:
                return table, worked
            if (lacks_after and table.high_us >= LAST_US) or (lacks_before and table.low_us <= FIRST_US):
                index = int(worked.argmax() if lacks_after and table.high_us >= LAST_US else worked.argmin())
                raise NeverOpen(self._too_little(int(start_us[index]), int(amount_us[index])))
            table = self._longer(table, forward=lacks_after)

    def _too_little(self, start_us: int, amount_us: int) -> str:
        limit = LAST_US if amount_us > 0 else FIRST_US
        table = self.spanning(min(start_us, limit), max(start_us, limit))
        started, ended = table.worked_us(np.array([start_us, limit], np.int64))
        offered = abs(int(ended - started))
        return (
            f"calendar {self._source.name!r} offers {offered / HOUR_US:g} working hours "
            f"{'after' if amount_us > 0 else 'before'} {_named(start_us)}, but {abs(amount_us) / HOUR_US:g} are asked for: give it hours or a longer validity, "
            "or use another calendar"
        )

    def found(
        self, at_us: Int64Array, ask: Callable[[WindowTable, Int64Array], Int64Array], forward: bool
    ) -> Int64Array:
        """Return what a table answers, grown until nothing is missing or the years end."""
        table = self.covering(at_us)
        while True:
            answer = ask(table, at_us)
            missing = (answer == NEVER_US) if forward else (answer == -NEVER_US)
            if not missing.any() or (self._is_settled(table) if forward else table.low_us <= FIRST_US):
                return answer
            table = self._longer(table, forward)

    def _is_settled(self, table: WindowTable) -> bool:
        """Whether nothing opens or closes behind the end of a table, or no year is left in which it could."""
        last_us = self._source.unchanging_from_us()
        return table.high_us >= (LAST_US if last_us is None else min(last_us, LAST_US))

    def _longer(self, table: WindowTable, forward: bool) -> WindowTable:
        more = max(table.high_us - table.low_us, 366 * DAY_US)
        low, high = table.low_us + PAD_US, table.high_us - PAD_US
        return self.spanning(
            low if forward else max(low - more, FIRST_US), min(high + more, LAST_US) if forward else high
        )

    def learn_elapsed(self, start_us: int, end_us: int) -> None:
        """See to it that the cells of two instants are known."""
        self.spanning(min(start_us, end_us), max(start_us, end_us))
        for at_us in (start_us, end_us):
            self.cells.add_time(at_us)

    def learn_due(self, start_us: int, amount_us: int) -> None:
        """See to it that the cells of an instant and of the working time an amount later are known; not for amount 0."""
        amount_us = min(max(amount_us, -NEVER_US), NEVER_US)
        _, worked = self.reaching(np.array([start_us], np.int64), np.array([amount_us], np.int64))
        self.cells.add_time(start_us)
        self.cells.add_work(int(worked[0]) - (amount_us > 0))

    def _use(self, table: WindowTable) -> None:
        # The cells first: whoever sees the new table must find cells that reach as far.
        self.cells = WindowCells(table)
        self.quick = self.cells.quick
        self._table = table


def _named(at_us: int) -> str:
    try:
        return from_us(at_us).isoformat()
    except OverflowError:
        return f"{at_us} microseconds after 1970"
