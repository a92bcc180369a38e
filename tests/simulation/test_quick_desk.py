from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import simpy

from simulation.queueing import by_priority, erlang_c, single_server
from simulation.quick_desk import instant_of, opening_minute, run_desk, worked
from simulation.quick_lines import Belief, first_come_first_served, priority_then_opened, weighed
from simulation.quick_world import (
    WEEK_MINUTES,
    DeskPlan,
    QuickWorld,
    Team,
    draw_world,
    mean_effort,
    steady,
    working_minutes,
)
from tests.simulation.builders import assert_agrees

SMALL = DeskPlan(weeks=3, teams=(Team(2), Team(3, True)))
ROUND_THE_CLOCK = replace(SMALL, load=0.9, teams=(Team(2, True), Team(3, True), Team(1, True)))


def textbook(
    count: int, load: float, tickets: int, work: np.ndarray, seed: int, urgent_share: float = 0.0
) -> QuickWorld:
    """One team around the clock with Poisson arrivals at `load` erlangs of this work, and nothing else."""
    rng = np.random.default_rng(seed)
    opened = np.cumsum(rng.exponential(work.mean() / load, tickets))
    plan = DeskPlan(weeks=int(opened[-1] // WEEK_MINUTES) + 2, teams=(Team(count, True),))
    none = np.zeros(tickets, dtype=np.int64)
    priority = np.where(rng.random(tickets) < urgent_share, 0, 2)
    same = np.full(tickets, 1e9)
    return QuickWorld(
        plan,
        opened,
        none,
        none,
        priority,
        none,
        work,
        none > 0,
        same,
        same,
        same,
        np.ones(tickets),
        np.zeros((tickets, 1)),
    )


def waited(world: QuickWorld, policy=first_come_first_served) -> pd.Series:
    return pd.Series(run_desk(world, policy).picked - world.opened)


@pytest.mark.parametrize(("count", "load"), [(1, 0.7), (3, 2.1), (6, 4.8)])
def test_the_quick_desk_waits_as_erlang_c_says(count, load):
    work = np.random.default_rng(30 + count).exponential(30.0, 60_000)
    waits, expected = waited(textbook(count, load, len(work), work, 3)), erlang_c(count, load, 30.0)
    assert_agrees(waits > 0, expected.waiting_share)
    assert_agrees(waits, expected.mean_wait)


def test_uneven_work_makes_longer_queues_as_pollaczek_says():
    work = 30.0 * np.exp(0.6 * np.random.default_rng(5).standard_normal(80_000) - 0.18)
    assert_agrees(waited(textbook(1, 0.6, len(work), work, 6)), single_server(0.6, 30.0, np.expm1(0.36)).mean_wait)


def test_urgent_tickets_wait_as_cobham_says():
    work = np.random.default_rng(7).exponential(30.0, 80_000)
    world = textbook(3, 2.4, len(work), work, 8, urgent_share=0.3)
    waits = waited(world, priority_then_opened)
    urgent, other = by_priority(3, (0.3 * 2.4, 0.7 * 2.4), 30.0)
    assert_agrees(waits[world.priority == 0], urgent.mean_wait)
    assert_agrees(waits[world.priority == 2], other.mean_wait)


def simpy_resolved(world: QuickWorld, ranks: np.ndarray) -> np.ndarray:
    """The same desk around the clock, as simpy processes: one an agent, one a waiting customer."""
    env = simpy.Environment()
    stores = [simpy.PriorityStore(env) for _ in world.plan.teams]
    resolved = np.full(len(world), np.inf)
    asked = set()

    def answers(ticket):
        yield env.timeout(world.answer[ticket])
        yield stores[world.team[ticket]].put((ranks[ticket], ticket))

    def agent(team):
        while True:
            _, ticket = yield stores[team].get()
            if world.team[ticket] != team:
                yield env.timeout(world.plan.misrouted_work)
                yield stores[world.team[ticket]].put((ranks[ticket], ticket))
            elif world.is_asked[ticket] and ticket not in asked:
                asked.add(ticket)
                yield env.timeout(world.plan.asked_work)
                env.process(answers(ticket))
            else:
                yield env.timeout(world.work[ticket])
                resolved[ticket] = env.now

    def inflow():
        for ticket in range(len(world)):
            yield env.timeout(max(0.0, world.opened[ticket] - env.now))
            yield stores[world.first_team[ticket]].put((ranks[ticket], ticket))

    for team, plan in enumerate(world.plan.teams):
        for _ in range(plan.agents):
            env.process(agent(team))
    env.process(inflow())
    env.run(until=world.end)
    return resolved


def test_simpy_resolves_every_ticket_at_the_same_minute():
    world = draw_world(ROUND_THE_CLOCK, 12)
    assert len(world) > 1000
    assert world.is_asked.any()
    assert (world.first_team != world.team).any()
    ours = run_desk(world, priority_then_opened).resolved
    np.testing.assert_allclose(ours, simpy_resolved(world, world.priority * 1e9 + world.opened), rtol=0, atol=1e-5)


def test_a_day_team_is_a_team_around_the_clock_that_lives_in_open_minutes():
    world = draw_world(steady(replace(SMALL, teams=(Team(3),), load=0.8)), 4)
    opens = np.array([opening_minute(at) for at in world.opened])
    order = np.lexsort((world.opened, world.priority, opens))
    within = replace(SMALL, teams=(Team(3, True),))
    rows = {
        name: getattr(world, name)[order] for name in ("team", "first_team", "priority", "category", "work", "is_asked")
    }
    rows |= {name: getattr(world, name)[order] for name in ("answer", "target", "response_target", "weight", "marks")}
    open_minutes = QuickWorld(within, working_minutes(opens[order]), **rows)
    ranks = (world.priority * 1e9 + world.opened)[order]
    slow = simpy_resolved(open_minutes, ranks)
    ours = worked_of(run_desk(world, priority_then_opened).resolved[order])
    both = np.isfinite(ours) & (slow < world.plan.weeks * 3000)
    assert both.mean() > 0.9
    np.testing.assert_allclose(ours[both], slow[both], rtol=0, atol=1e-5)


def worked_of(at: np.ndarray) -> np.ndarray:
    return np.array([worked(one) if np.isfinite(one) else np.inf for one in at])


def test_open_minutes_of_one_instant_and_of_many_agree_and_can_be_undone():
    at = np.linspace(0, 3 * WEEK_MINUTES, 5001)
    open_minutes = working_minutes(at)
    np.testing.assert_allclose(open_minutes, worked_of(at), atol=1e-9)
    for minutes in range(0, 6000, 7):
        assert worked(instant_of(float(minutes))) == pytest.approx(minutes)
        assert opening_minute(instant_of(float(minutes))) == instant_of(float(minutes))
    for instant in at:
        opens = opening_minute(instant)
        assert opens >= instant
        assert worked(opens) == pytest.approx(worked(instant))


def test_a_pause_does_not_run_the_clock_and_elapsed_time_is_that_of_the_own_calendar():
    world = draw_world(replace(SMALL, load=0.3, asked_shares=(1.0, 1.0), misrouted_share=0.0), 2)
    run = run_desk(world, first_come_first_served)
    done = np.isfinite(run.resolved)
    own = np.where(
        world.is_always_open, run.resolved - world.opened, worked_of(run.resolved) - working_minutes(world.opened)
    )
    assert (run.elapsed[done] <= own[done] + 1e-6).all()
    assert (run.elapsed[done] >= world.work[done] - 1e-6).mean() > 0.99
    always = done & world.is_always_open
    np.testing.assert_allclose((own - run.elapsed)[always], world.answer[always], atol=1e-6)


def test_the_same_seed_gives_the_same_run_and_policies_meet_the_same_tickets():
    first, again = draw_world(SMALL, 5), draw_world(SMALL, 5)
    for name in ("opened", "work", "answer", "marks", "first_team"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    np.testing.assert_array_equal(
        run_desk(first, first_come_first_served).resolved, run_desk(again, first_come_first_served).resolved
    )
    assert len(draw_world(SMALL, 6)) != len(first)


def test_offered_work_is_the_load_that_was_asked_for():
    plan = DeskPlan(load=0.8, weeks=40)
    world = draw_world(plan, 3)
    capacity = plan.weeks * (26 * 3000 + 4 * WEEK_MINUTES)
    detours = plan.misrouted_work * (world.first_team != world.team) + plan.asked_work * world.is_asked
    assert (world.work + detours).sum() / capacity == pytest.approx(0.8, rel=0.03)
    assert (world.work + detours).mean() == pytest.approx(mean_effort(plan), rel=0.03)


def test_weighing_by_opening_is_first_come_first_served():
    world = draw_world(replace(SMALL, load=1.0), 9)
    belief = Belief(np.zeros(len(world)), np.ones(len(world)), np.zeros(len(world)))
    slow = run_desk(world, weighed(lambda queue: int(np.argmin(queue.opened))), belief)
    np.testing.assert_array_equal(slow.resolved, run_desk(world, first_come_first_served).resolved)
    assert slow.events > 2 * len(world) * 0.9


def test_a_choice_sees_time_left_on_each_tickets_own_clock():
    world = draw_world(replace(SMALL, load=1.1), 10)
    run = run_desk(world, first_come_first_served)
    seen = []

    def choose(queue):
        seen.append((queue.left.max(), (queue.left - queue.target).max(), len(queue.left)))
        return int(np.argmin(queue.opened))

    run_desk(world, weighed(choose), Belief(*np.zeros((3, len(world)))))
    assert run.events
    assert max(over for _, over, _ in seen) <= 1e-6  # no ticket has more left than it was promised
    assert max(count for *_, count in seen) > 5
