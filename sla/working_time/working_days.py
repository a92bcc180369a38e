"""Working days of a calendar: counted by named rules, because "two days" means something else in every system.

A working day is a local date that has opening hours of its own, after closed days, breaks and `minus`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

import numpy as np

from sla.instants import DAY_SECONDS, DAY_US, SECOND_US, Int64Array, from_us, to_us
from sla.working_time.business_time import BusinessTime
from sla.working_time.calendar_errors import CalendarError, NeverOpen
from sla.working_time.calendars import CalendarSpec, DayRuleName
from sla.working_time.growing_table import FIRST_US, LAST_US
from sla.working_time.interval_sets import minus, union
from sla.working_time.opening_hours import weekdays_of
from sla.working_time.opening_windows import day_number
from sla.working_time.zone_offsets import ZoneOffsets

MARGIN_DAYS: Final = 400


@dataclass(frozen=True)
class DayRule:
    """How working days are added to an instant: what happens to its start, to its clock time and to the result."""

    start: Literal["stays", "date", "opening"]
    """A start on a date without hours stays there, so that the next working day is one day on; or first moves to the next
    working day (backwards: the one before), at its own clock time or at the opening."""
    clock: Literal["same", "opening", "closing"]
    """The time on the day found: that of the start, or the day's first opening or last closing."""
    result: Literal["stays", "open", "by_closing"]
    """A result outside the hours stays, moves on to the next open instant (backwards: to the closing before), or moves back
    to the closing of its day when it is later than that."""

    @property
    def start_rolls(self) -> bool:
        """Whether a start on a date without hours first moves to a working day."""
        return self.start != "stays"


DAY_RULES: Final[dict[str, DayRule]] = {
    "same_time": DayRule("stays", "same", "open"),
    "roll_first": DayRule("opening", "same", "open"),
    "roll_by_closing": DayRule("opening", "same", "by_closing"),
    "dates_only": DayRule("stays", "same", "stays"),
    "roll_dates": DayRule("date", "same", "stays"),
    "start_of_day": DayRule("stays", "opening", "stays"),
    "end_of_day": DayRule("stays", "closing", "stays"),
    "roll_end_of_day": DayRule("date", "closing", "stays"),
}
"""The rules by name; beside them `working_time` counts a day as its working hours (`CalendarSpec.day_hours`)."""


