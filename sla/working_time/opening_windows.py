"""From a written calendar to its opening windows: local days become sorted, disjoint intervals of real time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sla.instants import DAY_SECONDS, DAY_US, SECOND_US, Int64Array
from sla.working_time.calendar_errors import CalendarError
from sla.working_time.calendars import CalendarSpec
from sla.working_time.holidays_source import closed_days
from sla.working_time.interval_sets import Intervals, clip, minus, no_intervals, union
from sla.working_time.opening_hours import weekdays_of
from sla.working_time.zone_offsets import ZoneOffsets, zone_offsets

EPOCH_DATE = dt.date(1970, 1, 1)


def day_number(day: dt.date) -> int:
    """Return a date as days since 1970-01-01."""
    return (day - EPOCH_DATE).days


def date_of(day: int) -> dt.date:
    """Return the date of a number of days since 1970-01-01."""
    return EPOCH_DATE + dt.timedelta(days=day)


@dataclass(frozen=True)
class LocalDays:
    """What a calendar says about each local date from `first` on, for `count` dates; instants in microseconds."""

    zone: ZoneOffsets
    first: int  # days since 1970-01-01
    count: int
    closed: Mapping[int, str]  # dates on which nothing opens, with the reason
    windows: Intervals  # breaks taken out, calendars under `minus` not yet
    breaks: Intervals
    day_of: Int64Array  # for each window as written: the date it belongs to
    as_written: Intervals  # and its opening and closing, not merged


@dataclass(frozen=True)
class WindowSource:
    """A calendar, the calendars it may subtract and the folder of its iCalendar files."""

    name: str
    spec: CalendarSpec
    others: Mapping[str, CalendarSpec]
    folder: Path | None
    within: tuple[str, ...] = ()  # the calendars that led here by `minus`

    def check(self) -> None:
        """Raise CalendarError when a calendar under `minus` or an iCalendar file cannot be used."""
        if any(source.ics for source in self.spec.holidays):
            closed_days(self.spec, range(EPOCH_DATE.year, EPOCH_DATE.year + 1), self.folder)
        for name in self.spec.minus:
            self.other(name).check()

    def unchanging_from_us(self) -> int | None:
        """Return an instant from which on nothing opens or closes any more, None where there is none to be seen at once."""
        spec = self.spec
        if spec.valid_until is not None:
            last = day_number(spec.valid_until)
        elif not any(spec.weekly()) or self._never_closes():
            last = max((day_number(day) for day in (*spec.dates, *filter(None, [spec.valid_from]))), default=0)
        else:
            return None
        return (last + 4) * DAY_US  # a day belongs to its zone, and its last window may run into the next

    def _never_closes(self) -> bool:
        spec = self.spec
        return spec.always_open and not (spec.breaks or spec.closed or spec.holidays or spec.minus)

    def local_days(self, first: int, last: int) -> LocalDays:
        """Return what the calendar says about the local dates `first` to `last` (days since 1970-01-01, both included)."""
        zone = zone_offsets(self.spec.time_zone, first, last)
        closed = self._closed(first, last, zone)
        days = np.arange(first, last + 1)
        is_closed = np.isin(days, np.fromiter(closed, np.int64, len(closed)))
        opens_s, closes_s, day_of = self._hours(days[~is_closed])
        as_written = _utc_us(zone, opens_s), _utc_us(zone, closes_s)
        windows = union(*as_written)
        if self.spec.overnight_into_closed_day == "cut":
            windows = minus(windows, _whole_days(zone, closed))
        breaks = self._breaks(zone, days)
        return LocalDays(zone, first, len(days), closed, minus(windows, breaks), breaks, day_of, as_written)

    def windows(self, low_us: int, high_us: int) -> Intervals:
        """Return the opening windows within `[low_us, high_us)`, calendars under `minus` taken out."""
        # Two days to each side: offsets reach 14 h, overnight windows begin the day before, and a zone may skip a day.
        first, last = low_us // DAY_US - 3, high_us // DAY_US + 2
        windows = self.local_days(first, last).windows
        for name in self.spec.minus:
            windows = minus(windows, self.other(name).windows(low_us - DAY_US, high_us + DAY_US))
        return clip(windows, low_us, high_us)

    def closures(self, low_us: int, high_us: int) -> list[tuple[dt.date, str]]:
        """Return the local dates touched by `[low_us, high_us)` that have hours but are closed, with the reason."""
        zone = zone_offsets(self.spec.time_zone, low_us // DAY_US - 1, high_us // DAY_US + 1)
        ends = np.array([low_us // SECOND_US, max(high_us - 1, low_us) // SECOND_US])
        first, last = (int(day) for day in zone.to_local_s(ends) // DAY_SECONDS)
        week = self.spec.weekly()
        closed = self._closed(first, last, zone)
        return [
            (date_of(day), closed[day])
            for day in range(first, last + 1)
            if day in closed and (week[(day + 3) % 7] or self.spec.dates.get(date_of(day)))
        ]

    def closed_because(self, at_us: int) -> str | None:
        """Return why the local date of an instant is closed, None when it is not."""
        zone = zone_offsets(self.spec.time_zone, at_us // DAY_US - 1, at_us // DAY_US + 1)
        day = int(zone.to_local_s(np.array([at_us // SECOND_US]))[0]) // DAY_SECONDS
        return self._closed(day, day, zone).get(day)

    def is_break(self, at_us: int) -> bool:
        """Return whether an instant lies in a break."""
        opens, closes = self.local_days(at_us // DAY_US - 2, at_us // DAY_US + 2).breaks
        return bool(((opens <= at_us) & (at_us < closes)).any())

    def other(self, name: str) -> WindowSource:
        """Return the source of a calendar named under `minus`; CalendarError when it is unknown or leads back here."""
        if name not in self.others:
            known = ", ".join(sorted(self.others)) or "none"
            raise CalendarError(
                f"calendar {self.name!r}: minus names {name!r}, which is not among the calendars ({known})"
            )
        path = (*self.within, self.name)
        if name in path:
            raise CalendarError(f"calendar {self.name!r}: minus leads back to itself ({' minus '.join((*path, name))})")
        return WindowSource(name, self.others[name], self.others, self.folder, path)

    def _closed(self, first: int, last: int, zone: ZoneOffsets) -> dict[int, str]:
        years = range(date_of(first).year, date_of(last).year + 1)
        closed = {day_number(day): name for day, name in closed_days(self.spec, years, self.folder).items()}
        closed |= {int(day): "this date does not exist in the zone" for day in zone.skipped_days()}
        if self.spec.valid_from is not None:
            closed |= dict.fromkeys(range(first, min(day_number(self.spec.valid_from), last + 1)), "not yet valid")
        if self.spec.valid_until is not None:
            closed |= dict.fromkeys(
                range(max(day_number(self.spec.valid_until) + 1, first), last + 1), "no longer valid"
            )
        return closed

    def _hours(self, days: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return opening and closing wall times (seconds since local 1970) and the date each belongs to."""
        single = {day_number(day): windows for day, windows in self.spec.dates.items()}
        weekly = days[~np.isin(days, np.fromiter(single, np.int64, len(single)))]
        weekday = (weekly + 3) % 7  # 1970-01-01 was a Thursday
        parts = [
            (weekly[weekday == index], window) for index, windows in enumerate(self.spec.weekly()) for window in windows
        ]
        own = set(days.tolist()) & single.keys()
        parts += [(np.array([day]), window) for day in sorted(own) for window in single[day]]
        return _wall_times(parts)

    def _breaks(self, zone: ZoneOffsets, days: Int64Array) -> Intervals:
        parts: list[tuple[Int64Array, tuple[int, int]]] = []
        for key, windows in self.spec.breaks.items():
            if key[:1].isdigit():
                chosen = days[days == day_number(dt.date.fromisoformat(key))]
            else:
                chosen = days[np.isin((days + 3) % 7, weekdays_of(key))]
            parts += [(chosen, window) for window in windows]
        opens, closes, _ = _wall_times(parts)
        return union(_utc_us(zone, opens), _utc_us(zone, closes))


def _wall_times(
    parts: Iterable[tuple[Int64Array, tuple[int, int]]],
) -> tuple[Int64Array, Int64Array, Int64Array]:
    parts = list(parts)
    if not parts:
        return (*no_intervals(), np.empty(0, np.int64))
    opens = np.concatenate([days * DAY_SECONDS + window[0] for days, window in parts])
    closes = np.concatenate([days * DAY_SECONDS + window[1] for days, window in parts])
    return opens, closes, np.concatenate([days for days, _ in parts])


def _utc_us(zone: ZoneOffsets, local_s: Int64Array) -> Int64Array:
    return zone.to_utc_s(local_s) * SECOND_US


def _whole_days(zone: ZoneOffsets, days: Iterable[int]) -> Intervals:
    begins = np.array(sorted(days), np.int64) * DAY_SECONDS
    return union(_utc_us(zone, begins), _utc_us(zone, begins + DAY_SECONDS))
