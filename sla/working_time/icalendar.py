"""Whole closed days out of an iCalendar text (RFC 5545): all-day events, repeated yearly or not."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sla.working_time.calendar_errors import CalendarError

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{6})Z?)?")
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NTH = re.compile(r"([+-]?\d)(MO|TU|WE|TH|FR|SA|SU)")
_RULE_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "WKST"}


@dataclass
class _Event:
    line: int
    values: dict[str, tuple[int, str]] = field(default_factory=dict)
    exceptions: set[dt.date] = field(default_factory=set)
    extra: list[dt.date] = field(default_factory=list)


def read_closed_days(text: str, years: range, source: str) -> dict[dt.date, str]:
    """Return the dates within `years` that all-day events cover, with their summaries.

    Understands DTSTART, DTEND (exclusive), DURATION in days or weeks, RRULE with FREQ=YEARLY, RDATE, EXDATE and
    STATUS:CANCELLED. Raises CalendarError with `source` and the line for anything that would be read wrongly.
    """
    days: dict[dt.date, str] = {}
    for event in _events(text, source):
        if event.values.get("STATUS", (0, ""))[1].upper() == "CANCELLED":
            continue
        first, length = _first_and_length(event, source)
        name = event.values.get("SUMMARY", (0, "holiday"))[1].replace("\\,", ",").replace("\\;", ";").strip()
        for begin in (*_occurrences(event, first, years, source), *event.extra):
            if begin in event.exceptions:
                continue
            for step in range(length):
                day = begin + dt.timedelta(days=step)
                if day.year in years:
                    days.setdefault(day, name or "holiday")
    return days


def _content_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield line number and content line; a line that begins with white space continues the one before."""
    held: tuple[int, str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if line[:1] in (" ", "\t") and held is not None:
            held = held[0], held[1] + line[1:]
            continue
        if held is not None:
            yield held
        held = (number, line)
    if held is not None:
        yield held


def _events(text: str, source: str) -> list[_Event]:
    events: list[_Event] = []
    current: _Event | None = None
    seen = False
    nested = 0  # an alarm inside an event has properties of its own
    for number, line in _content_lines(text):
        head, _, value = line.partition(":")
        name = head.split(";", 1)[0].strip().upper()
        what = value.strip().upper()
        seen |= name == "BEGIN" and what == "VCALENDAR"
        if name == "BEGIN" and what == "VEVENT":
            current, nested = _Event(number), 0
        elif name == "END" and what == "VEVENT" and current is not None:
            events.append(current)
            current = None
        elif name in ("BEGIN", "END"):
            nested += 1 if name == "BEGIN" else -1
        elif current is not None and nested == 0:
            _take(current, name, value.strip(), number, source)
    if not seen:
        raise CalendarError(f"{source} is not an iCalendar file: expected a line BEGIN:VCALENDAR")
    if current is not None:
        raise CalendarError(f"{source}, line {current.line}: the event has no END:VEVENT; the file may be cut off")
    return events


def _take(event: _Event, name: str, value: str, line: int, source: str) -> None:
    if name in ("EXDATE", "RDATE"):
        dates = [_date(part, line, name, source) for part in value.split(",")]
        event.exceptions.update(dates) if name == "EXDATE" else event.extra.extend(dates)
    else:
        event.values.setdefault(name, (line, value))


def _date(value: str, line: int, name: str, source: str) -> dt.date:
    match = _DATE.fullmatch(value.strip())
    if match is None:
        raise CalendarError(f"{source}, line {line}: {name} is {value!r}, expected a date such as 20261224")
    if match[4] not in (None, "000000"):
        raise CalendarError(
            f"{source}, line {line}: {name} {value!r} has a time of day; only whole days can be holidays. "
            "Remove the event, or write its hours under `dates` or `breaks` of the calendar"
        )
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as error:
        raise CalendarError(f"{source}, line {line}: {name} is {value!r}: {error}") from error


def _first_and_length(event: _Event, source: str) -> tuple[dt.date, int]:
    if "DTSTART" not in event.values:
        raise CalendarError(f"{source}, line {event.line}: the event has no DTSTART, expected a date such as 20261224")
    line, value = event.values["DTSTART"]
    first = _date(value, line, "DTSTART", source)
    length = 1
    if "DTEND" in event.values:
        line, value = event.values["DTEND"]
        length = (_date(value, line, "DTEND", source) - first).days
        if length < 0:
            raise CalendarError(f"{source}, line {line}: DTEND {value} is before DTSTART {first:%Y%m%d}")
    elif "DURATION" in event.values:
        line, value = event.values["DURATION"]
        match = re.fullmatch(r"P(\d+)([DW])", value.upper())
        if match is None:
            raise CalendarError(f"{source}, line {line}: DURATION is {value!r}, expected whole days such as P1D")
        length = int(match[1]) * (7 if match[2] == "W" else 1)
    return first, max(length, 1)  # some programs write DTEND equal to DTSTART for one day


def _occurrences(event: _Event, first: dt.date, years: range, source: str) -> list[dt.date]:
    if "RRULE" not in event.values:
        return [first]
    line, text = event.values["RRULE"]
    rule = dict(part.upper().split("=", 1) for part in text.split(";") if "=" in part)
    if rule.get("FREQ") != "YEARLY" or set(rule) - _RULE_PARTS:
        raise CalendarError(
            f"{source}, line {line}: RRULE {text!r} is not understood; expected FREQ=YEARLY with at most "
            "INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY and BYDAY. Write the single dates instead"
        )
    until = _date(rule["UNTIL"][:8], line, "UNTIL", source) if "UNTIL" in rule else dt.date.max
    days: list[dt.date] = []
    for year in range(first.year, years.stop, int(rule.get("INTERVAL", 1))):
        days += [day for day in _in_year(rule, first, year, line, source) if first <= day <= until]
    return days[: int(rule["COUNT"])] if "COUNT" in rule else days


def _in_year(rule: dict[str, str], first: dt.date, year: int, line: int, source: str) -> list[dt.date]:
    days: list[dt.date] = []
    for month in [int(part) for part in rule.get("BYMONTH", str(first.month)).split(",")]:
        if "BYDAY" in rule:
            days += [_nth_weekday(part, year, month, line, source) for part in rule["BYDAY"].split(",")]
            continue
        last = calendar.monthrange(year, month)[1]
        for part in rule.get("BYMONTHDAY", str(first.day)).split(","):
            day = int(part) if int(part) > 0 else last + 1 + int(part)
            if 1 <= day <= last:  # 29 February exists in some years only
                days.append(dt.date(year, month, day))
    return sorted(days)


def _nth_weekday(part: str, year: int, month: int, line: int, source: str) -> dt.date:
    match = _NTH.fullmatch(part.strip())
    if match is None or int(match[1]) == 0:
        raise CalendarError(
            f"{source}, line {line}: BYDAY {part!r} is not understood, expected for example 4TH or -1MO"
        )
    nth, weekday = int(match[1]), _WEEKDAYS.index(match[2])
    last = calendar.monthrange(year, month)[1]
    days = [day for day in range(1, last + 1) if dt.date(year, month, day).weekday() == weekday]
    if not -len(days) <= (nth - 1 if nth > 0 else nth) < len(days):
        raise CalendarError(f"{source}, line {line}: there is no {part} in {year}-{month:02d}")
    return dt.date(year, month, days[nth - 1 if nth > 0 else nth])
