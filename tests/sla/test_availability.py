from __future__ import annotations

import math
import random
from datetime import date

import numpy as np
import pytest

from sla.instants import NEVER_US, SECOND_US, Int64Array, from_us, to_us
from sla.services.availability import availability, calendar_windows, rolling_windows
from sla.services.dependencies import Needs, combined, composite
from sla.services.service_history import ServiceError, ServiceHistory, ServiceState
from tests.sla.calendar_examples import OFFICE, at, compiled

UP, SLOW, PLANNED, UNKNOWN, DOWN = ServiceState
HOUR = 3600


def _us(*seconds: float) -> Int64Array:
    return np.array([round(second * SECOND_US) for second in seconds], np.int64)


def _at(*texts: str) -> Int64Array:
    return np.array([to_us(at(text)) for text in texts], np.int64)


def _history(
    *periods: tuple[float, float, ServiceState], planned: tuple[tuple[float, float], ...] = ()
) -> ServiceHistory:
    starts, ends, states = zip(*periods, strict=True) if periods else ((), (), ())
    return ServiceHistory.from_periods(
        _us(*starts),
        _us(*ends),
        np.array(states, np.int8),
        (_us(*(a for a, _ in planned)), _us(*(b for _, b in planned))),
    )


def _share(history: ServiceHistory, start: float, end: float, **options: object) -> float:
    return float(availability(history, _us(start), _us(end), **options).share[0])  # type: ignore[arg-type]


# ---- what counts


def test_an_outage_lowers_availability_by_its_share_of_the_window() -> None:
    assert _share(_history((100, 200, DOWN)), 0, 1000) == 0.9
    assert _share(_history((-500, 200, DOWN)), 0, 1000) == 0.8
    assert _share(_history(), 0, 1000) == 1.0


def test_planned_maintenance_is_not_lost_time() -> None:
    history = _history((100, 300, DOWN), planned=((200, 400),))
    assert _share(history, 0, 1000) == 0.9
    assert _share(history, 0, 1000, maintenance_rule="excluded") == 1 - 100 / 800


def test_unknown_time_leaves_the_denominator_in_maintenance_too() -> None:
    history = _history((0, 500, UNKNOWN), (500, 600, DOWN), planned=((400, 450),))
    assert _share(history, 0, 1000) == 0.8
    assert _share(history, 0, 1000, maintenance_rule="excluded") == 0.8


def test_a_service_of_which_nothing_is_known_has_no_availability() -> None:
    assert math.isnan(_share(_history((0, 1000, UNKNOWN)), 0, 1000))


def test_degraded_time_counts_as_lost_by_its_share() -> None:
    history = _history((100, 300, SLOW))
    assert _share(history, 0, 1000) == 1.0
    assert _share(history, 0, 1000, degraded_share=0.5) == 0.9
    assert _share(history, 0, 1000, degraded_share=1.0) == 0.8


def test_of_overlapping_periods_the_worst_holds() -> None:
    history = _history((100, 300, SLOW), (200, 250, DOWN), (240, 400, UNKNOWN))
    assert history.state_at(_us(99, 100, 199, 200, 245, 250, 299, 300, 400)).tolist() == [
        UP, SLOW, SLOW, DOWN, DOWN, UNKNOWN, UNKNOWN, UNKNOWN, UP,
    ]  # fmt: skip


def test_an_outage_that_has_not_ended_lasts_to_the_end_of_the_window() -> None:
    history = ServiceHistory.from_periods(_us(900), np.array([NEVER_US]), np.array([DOWN], np.int8))
    assert _share(history, 0, 1000) == 0.9


def test_only_service_hours_count() -> None:
    office = compiled(OFFICE | {"time_zone": "UTC"})
    # Down from Monday 16:00 until Tuesday 09:00: 2 h and 1 h of two days of 10 h.
    down = ServiceHistory.from_periods(_at("2024-03-04T16:00"), _at("2024-03-05T09:00"), np.array([DOWN], np.int8))
    result = availability(down, _at("2024-03-04"), _at("2024-03-06"), hours=office)
    assert result.down_us[0] == 3 * HOUR * SECOND_US
    assert result.share[0] == 1 - 3 / 20
    assert result.outages_begun[0] == 1
    assert result.mttr_seconds[0] == 3 * HOUR
    weekend = availability(down, _at("2024-03-02"), _at("2024-03-04"), hours=office)
    assert math.isnan(weekend.share[0])


