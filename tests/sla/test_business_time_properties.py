from __future__ import annotations

import random
from datetime import UTC, date, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sla.instants import NEVER_US, SECOND_US, to_us
from sla.working_time.business_time import BusinessTime
from sla.working_time.interval_sets import intersection, minus, total, union
from tests.sla.calendar_examples import OFFICE, ZONES, compiled, random_calendar

HOUR = 3600
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2060, 12, 31, tzinfo=UTC)
SPAN_S = int((LAST - FIRST).total_seconds())

WITH_BREAKS = OFFICE | {
    "breaks": {"daily": [["12:00", "13:00"]]},
    "holidays": {"country": "DE", "subdivision": "BY"},
}
SHIFTS = {"time_zone": "America/New_York", "hours": {"mon": [["22:00", "06:00"]], "fri": [["22:00", "24:00"]]}}
ALWAYS = {"time_zone": "Australia/Lord_Howe", "always_open": True}


def _calendars() -> list[BusinessTime]:
    drawn = [random_calendar(random.Random(seed), date(2024, 3, 30)) for seed in range(12)]
    kept = [written for written in drawn if "valid_from" not in written and "valid_until" not in written]
    zones = [OFFICE | {"time_zone": zone} for zone in ZONES]
    return [compiled(written) for written in (WITH_BREAKS, SHIFTS, ALWAYS, *zones, *kept)]


CALENDARS = st.sampled_from(_calendars())
INSTANTS = st.integers(0, SPAN_S * SECOND_US).map(lambda us: to_us(FIRST) + us)
AMOUNTS = st.integers(-400 * HOUR * SECOND_US, 400 * HOUR * SECOND_US)


CHECKED = settings(deadline=None)  # a test never times anything


@CHECKED
@given(CALENDARS, INSTANTS, INSTANTS, INSTANTS)
def test_working_time_adds_up(working: BusinessTime, a: int, b: int, c: int) -> None:
    assert working.elapsed_between(a, b) + working.elapsed_between(b, c) == working.elapsed_between(a, c)


@CHECKED
@given(CALENDARS, INSTANTS, INSTANTS)
def test_working_time_backwards_is_negative(working: BusinessTime, a: int, b: int) -> None:
    assert working.elapsed_between(a, b) == -working.elapsed_between(b, a)


@CHECKED
@given(CALENDARS, INSTANTS, INSTANTS)
def test_working_time_grows_with_the_clock_and_never_faster(working: BusinessTime, a: int, b: int) -> None:
    start, end = min(a, b), max(a, b)
    assert 0 <= working.elapsed_between(start, end) <= end - start


@CHECKED
@given(CALENDARS, INSTANTS, AMOUNTS)
def test_what_is_due_after_an_amount_has_that_amount_elapsed(working: BusinessTime, start: int, amount: int) -> None:
    due = working.due_after(start, amount)
    assert working.elapsed_between(start, due) == amount
    assert (due >= start) if amount >= 0 else (due <= start)


@CHECKED
@given(CALENDARS, INSTANTS, AMOUNTS)
def test_no_earlier_instant_has_used_up_the_amount(working: BusinessTime, start: int, amount: int) -> None:
    due = working.due_after(start, amount)
    if amount:
        nearer = due - 1 if amount > 0 else due + 1
        assert abs(working.elapsed_between(start, nearer)) < abs(amount)


@CHECKED
@given(CALENDARS, INSTANTS, AMOUNTS, AMOUNTS)
def test_a_larger_amount_is_never_due_earlier(working: BusinessTime, start: int, one: int, two: int) -> None:
    assert working.due_after(start, min(one, two)) <= working.due_after(start, max(one, two))


@CHECKED
@given(CALENDARS, st.lists(st.tuples(INSTANTS, INSTANTS, AMOUNTS), min_size=1, max_size=20))
def test_single_instants_and_arrays_give_the_same(working: BusinessTime, rows: list[tuple[int, int, int]]) -> None:
    starts, ends, amounts = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    assert working.elapsed_us(starts, ends).tolist() == [working.elapsed_between(a, b) for a, b, _ in rows]
    assert working.due_us(starts, amounts).tolist() == [working.due_after(a, amount) for a, _, amount in rows]


@CHECKED
@given(CALENDARS, INSTANTS)
def test_open_instants_are_those_from_an_opening_until_before_the_closing(working: BusinessTime, instant: int) -> None:
    here = np.array([instant])
    opens, closes = int(working.next_open_us(here)[0]), int(working.next_close_us(here)[0])
    assert bool(working.is_open(here)[0]) == (opens == instant)
    if closes != NEVER_US:
        edges = np.array([closes - 1, closes])
        assert working.is_open(edges).tolist() == [True, False]
    closed = int(working.last_open_us(here)[0])
    assert closed <= instant
    assert working.elapsed_between(closed, instant) == 0


@CHECKED
@given(CALENDARS, INSTANTS, st.integers(0, 40 * 86_400 * SECOND_US))
def test_the_windows_of_an_interval_add_up_to_its_working_time(working: BusinessTime, start: int, length: int) -> None:
    windows = working.open_windows(start, start + length)
    assert sum(closes - opens for opens, closes in windows) == working.elapsed_between(start, start + length)


SETS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


@CHECKED
@given(SETS, SETS)
def test_interval_sets_behave_like_sets_of_points(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> None:
    def points(pairs: list[tuple[int, int]]) -> set[int]:
        return {point for a, b in pairs for point in range(a, b)}

    def intervals(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
        return union(np.array([a for a, _ in pairs], np.int64), np.array([b for _, b in pairs], np.int64))

    def back(pair: tuple[np.ndarray, np.ndarray]) -> set[int]:
        assert (pair[1] > pair[0]).all()
        assert (pair[0][1:] > pair[1][:-1]).all()
        return points(list(zip(pair[0].tolist(), pair[1].tolist(), strict=True)))

    a, b = intervals(one), intervals(two)
    assert back(a) == points(one)
    assert back(minus(a, b)) == points(one) - points(two)
    assert back(intersection(a, b)) == points(one) & points(two)
    assert total(a) == len(points(one))
