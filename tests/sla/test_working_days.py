from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sla.working_time.calendar_errors import CalendarError
from sla.working_time.working_days import WorkingDays
from tests.sla.calendar_examples import OFFICE, at, compiled, random_calendar
from tests.sla.oracle import Tape

HOUR = 3600


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


def test_the_breaks_of_every_week_are_no_part_of_a_working_day() -> None:
    lunch = {
        "time_zone": "UTC",
        "hours": {"mon-fri": [["08:00", "17:00"]]},
        "breaks": {"mon-fri": [["12:00", "13:00"]]},
    }
    assert WorkingDays(compiled(lunch)).day_seconds == 8 * HOUR
    once = lunch | {"breaks": {"2024-03-04": [["12:00", "13:00"]]}}
    assert WorkingDays(compiled(once)).day_seconds == 9 * HOUR
    night = {"time_zone": "UTC", "hours": {"mon": [["22:00", "06:00"]]}, "breaks": {"tue": [["02:00", "02:30"]]}}
    assert WorkingDays(compiled(night)).day_seconds == 7.5 * HOUR
    idle = {"time_zone": "UTC", "hours": {"mon-tue": [["08:00", "12:00"]]}, "breaks": {"mon": [["00:00", "24:00"]]}}
    assert WorkingDays(compiled(idle)).day_seconds == 4 * HOUR
    due = WorkingDays(compiled(lunch)).add(at("2024-03-01T11:00"), 1)
    assert due == at("2024-03-04T11:00")


def test_a_start_on_an_idle_date_counts_from_the_next_working_day_under_rules_that_roll() -> None:
    days = WorkingDays(compiled(OFFICE | {"time_zone": "UTC"}))
    saturday = at("2024-03-02T20:00")
    assert {
        rule: days.add(saturday, 1, rule).strftime("%a %H:%M")
        for rule in ("end_of_day", "roll_end_of_day", "dates_only", "roll_dates", "roll_by_closing")
    } == {
        "end_of_day": "Mon 18:00",
        "roll_end_of_day": "Tue 18:00",
        "dates_only": "Mon 20:00",
        "roll_dates": "Tue 20:00",
        "roll_by_closing": "Tue 08:00",
    }
    assert days.add(saturday, -1, "roll_dates") == at("2024-02-29T20:00")
    assert days.add(at("2024-03-01T20:00"), 1, "roll_by_closing") == at("2024-03-04T18:00")
    assert days.add(at("2024-03-01T06:00"), 1, "roll_by_closing") == at("2024-03-04T06:00")


def test_working_days_between_dates_count_either_edge_or_both() -> None:
    days = WorkingDays(compiled(OFFICE))
    friday, monday, saturday = date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 2)
    assert days.between(friday, monday) == 1
    assert days.between(friday, monday, inclusive=True) == 2
    assert days.between(friday, monday, inclusive=True, after_first=True) == 1
    assert days.between(saturday, monday, inclusive=True, after_first=True) == 1
    assert days.between(friday, monday, after_first=True) == 0
    assert days.between(friday, friday, after_first=True) == 0
    assert days.between(monday, friday, inclusive=True, after_first=True) == -1


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