# ---- the state before the first change


@pytest.mark.parametrize(
    ("changes", "current", "share"),
    [
        ([], None, 1.0),
        ([], DOWN, 0.0),
        ([(-100, DOWN, UP)], UP, 0.0),  # the last change before the window
        ([(200, UP, DOWN)], UP, 0.8),  # what the first change names as its previous state
        ([(500, DOWN, UNKNOWN), (700, UP, DOWN)], None, 0.6),  # unknown until the first change
        ([(-100, DOWN, UP), (200, UP, UP)], None, 0.8),  # the change before the window is believed, not a later claim
    ],
)
def test_the_state_before_the_first_change_is_defined(
    changes: list[tuple[float, ServiceState, ServiceState]], current: ServiceState | None, share: float
) -> None:
    history = ServiceHistory.from_changes(
        _us(*(when for when, _, _ in changes)),
        np.array([state for _, state, _ in changes], np.int8),
        np.array([before for _, _, before in changes], np.int8),
        current=current,
    )
    assert _share(history, 0, 1000) == share


def test_changes_may_arrive_in_any_order() -> None:
    times, states = _us(300, 100, 500, 200), np.array([DOWN, DOWN, UP, UP], np.int8)
    assert _share(ServiceHistory.from_changes(times, states), 0, 1000) == 0.7


# ---- repair and failure


def test_time_to_restore_counts_whole_outages_in_the_window_they_end_in() -> None:
    history = _history((-100, 100, DOWN), (400, 500, DOWN), (900, 1100, DOWN))
    result = availability(history, _us(0, 1000), _us(1000, 2000))
    assert result.outages_begun.tolist() == [2, 0]
    assert result.outages_ended.tolist() == [2, 1]
    assert result.mttr_seconds.tolist() == [150, 200]
    assert result.mtbf_seconds[0] == (1000 - 300) / 2
    assert math.isnan(result.mtbf_seconds[1])


def test_an_outage_within_maintenance_is_no_failure() -> None:
    result = availability(_history((100, 200, DOWN), planned=((50, 250),)), _us(0), _us(1000))
    assert result.outages_begun[0] == 0
    assert math.isnan(result.mttr_seconds[0])


def test_random_histories_agree_with_a_tape_of_seconds() -> None:
    for seed in range(150):
        rng = random.Random(seed)
        periods, planned = [], []
        for _ in range(rng.randint(0, 8)):
            start = rng.randint(-50, 400)
            periods.append((start, start + rng.randint(0, 90), rng.choice((SLOW, UNKNOWN, DOWN))))
        for _ in range(rng.randint(0, 3)):
            start = rng.randint(-50, 400)
            planned.append((start, start + rng.randint(1, 60)))
        history = _history(*periods, planned=tuple(planned))
        starts = [rng.randint(0, 300) for _ in range(5)]
        ends = [start + rng.randint(1, 100) for start in starts]
        result = availability(history, _us(*starts), _us(*ends))
        for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
            counted = {"down": 0, "degraded": 0, "unknown": 0, "maintenance": 0}
            for second in range(start, end):
                worst = max((state for a, b, state in periods if a <= second < b), default=UP)
                if worst == UNKNOWN:
                    counted["unknown"] += 1
                elif any(a <= second < b for a, b in planned):
                    counted["maintenance"] += 1
                elif worst != UP:
                    counted["down" if worst == DOWN else "degraded"] += 1
            for name, seconds in counted.items():
                assert getattr(result, f"{name}_us")[row] == seconds * SECOND_US, (seed, name)


# ---- windows


def test_a_window_that_is_empty_is_refused() -> None:
    with pytest.raises(ServiceError, match="not after its start"):
        availability(_history(), _us(1000), _us(1000))
    with pytest.raises(ServiceError, match="swap them"):
        _history((200, 100, DOWN))
    with pytest.raises(ServiceError, match="degraded_share is 2"):
        _share(_history(), 0, 1, degraded_share=2)


