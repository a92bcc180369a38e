from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from sla.instants import NEVER_US, SECOND_US, to_us
from sla.working_time.calendar_errors import NeverOpen, OutOfSpan
from sla.working_time.growing_table import LAST_US
from tests.sla.calendar_examples import OFFICE, at, compiled

HOUR = 3600

WITH_BREAKS = OFFICE | {
    "breaks": {"daily": [["12:00", "13:00"]]},
    "holidays": {"country": "DE", "subdivision": "BY"},
}
SHIFTS = {"time_zone": "America/New_York", "hours": {"mon": [["22:00", "06:00"]], "fri": [["22:00", "24:00"]]}}
ALWAYS = {"time_zone": "Australia/Lord_Howe", "always_open": True}


# ---- conventions


def test_a_target_used_up_at_closing_time_is_due_at_closing_time() -> None:
    office = compiled(OFFICE)
    assert office.due(at("2024-03-01T15:00"), 2 * HOUR) == at("2024-03-01T17:00")  # Friday 18:00 in Berlin
    assert office.due(at("2024-03-01T15:00"), 2 * HOUR + 1) == at("2024-03-04T07:00:01")


def test_counting_backwards_ends_at_the_opening() -> None:
    assert compiled(OFFICE).due(at("2024-03-04T09:00"), -2 * HOUR) == at("2024-03-04T07:00")


def test_no_amount_is_due_at_once_even_when_closed() -> None:
    sunday = at("2024-03-03T10:00")
    assert compiled(OFFICE).due(sunday, 0) == sunday
    assert compiled({"time_zone": "UTC"}).due(sunday, 0) == sunday


def test_a_day_around_the_clock_has_the_seconds_it_really_has() -> None:
    berlin = compiled({"time_zone": "Europe/Berlin", "hours": {"sun": [["00:00", "24:00"]]}})
    assert berlin.elapsed_seconds(at("2024-03-30"), at("2024-04-01")) == 23 * HOUR
    assert berlin.elapsed_seconds(at("2024-10-26"), at("2024-10-28")) == 25 * HOUR


def test_a_local_time_inside_a_gap_moves_forward_by_the_gap() -> None:
    early = compiled({"time_zone": "Europe/Berlin", "hours": {"sun": [["02:30", "05:00"]]}})
    assert early.open_windows(to_us(at("2024-03-31")), to_us(at("2024-04-01"))) == [
        (to_us(at("2024-03-31T03:30+02:00")), to_us(at("2024-03-31T05:00+02:00")))
    ]


def test_an_ambiguous_local_time_is_its_first_occurrence() -> None:
    early = compiled({"time_zone": "Europe/Berlin", "hours": {"sun": [["01:30", "02:30"]]}})
    assert early.elapsed_seconds(at("2024-10-26"), at("2024-10-28")) == HOUR


def test_lord_howe_moves_its_clocks_by_half_an_hour() -> None:
    island = compiled({"time_zone": "Australia/Lord_Howe", "hours": {"sun": [["00:00", "06:00"]]}})
    assert island.elapsed_seconds(at("2024-10-05"), at("2024-10-06T12:00")) == 5.5 * HOUR
    assert island.elapsed_seconds(at("2024-04-06"), at("2024-04-07T12:00")) == 6.5 * HOUR


def test_a_date_that_a_zone_skipped_has_no_hours() -> None:
    apia = compiled(OFFICE | {"time_zone": "Pacific/Apia"})
    # Friday 30 December 2011 did not exist; its hours must not turn up on Saturday.
    assert apia.elapsed_seconds(at("2011-12-29T18:00-10:00"), at("2012-01-02T08:00+14:00")) == 0
    assert apia.closures(to_us(at("2011-12-29T00:00-10:00")), to_us(at("2012-01-01T00:00+14:00"))) == [
        (date(2011, 12, 30), "this date does not exist in the zone")
    ]


def test_an_overnight_window_belongs_to_the_day_it_opens_on() -> None:
    night = compiled(
        {"time_zone": "UTC", "hours": {"mon": [["22:00", "06:00"]]}, "holidays": {"dates": ["2024-03-12"]}}
    )
    # Tuesday the 12th is closed, but the shift that began on Monday runs to its end.
    assert night.elapsed_seconds(at("2024-03-11"), at("2024-03-14")) == 8 * HOUR
    cut = {"time_zone": "UTC", "hours": {"mon": [["22:00", "06:00"]]}, "overnight_into_closed_day": "cut"}
    assert (
        compiled(cut | {"holidays": {"dates": ["2024-03-12"]}}).elapsed_seconds(at("2024-03-11"), at("2024-03-14"))
        == 2 * HOUR
    )