@dataclass(frozen=True)
class _Dates:
    """The working days from `low` to `high` (days since 1970), ascending, with their first opening and last closing."""

    low: int
    high: int
    worked: Int64Array
    opens_us: Int64Array
    closes_us: Int64Array
    zone: ZoneOffsets

    def local(self, at_us: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Return the local dates (days since 1970) and the microseconds since local midnight of instants."""
        seconds, rest = at_us // SECOND_US, at_us % SECOND_US
        local_us = self.zone.to_local_s(seconds) * SECOND_US + rest
        return local_us // DAY_US, local_us % DAY_US

    def instant(self, day: Int64Array, clock_us: Int64Array) -> Int64Array:
        """Return the instants of local dates and clock times."""
        local_us = day * DAY_US + clock_us
        return self.zone.to_utc_s(local_us // SECOND_US) * SECOND_US + local_us % SECOND_US


class WorkingDays:
    """Working days of one calendar. Arrays hold instants as `*_us` and dates as days since 1970-01-01, both int64."""

    def __init__(self, business_time: BusinessTime) -> None:
        self.business_time: Final = business_time
        self._lock = threading.Lock()
        self._known: _Dates | None = None

    @property
    def day_seconds(self) -> int:
        """The length of a working day: `day_hours` if given, else Monday's open time, else that of the first day with hours.

        Breaks that come every week are no open time; holidays, single dates and `minus` do not change what a day is.
        """
        spec = self.business_time.spec
        if spec.day_hours is not None:
            return round(spec.day_hours * 3600)
        for weekday in range(7):
            if length := _open_seconds(spec, weekday):
                return length
        raise CalendarError(
            f"calendar {self.business_time.name!r} has no weekly hours that tell how long a working day is: give day_hours"
        )

    # ---- arrays

    def count(
        self, first_day: Int64Array, last_day: Int64Array, inclusive: bool = False, after_first: bool = False
    ) -> Int64Array:
        """Return the number of working days in `[first, last)`; negative where last comes first.

        `inclusive` counts the last date too, `after_first` does not count the first one.
        """
        first_day, last_day = np.asarray(first_day, np.int64), np.asarray(last_day, np.int64)
        backwards = last_day < first_day
        low, high = np.minimum(first_day, last_day), np.maximum(first_day, last_day)
        if low.size == 0 or high.size == 0:
            return np.zeros(np.broadcast_shapes(low.shape, high.shape), np.int64)
        worked = self._covering(int(low.min()), int(high.max())).worked
        until = np.searchsorted(worked, high, side="right" if inclusive else "left")
        since = np.searchsorted(worked, low, side="right" if after_first else "left")
        counted = np.maximum(until - since, 0)  # a single date may be neither counted as first nor as last
        signed: Int64Array = np.where(backwards, -counted, counted)
        return signed

    def add_us(self, start_us: Int64Array, days: Int64Array, rule: str | None = None) -> Int64Array:
        """Return the instants that many working days after the starts (before them where negative).

        `rule` is a name in DAY_RULES or `working_time`; by default that of the calendar. Raises NeverOpen where the
        calendar has too few working days.
        """
        rule = rule or self.business_time.spec.day_rule
        start_us, days = np.broadcast_arrays(np.asarray(start_us, np.int64), np.asarray(days, np.int64))
        if rule == "working_time":
            return self.business_time.due_us(start_us, days * (self.day_seconds * SECOND_US))
        if rule not in DAY_RULES:
            known = ", ".join((*DAY_RULES, "working_time"))
            raise CalendarError(f"{rule!r} is not a rule for working days: write one of {known}")
        if start_us.size == 0:
            return start_us.copy()
        return self._stepped(start_us.ravel(), days.ravel(), DAY_RULES[rule]).reshape(start_us.shape)

    def elapsed_days(
        self, start_us: Int64Array, end_us: Int64Array
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Return the working time between instants as a number of working days of `day_seconds` each."""
        return self.business_time.elapsed_us(start_us, end_us) / (self.day_seconds * SECOND_US)

    def local_day(self, at_us: Int64Array) -> Int64Array:
        """Return the local dates of instants, as days since 1970-01-01."""
        at_us = np.asarray(at_us, np.int64)
        if at_us.size == 0:
            return at_us.copy()
        return self._covering(int(at_us.min()) // DAY_US - 1, int(at_us.max()) // DAY_US + 1).local(at_us)[0]

    # ---- single values

    def add(self, start: datetime, days: int, rule: DayRuleName | str | None = None) -> datetime:
        """Return the instant (UTC) that many working days after the start; see `add_us`."""
        return from_us(int(self.add_us(np.array([to_us(start)]), np.array([days]), rule)[0]))

    def between(self, first: date, last: date, inclusive: bool = False, after_first: bool = False) -> int:
        """Return the number of working days from one date to another; see `count`."""
        return int(self.count(np.array([day_number(first)]), np.array([day_number(last)]), inclusive, after_first)[0])

    def is_worked(self, day: date) -> bool:
        """Return whether a date is a working day."""
        return self.between(day, day, inclusive=True) == 1

    # ---- stepping

    def _stepped(self, start_us: Int64Array, days: Int64Array, rule: DayRule) -> Int64Array:
        dates, index = self._reaching(start_us, days, rule.start_rolls)
        found = dates.worked[index]
        day, clock_us = dates.local(start_us)
        if rule.clock == "opening":
            result = dates.opens_us[index]
        elif rule.clock == "closing":
            result = dates.closes_us[index]
        else:
            if rule.start == "opening":
                clock_us = self._rolled_clock(dates, day, clock_us, days)
            result = dates.instant(found, clock_us)
        if rule.result == "by_closing":
            capped: Int64Array = np.minimum(result, dates.closes_us[index])
            return capped
        if rule.result == "stays":
            return result
        # No day to add: only the roll is left, and it begins where the start is.
        result = np.where((days == 0) & ~rule.start_rolls, start_us, result)
        later, earlier = self.business_time.next_open_us(result), result
        if (days < 0).any():
            earlier = self.business_time.last_open_us(result)
        return np.where(days < 0, earlier, later)

    def _reaching(self, start_us: Int64Array, days: Int64Array, start_rolls: bool) -> tuple[_Dates, Int64Array]:
        """Return dates that hold every result, and where each is among the working days."""
        low, high = int(start_us.min()) // DAY_US - 2, int(start_us.max()) // DAY_US + 2
        first, last = FIRST_US // DAY_US, LAST_US // DAY_US
        while True:
            dates = self._covering(low, high)
            day, _ = dates.local(start_us)
            index = np.searchsorted(dates.worked, day, side="left")
            is_worked = np.append(dates.worked, -1)[index] == day
            # Going forward from an idle date, the next working day is already one step away, unless the start rolls there.
            index = index + days - ((days > 0) & ~is_worked & (not start_rolls))
            index -= (days < 0) & ~is_worked & start_rolls
            lacks_before, lacks_after = bool((index < 0).any()), bool((index >= len(dates.worked)).any())
            if not lacks_before and not lacks_after:
                return dates, index
            if (lacks_before and low <= first) or (lacks_after and high >= last):
                raise NeverOpen(
                    f"calendar {self.business_time.name!r} has too few working days between 1900 and 2199 for what is asked: "
                    "give it hours or a longer validity, or use another calendar"
                )
            more = max(high - low, 366)
            low, high = max(low - more, first) if lacks_before else low, min(high + more, last) if lacks_after else high

    def _rolled_clock(self, dates: _Dates, day: Int64Array, clock_us: Int64Array, days: Int64Array) -> Int64Array:
        index = np.searchsorted(dates.worked, day, side="left")
        is_worked = np.append(dates.worked, -1)[index] == day
        nearest = np.clip(index - (days < 0), 0, len(dates.worked) - 1)
        return np.where(is_worked, clock_us, dates.local(dates.opens_us[nearest])[1])

    # ---- the known dates

    def _covering(self, low: int, high: int) -> _Dates:
        known = self._known
        if known is not None and known.low <= low and high <= known.high:
            return known
        with self._lock:
            known = self._known
            if known is None or not (known.low <= low and high <= known.high):
                if known is not None:
                    low, high = min(low, known.low), max(high, known.high)
                self._known = known = self._dates(low - MARGIN_DAYS, high + MARGIN_DAYS)
        return known

    def _dates(self, low: int, high: int) -> _Dates:
        low, high = max(low, FIRST_US // DAY_US + 2), min(high, LAST_US // DAY_US - 2)
        local = self.business_time.source.local_days(low, high)
        opens_us, closes_us = local.as_written
        open_left = self.business_time.elapsed_us(opens_us, np.maximum(opens_us, closes_us)) > 0
        worked, at = np.unique(local.day_of[open_left], return_inverse=True)
        first, last = np.full(len(worked), LAST_US), np.full(len(worked), FIRST_US)
        np.minimum.at(first, at, opens_us[open_left])
        np.maximum.at(last, at, closes_us[open_left])
        # A break or another calendar may take the edges of a day away.
        opens, closes = self.business_time.next_open_us(first), self.business_time.last_open_us(last)
        return _Dates(low, high, worked.astype(np.int64), opens, closes, local.zone)


def _open_seconds(spec: CalendarSpec, weekday: int) -> int:
    """Return the seconds that an ordinary weekday (Monday is 0) is open, the breaks of every week taken out."""
    windows = spec.weekly()[weekday]
    if not windows:
        return 0
    breaks = [
        (step * DAY_SECONDS + begins, step * DAY_SECONDS + ends)
        for key, pauses in spec.breaks.items()
        if not key[:1].isdigit()  # the break of a single date
        for step in (-1, 0, 1)  # a shift past midnight meets the breaks of the next day
        if (weekday + step) % 7 in weekdays_of(key)
        for begins, ends in pauses
    ]
    opens, closes = minus(union(*_edges(windows)), union(*_edges(breaks)))
    return int((closes - opens).sum())


def _edges(windows: list[tuple[int, int]]) -> tuple[Int64Array, Int64Array]:
    pairs = np.array(windows, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
