"""Verdicts carried on to a later instant are those that replaying every event gives there."""

from __future__ import annotations

import random
from dataclasses import fields

import numpy as np
import pytest

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import parse_agreements
from sla.clocks.later import verdicts_later
from sla.clocks.replay import VerdictArrays, VerdictState, verdicts_at
from sla.events import EventLog, TicketEvent
from sla.instants import NEVER_US, Int64Array
from tests.sla.random_cases import MINUTE_US, START_US, agreements, log_of, tickets

FIGURES = [field.name for field in fields(VerdictArrays) if field.name != "begin_row"]
GAPS_MINUTES = (0, 0.5, 1, 7, 60, 600, 3000)


def without_news(log: EventLog, since_us: int, at_us: int) -> Int64Array:
    has_news = np.zeros(len(log.ticket_ids), np.bool_)
    has_news[log.row_ticket[(log.known_us > since_us) & (log.known_us <= at_us)]] = True
    return np.flatnonzero(~has_news)


def test_time_alone_moves_verdicts_as_a_replay_does() -> None:
    carried, states = 0, set[int]()
    for seed in range(1000, 1020):
        rng = random.Random(seed)
        known = agreements(rng)
        log = log_of(tickets(rng, 30), rng)
        since_us = START_US + rng.randrange(0, 20 * 24 * 60) * MINUTE_US
        at_us = since_us + round(rng.choice(GAPS_MINUTES) * MINUTE_US)
        ticket = without_news(log, since_us, at_us)
        for name, clock in known.clocks.items():
            before, now = (verdicts_at(log, known, name, ticket, np.full(len(ticket), us)) for us in (since_us, at_us))
            found, anew = verdicts_later(before, known, name, since_us, at_us)
            is_newly_late = now.is_breached & (before.state == VerdictState.RUNNING)
            has_dates = any(since_us < date_us for date_us in clock.validity_dates_us(at_us))
            assert (anew == (is_newly_late | has_dates)).all(), (seed, name)
            for figure in FIGURES:
                expected = getattr(now, figure)[~anew]
                np.testing.assert_array_equal(getattr(found, figure)[~anew], expected, f"{seed} {name} {figure}")
            if at_us > since_us:
                carried += int((now.elapsed_us != before.elapsed_us)[~anew].sum())
                states |= set(now.state[~anew].tolist())
    assert carried > 100
    assert states == {int(state) for state in VerdictState}


AGREEMENTS = """
slacast: 1
time_zone: UTC
calendars:
  always: {time_zone: UTC, always_open: true}
agreements:
  - name: Old
    valid_until: 2024-03-04
    calendar: always
    policies: {version: current}
    targets: [{metric: resolution, goals: [{default: true, within: 48 h}]}]
  - name: New
    valid_from: 2024-03-05
    calendar: always
    policies: {version: current}
    targets: [{metric: resolution, goals: [{default: true, within: 12 h}]}]
"""


def one_running(known: AgreementSet, at_us: int) -> VerdictArrays:
    log = log_of(tickets(random.Random(3), 3, late_share=0.0))
    return verdicts_at(log, known, "resolution", np.arange(3), np.full(3, at_us))


def test_dates_of_an_agreement_ask_for_everything_and_only_in_between() -> None:
    known = parse_agreements(AGREEMENTS)
    (date_us,) = known.clocks["resolution"].validity_dates_us()
    before = one_running(known, date_us - MINUTE_US)
    for since_us, at_us, is_between in ((-2, -1, False), (-1, 0, True), (-1, 1, True), (0, 1, False)):
        _, anew = verdicts_later(before, known, "resolution", date_us + since_us, date_us + at_us)
        assert anew.all() if is_between else not anew.any(), (since_us, at_us)


WITH_GRACE = """
slacast: 1
time_zone: UTC
calendars:
  always: {time_zone: UTC, always_open: true}
agreements:
  - name: Patient
    calendar: always
    targets: [{metric: resolution, grace: 20 min, goals: [{default: true, within: 4 h}]}]
"""


@pytest.mark.parametrize(("minutes", "is_late"), [(239, False), (250, False), (260, False), (260.5, True), (300, True)])
def test_a_clock_is_asked_for_when_its_target_and_grace_are_used_up(minutes: float, is_late: bool) -> None:
    known = parse_agreements(WITH_GRACE)
    created = TicketEvent("T1", "e1", START_US, START_US, {"kind": "created", "status": "open"})
    log, at_us = log_of([[created]]), START_US + round(minutes * MINUTE_US)
    before, now = (
        verdicts_at(log, known, "resolution", np.zeros(1, np.int64), np.array([us])) for us in (START_US, at_us)
    )
    found, anew = verdicts_later(before, known, "resolution", START_US, at_us)
    assert (anew.tolist(), now.is_breached.tolist()) == ([is_late], [is_late])
    assert found.remaining_us.tolist() == now.remaining_us.tolist()


def test_verdicts_are_not_carried_back() -> None:
    known = parse_agreements(AGREEMENTS)
    with pytest.raises(ValueError, match="before"):
        verdicts_later(one_running(known, START_US), known, "resolution", START_US, START_US - 1)


def test_what_was_before_is_left_as_it_was() -> None:
    known = agreements(random.Random(1))
    log = log_of(tickets(random.Random(1), 12))
    name = next(iter(known.clocks))
    since_us = START_US + 3 * 24 * 60 * MINUTE_US
    before, again = (verdicts_at(log, known, name, np.arange(12), np.full(12, since_us)) for _ in range(2))
    later, _ = verdicts_later(before, known, name, since_us, since_us + 600 * MINUTE_US)
    assert (later.elapsed_us != again.elapsed_us).any()
    assert (again.due_us != NEVER_US).any()
    for figure in FIGURES:
        np.testing.assert_array_equal(getattr(before, figure), getattr(again, figure))
