import math
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simulation.arrivals import inflow
from simulation.calendars import world_calendars
from simulation.days import Day, days, local_day
from simulation.demo_world import demo_world
from simulation.world import Arrivals, Exponential, LogNormal, Outage
from sla.instants import from_us, to_us
from tests.simulation.builders import agents, topic, world

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = (date(2026, 1, 5) - date(1970, 1, 1)).days


def _day(text: str) -> Day:
    number = (date.fromisoformat(text) - date(1970, 1, 1)).days
    return local_day("Europe/Berlin", world_calendars(demo_world())["desk"], number)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-06", 24)],
)
def test_a_day_has_as_many_hours_as_the_clocks_of_the_place_say(text, hours):
    day = _day(text)
    assert (day.end_us - day.start_us) / 3.6e9 == hours
    assert len(day.half_hours) == 2 * hours
    assert from_us(day.start_us).astimezone(BERLIN).isoformat()[:16] == f"{text}T00:00"
    assert from_us(day.end_us).astimezone(BERLIN).hour == 0


def test_the_hour_that_does_not_exist_has_no_half_hours():
    assert {4, 5} & set(_day("2026-03-29").half_hours) == set()
    assert [_day("2026-10-25").half_hours.count(k) for k in (3, 4, 5, 6)] == [1, 2, 2, 1]


def test_days_follow_each_other_without_gap():
    calendar = world_calendars(demo_world())["desk"]
    found = days("Europe/Berlin", calendar, to_us(datetime(2026, 3, 20, 15, tzinfo=UTC)))
    first = next(found)
    for _ in range(300):
        second = next(found)
        assert second.start_us == first.end_us
        assert second.weekday == (first.weekday + 1) % 7
        first = second


def test_weekends_and_holidays_are_closed_days():
    closed = {text: _day(text).is_closed for text in ("2026-05-01", "2026-05-02", "2026-05-04", "2026-04-06")}
    assert closed == {"2026-05-01": True, "2026-05-02": True, "2026-05-04": False, "2026-04-06": True}
    assert _day("2026-07-06").weekday == 0


def _counts(arrivals: Arrivals, days_: list[Day]) -> np.ndarray:
    plain = world(1.0, agents(1), arrivals=arrivals)
    return np.array([len(inflow(plain, 3, day).opened_us) for day in days_])


def test_a_day_brings_as_many_tickets_as_its_factor_says():
    weekdays = (2.0, 1.0, 1.0, 1.0, 0.5, 0.1, 0.0)
    calendar = world_calendars(world(1.0, agents(1)))["desk"]
    weeks = [local_day("UTC", calendar, MONDAY + k) for k in range(7 * 150)]
    counts = _counts(Arrivals(40.0, weekdays), weeks).reshape(150, 7)
    for weekday, factor in enumerate(weekdays):
        expected = 40 * factor
        assert abs(counts[:, weekday].mean() - expected) <= 4 * math.sqrt(expected / 150)
    # Poisson: the variance of a day's count is its mean
    assert counts[:, 1].var() == pytest.approx(40, rel=0.35)


def test_a_holiday_brings_what_closed_days_bring():
    holidays = [_day(f"{year}-12-25") for year in range(2000, 2060)]
    assert _counts(Arrivals(100.0, closed_day_factor=0.0), holidays).sum() == 0


def test_a_short_day_lacks_the_tickets_of_the_missing_hour():
    only_at_half_past_two = tuple(float(k == 5) for k in range(48))
    counts = _counts(
        Arrivals(500.0, half_hour_weights=only_at_half_past_two),
        [_day("2026-03-28"), _day("2026-03-29"), _day("2026-10-25")],
    )
    assert counts[0] == pytest.approx(500, rel=0.2)
    assert counts[1] == 0
    assert counts[2] == pytest.approx(1000, rel=0.2)


def test_tickets_come_at_the_hours_of_the_pattern():
    morning = tuple(float(16 <= k < 20) for k in range(48))
    plain = world(1.0, agents(1), arrivals=Arrivals(2000.0, half_hour_weights=morning))
    day = _day("2026-03-30")
    opened_us = inflow(plain, 1, day).opened_us
    local = [from_us(int(at)).astimezone(BERLIN) for at in opened_us]
    assert {at.hour for at in local} == {8, 9}
    assert sum(at.hour == 8 for at in local) == pytest.approx(1000, rel=0.15)
    assert (np.diff(opened_us) >= 0).all()
    assert (opened_us % 1_000_000 == 0).all()


def test_a_day_does_not_depend_on_the_days_before():
    crowded = demo_world()
    alone = inflow(crowded, 7, _day("2026-03-30"))
    inflow(crowded, 7, _day("2026-03-29"))
    np.testing.assert_array_equal(alone.opened_us, inflow(crowded, 7, _day("2026-03-30")).opened_us)


def test_calls_about_an_outage_come_early_in_it():
    outage = Outage("VPN", 7.0, LogNormal(60.0, 1e-9), 200.0, topic(Exponential(5.0)))
    plain = world(0.0, agents(1), outages=(outage,))
    shares = []
    for number in range(MONDAY, MONDAY + 30):
        coming = inflow(plain, 1, local_day("UTC", world_calendars(plain)["desk"], number))
        starts = np.array([failure.start_us for failure in coming.failures] + [0])[coming.failure]
        shares += list((coming.opened_us - starts) / 3.6e9)
    assert min(shares) >= 0
    assert max(shares) <= 1
    assert np.mean(shares) == pytest.approx(0.4, abs=0.02)  # of u ** 1.5
