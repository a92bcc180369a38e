from __future__ import annotations

from datetime import date

import pytest
import yaml
from pydantic import ValidationError

from sla.working_time.business_time import BusinessTime
from sla.working_time.calendar_errors import CalendarError
from sla.working_time.calendars import CalendarSpec
from sla.working_time.opening_hours import time_of_day_s, weekdays_of
from tests.sla.calendar_examples import OFFICE, at, compiled

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