def test_a_calendar_minus_another_is_closed_where_the_other_is_open() -> None:
    upkeep = {"time_zone": "UTC", "hours": {"wed": [["10:00", "12:00"]]}}
    rest = compiled({"time_zone": "UTC", "always_open": True, "minus": "upkeep"}, {"upkeep": upkeep})
    assert rest.elapsed_seconds(at("2024-03-06"), at("2024-03-07")) == 22 * HOUR
    assert not rest.is_open_at(at("2024-03-06T10:00"))


# ---- growth, errors, sharing


def test_a_calendar_that_never_opens_is_an_error_not_an_endless_loop() -> None:
    shut = compiled({"time_zone": "UTC"})
    with pytest.raises(NeverOpen, match="offers 0 working hours after 2024-03-06"):
        shut.due(at("2024-03-06"), 60)
    with pytest.raises(NeverOpen, match="never opens after"):
        shut.next_open(at("2024-03-06"))
    with pytest.raises(NeverOpen, match="before"):
        shut.due(at("2024-03-06"), -60)
    assert shut.elapsed_seconds(at("2024-03-06"), at("2025-03-06")) == 0
    assert shut.next_close(at("2024-03-06")) is None


def test_a_calendar_that_ends_says_how_much_it_offered() -> None:
    ended = compiled(OFFICE | {"valid_until": date(2024, 3, 6)})
    with pytest.raises(NeverOpen, match="offers 10 working hours after 2024-03-06T00:00:00"):
        ended.due(at("2024-03-06"), 11 * HOUR)


def test_around_the_clock_never_closes() -> None:
    assert compiled(ALWAYS).next_close(at("2024-03-06")) is None


@pytest.mark.parametrize(
    "placeholder", [NEVER_US, -1, to_us(datetime(9999, 12, 31, tzinfo=UTC)), to_us(datetime(1753, 1, 1, tzinfo=UTC))]
)
def test_a_placeholder_instead_of_an_instant_is_refused(placeholder: int) -> None:
    office = compiled(OFFICE)
    now = np.array([to_us(at("2024-03-06"))])
    if placeholder == -1:  # a microsecond before 1970 is a fine instant
        assert office.elapsed_us(np.array([placeholder]), now)[0] > 0
        return
    with pytest.raises(OutOfSpan, match="1900 to 2199"):
        office.elapsed_us(now, np.array([placeholder]))
    with pytest.raises(OutOfSpan):
        office.elapsed_between(int(now[0]), placeholder)


def test_an_amount_beyond_all_years_is_refused_and_does_not_overflow() -> None:
    office = compiled(OFFICE)
    now = np.array([to_us(at("2024-03-06"))])
    with pytest.raises(NeverOpen):
        office.due_us(now, np.array([NEVER_US]))
    with pytest.raises(NeverOpen):
        office.due_after(int(now[0]), -NEVER_US)


def test_the_table_grows_to_what_is_asked_and_answers_stay_the_same() -> None:
    grown, fresh = compiled(WITH_BREAKS), compiled(WITH_BREAKS)
    for year in (2024, 1990, 2060, 1975, 2199, 1900):
        grown.elapsed_seconds(datetime(year, 6, 1, tzinfo=UTC), datetime(year, 6, 30, tzinfo=UTC))
    start, end = at("2024-03-06"), at("2025-03-06")
    assert grown.elapsed_seconds(start, end) == fresh.elapsed_seconds(start, end)
    # Twenty working years from the edge of what is known.
    assert fresh.elapsed_seconds(end, fresh.due(end, 40_000 * HOUR)) == 40_000 * HOUR


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        compiled(OFFICE).elapsed_seconds(datetime(2024, 3, 6), at("2024-03-07"))  # noqa: DTZ001 - the point of the test


def test_datetimes_as_numbers_of_another_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="int64 microseconds"):
        compiled(OFFICE).elapsed_us(np.array([1.5]), np.array([2.5]))  # type: ignore[arg-type]


def test_empty_arrays_give_empty_arrays() -> None:
    office, none = compiled(OFFICE), np.empty(0, np.int64)
    for answer in (
        office.elapsed_us(none, none),
        office.due_us(none, none),
        office.next_open_us(none),
        office.is_open(none),
    ):
        assert answer.shape == (0,)


def test_one_start_serves_many_ends() -> None:
    office = compiled(OFFICE)
    start, ends = (
        np.array([to_us(at("2024-03-06T09:00"))]),
        to_us(at("2024-03-06T09:00")) + np.arange(4) * HOUR * SECOND_US,
    )
    assert (office.elapsed_us(start, ends) == np.arange(4) * HOUR * SECOND_US).all()
    assert office.due_us(start, np.arange(3).reshape(3, 1) * HOUR * SECOND_US).shape == (3, 1)


