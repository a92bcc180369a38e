"""Staffing by formula, against known answers, other formulas and chance."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.queueing import erlang_a, erlang_c, within
from simulation.staffing import (
    Demand,
    Promise,
    answered_within,
    reached,
    scheduled_for,
    square_root_agents,
    staffing,
)

CALLS = Demand(contacts=100, interval_seconds=1800, handling_seconds=180)
PROMISE = Promise(answer_seconds=20, share=0.8, shrinkage=0.3)


def test_the_textbook_call_centre_needs_fourteen_agents_and_twenty_in_the_schedule():
    found = staffing(CALLS, PROMISE)
    assert (found.agents, found.scheduled, found.formula) == (14, 20, "Erlang C")
    assert found.service_level == pytest.approx(0.888, abs=5e-4)
    assert found.occupancy == pytest.approx(0.714, abs=5e-4)
    assert found.waiting_share == pytest.approx(0.174, abs=5e-4)
    assert reached(13, CALLS, PROMISE).service_level < 0.8


def test_every_number_says_how_it_was_computed():
    text = " ".join(staffing(CALLS, PROMISE).steps)
    for part in (
        "100 contacts x 180 s / 1800 s = 10 erlangs",
        "17.4 % wait",
        "88.8 %",
        "71.4 %",
        "14 / (1 - 0.3) = 20.00, so 20",
    ):
        assert part in text


def test_a_cap_on_occupancy_asks_for_more_people():
    assert staffing(CALLS, Promise(20, 0.8, most_occupancy=0.65)).agents == 16  # 10 / 16 = 62.5 %


@settings(deadline=None)
@given(st.floats(1, 60), st.floats(30, 900), st.floats(0.5, 0.95), st.floats(0, 120))
def test_the_answer_is_the_fewest_and_more_people_are_never_worse(contacts, handling, share, limit):
    demand, promise = Demand(contacts, 1800, handling), Promise(limit, share)
    found = staffing(demand, promise)
    more = reached(found.agents + 1, demand, promise)
    assert found.service_level >= share
    assert more.service_level >= found.service_level
    if found.agents - 1 > demand.load:
        assert reached(found.agents - 1, demand, promise).service_level < share


def test_endless_patience_is_erlang_c():
    patient = erlang_a(14, 10, 180, 1e9)
    assert patient.mean_wait == pytest.approx(erlang_c(14, 10, 180).mean_wait, rel=1e-5)
    assert answered_within(14, 10, 180, 1e9, 20) == pytest.approx(within(14, 10, 180, 20), abs=1e-6)


def test_those_who_hang_up_need_fewer_people():
    impatient = Demand(100, 1800, 180, patience_seconds=60)
    assert staffing(impatient, PROMISE).agents < 14
    assert staffing(impatient, PROMISE).formula == "Erlang A"


def test_more_load_than_agents_is_no_trouble_where_people_hang_up():
    found = reached(5, Demand(100, 1800, 180, patience_seconds=60), PROMISE)
    assert found.abandoned_share == pytest.approx(0.5, abs=0.03)
    assert found.occupancy <= 1


def test_the_share_answered_in_time_is_that_of_a_simulated_call_centre():
    agents, load, patience, limit = 6, 6.6, 0.8, 0.25
    rng = np.random.default_rng(5)
    shares = []
    for _ in range(20):
        arrivals = np.cumsum(rng.exponential(1 / load, 20_000))
        work, willing = rng.exponential(1, 20_000), rng.exponential(patience, 20_000)
        free = [0.0] * agents
        answered = 0
        for at, needs, waits in zip(arrivals.tolist(), work.tolist(), willing.tolist(), strict=True):
            begins = max(at, free[0])
            if begins - at <= waits:
                heapq.heapreplace(free, begins + needs)
                answered += begins - at <= limit
        shares.append(answered / 20_000)
    error = np.std(shares, ddof=1) / math.sqrt(20)
    assert abs(np.mean(shares) - answered_within(agents, load, 1.0, patience, limit)) < 3.5 * error


def test_the_square_root_rule_is_near_erlang_c_for_large_desks():
    for load in (50.0, 200.0):
        agents = square_root_agents(load, 0.2)
        assert erlang_c(agents, load, 1.0).waiting_share <= 0.2 + 0.03
        assert erlang_c(agents - 2, load, 1.0).waiting_share > 0.2


def test_who_is_away_must_be_scheduled_too():
    assert [scheduled_for(agents, 0.3) for agents in (7, 14, 15)] == [10, 20, 22]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Demand(0, 1800, 180), "must all be above 0"),
        (lambda: Demand(1, 1800, 180, -1), "patience_seconds"),
        (lambda: Promise(20, 1.2), "share 1.2"),
        (lambda: Promise(20, 0.8, shrinkage=1.0), "shrinkage 1"),
    ],
)
def test_numbers_without_sense_are_refused_by_name(make, words):
    with pytest.raises(ValueError, match=words):
        make()
