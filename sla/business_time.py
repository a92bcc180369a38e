"""Working time of one calendar: elapsed, due, open or closed, for arrays of instants and for single ones."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import numpy as np

from sla.calendar_errors import NeverOpen, OutOfSpan
from sla.calendars import CalendarSpec
from sla.instants import DAY_US, NEVER_US, SECOND_US, BoolArray, Int64Array, from_us, to_us
from sla.interval_sets import clip
from sla.opening_windows import WindowSource
from sla.window_table import WindowTable

FIRST_US: Final = to_us(datetime(1900, 1, 1, tzinfo=UTC))
LAST_US: Final = to_us(datetime(2200, 1, 1, tzinfo=UTC))
MARGIN_US: Final = 40 * DAY_US
HOUR_US: Final = 3600 * SECOND_US


def compile_calendar(
    spec: CalendarSpec,
    others: Mapping[str, CalendarSpec] | None = None,
    *,
    name: str = "calendar",
    folder: Path | None = None,
) -> BusinessTime:
    """Return the working time of a calendar.

    `others` are the calendars it may name under `minus`; `folder` is where paths of iCalendar files begin. A `minus` that
    is unknown or leads back to itself raises CalendarError at once; the table of windows is built when first needed.
    """
    source = WindowSource(name, spec, others or {}, folder)
    _check_minus(source)
    return BusinessTime(source)


def _check_minus(source: WindowSource) -> None:
    for name in source.spec.minus:
        _check_minus(source.other(name))


class BusinessTime:
    """Working time on real seconds over half-open windows `[open, close)`.

    Instants are int64 microseconds since 1970-01-01 UTC in arrays (`*_us`) and aware datetimes in the scalar methods, from
    1900 to 2199; others raise OutOfSpan. The table of windows grows to what is asked; threads may share an object.
    """

    def __init__(self, source: WindowSource) -> None:
        self.source: Final = source
        self._lock = threading.Lock()
        # Tables are never changed, only replaced as a whole, so a reader needs no lock.
        self._table = WindowTable((np.empty(0, np.int64), np.empty(0, np.int64)), 0, -1)

    def __getstate__(self) -> WindowSource:
        return self.source  # locks do not travel to other processes; the table is quickly built again

    def __setstate__(self, source: WindowSource) -> None:
        self.__init__(source)  # type: ignore[misc]

    @property
    def name(self) -> str:
        """The name of the calendar."""
        return self.source.name

    @property
    def spec(self) -> CalendarSpec:
        """The calendar as written."""
        return self.source.spec

    @property
    def zone(self) -> str:
        """The IANA name of the calendar's time zone."""
        return self.source.spec.time_zone

    # ---- arrays of instants

    def elapsed_us(self, start_us: Int64Array, end_us: Int64Array) -> Int64Array:
        """Return the working time from each start to each end, microseconds; negative where the end comes first."""
        start_us, end_us = _int64(start_us), _int64(end_us)
        table = self._covering(start_us, end_us)
        ended, started = table.worked_us(end_us), table.worked_us(start_us)
        return np.subtract(ended, started, out=ended) if ended.shape == started.shape else ended - started

    def due_us(self, start_us: Int64Array, amount_us: Int64Array) -> Int64Array:
        """Return the instants at which the amounts of working time, counted from the starts, are used up.

        An amount used up exactly at a closing time is due at that closing instant. A negative amount counts backwards and
        ends, by the same rule seen from the other side, at the opening. Zero is the start itself, open or closed.
        Raises NeverOpen where the calendar does not open long enough.
        """
        start_us, amount_us = np.broadcast_arrays(_int64(start_us), _int64(amount_us))
        shape, start_us, amount_us = start_us.shape, start_us.ravel(), amount_us.ravel()
        table, worked = self._reaching(start_us, amount_us)
        due = table.instant_us(worked, amount_us > 0)
        still = amount_us == 0
        if still.any():
            due[still] = start_us[still]
        return due.reshape(shape)

    def is_open(self, at_us: Int64Array) -> BoolArray:
        """Return whether the calendar is open at each instant; at a closing instant it is not."""
        at_us = _int64(at_us)
        return self._covering(at_us).is_open(at_us)

    def next_open_us(self, at_us: Int64Array) -> Int64Array:
        """Return the first open instant at or after each instant; NEVER_US where there is none before 2200."""
        return self._found(_int64(at_us), WindowTable.next_open_us, forward=True)

    def next_close_us(self, at_us: Int64Array) -> Int64Array:
        """Return the first closing instant after each instant; NEVER_US where there is none, as around the clock."""
        return self._found(_int64(at_us), WindowTable.next_close_us, forward=True)

    def last_open_us(self, at_us: Int64Array) -> Int64Array:
        """Return each instant itself where open, else the closing before it; -NEVER_US where there is none after 1900."""
        return self._found(_int64(at_us), WindowTable.last_open_us, forward=False)

    # ---- single instants

    def elapsed_between(self, start_us: int, end_us: int) -> int:
        """Return the working time between two instants, microseconds: `elapsed_us` for one pair, without arrays."""
        table = self._table
        low, high = table.low_us, table.high_us
        if not (low <= start_us <= high and low <= end_us <= high):
            table = self._spanning(min(start_us, end_us), max(start_us, end_us))
        edges, levels = table.edges, table.levels
        ended, started = bisect_right(edges, end_us), bisect_right(edges, start_us)
        # An odd number of edges lies before an open instant: there working time runs with the clock.
        return (levels[ended] + end_us if ended & 1 else levels[ended]) - (
            levels[started] + start_us if started & 1 else levels[started]
        )

    def due_after(self, start_us: int, amount_us: int) -> int:
        """Return the instant at which an amount of working time is used up: `due_us` for one pair, without arrays."""
        if amount_us == 0:
            return start_us
        table = self._table
        if not table.low_us <= start_us <= table.high_us:
            table = self._spanning(start_us, start_us)
        before = bisect_right(table.edges, start_us)
        worked = table.levels[before] + amount_us + (start_us if before & 1 else 0)
        if not 0 <= worked <= table.total_us:
            table, reached = self._reaching(np.array([start_us], np.int64), np.array([amount_us], np.int64))
            worked = int(reached[0])
        return table.instant_of(worked, amount_us > 0)

    def elapsed_seconds(self, start: datetime, end: datetime) -> float:
        """Return the working seconds from start to end (aware datetimes); negative when the end comes first."""
        return self.elapsed_between(to_us(start), to_us(end)) / SECOND_US

    def due(self, start: datetime, seconds: float) -> datetime:
        """Return the instant (UTC) at which so many working seconds from the start are used up; see `due_us`."""
        return from_us(self.due_after(to_us(start), round(seconds * SECOND_US)))

    def is_open_at(self, at: datetime) -> bool:
        """Return whether the calendar is open at an instant."""
        return bool(self.is_open(_one(at))[0])

    def next_open(self, at: datetime) -> datetime:
        """Return the first open instant at or after `at`, in UTC; NeverOpen when there is none."""
        opens = int(self.next_open_us(_one(at))[0])
        if opens == NEVER_US:
            raise NeverOpen(f"calendar {self.name!r} never opens after {at.isoformat()}: give it hours, or use another")
        return from_us(opens)

    def next_close(self, at: datetime) -> datetime | None:
        """Return the first closing instant after `at`, in UTC; None when it never closes."""
        closes = int(self.next_close_us(_one(at))[0])
        return None if closes == NEVER_US else from_us(closes)

    def last_open(self, at: datetime) -> datetime:
        """Return `at` when open, else the closing before it, in UTC; NeverOpen when there is none."""
        closed = int(self.last_open_us(_one(at))[0])
        if closed == -NEVER_US:
            raise NeverOpen(
                f"calendar {self.name!r} was never open before {at.isoformat()}: give it hours, or use another"
            )
        return from_us(closed)

    def open_windows(self, start_us: int, end_us: int) -> list[tuple[int, int]]:
        """Return the windows between two instants as (open, close) in microseconds, cut off at both ends."""
        table = self._spanning(start_us, max(start_us, end_us))
        opens, closes = clip((table.opens, table.closes), start_us, end_us)
        return [(int(opening), int(closing)) for opening, closing in zip(opens, closes, strict=True)]

    def closures(self, start_us: int, end_us: int) -> list[tuple[date, str]]:
        """Return the local dates between two instants that would be open but for a holiday or the like, with the reason."""
        return self.source.closures(start_us, end_us)

    # ---- the table and its growth

    def _covering(self, *instants: Int64Array) -> WindowTable:
        filled = [array for array in instants if array.size]
        if not filled:
            return self._table
        return self._spanning(min(int(a.min()) for a in filled), max(int(a.max()) for a in filled))

    def _spanning(self, low_us: int, high_us: int) -> WindowTable:
        """Return a table that holds both instants, grown if need be."""
        table = self._table
        if table.low_us <= low_us and high_us <= table.high_us:
            return table
        for at_us in (low_us, high_us):
            if not FIRST_US <= at_us <= LAST_US:
                raise OutOfSpan(
                    f"calendar {self.name!r} was asked about the instant {_named(at_us)}, outside the years 1900 to 2199 "
                    "that calendars cover: a placeholder for `no date`, or a wrong unit, is the usual cause"
                )
        with self._lock:
            table = self._table
            if not (table.low_us <= low_us and high_us <= table.high_us):
                if table.low_us <= table.high_us:
                    low_us, high_us = min(low_us, table.low_us), max(high_us, table.high_us)
                # A stream of later and later instants must not rebuild the table for each of them.
                margin = max(MARGIN_US, (high_us - low_us) // 8)
                low_us, high_us = max(low_us - margin, FIRST_US), min(high_us + margin, LAST_US)
                self._table = table = WindowTable(self.source.windows(low_us, high_us), low_us, high_us)
        return table

    def _reaching(self, start_us: Int64Array, amount_us: Int64Array) -> tuple[WindowTable, Int64Array]:
        """Return a table in which every amount is used up, and the working time from its beginning to there."""
        table = self._covering(start_us)
        while True:
            worked = table.worked_us(start_us)
            worked += amount_us
            lacks_after = worked.size > 0 and int(worked.max()) > table.total_us
            lacks_before = worked.size > 0 and int(worked.min()) < 0
            if not lacks_after and not lacks_before:
                return table, worked
            if (lacks_after and table.high_us == LAST_US) or (lacks_before and table.low_us == FIRST_US):
                index = int(worked.argmax() if lacks_after and table.high_us == LAST_US else worked.argmin())
                raise NeverOpen(self._too_little(int(start_us[index]), int(amount_us[index])))
            more = max(table.high_us - table.low_us, 366 * DAY_US)
            low = max(table.low_us - more, FIRST_US) if lacks_before else table.low_us
            high = min(table.high_us + more, LAST_US) if lacks_after else table.high_us
            table = self._spanning(low, high)

    def _too_little(self, start_us: int, amount_us: int) -> str:
        limit = LAST_US if amount_us > 0 else FIRST_US
        offered = abs(self.elapsed_between(start_us, limit))
        return (
            f"calendar {self.name!r} offers {offered / HOUR_US:g} working hours {'after' if amount_us > 0 else 'before'} "
            f"{_named(start_us)}, but {abs(amount_us) / HOUR_US:g} are asked for: give it hours or a longer validity, "
            "or use another calendar"
        )

    def _found(
        self, at_us: Int64Array, ask: Callable[[WindowTable, Int64Array], Int64Array], forward: bool
    ) -> Int64Array:
        """Return what a table answers, grown until nothing is missing or the years end."""
        table = self._covering(at_us)
        while True:
            answer = ask(table, at_us)
            missing = (answer == NEVER_US) if forward else (answer == -NEVER_US)
            # The end of the table is no closing: it looks like one where a window was cut off there.
            if not missing.any() or (table.high_us == LAST_US if forward else table.low_us == FIRST_US):
                return answer
            more = max(table.high_us - table.low_us, 366 * DAY_US)
            low = table.low_us if forward else max(table.low_us - more, FIRST_US)
            table = self._spanning(low, min(table.high_us + more, LAST_US) if forward else table.high_us)


def _int64(values: Int64Array) -> Int64Array:
    array = np.asarray(values)
    if array.dtype != np.int64:
        if array.dtype.kind not in "iu" and array.size:
            raise TypeError(
                f"instants are int64 microseconds since 1970-01-01 UTC, not {array.dtype}: convert them first"
            )
        array = array.astype(np.int64)
    return array


def _one(at: datetime) -> Int64Array:
    return np.array([to_us(at)], np.int64)


def _named(at_us: int) -> str:
    try:
        return from_us(at_us).isoformat()
    except OverflowError:
        return f"{at_us} microseconds after 1970"
