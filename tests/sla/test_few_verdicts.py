"""Few tickets are answered for event by event, many by columns: no figure of a verdict tells which it was."""

from __future__ import annotations

import random
from dataclasses import fields

import numpy as np
import pytest

from sla.agreements.agreement_set import AgreementSet
from sla.clocks import few_verdicts
from sla.clocks.few_verdicts import verdicts_of_few
from sla.clocks.replay import VerdictArrays, verdicts_at
from sla.clocks.visibility import knows_in_order
from sla.events import EventLog
from sla.instants import Int64Array
from tests.sla.random_cases import MINUTE_US, START_US, agreements, log_of, tickets

NEVER_FEW, ALWAYS_FEW = -1, 10_000


def by(
    few_rows: int, log: EventLog, known: AgreementSet, name: str, asked: tuple[Int64Array, Int64Array]
) -> VerdictArrays:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_verdicts, "FEW_ROWS", few_rows)
        return verdicts_at(log, known, name, *asked)


def questions(rng: random.Random, log: EventLog, count: int) -> tuple[Int64Array, Int64Array]:
    """Tickets and instants: any, and those at which something happened or became known, one microsecond before and after."""
    ticket = np.array([rng.randrange(len(log.ticket_ids)) for _ in range(count)])
    moments = np.concatenate([log.at_us, log.recorded_us]).tolist()
    any_us = [START_US + rng.randrange(-60, 20 * 24 * 60) * MINUTE_US for _ in ticket]
    at_us = [rng.choice([one, rng.choice(moments) + rng.choice([-1, 0, 1])]) for one in any_us]
    return ticket, np.array(at_us)


def assert_equal(found: VerdictArrays, expected: VerdictArrays) -> None:
    for field in fields(VerdictArrays):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        assert one.dtype == other.dtype, field.name
        np.testing.assert_array_equal(one, other, err_msg=field.name)


@pytest.mark.parametrize("seed", range(400, 424))
def test_both_ways_give_the_same_figures(seed: int) -> None:
    rng = random.Random(seed)
    known = agreements(rng)
    log = log_of(tickets(rng, 4, late_share=rng.choice([0.0, 0.3])), rng)
    asked = questions(rng, log, 16)
    for name in known.clocks:
        assert_equal(by(ALWAYS_FEW, log, known, name, asked), by(NEVER_FEW, log, known, name, asked))
        one = asked[0][:1], asked[1][:1]
        assert_equal(by(ALWAYS_FEW, log.filled(), known, name, one), by(NEVER_FEW, log, known, name, one))


def test_what_is_known_in_order_under_agreements_without_dates_is_stepped_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(few_verdicts, "FEW_ROWS", ALWAYS_FEW)
    seen = set()
    for seed in range(400, 408):
        rng = random.Random(seed)
        known, log = agreements(rng), log_of(tickets(rng, 4, late_share=0.3), rng)
        for clock in known.clocks.values():
            for ticket in range(len(log.ticket_ids)):
                case = bool(knows_in_order(log)[ticket]), not clock.validity_dates_us()
                found = verdicts_of_few(log, known, clock, np.array([ticket]), np.array([START_US]))
                assert (found is not None) == all(case)
                seen.add(case)
    assert seen == {(True, True), (True, False), (False, True), (False, False)}


@pytest.mark.parametrize(("more", "is_few"), [(0, True), (1, False)])
def test_rows_count_once_for_each_question(more: int, is_few: bool) -> None:
    known = agreements(random.Random(1))
    clock = next(one for one in known.clocks.values() if not one.validity_dates_us())
    log = EventLog.from_columns(["A", "A"], [START_US] * 2, [START_US] * 2, ["1", "2"], {"status": ["new", "open"]})
    questions = few_verdicts.FEW_ROWS // 2 + more
    asked = np.zeros(questions, np.int64), np.full(questions, START_US)
    assert (verdicts_of_few(log, known, clock, *asked) is not None) == is_few
