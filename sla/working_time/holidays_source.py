"""Closed days by name: from the law of a country, days of the year, single dates and iCalendar files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from sla.working_time.calendar_errors import CalendarError
from sla.working_time.calendars import CalendarSpec, HolidaySource
from sla.working_time.icalendar import read_closed_days


def closed_days(spec: CalendarSpec, years: range, folder: Path | None) -> dict[dt.date, str]:
    """Return the closed dates of a calendar in these years and why each is closed, closed ranges included.

    `folder` is where relative iCalendar paths begin. Raises CalendarError when such a file cannot be read.
    """
    days: dict[dt.date, str] = {}
    for source in spec.holidays:
        for day, name in _of_source(source, years, folder).items():
            if day not in source.excluded:
                days.setdefault(day, name)
    first, last = dt.date(years.start, 1, 1), dt.date(years.stop - 1, 12, 31)
    for closed in spec.closed:
        begin, end = max(closed.first, first), min(closed.last, last)
        for step in range((end - begin).days + 1):
            days.setdefault(begin + dt.timedelta(days=step), closed.name or "closed")
    return days


def _of_source(source: HolidaySource, years: range, folder: Path | None) -> dict[dt.date, str]:
    days: dict[dt.date, str] = {}
    if source.country is not None:
        import holidays  # loads slowly; calendars without a country need not wait

        law = holidays.country_holidays(
            source.country,
            subdiv=source.subdivision,
            years=years,
            categories=source.categories or None,
            expand=False,
        )
        days.update({day: str(name) for day, name in law.items()})
    for month_day in source.yearly:
        for year in years:
            try:
                day = dt.date(year, int(month_day[:2]), int(month_day[3:]))
            except ValueError:  # 02-29 in a year without one
                continue
            days.setdefault(day, "holiday")
    for day in source.dates:
        days.setdefault(day, "holiday")
    if source.ics is not None:
        for day, name in _of_file(source.ics, years, folder).items():
            days.setdefault(day, name)
    return days


def _of_file(name: str, years: range, folder: Path | None) -> dict[dt.date, str]:
    path = (folder or Path()) / name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CalendarError(
            f"holidays cannot be read from {path}: {error}; the path counts from the file naming it"
        ) from error
    return read_closed_days(text, years, source=str(path))
