import math

import numpy as np
import pytest
import simpy

from simulation.desk import Desk
from simulation.dispatch import fifo
from simulation.queueing import by_priority, erlang_a, erlang_c, single_server, within
from simulation.world import Afterwards, Exponential, LogNormal
from tests.simulation.builders import START, after, agents, assert_agrees, queue_of, topic, waits, world


def test_a_known_call_centre_needs_fourteen_agents():
    # 100 calls in 30 minutes of 3 minutes each, 80 % within 20 seconds; the usual example of Erlang C tables
    load = 100 * 3 / 30
    levels = {agents_: within(agents_, load, 3.0, 20 / 60) for agents_ in range(11, 16)}
    assert min(count for count, level in levels.items() if level >= 0.8) == 14
    assert levels[14] == pytest.approx(0.888, abs=5e-4)
    assert erlang_c(14, load, 3.0).waiting_share == pytest.approx(0.174, abs=5e-4)
    assert load / 14 == pytest.approx(0.714, abs=5e-4)


def test_one_agent_waits_as_the_simple_formula_says():
    assert erlang_c(1, 0.8, 10.0).waiting_share == pytest.approx(0.8)
    assert erlang_c(1, 0.8, 10.0).mean_wait == pytest.approx(10 * 0.8 / 0.2)
    assert single_server(0.8, 10.0, 1.0).mean_wait == pytest.approx(erlang_c(1, 0.8, 10.0).mean_wait)


def test_endless_patience_is_erlang_c():
    patient, textbook = erlang_a(4, 3.2, 30.0, 1e9), erlang_c(4, 3.2, 30.0)
    assert patient.waiting_share == pytest.approx(textbook.waiting_share, rel=1e-4)
    assert patient.mean_wait == pytest.approx(textbook.mean_wait, rel=1e-4)
    assert patient.abandoned_share < 1e-6


def test_an_overloaded_desk_has_no_steady_state():
    with pytest.raises(ValueError, match="below the number of agents"):
        erlang_c(3, 3.0, 30.0)


@pytest.mark.parametrize(("load", "count"), [(0.7, 1), (2.1, 3), (4.8, 6)])
def test_the_desk_waits_as_erlang_c_says(load, count):
    served = waits(Desk(queue_of(load, count), 11, START, fifo).events_until(after(15_000 / (48 * load))))
    expected = erlang_c(count, load, 30.0)
    assert_agrees(served["waited"] > 0, expected.waiting_share)
    assert_agrees(served["waited"], expected.mean_wait)


def test_the_desk_loses_the_impatient_as_erlang_a_says():
    impatient = Afterwards(cancel_share=1.0, patience=Exponential(60.0))
    events = Desk(queue_of(3.6, 3, afterwards=impatient), 5, START, fifo).events_until(after(90))
    met = waits(events)
    expected = erlang_a(3, 3.6, 30.0, 60.0)
    assert_agrees(met["started"].isna(), expected.abandoned_share)
    assert_agrees(met["waited"], expected.mean_wait)
    assert_agrees(met["waited"] > 0, expected.waiting_share)


def test_uneven_work_makes_longer_queues_as_pollaczek_says():
    work = LogNormal(18.0, 0.9)
    cv2 = math.exp(0.9**2) - 1
    desk = Desk(world(0.7 * 1440 / work.mean_minutes, agents(1), topic(work)), 3, START, fifo)
    served = waits(desk.events_until(after(700)))
    assert_agrees(served["waited"], single_server(0.7, work.mean_minutes, cv2).mean_wait)


def test_the_urgent_wait_less_as_cobham_says():
    mixed = topic(Exponential(30.0), priority_shares=(0.3, 0.0, 0.7, 0.0))
    desk = Desk(world(2.4 * 48, agents(3), mixed), 17, START)
    served = waits(desk.events_until(after(150)))
    urgent, others = by_priority(3, [0.3 * 2.4, 0.7 * 2.4], 30.0)
    assert_agrees(served.loc[served["priority"] == "1", "waited"], urgent.mean_wait)
    assert_agrees(served.loc[served["priority"] == "3", "waited"], others.mean_wait)


def test_simpy_starts_every_ticket_at_the_same_second():
    mixed = topic(LogNormal(25.0, 0.8), priority_shares=(0.1, 0.2, 0.4, 0.3))
    desk = Desk(world(110.0, agents(3), mixed), 23, START)
    ours = waits(desk.events_until(after(40)), warm_up_days=0).dropna(subset=["resolved"])
    theirs = _with_simpy(ours, 3)
    unfinished_after = ours["opened"].max() - 3 * 86_400  # what was still at work at the end was left out of both
    early = ours["opened"].to_numpy() < unfinished_after
    assert early.sum() > 3_500
    assert (ours["waited"] > 0).mean() > 0.5
    np.testing.assert_array_equal(ours["started"].to_numpy()[early], theirs[early])


def _with_simpy(tickets, count):
    """Start of each ticket, in simpy's own queue with the same arrivals, priorities and work."""
    environment = simpy.Environment()
    desk = simpy.PriorityResource(environment, capacity=count)
    started = np.zeros(len(tickets))

    def ticket(row, opened, priority, work):
        yield environment.timeout(opened + 0.5)  # an agent who is free in the same second is free before it
        with desk.request(priority=priority) as turn:
            yield turn
            started[row] = environment.now // 1
            yield environment.timeout(started[row] + work - environment.now)

    origin = int(tickets["opened"].min())
    work = (tickets["resolved"] - tickets["started"]).astype(int)
    for row, (opened, priority, minutes) in enumerate(zip(tickets["opened"], tickets["priority"], work, strict=True)):
        environment.process(ticket(row, int(opened) - origin, int(priority), int(minutes)))
    environment.run()
    return started + origin
