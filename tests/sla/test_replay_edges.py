"""Replaying nothing, unknown targets, long lives and several threads."""

from __future__ import annotations

import random

import numpy as np
import pytest

from sla.agreements.loading import parse_agreements
from sla.clocks import replay as replaying
from sla.clocks.replay import BLOCK_ROWS, VerdictState, replay, verdicts_at
from sla.clocks.visibility import FEW
from sla.events import EventLog
from sla.instants import DAY_US, NEVER_US
from tests.sla.random_cases import FIGURES, START_US, agreements, log_of, tickets

SIMPLE = parse_agreements(
    """\
slacast: 1
calendars: {always: {time_zone: UTC, always_open: true}}
agreements:
  - name: x
    calendar: always
    targets: [{metric: resolution, goals: [{within: 8 h}]}]
"""
)


def long_log(count: int, span_us: int) -> EventLog:
    rows = np.arange(2 * count)
    at_us = START_US + (rows % 2) * span_us + (rows // 2)
    status = np.where(rows % 2 == 0, "open", "resolved")
    ids = [f"{number:06d}" for number in range(count)]
    return EventLog.from_columns(
        np.repeat(ids, 2).astype(object), at_us, at_us, rows.astype(str).astype(object), {"status": status}
    )


def test_an_empty_log_has_no_clocks_and_unknown_tickets_no_verdicts():
    empty = EventLog.from_columns([], [], [], [], {})
    table = replay(empty, SIMPLE, START_US)
    assert len(table) == 0
    assert all(len(column) == 0 for column in table.to_columns().values())
    assert (
        len(verdicts_at(empty, SIMPLE, "resolution", np.array([], dtype=np.int64), np.array([], dtype=np.int64))) == 0
    )


def test_before_a_ticket_is_known_its_clock_has_not_started():
    log = long_log(1, DAY_US)
    found = verdicts_at(log, SIMPLE, "resolution", np.array([0, 0]), np.array([START_US - 1, START_US]))
    assert found.state.tolist() == [VerdictState.NOT_STARTED, VerdictState.RUNNING]
    assert found.due_us[0] == NEVER_US


def test_an_unknown_target_is_refused_with_those_there_are():
    with pytest.raises(KeyError, match="there are: resolution"):
        verdicts_at(long_log(1, 1), SIMPLE, "resolutoin", np.array([0]), np.array([0]))


def test_sums_over_many_long_lives_do_not_overflow():
    """A sum over 200,000 lives of sixty years would not fit into 64 bits."""
    count, span_us = 200_000, 60 * 365 * DAY_US
    found = replay(long_log(count, span_us), SIMPLE, START_US + 61 * 365 * DAY_US).verdicts
    assert (found.elapsed_us == span_us).all()
    assert (found.breached_us == found.started_us + DAY_US // 3).all()


def test_blocks_and_threads_change_nothing():
    assert BLOCK_ROWS < 300_000
    log = long_log(150_000, DAY_US // 3)
    one, two = replay(log, SIMPLE, START_US + DAY_US), replay(log, SIMPLE, START_US + DAY_US, threads=2)
    for name, column in one.to_columns().items():
        np.testing.assert_array_equal(column, two.to_columns()[name])
    assert (one.verdicts.state == VerdictState.MET).all()  # used up exactly is not exceeded


def test_verdicts_follow_the_order_of_the_queries():
    rng = random.Random(5)
    known, log = agreements(rng), log_of(tickets(rng, 20))
    ticket = np.array([rng.randrange(20) for _ in range(200)])
    at_us = np.array([START_US + rng.randrange(0, 12 * 1440) * 60_000_000 for _ in range(200)])
    order = np.array(rng.sample(range(200), 200))
    straight = verdicts_at(log, known, "resolution", ticket, at_us).take(order)
    shuffled = verdicts_at(log, known, "resolution", ticket[order], at_us[order])
    np.testing.assert_array_equal(straight.state, shuffled.state)
    np.testing.assert_array_equal(straight.due_us, shuffled.due_us)


@pytest.mark.parametrize("seed", range(8))
def test_verdicts_of_few_tickets_are_those_that_all_would_be_told_and_cost_their_own_rows(
    seed: int, monkeypatch: pytest.MonkeyPatch
):
    rng = random.Random(seed)
    known, log = agreements(rng), log_of(tickets(rng, 60), rng)
    of_all = np.repeat(np.arange(60), 2)
    at_us = np.array([START_US + rng.randrange(0, 20 * 1440) * 60_000_000 for _ in of_all])
    few = np.array(rng.sample(range(len(of_all)), 60 // FEW))
    looked_at: list[int] = []

    def counted(rows: EventLog, services: object) -> object:
        looked_at.append(len(rows.at_us))
        return masks(rows, services)  # type: ignore[arg-type]

    masks = replaying.RowMasks
    for name in known.clocks:
        told = verdicts_at(log, known, name, of_all, at_us).take(few)
        with monkeypatch.context() as counting:
            counting.setattr(replaying, "RowMasks", counted)
            alone = verdicts_at(log, known, name, of_all[few], at_us[few])
        for column in FIGURES:
            np.testing.assert_array_equal(getattr(alone, column), getattr(told, column), err_msg=f"{name} {column}")
    own = np.diff(log.offsets)[np.unique(of_all[few])].sum()
    assert looked_at
    assert max(looked_at) <= 2 * own < len(log.at_us)  # what became known late is looked at once for each question


def test_more_time_never_takes_back_elapsed_time_or_a_breach_while_a_ticket_stays_as_it_is():
    rng = random.Random(11)
    known, lives = agreements(rng), tickets(rng, 30, late_share=0)
    log = log_of(lives)
    last_us = log.at_us[log.offsets[1:] - 1]
    steps = np.arange(0, 40) * (DAY_US // 5)
    ticket = np.repeat(np.arange(30), steps.size)
    found = verdicts_at(log, known, "resolution", ticket, (last_us[:, None] + steps[None, :]).ravel())
    for values in (found.elapsed_us, found.paused_us, found.is_breached.astype(np.int64)):
        assert (np.diff(values.reshape(30, -1), axis=1) >= 0).all()
