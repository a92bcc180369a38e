from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import ValidationError

from sla.business_time import BusinessTime, compile_calendar
from sla.calendar_errors import CalendarError
from sla.calendars import CalendarSpec
from sla.opening_hours import time_of_day_s, weekdays_of
from sla.working_days import WorkingDays
from tests.sla.calendar_examples import OFFICE, at, compiled, random_calendar
from tests.sla.oracle import Tape

HOUR = 3600


def _read(text: str) -> CalendarSpec:
    return CalendarSpec.model_validate(yaml.safe_load(text))


def _hours(working: BusinessTime, day: str) -> float:
    """Working hours of one UTC date."""
    return working.elapsed_seconds(at(day), at(f"{day}T23:59:59.999999")) / HOUR


def _faults(text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        _read(text)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in caught.value.errors())


def test_a_calendar_is_written_as_a_person_would() -> None:
    spec = _read(
        """
        time_zone: Europe/Berlin
        hours:
          mon-thu: [[08:00, 12:00], [13:00, 18:00]]   # unquoted 18:00 is a number in YAML
          friday: ["08:00-14:00"]
        breaks: {daily: [["10:00", "10:15"]]}
        dates: {2026-12-24: [["08:00", "12:00"]]}
        closed: {from: 2026-12-27, until: 2026-12-31, name: works holiday}
        holidays: {country: DE, subdivision: BE, yearly: ["12-31"], except: [2026-10-03]}
        """
    )
    week = spec.weekly()
    assert week[0] == [(8 * HOUR, 12 * HOUR), (13 * HOUR, 18 * HOUR)]
    assert week[4] == [(8 * HOUR, 14 * HOUR)]
    assert week[5] == []
    assert spec.dates == {date(2026, 12, 24): ((8 * HOUR, 12 * HOUR),)}
    assert spec.closed[0].name == "works holiday"


def test_a_calendar_written_out_again_is_the_same_calendar() -> None:
    spec = _read('{time_zone: UTC, hours: {mon: [["22:00", "06:00"], ["09:00", "24:00"], ["07:00:30", "08:00"]]}}')
    assert CalendarSpec.model_validate(spec.model_dump(mode="json", by_alias=True)) == spec
    assert spec.model_dump(mode="json")["hours"]["mon"] == [
        ["22:00", "06:00"],
        ["09:00", "24:00"],
        ["07:00:30", "08:00"],
    ]


def test_the_schema_for_editors_shows_how_a_window_is_written() -> None:
    schema = str(CalendarSpec.model_json_schema(by_alias=True))
    assert '"22:00", "06:00"' in schema.replace("'", '"')


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("08:30", 30_600), ("8:30", 30_600), ("24:00", 86_400), ("00:00:01", 1), (1080, 64_800), (37_800, 37_800)],
)
def test_times_of_day_may_be_texts_or_what_yaml_makes_of_them(written: object, seconds: int) -> None:
    assert time_of_day_s(written) == seconds


