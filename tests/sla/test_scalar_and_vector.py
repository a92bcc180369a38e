"""One ticket with its explanation and a million tickets in columns are two implementations: they must never differ."""

from __future__ import annotations

import random

import numpy as np
import pytest

from sla.clocks.replay import VerdictArrays, replay, verdicts_at
from sla.clocks.ticket_clocks import replay_ticket
from sla.clocks.verdict import Verdict
from sla.instants import NEVER_US, from_us, to_us
from tests.sla.random_cases import FIGURES, MINUTE_US, START_US, agreements, log_of, tickets


def figures(verdict: Verdict) -> dict[str, object]:
    def us(at: object) -> int:
        return NEVER_US if at is None else to_us(at)  # type: ignore[arg-type]

    return {
        "state": int(verdict.state),
        "elapsed_us": round(verdict.elapsed_seconds * 1e6),
        "paused_us": round(verdict.paused_seconds * 1e6),
        "target_us": -1 if verdict.target_seconds is None else round(verdict.target_seconds * 1e6),
        "started_us": us(verdict.started_at),
        "due_us": us(verdict.due_at),
        "breached_us": us(verdict.breached_at),
        "stopped_us": us(verdict.stopped_at),
    }


def row_figures(found: VerdictArrays, row: int) -> dict[str, object]:
    return {name: int(getattr(found, name)[row]) for name in FIGURES}


@pytest.mark.parametrize("seed", range(24))
def test_both_paths_give_the_same_verdict_at_any_instant(seed: int):
    rng = random.Random(seed)
    known = agreements(rng)
    lives = tickets(rng, 12)
    log = log_of(lives, rng)
    ticket = np.array([rng.randrange(len(lives)) for _ in range(40)])
    at_us = np.array([START_US + rng.randrange(0, 20 * 24 * 60) * MINUTE_US + rng.choice([0, 0, 1]) for _ in ticket])
    for name in known.clocks:
        found = verdicts_at(log, known, name, ticket, at_us)
        for row, (index, at) in enumerate(zip(ticket.tolist(), at_us.tolist(), strict=True)):
            (verdict,) = replay_ticket(lives[index], known, from_us(at), targets=[name])
            assert row_figures(found, row) == figures(verdict), (seed, name, lives[index][0].ticket_id, at)


@pytest.mark.parametrize("seed", range(100, 112))
def test_both_paths_find_the_same_measurements(seed: int):
    rng = random.Random(seed)
    known = agreements(rng)
    lives = tickets(rng, 12)
    log = log_of(lives, rng)
    as_of_us = START_US + rng.randrange(0, 20 * 24 * 60) * MINUTE_US
    table = replay(log, known, as_of_us)
    rows = [
        (str(log.ticket_ids[ticket]), table.targets[target], number, row_figures(table.verdicts, row))
        for row, (ticket, target, number) in enumerate(
            zip(table.ticket.tolist(), table.target.tolist(), table.measurement.tolist(), strict=True)
        )
    ]
    expected = [
        (verdict.ticket_id, verdict.target, verdict.measurement, figures(verdict))
        for life in lives
        for verdict in replay_ticket(life, known, from_us(as_of_us), earlier=True)
        if verdict.started_at is not None
    ]
    assert rows == expected


@pytest.mark.parametrize("seed", range(200, 203))
def test_the_order_in_which_events_arrive_changes_nothing(seed: int):
    rng = random.Random(seed)
    known = agreements(rng)
    lives = tickets(rng, 10)
    columns = [
        replay(log_of(lives, random.Random(shuffle)), known, START_US + 10**13).to_columns() for shuffle in range(3)
    ]
    for other in columns[1:]:
        for name, values in columns[0].items():
            np.testing.assert_array_equal(values, other[name])


@pytest.mark.parametrize("seed", range(300, 305))
def test_what_was_recorded_later_changes_no_verdict_of_the_past(seed: int):
    rng = random.Random(seed)
    known = agreements(rng)
    lives = tickets(rng, 10, late_share=0.6)
    at_us = START_US + rng.randrange(1, 10 * 24 * 60) * MINUTE_US
    known_then = [[event for event in life if max(event.at_us, event.recorded_us) <= at_us] for life in lives]
    whole, then = log_of(lives), log_of(known_then)
    ids = then.ticket_ids.tolist()
    ticket_whole = np.array([whole.ticket_index(name) for name in ids], dtype=np.int64)
    when = np.full(len(ids), at_us, dtype=np.int64)
    for name in known.clocks:
        one = verdicts_at(whole.filled(), known, name, ticket_whole, when)
        other = verdicts_at(then, known, name, np.arange(len(ids)), when)
        for row in range(len(ids)):
            assert row_figures(one, row) == row_figures(other, row)