def test_rolling_windows_end_where_asked() -> None:
    starts, ends = rolling_windows(_us(100, 200), 50)
    assert starts.tolist() == _us(50, 150).tolist()
    assert ends.tolist() == _us(100, 200).tolist()


def test_calendar_windows_begin_at_local_midnight() -> None:
    starts, ends = calendar_windows(date(2024, 3, 30), date(2024, 4, 1), "day", "Europe/Berlin")
    assert [(end - start) // (HOUR * SECOND_US) for start, end in zip(starts, ends, strict=True)] == [24, 23, 24]
    assert from_us(int(starts[0])) == at("2024-03-29T23:00")
    for period, first, last in (
        ("week", "2024-02-26T00:00+01:00", "2024-03-18T00:00+01:00"),
        ("month", "2024-03-01T00:00+01:00", "2024-04-01T00:00+02:00"),
        ("quarter", "2024-01-01T00:00+01:00", "2024-04-01T00:00+02:00"),
        ("year", "2024-01-01T00:00+01:00", "2025-01-01T00:00+01:00"),
    ):
        starts, ends = calendar_windows(date(2024, 3, 1), date(2024, 3, 17), period, "Europe/Berlin")  # type: ignore[arg-type]
        assert (from_us(int(starts[0])), from_us(int(ends[-1]))) == (at(first), at(last)), period
        assert (starts[1:] == ends[:-1]).all()


def test_a_wrong_period_says_which_there_are() -> None:
    with pytest.raises(ServiceError, match="write day, week, month, quarter or year"):
        calendar_windows(date(2024, 3, 1), date(2024, 3, 2), "decade", "UTC")  # type: ignore[arg-type]
    with pytest.raises(ServiceError, match="swap them"):
        calendar_windows(date(2024, 3, 2), date(2024, 3, 1), "day", "UTC")


# ---- parts and wholes


def test_a_service_is_down_while_a_part_it_needs_is() -> None:
    shop, stock = _history((100, 200, DOWN)), _history((150, 300, DOWN), (500, 600, SLOW))
    whole = combined([shop, stock])
    assert _share(whole, 0, 1000) == 0.8
    assert whole.state_at(_us(550))[0] == SLOW


def test_of_interchangeable_parts_enough_must_work() -> None:
    parts = [_history((100, 300, DOWN)), _history((200, 400, DOWN)), _history((250, 260, DOWN))]
    assert _share(combined(parts, needed=1), 0, 1000) == 0.99
    assert _share(combined(parts, needed=2), 0, 1000) == 0.9
    assert _share(combined(parts, needed=3), 0, 1000) == 0.7


def test_planned_maintenance_of_a_part_is_maintenance_of_the_whole() -> None:
    whole = combined([_history(planned=((100, 300),)), _history((200, 400, DOWN))])
    result = availability(whole, _us(0), _us(1000))
    # From 200 on the other part is down, which is worse than planned.
    assert result.maintenance_us[0] == 100 * SECOND_US
    assert result.down_us[0] == 200 * SECOND_US


def test_a_composite_rests_on_parts_of_parts() -> None:
    histories = {
        "web": _history(),
        "a": _history((0, 100, DOWN)),
        "b": _history((50, 150, DOWN)),
        "net": _history((900, 950, DOWN)),
    }
    needs = {"shop": Needs(("web", "db")), "db": Needs(("net",), ((1, ("a", "b")),)), "web": Needs(("net",))}
    assert _share(composite("shop", histories, needs), 0, 1000) == 0.9
    assert _share(composite("web", histories, needs), 0, 1000) == 0.95


def test_a_composite_that_rests_on_itself_or_on_nothing_is_refused() -> None:
    with pytest.raises(ServiceError, match="'a' rests on itself: a needs b needs a"):
        composite("a", {}, {"a": Needs(("b",)), "b": Needs(("a",))})
    with pytest.raises(ServiceError, match="'c' is not known"):
        composite("a", {}, {"a": Needs(("c",))})
    with pytest.raises(ServiceError, match="neither a history nor needs"):
        composite("a", {}, {"a": Needs()})
    with pytest.raises(ServiceError, match="3 of 1 services are needed"):
        combined([_history()], needed=3)