def test_a_calendar_chopped_into_seconds_still_agrees_with_itself() -> None:
    chopped = compiled(
        {
            "time_zone": "UTC",
            "always_open": True,
            "breaks": {"daily": [[f"12:00:{s:02d}", f"12:00:{s + 1:02d}"] for s in range(0, 58, 2)]},
        }
    )
    rng = np.random.default_rng(5)
    starts = to_us(at("2000-01-01")) + rng.integers(0, 40 * 365 * 86_400 * SECOND_US, 500)
    ends = starts + rng.integers(0, 90 * 86_400 * SECOND_US, 500)
    elapsed = chopped.elapsed_us(starts, ends)
    assert (elapsed == [chopped.elapsed_between(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]).all()
    assert (chopped.elapsed_us(starts, chopped.due_us(starts, elapsed)) == elapsed).all()


def test_threads_may_share_a_calendar() -> None:
    shared, alone = compiled(OFFICE), compiled(OFFICE)
    starts = [to_us(datetime(1990 + step % 60, 1 + step % 12, 1, tzinfo=UTC)) for step in range(400)]
    day = 10 * 86_400 * SECOND_US
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda start: shared.elapsed_between(start, start + day), starts))
        dues = list(pool.map(lambda start: shared.due_after(start, day), starts))
    assert together == [alone.elapsed_between(start, start + day) for start in starts]
    assert dues == [alone.due_after(start, day) for start in starts]


def test_a_calendar_travels_to_another_process() -> None:
    office = compiled(WITH_BREAKS)
    copy = pickle.loads(pickle.dumps(office))  # noqa: S301 - our own bytes
    start = at("2024-03-06")
    assert copy.due(start, 40 * HOUR) == office.due(start, 40 * HOUR)
    assert copy.name == "tested"
    assert copy.zone == "Europe/Berlin"


def test_a_closed_day_is_named_with_its_reason() -> None:
    office = compiled(WITH_BREAKS)
    start = at("2024-03-27")
    assert office.closures(to_us(start), to_us(start + timedelta(days=7))) == [
        (date(2024, 3, 29), "Good Friday"),
        (date(2024, 4, 1), "Easter Monday"),
    ]
    assert office.is_holiday_at(at("2024-03-29T10:00"))
    assert not office.is_holiday_at(at("2024-03-28T10:00"))
    assert office.is_break_at(at("2024-03-28T11:30"))
    assert not office.is_break_at(at("2024-03-28T12:00"))


def test_an_amount_used_up_at_a_border_of_closed_time_can_be_asked_for_at_either_side() -> None:
    office = compiled(OFFICE | {"time_zone": "UTC"})
    monday = at("2024-03-04T16:00")
    assert office.due(monday, 2 * HOUR) == office.due(monday, 2 * HOUR, "closing") == at("2024-03-04T18:00")
    assert office.due(monday, 2 * HOUR, "opening") == at("2024-03-05T08:00")
    assert office.due(monday, -8 * HOUR) == office.due(monday, -8 * HOUR, "opening") == at("2024-03-04T08:00")
    assert office.due(monday, -8 * HOUR, "closing") == at("2024-03-01T18:00")
    for border in ("closing", "opening"):
        assert office.due(monday, HOUR, border) == at("2024-03-04T17:00")
        assert office.due(monday, -HOUR, border) == at("2024-03-04T15:00")
        assert office.due(at("2024-03-02T12:00"), 0, border) == at("2024-03-02T12:00")


def test_the_closing_instant_is_open_only_when_it_is_to_be_included() -> None:
    office = compiled(OFFICE | {"time_zone": "UTC"})
    for text, plain, included in (("18:00", False, True), ("08:00", True, True), ("18:00:01", False, False)):
        instant = at(f"2024-03-04T{text}")
        assert office.is_open_at(instant) is plain
        assert office.is_open_at(instant, closing_included=True) is included


@pytest.mark.parametrize(
    "spec",
    [
        {"always_open": True},
        {"always_open": True, "valid_from": "2024-06-01"},
        {"always_open": True, "dates": {"2024-12-25": [["10:00", "12:00"]]}},
        {"hours": {"mon-fri": [["08:00", "18:00"]]}, "valid_until": "2025-01-31"},
        {"dates": {"2024-12-31": [["22:00", "06:00"]]}},
    ],
)
def test_a_calendar_that_never_changes_again_is_not_built_for_centuries(spec):
    """The answers are those of a table up to the year 2200; the table ends when nothing more can happen."""
    quick, slow = (compiled({"time_zone": "Europe/Berlin", **spec}) for _ in range(2))
    first_us, last_us = to_us(at("2024-01-01")), to_us(at("2025-06-01"))
    slow._tables.spanning(first_us, LAST_US)
    instants = np.arange(first_us, last_us, 7 * HOUR * SECOND_US, dtype=np.int64)
    for ask in ("next_close_us", "next_open_us"):
        np.testing.assert_array_equal(getattr(quick, ask)(instants), getattr(slow, ask)(instants))
    assert quick._tables._table.high_us < to_us(at("2040-01-01"))