@pytest.mark.parametrize("written", ["25:00", "18:60", "24:01", "noon", "", None, True, -1, 90_000])
def test_a_wrong_time_of_day_says_what_is_expected(written: object) -> None:
    with pytest.raises(ValueError, match="is not a time of day: write hours and minutes"):
        time_of_day_s(written)


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("mon", (0,)),
        ("Monday", (0,)),
        ("tues", (1,)),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("fri-mon", (4, 5, 6, 0)),
        ("sat, sun", (5, 6)),
        ("daily", tuple(range(7))),
    ],
)
def test_days_may_be_named_singly_in_ranges_or_all(written: str, days: tuple[int, ...]) -> None:
    assert weekdays_of(written) == days


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{time_zone: Europe/Berln}", "time_zone: Value error, 'Europe/Berln' is not a time zone, did you mean Europe/Berlin?"),
        ("{time_zone: Europe}", "'Europe' is not a time zone"),
        ("{time_zone: 2}", "2 is not a time zone: write an IANA name"),
        ("{time_zone: UTC, hours: {mo: []}}", "'mo' is not a day of the week"),
        ("{time_zone: UTC, hours: {mon: ['09:00']}}", "is not a window: write an opening and a closing time"),
        ("{time_zone: UTC, hours: {mon: [['24:00', '06:00']]}}", 'which is "00:00" of the next day'),
        ("{time_zone: UTC, hours: {mon: [], mon-fri: []}}", "'mon-fri' and 'mon' name the same day"),
        ("{time_zone: UTC, hours: {mon: []}, always_open: true}", "exclude each other"),
        ("{time_zone: UTC, closed: {from: 2026-02-02, until: 2026-02-01}}", "before it begins on 2026-02-02: swap them"),
        ("{time_zone: UTC, valid_from: 2026-02-02, valid_until: 2026-02-01}", "valid_until 2026-02-01 is before"),
        ("{time_zone: UTC, holidays: {country: XX}}", "'XX' is not a known country"),
        ("{time_zone: UTC, holidays: {country: DE, subdivision: BAY}}", "'BAY' is not a known subdivision of DE: did you mean BY?"),
        ("{time_zone: UTC, holidays: {country: DE, categories: [bank]}}", "'bank' is not a known category of DE"),
        ("{time_zone: UTC, holidays: {subdivision: BY}}", "needs a country"),
        ("{time_zone: UTC, holidays: {yearly: ['13-01']}}", "month must be in 1..12"),
        ("{time_zone: UTC, holidays: {yearly: [1224]}}", "is not a day of the year"),
        ("{time_zone: UTC, hour: {}}", "hour: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_a_wrong_calendar_says_where_and_what_to_do(text: str, fault: str) -> None:
    assert fault in _faults(text)


def test_unquoted_norway_is_understood() -> None:
    assert _read("{time_zone: Europe/Oslo, holidays: {country: NO}}").holidays[0].country == "NO"


# ---- what is closed


def test_closed_days_win_over_date_hours_which_win_over_weekly_hours() -> None:
    working = compiled(
        OFFICE
        | {
            "time_zone": "UTC",
            "dates": {date(2026, 3, 3): [["10:00", "11:00"]], date(2026, 3, 7): [["10:00", "12:00"]], date(2026, 3, 4): [["10:00", "12:00"]]},
            "holidays": {"dates": [date(2026, 3, 4)]},
        }
    )  # fmt: skip
    assert [_hours(working, f"2026-03-0{day}") for day in (2, 3, 4, 7)] == [10, 1, 0, 2]


def test_holidays_of_a_subdivision_are_not_those_of_the_country() -> None:
    epiphany = "2026-01-06"
    for subdivision, hours in (("BY", 0), ("BE", 10)):
        assert _hours(compiled(OFFICE | {"holidays": {"country": "DE", "subdivision": subdivision}}), epiphany) == hours


def test_a_date_can_be_worked_although_the_law_makes_it_a_holiday() -> None:
    holidays = {"country": "DE", "except": [date(2026, 5, 1)]}
    assert _hours(compiled(OFFICE | {"holidays": holidays}), "2026-05-01") == 10


def test_holidays_of_two_countries_add_up() -> None:
    both = compiled(OFFICE | {"holidays": [{"country": "DE"}, {"country": "FR"}]})
    assert _hours(both, "2026-07-14") == 0  # France
    assert _hours(both, "2026-10-03") == 0  # Germany, a Saturday in any case
    assert _hours(both, "2026-05-01") == 0


def test_a_yearly_29_february_closes_leap_years_only() -> None:
    working = compiled(OFFICE | {"holidays": {"yearly": ["02-29"]}})
    assert _hours(working, "2024-02-29") == 0
    assert _hours(working, "2023-02-28") == 10
    assert _hours(working, "2023-03-01") == 10


def test_outside_its_validity_a_calendar_is_closed() -> None:
    working = compiled(OFFICE | {"valid_from": date(2026, 3, 3), "valid_until": date(2026, 3, 4)})
    assert [_hours(working, f"2026-03-0{day}") for day in (2, 3, 4, 5)] == [0, 10, 10, 0]


def test_windows_that_overlap_or_touch_are_one() -> None:
    working = compiled(
        {"time_zone": "UTC", "hours": {"mon": [["08:00", "12:00"], ["11:00", "13:00"], ["13:00", "14:00"]]}}
    )
    assert _hours(working, "2026-03-02") == 6


def test_a_zone_west_of_greenwich_closes_its_own_local_day() -> None:
    working = compiled(
        {"time_zone": "America/Los_Angeles", "always_open": True, "holidays": {"dates": [date(2026, 7, 4)]}}
    )
    assert not working.is_open_at(at("2026-07-04T07:00"))
    assert not working.is_open_at(at("2026-07-05T06:59"))
    assert working.is_open_at(at("2026-07-05T07:00"))
    assert working.is_open_at(at("2026-07-04T06:59"))


def test_minus_must_name_a_calendar_and_not_lead_back() -> None:
    with pytest.raises(CalendarError, match="minus names 'none', which is not among the calendars"):
        compiled(OFFICE | {"minus": "none"})
    loop = {"a": OFFICE | {"minus": "b"}, "b": OFFICE | {"minus": "a"}}
    with pytest.raises(CalendarError, match="leads back to itself"):
        compiled(loop["a"], loop)


# ---- iCalendar

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


# ---- working days


def test_two_working_days_mean_something_else_under_each_rule() -> None:
    days = WorkingDays(compiled(OFFICE | {"time_zone": "UTC"}))
    saturday, friday_night = at("2024-03-02T11:00"), at("2024-03-01T20:00")
    assert {
        rule: days.add(saturday, 2, rule).strftime("%a %H:%M")
        for rule in ("same_time", "roll_first", "dates_only", "start_of_day", "end_of_day", "working_time")
    } == {
        "same_time": "Tue 11:00",
        "roll_first": "Wed 08:00",
        "dates_only": "Tue 11:00",
        "start_of_day": "Tue 08:00",
        "end_of_day": "Tue 18:00",
        "working_time": "Tue 18:00",
    }
    assert days.add(friday_night, 1, "dates_only") == at("2024-03-04T20:00")
    assert days.add(friday_night, 1, "same_time") == at("2024-03-05T08:00")
    assert days.add(friday_night, -1, "same_time") == at("2024-02-29T18:00")


def test_the_rule_of_the_calendar_is_the_default() -> None:
    start = at("2024-03-01T11:00")
    for rule, expected in (("working_time", "2024-03-04T11:00"), ("end_of_day", "2024-03-04T18:00")):
        assert WorkingDays(compiled(OFFICE | {"time_zone": "UTC", "day_rule": rule})).add(start, 1) == at(expected)


def test_a_local_clock_time_survives_the_change_to_summer_time() -> None:
    days = WorkingDays(compiled(OFFICE))
    assert days.add(at("2024-03-29T09:00"), 1, "same_time") == at("2024-04-01T08:00")


def test_working_days_are_counted_without_the_last_unless_asked() -> None:
    days = WorkingDays(compiled(OFFICE | {"holidays": {"dates": [date(2024, 3, 6)]}}))
    assert days.between(date(2024, 3, 4), date(2024, 3, 8)) == 3
    assert days.between(date(2024, 3, 4), date(2024, 3, 8), inclusive=True) == 4
    assert days.between(date(2024, 3, 8), date(2024, 3, 4)) == -3
    assert not days.is_worked(date(2024, 3, 6))
    assert not days.is_worked(date(2024, 3, 9))


def test_a_day_that_a_break_takes_away_is_no_working_day() -> None:
    days = WorkingDays(compiled(OFFICE | {"breaks": {"2024-03-06": [["00:00", "24:00"]]}}))
    assert not days.is_worked(date(2024, 3, 6))
    assert days.is_worked(date(2024, 3, 7))


def test_a_working_day_is_as_long_as_monday_unless_told() -> None:
    assert WorkingDays(compiled(OFFICE)).day_seconds == 10 * HOUR
    assert WorkingDays(compiled(OFFICE | {"day_hours": 7.5})).day_seconds == 7.5 * HOUR
    assert WorkingDays(compiled({"time_zone": "UTC", "hours": {"wed": [["09:00", "12:00"]]}})).day_seconds == 3 * HOUR
    with pytest.raises(CalendarError, match="give day_hours"):
        _ = WorkingDays(compiled({"time_zone": "UTC"})).day_seconds


def test_working_days_reach_across_years_and_say_when_there_are_none() -> None:
    days = WorkingDays(compiled(OFFICE))
    far = days.add(at("2024-03-01T11:00"), 2600, "same_time")
    assert far.year == 2034
    assert days.add(far, -2600, "same_time") == at("2024-03-01T11:00")
    with pytest.raises(CalendarError, match="too few working days"):
        WorkingDays(compiled({"time_zone": "UTC"})).add(at("2024-03-01"), 1, "same_time")
    with pytest.raises(CalendarError, match="is not a rule for working days: write one of same_time"):
        days.add(far, 1, "someday")


def test_adding_working_days_agrees_with_a_walk_over_the_dates() -> None:
    for seed in range(120):
        rng = random.Random(seed)
        around = date(2024, 1, 1) + timedelta(days=rng.randint(0, 700))
        written = random_calendar(rng, around)
        for key in ("breaks", "valid_from", "valid_until"):
            written.pop(key, None)
        tape = Tape(written, around - timedelta(days=30), around + timedelta(days=30))
        zone = ZoneInfo(written["time_zone"])
        start = datetime(around.year, around.month, around.day, rng.randint(0, 23), 30, tzinfo=UTC)
        count = rng.choice((-3, -2, -1, 1, 2, 3))
        local, left = start.astimezone(zone), abs(count)
        day = local.date()
        for _ in range(20):
            day += timedelta(days=1 if count > 0 else -1)
            left -= any(a < b for a, b in tape.windows_of(day))
            if left == 0:
                break
        if left:
            continue
        same_clock = tape.edge(day, local.hour * 3600 + local.minute * 60)
        days = WorkingDays(compiled(written))
        assert days.add(start, count, "dates_only") == same_clock, (seed, written, start, count)
        rolled = tape.next_open(same_clock) if count > 0 else tape.last_open(same_clock)
        assert days.add(start, count, "same_time") == rolled, (seed, written, start, count)
