"""Working time of one calendar: elapsed, due, open or closed, for arrays of instants and for single ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal

import numpy as np

from sla.instants import NEVER_US, SECOND_US, BoolArray, Int64Array, from_us, to_us
from sla.working_time.calendar_errors import NeverOpen
from sla.working_time.calendars import CalendarSpec
from sla.working_time.growing_table import GrowingTable
from sla.working_time.interval_sets import clip
from sla.working_time.opening_windows import WindowSource
from sla.working_time.window_table import WindowTable


def compile_calendar(
    spec: CalendarSpec,
    others: Mapping[str, CalendarSpec] | None = None,
    *,
    name: str = "calendar",
    folder: Path | None = None,
) -> BusinessTime:
    """Return the working time of a calendar.

    `others` are the calendars it may name under `minus`; `folder` is where paths of iCalendar files begin. A `minus` that
    is unknown or leads back to itself, or a file that cannot be read, raises CalendarError at once; the table of windows
    is built when first needed.
    """
    source = WindowSource(name, spec, others or {}, folder)
    source.check()
    return BusinessTime(source)


class BusinessTime:
    """Working time on real seconds over half-open windows `[open, close)`.

    Instants are int64 microseconds since 1970-01-01 UTC in arrays (`*_us`) and aware datetimes in the scalar methods, from
    1900 to 2199; others raise OutOfSpan. The table of windows grows to what is asked; threads may share an object.
    """

    def __init__(self, source: WindowSource) -> None:
        self.source: Final = source
        self._tables: Final = GrowingTable(source)

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
        table = self._tables.covering(start_us, end_us)
        ended, started = table.worked_us(end_us), table.worked_us(start_us)
        return np.subtract(ended, started, out=ended) if ended.shape == started.shape else ended - started

    def due_us(
        self,
        start_us: Int64Array,
        amount_us: Int64Array,
        border: Literal["closing", "opening"] | None = None,
    ) -> Int64Array:
        """Return the instants at which the amounts of working time, counted from the starts, are used up.

        An amount used up exactly at a closing time is due at that closing instant. A negative amount counts backwards and
        ends, by the same rule seen from the other side, at the opening. Zero is the start itself, open or closed.
        `border` asks for the other convention: of the closing and the next opening, between which no working time
        passes, always the one named. Raises NeverOpen where the calendar does not open long enough.
        """
        start_us, amount_us = np.broadcast_arrays(_int64(start_us), _int64(amount_us))
        shape, start_us, amount_us = start_us.shape, start_us.ravel(), amount_us.ravel()
        table, worked = self._tables.reaching(start_us, amount_us)
        due = table.instant_us(worked, amount_us > 0)
        still = amount_us == 0
        if still.any():
            due[still] = start_us[still]
        if border is not None:
            due = self._at_border(due, amount_us, border)
        return due.reshape(shape)

    def _at_border(self, due: Int64Array, amount_us: Int64Array, border: str) -> Int64Array:
        """Return due times with those at the wrong border of closed time moved to the other."""
        if border == "opening":
            opens = self.next_open_us(due)
            return np.where((amount_us > 0) & (opens != NEVER_US), opens, due)
        begins = (amount_us < 0) & ~self.is_open(due - 1)
        closed = self.last_open_us(due - 1)
        return np.where(begins & (closed != -NEVER_US), closed, due)

    def is_open(self, at_us: Int64Array, closing_included: bool = False) -> BoolArray:
        """Return whether the calendar is open at each instant; at a closing instant it is not, unless that is included."""
        at_us = _int64(at_us)
        opened = self._tables.covering(at_us).is_open(at_us)
        return opened | self._tables.covering(at_us - 1).is_open(at_us - 1) if closing_included else opened

    def next_open_us(self, at_us: Int64Array) -> Int64Array:
        """Return the first open instant at or after each instant; NEVER_US where there is none before 2200."""
        return self._tables.found(_int64(at_us), WindowTable.next_open_us, forward=True)

    def next_close_us(self, at_us: Int64Array) -> Int64Array:
        """Return the first closing instant after each instant; NEVER_US where there is none, as around the clock."""
        return self._tables.found(_int64(at_us), WindowTable.next_close_us, forward=True)

    def last_open_us(self, at_us: Int64Array) -> Int64Array:
        """Return each instant itself where open, else the closing before it; -NEVER_US where there is none after 1900."""
        return self._tables.found(_int64(at_us), WindowTable.last_open_us, forward=False)

    # ---- single instants

    def elapsed_between(self, start_us: int, end_us: int) -> int:
        """Return the working time between two instants, microseconds: `elapsed_us` for one pair, without arrays."""
        cells, shift, _, _, _ = self._tables.quick
        try:
            opens, closes, before, level = cells[end_us >> shift]
            ended = before if end_us <= opens else (end_us if end_us < closes else closes) + level
            opens, closes, before, level = cells[start_us >> shift]
            return ended - (before if start_us <= opens else (start_us if start_us < closes else closes) + level)
        except KeyError:
            self._tables.learn_elapsed(start_us, end_us)
            return self.elapsed_between(start_us, end_us)

    def due_after(self, start_us: int, amount_us: int) -> int:
        """Return the instant at which an amount of working time is used up: `due_us` for one pair, without arrays."""
        cells, shift, work_cells, work_shift, total_us = self._tables.quick
        try:
            opens, closes, before, level = cells[start_us >> shift]
            worked = (before if start_us <= opens else (start_us if start_us < closes else closes) + level) + amount_us
            if amount_us > 0:  # the window with the last microsecond of the amount
                until, wait, next_wait = work_cells[(worked - 1) >> work_shift]
                if worked <= total_us:
                    return worked + (wait if worked <= until else next_wait)
            elif amount_us < 0:  # the window after it
                until, wait, next_wait = work_cells[worked >> work_shift]
                return worked + (wait if worked < until else next_wait)
        except KeyError:
            pass  # not known yet, or outside the table
        if amount_us == 0:
            return start_us
        self._tables.learn_due(start_us, amount_us)
        return self.due_after(start_us, amount_us)

    def elapsed_seconds(self, start: datetime, end: datetime) -> float:
        """Return the working seconds from start to end (aware datetimes); negative when the end comes first."""
        return self.elapsed_between(to_us(start), to_us(end)) / SECOND_US

    def due(self, start: datetime, seconds: float, border: Literal["closing", "opening"] | None = None) -> datetime:
        """Return the instant (UTC) at which so many working seconds from the start are used up; see `due_us`."""
        amount_us = round(seconds * SECOND_US)
        if border is None:
            return from_us(self.due_after(to_us(start), amount_us))
        return from_us(int(self.due_us(_one(start), np.array([amount_us]), border)[0]))

    def is_open_at(self, at: datetime, closing_included: bool = False) -> bool:
        """Return whether the calendar is open at an instant; see `is_open`."""
        return bool(self.is_open(_one(at), closing_included)[0])

    def is_break_at(self, at: datetime) -> bool:
        """Return whether an instant lies in a break, be it in the hours or not."""
        return self.source.is_break(to_us(at))

    def is_holiday_at(self, at: datetime) -> bool:
        """Return whether an instant lies on a closed local date: holiday, closed range or outside the validity."""
        return self.source.closed_because(to_us(at)) is not None

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
        table = self._tables.spanning(start_us, max(start_us, end_us))
        opens, closes = clip((table.opens, table.closes), start_us, end_us)
        return [(int(opening), int(closing)) for opening, closing in zip(opens, closes, strict=True)]

    def closures(self, start_us: int, end_us: int) -> list[tuple[date, str]]:
        """Return the local dates between two instants that would be open but for a holiday or the like, with the reason."""
        return self.source.closures(start_us, end_us)


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
