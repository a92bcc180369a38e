from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sla.agreements.loading import parse_agreements
from sla.working_time.business_time import BusinessTime, compile_calendar
from sla.working_time.calendar_errors import CalendarError
from sla.working_time.calendars import CalendarSpec
from tests.sla.calendar_examples import OFFICE, at

HOUR = 3600


def _hours(working: BusinessTime, day: str) -> float:
    """Working hours of one UTC date."""
    return working.elapsed_seconds(at(day), at(f"{day}T23:59:59.999999")) / HOUR


FILE = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
DTSTART;VALUE=DATE:20240101
DTEND;VALUE=DATE:20240102
RRULE:FREQ=YEARLY
SUMMARY:New
  Year\\, observed
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20241128
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH
EXDATE;VALUE=DATE:20251127
SUMMARY:Thanksgiving
BEGIN:VALARM
SUMMARY:not the event's
TRIGGER:-PT15M
END:VALARM
END:VEVENT
BEGIN:VEVENT
DTSTART:20241223T000000
DTEND:20241225T000000
SUMMARY:Inventory
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20240304
STATUS:CANCELLED
END:VEVENT
END:VCALENDAR
"""


def _with_file(folder: Path, text: str) -> BusinessTime:
    (folder / "closed.ics").write_text(text, encoding="utf-8", newline="\r\n")
    return compile_calendar(CalendarSpec.model_validate(OFFICE | {"holidays": {"ics": "closed.ics"}}), folder=folder)


def test_holidays_come_from_an_icalendar_file_beside_the_calendar(tmp_path: Path) -> None:
    working = _with_file(tmp_path, FILE)
    closed = ["2024-01-01", "2026-01-01", "2024-11-28", "2026-11-26", "2024-12-23", "2024-12-24"]
    worked = ["2025-11-27", "2024-12-25", "2024-03-04", "2024-11-27"]
    assert [_hours(working, day) for day in closed] == [0] * 6
    assert [_hours(working, day) for day in worked] == [10] * 4
    first = working.closures(*(int(at(day).timestamp()) * 1_000_000 for day in ("2026-01-01", "2026-01-02")))
    assert first == [(date(2026, 1, 1), "New Year, observed")]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("BEGIN:VCALENDAR", "BEGIN:SOMETHING", "is not an iCalendar file: expected a line BEGIN:VCALENDAR"),
        ("END:VEVENT\nEND:VCALENDAR", "", "line 25: the event has no END:VEVENT"),
        ("RRULE:FREQ=YEARLY\n", "RRULE:FREQ=WEEKLY\n", "line 6: RRULE 'FREQ=WEEKLY' is not understood; expected FREQ=YEARLY"),
        ("BYDAY=4TH", "BYDAY=TH", "line 12: BYDAY 'TH' is not understood, expected for example 4TH or -1MO"),
        ("DTSTART;VALUE=DATE:20240101", "DTSTART;VALUE=DATE:2024", "line 4: DTSTART is '2024', expected a date such as"),
        ("DTSTART;VALUE=DATE:20240101", "DTSTART;VALUE=DATE:20240231", "line 4: DTSTART is '20240231': day is out of range"),
        ("DTSTART:20241223T000000", "DTSTART:20241223T090000", "has a time of day; only whole days can be holidays"),
        ("DTEND;VALUE=DATE:20240102", "DTEND;VALUE=DATE:20231231", "line 5: DTEND 20231231 is before DTSTART 20240101"),
        ("DTSTART;VALUE=DATE:20240101\n", "", "the event has no DTSTART"),
    ],
)  # fmt: skip
def test_a_wrong_icalendar_file_says_which_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in FILE
    with pytest.raises(CalendarError) as caught:
        _hours(_with_file(tmp_path, FILE.replace(old, new)), "2024-01-01")
    assert fault in str(caught.value)
    assert "closed.ics" in str(caught.value)


def test_a_missing_icalendar_file_is_named(tmp_path: Path) -> None:
    spec = CalendarSpec.model_validate(OFFICE | {"holidays": {"ics": "absent.ics"}})
    with pytest.raises(CalendarError, match=r"holidays cannot be read from .*absent\.ics"):
        _hours(compile_calendar(spec, folder=tmp_path), "2024-01-01")


def test_another_icalendar_file_is_another_version_of_the_agreements(tmp_path: Path) -> None:
    text = """
slacast: 1
calendars: {office: {time_zone: UTC, hours: {mon-fri: [["08:00", "18:00"]]}, holidays: {ics: closed.ics}}}
agreements: [{name: desk, calendar: office, targets: [{metric: resolution, goals: [{within: 8 h}]}]}]
"""
    versions = []
    for content in (FILE, FILE.replace("20240304", "20240305"), FILE):
        (tmp_path / "closed.ics").write_text(content, encoding="utf-8")
        versions.append(parse_agreements(text, folder=tmp_path).version)
    assert versions[0] != versions[1]
    assert versions[0] == versions[2]
