"""When an alert is told, and when it is not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.alerting.deciding import decide
from serving.alerting.memory import HOUR_US, Event, Memory, Notice
from sla.instants import DAY_US
from sla.working_time.calendars import CalendarSpec
from tests.serving.alert_builders import MINUTE_US, START_US, Desk, plan_of, sight_of

EVENING = 4 * 60.0  # 18:30 in Berlin: the office is closed
MORNING = 18 * 60.0  # 8:30 on the next day


def test_a_risk_is_told_once_while_it_wavers_between_the_two_thresholds() -> None:
    desk = Desk(plan_of({}))
    assert desk.at(0, T1=0.59) == []
    assert desk.at(1, T1=0.61) == [("raised", "T1")]
    assert [desk.at(2 + step, T1=risk) for step, risk in enumerate((0.59, 0.7, 0.41, 0.9))] == [[]] * 4
    assert desk.at(9, T1=0.39) == [("recovered", "T1")]
    assert desk.at(10, T1=0.2) == []


def test_within_the_cooldown_the_same_ticket_is_not_told_again_and_after_it_it_is() -> None:
    desk = Desk(plan_of({"cooldown": "2 h"}))
    assert desk.at(0, T1=0.7) == [("raised", "T1")]
    assert desk.at(5, T1=0.1) == [("recovered", "T1")]
    assert desk.at(10, T1=0.9) == []
    assert desk.at(10, T1=0.9, T2=0.9) == [("raised", "T2")]
    assert desk.at(120, T1=0.9, T2=0.9) == [("raised", "T1")]


@pytest.mark.parametrize(
    ("now", "cause"),
    [
        ({"T1": {"probability": 0.1}}, "no longer so"),
        ({"T1": {"breached": 1}}, "the target was missed"),
        ({}, "finished, or no longer among its tickets"),
    ],
)
def test_that_it_is_over_is_told_with_the_reason(now: dict[str, Any], cause: str) -> None:
    desk = Desk(plan_of({}))
    desk.at(0, T1=0.7)
    assert desk.at(5, **now) == [("recovered", "T1")]
    assert desk.all[-1].cause == cause


def test_while_no_model_answers_nothing_is_raised_and_nothing_is_called_over() -> None:
    desk = Desk(plan_of({}))
    assert desk.at(0, T1=0.7, T2=0.1) == [("raised", "T1")]
    assert desk.at(1, T1={}, T2={}) == []
    assert desk.at(2, T2={}) == [("recovered", "T1")]  # it is finished, with or without a model


def test_an_agreed_warning_is_told_from_its_share_on() -> None:
    desk = Desk(plan_of({"kind": "warning"}, {"kind": "warning", "share": 0.6}))
    assert desk.at(0, T1={"share": 0.49}) == []
    assert desk.at(1, T1={"share": 0.5}) == [("raised", "T1")]
    assert desk.at(2, T1={"share": 0.75}, T2={"share": 0.99, "term": 1}, T3={"share": 0.99, "term": -1}) == [
        ("raised", "T1")
    ]
    assert desk.at(3, T1={"share": 1.2, "breached": 1}) == [("recovered", "T1"), ("recovered", "T1")]


def test_an_old_breach_is_no_news_but_stays_told() -> None:
    desk = Desk(plan_of({"kind": "breach", "news_for": "1 h"}))
    assert desk.at(0, T1={"breached": 61}) == []
    assert desk.at(0, T1={"breached": 61}, T2={"breached": 60}) == [("raised", "T2")]
    assert desk.at(90, T2={"breached": 150}) == []
    assert desk.at(91) == [("recovered", "T2")]


def test_conditions_choose_the_tickets_by_state_and_by_catalogue() -> None:
    desk = Desk(plan_of({"applies_to": [{"priority": 1}, {"service.criticality": "critical", "team": {"not": "A"}}]}))
    found = desk.at(
        0,
        T1={"probability": 0.9, "priority": "1"},
        T2={"probability": 0.9, "service": "ERP", "team": "B"},
        T3={"probability": 0.9, "service": "ERP", "team": "A"},
        T4={"probability": 0.9, "service": "Mail"},
    )
    assert sorted(found) == [("raised", "T1"), ("raised", "T2")]


def test_tickets_of_one_team_are_told_together_the_worst_first() -> None:
    desk = Desk(plan_of({"one_alert_per": "team"}))
    seen = {
        "T1": {"probability": 0.7, "team": "Net"},
        "T2": {"probability": 0.9, "team": "Net"},
        "T3": {"probability": 0.8},
    }
    assert desk.at(0, **seen) == [("raised", "Net"), ("raised", "(none)")]
    assert desk.all[0].places == (1, 0)
    assert desk.at(1, T1={"probability": 0.2, "team": "Net"}, T2={"probability": 0.5, "team": "Net"}) == [
        ("recovered", "(none)")
    ]
    assert desk.at(2, T1={"probability": 0.2, "team": "Net"}) == [("recovered", "Net")]


def test_beyond_the_bound_the_worst_are_told_the_rest_is_held_back_and_counted() -> None:
    desk = Desk(plan_of({"max_per_hour": 2}))
    assert desk.at(0, T1=0.7, T2=0.9, T3=0.8, T4=0.65) == [
        ("raised", "T2"),
        ("raised", "T3"),
        ("held", "T1"),
        ("held", "T4"),
    ]
    assert desk.at(20, T1=0.7, T2=0.9, T3=0.8, T4=0.1) == [("passed", "T4")]
    assert desk.at(31, T1=0.7, T2=0.9, T3=0.8) == [("summary", f"hour {START_US // HOUR_US}")]
    assert desk.all[-1].count == 2
    assert desk.at(60, T1=0.7, T2=0.9, T3=0.8) == [("raised", "T1")]  # there is room again
    assert desk.at(95, T1=0.7, T2=0.9, T3=0.8) == []


def test_what_found_no_room_for_an_hour_is_dropped() -> None:
    desk = Desk(plan_of({"max_per_hour": 1, "cooldown": "1 min"}))
    desk.at(0, T1=0.7, T2=0.61)
    assert ("raised", "T3") in desk.at(60, T1=0.7, T2=0.61, T3=0.9)
    assert desk.all[-1].event is Event.DROPPED
    assert desk.at(130, T1=0.7, T2=0.61, T3=0.9) == []


def test_the_bound_over_all_rules_serves_the_severest_first() -> None:
    desk = Desk(plan_of({}, {"kind": "breach", "severity": "critical"}, max_per_hour=1))
    assert desk.at(0, T1=0.99, T2={"breached": 1, "share": 1.0}) == [("raised", "T2"), ("held", "T1")]


def test_quiet_hours_put_off_what_is_told_until_they_end() -> None:
    desk = Desk(plan_of({"quiet_outside": "office"}))
    assert desk.at(0, T0=0.9) == [("raised", "T0")]
    assert desk.at(EVENING, T1=0.9, T2=0.9) == [("deferred", "T1"), ("deferred", "T2")]
    assert desk.at(EVENING + 60, T1=0.1, T2=0.9) == []
    told = desk.at(MORNING, T1=0.1, T2=0.9)
    assert told == [("recovered", "T0"), ("raised", "T2"), ("raised", "T1"), ("recovered", "T1")]
    assert desk.at(MORNING + 1, T2=0.9) == []


# ---- properties, over random desks

_RISKS = st.sampled_from([None, 0.1, 0.3, 0.5, 0.62, 0.8, 0.95, float("nan")])
_STEPS = st.lists(
    st.tuples(st.sampled_from([1, 5, 20, 59, 61, 300, 800]), st.lists(_RISKS, min_size=6, max_size=6)),
    min_size=1,
    max_size=40,
)
_RULES = st.fixed_dictionaries(
    {
        "cooldown": st.sampled_from(["1 min", "45 min", "6 h"]),
        "max_per_hour": st.sampled_from([1, 2, 5, 50]),
        "quiet_outside": st.sampled_from([None, "office"]),
        "one_alert_per": st.sampled_from(["ticket", "team"]),
    }
)


def _lived(rules: list[dict[str, Any]], steps: Any, bound: int) -> Desk:
    desk, minute = Desk(plan_of(*rules, max_per_hour=bound)), 0.0
    for gap, risks in steps:
        minute += gap
        desk.at(
            minute,
            **{f"T{n}": {"probability": one, "team": "AB"[n % 2]} for n, one in enumerate(risks) if one is not None},
        )
    return desk


@settings(max_examples=60, deadline=None)
@given(st.lists(_RULES, min_size=1, max_size=2), _STEPS, st.sampled_from([1, 3, 50]))
def test_on_any_desk_bounds_cooldowns_and_quiet_hours_hold_and_each_end_is_told_once(
    rules: list[dict[str, Any]], steps: Any, bound: int
) -> None:
    desk = _lived(rules, steps, bound)
    for times, limit in [
        (desk.raised_us(), bound),
        *((desk.raised_us(rule.name), rule.max_per_hour) for rule in desk.plan.rules.rules),
    ]:
        assert all(sum(end - HOUR_US < one <= end for one in times) <= limit for end in times)
    for rule in desk.plan.rules.rules:
        mine = [one for one in desk.all if one.rule == rule.name]
        assert not [
            one
            for one in mine
            if one.event in (Event.RAISED, Event.RECOVERED, Event.SUMMARY) and desk.plan.is_quiet(rule, one.at_us)
        ]
        for subject in {one.subject for one in mine if one.event is not Event.SUMMARY}:
            told = [one for one in mine if one.subject == subject and one.event in (Event.RAISED, Event.RECOVERED)]
            events = [one.event for one in told]
            assert events == [Event.RAISED, Event.RECOVERED] * (len(events) // 2) + [Event.RAISED] * (len(events) % 2)
            times = [one.at_us for one in told if one.event is Event.RAISED]
            assert all(later - one >= rule.cooldown.amount_us for one, later in pairwise(times))


@settings(max_examples=40, deadline=None)
@given(_RULES, _STEPS)
def test_what_quiet_hours_put_off_is_told_or_counted_as_held_back_once_they_end(
    rule: dict[str, Any], steps: Any
) -> None:
    lived = sum(gap for gap, _ in steps)
    until_wednesday = 7 * 24 * 60 - lived % (7 * 24 * 60)  # half past two in the afternoon
    desk = _lived([{**rule, "quiet_outside": "office"}], [*steps, (until_wednesday, [None] * 6)], 50)
    for index, one in enumerate(desk.all):
        if one.event is Event.DEFERRED:
            later = [other.event for other in desk.all[index + 1 :] if other.subject == one.subject]
            assert later[0] in (Event.RAISED, Event.HELD)


@settings(max_examples=40, deadline=None)
@given(_RULES, _STEPS)
def test_a_memory_filled_from_the_past_decides_alike(rule: dict[str, Any], steps: Any) -> None:
    whole = _lived([rule], steps, 3)
    pieced, minute = Desk(plan_of(rule, max_per_hour=3)), 0.0
    for gap, risks in steps:
        minute += gap
        fresh = Memory()
        fresh.remember(pieced.all)
        fresh.forget(START_US + round(minute * MINUTE_US), pieced.plan.longest_cooldown_us)
        pieced.memory = fresh
        pieced.at(
            minute,
            **{f"T{n}": {"probability": one, "team": "AB"[n % 2]} for n, one in enumerate(risks) if one is not None},
        )
    assert pieced.all == whole.all


def test_deciding_changes_no_memory() -> None:
    plan, memory = plan_of({"max_per_hour": 1}), Memory()
    seen = sight_of(0, {"T1": {"probability": 0.9}, "T2": {"probability": 0.8}})
    first, second = decide(plan, memory, seen), decide(plan, memory, seen)
    assert first == second
    assert Counter(one.event for one in first) == {Event.RAISED: 1, Event.HELD: 1}
    assert isinstance(first[0], Notice)
    assert np.isclose(first[0].value or 0, 0.9)
    assert timedelta(microseconds=first[0].at_us - START_US) == timedelta()


def test_what_waited_for_room_when_it_became_quiet_is_not_put_off_once_more() -> None:
    desk = Desk(plan_of({"quiet_outside": "office", "max_per_hour": 1}))
    assert desk.at(EVENING - 31, T1=0.9, T2=0.8) == [("raised", "T1"), ("held", "T2")]
    assert desk.at(EVENING, T1=0.9, T2=0.8) == []
    assert ("raised", "T2") in desk.at(MORNING, T1=0.9, T2=0.8)


def test_a_calendar_of_the_rules_goes_before_one_of_the_agreements_with_its_name() -> None:
    always = CalendarSpec.model_validate({"time_zone": "UTC", "always_open": True})
    plan = plan_of({"quiet_outside": "office"})
    assert plan.is_quiet(plan.rules.rules[0], START_US + round(EVENING * MINUTE_US))
    mine = replace(plan, rules=plan.rules.model_copy(update={"calendars": {"office": always}}))
    assert not mine.is_quiet(mine.rules.rules[0], START_US + round(EVENING * MINUTE_US))


def test_an_hour_that_was_summed_up_stays_so_whatever_is_read_after_it() -> None:
    hour = START_US // HOUR_US
    told = [Notice("r", f"hour {one}", Event.SUMMARY, START_US, one * HOUR_US, count=1) for one in (hour, hour - 3)]
    memory = Memory()
    memory.remember(told)
    assert memory.summed_up == {"r": hour}


@pytest.mark.parametrize(
    ("cooldown_us", "kept"), [(0, {"goes on", "young"}), (9 * DAY_US, {"goes on", "young", "old"})]
)
def test_what_is_over_is_forgotten_once_no_cooldown_asks_for_it_and_what_goes_on_never(
    cooldown_us: int, kept: set[str]
) -> None:
    long_ago, lately = START_US - 8 * DAY_US, START_US - DAY_US
    memory = Memory()
    memory.remember(
        [
            Notice("r", "old", Event.RECOVERED, long_ago, long_ago, long_ago),
            Notice("r", "goes on", Event.RAISED, long_ago, long_ago, long_ago),
            Notice("r", "young", Event.RECOVERED, lately, lately, lately),
        ]
    )
    memory.forget(START_US, cooldown_us)
    assert set(memory.episodes["r"]) == kept
