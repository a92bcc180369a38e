"""When a ticket will likely be done: serving/likely_end.py."""

from __future__ import annotations

import math
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.likely_end import LikelyEnd, likely_ends
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import parse_agreements
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import SECOND_US, from_us, to_us
from sla.working_time.calendar_errors import NeverOpen
from tests.serving.real_desk import AGREEMENTS, AT, agreements

NONE = np.inf
NEVER_PAUSES = parse_agreements(AGREEMENTS.replace("        pause: {status: waiting, waiting_on: customer}\n", ""))
MAY_PAUSE = any(
    target.pause is not None for target in agreements().agreements[0].targets if target.metric == "resolution"
)


def test_an_end_that_no_calendar_reaches_is_not_told() -> None:
    hours = np.array([[1.0, 2.0, 3.0] * 2 + [NONE] * 2, [1.0, 2.0, 5e8] * 2 + [NONE] * 2])
    near, far = told(hours)
    assert near is not None
    assert near.early_at < near.middle_at < near.late_at
    assert near.or_later == ()
    assert far is None


@pytest.mark.parametrize("nothing", [np.inf, np.nan])
@pytest.mark.parametrize("place", range(6))
def test_hours_without_a_number_have_no_end_where_they_are_needed(nothing: float, place: int) -> None:
    hours = np.array([1.0, 2.0, 3.0] * 2 + [NONE] * 2)
    hours[place] = nothing
    near, far = told(np.array([[1.0, 2.0, 3.0] * 2 + [NONE] * 2, hours]))
    assert near is not None
    assert far is None
    (without_waits,) = told(np.array([hours]), NEVER_PAUSES)
    assert without_waits == (None if place < 3 else near)


def test_ends_beyond_what_training_saw_are_said_to_be_later() -> None:
    most = [3.0, 50.0]  # on the clock, and in opening hours
    waits = [1.0, 2.0, 2.5, 10.0, 50.0, 50.0, *most]
    stuck, long, short = told(np.array([[1.0, 3.0, 3.0, 1.0, 3.0, 3.0, *most], waits, [1.0, 2.0, 2.9] * 2 + most]))
    assert stuck is not None
    assert stuck.or_later == ("middle", "late")
    assert stuck.late_working_seconds == 3 * 3600
    assert long is not None
    assert long.or_later == (("middle", "late") if MAY_PAUSE else ())
    assert short is not None
    assert short.or_later == ()


def told(hours: np.ndarray, under: AgreementSet | None = None) -> list[LikelyEnd | None]:
    """What is told of tickets with these rows of FINISH_COLUMNS."""
    verdicts = VerdictArrays.blank(len(hours), VerdictState.RUNNING)
    verdicts.calendar[:], verdicts.agreement[:] = 0, 0
    estimates: Any = SimpleNamespace(
        bundle=SimpleNamespace(target="resolution"),
        asked_us=np.full(len(hours), to_us(AT)),
        finish_hours=lambda places: hours[places],
    )
    return likely_ends(estimates, verdicts, under or agreements(), AT, np.arange(len(hours)))


TWO_CLOCKS = parse_agreements(
    """\
slacast: 1
name: Two clocks
time_zone: UTC
calendars:
  office: {time_zone: Europe/Berlin, hours: {mon-fri: [["08:00", "18:00"]]}}
  always: {time_zone: UTC, always_open: true}
agreements:
  - name: Waits
    kind: SLA
    owner: Desk
    applies_to: {priority: 1}
    targets:
      - {metric: resolution, pause: {status: waiting}, goals: [{default: true, within: 9 working hours, calendar: office}]}
  - name: Runs
    kind: SLA
    owner: Desk
    targets:
      - {metric: resolution, goals: [{default: true, within: 9 h, calendar: always}]}
"""
)
ROW = st.tuples(
    st.lists(st.one_of(st.floats(-1.0, 400.0), st.sampled_from([np.nan, np.inf, 5e8])), min_size=8, max_size=8),
    st.integers(0, 1),  # the agreement, and its calendar
    st.sampled_from([VerdictState.RUNNING, VerdictState.PAUSED, VerdictState.BREACHED]),
    st.integers(0, 7_200),  # asked so many seconds ago
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ROW, min_size=0, max_size=5))
def test_many_ends_are_those_of_each_ticket_worked_out_alone(
    rows: list[tuple[list[float], int, VerdictState, int]],
) -> None:
    verdicts = VerdictArrays.blank(len(rows), VerdictState.RUNNING)
    for place, (_hours, agreement, state, _ago) in enumerate(rows):
        verdicts.calendar[place], verdicts.agreement[place], verdicts.state[place] = agreement, agreement, state
    hours = np.array([row[0] for row in rows]).reshape(len(rows), 8)
    asked_us = to_us(AT) - np.array([row[3] for row in rows], np.int64) * SECOND_US
    estimates: Any = SimpleNamespace(
        bundle=SimpleNamespace(target="resolution"), asked_us=asked_us, finish_hours=lambda places: hours[places]
    )
    order = np.arange(len(rows))[::-1]
    found = likely_ends(estimates, verdicts, TWO_CLOCKS, AT, order)
    assert found == [_alone(*rows[place]) for place in order.tolist()]


def _alone(hours: list[float], agreement: int, state: VerdictState, ago_seconds: int) -> LikelyEnd | None:
    may_pause, asked_at = agreement != 1, AT - timedelta(seconds=ago_seconds)
    working = [max(each, 0.0) for each in hours[:3]]
    if not all(math.isfinite(each) for each in hours[: 6 if may_pause else 3]):
        return None
    calendar = TWO_CLOCKS.business_times[agreement]
    try:
        ends = [
            max(from_us(calendar.due_after(to_us(asked_at), round(each * 3.6e9))), AT)
            for each in (hours[3:6] if may_pause else working)
        ]
    except NeverOpen:
        return None
    ran = calendar.elapsed_between(to_us(asked_at), to_us(AT)) / SECOND_US if state == VerdictState.RUNNING else 0.0
    later = [
        name
        for place, name in enumerate(("early", "middle", "late"))
        if hours[place] >= hours[6] or (may_pause and hours[3 + place] >= hours[7])
    ]
    early, middle, late = (max(each * 3600.0 - ran, 0.0) for each in working)
    return LikelyEnd(ends[0], ends[1], ends[2], early, middle, late, tuple(later))
