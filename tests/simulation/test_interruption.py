"""Urgent tickets that interrupt, on the quick desk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulation.quick_desk import Interruption, run_desk
from simulation.quick_lines import first_come_first_served, priority_then_opened
from simulation.quick_world import DeskPlan, QuickWorld, Team, draw_world, steady


def one_agent(opened: list[float], work: list[float], priority: list[int]) -> QuickWorld:
    """A desk of one seat around the clock with these tickets."""
    plan = steady(DeskPlan(weeks=1, teams=(Team(1, True),)))
    world = draw_world(replace(plan, load=0.2), 1)
    rows = np.arange(len(opened))
    columns = {
        name: getattr(world, name)[rows]
        for name in (
            "team",
            "first_team",
            "category",
            "is_asked",
            "answer",
            "target",
            "response_target",
            "weight",
            "marks",
        )
    }
    return QuickWorld(
        plan=plan, opened=np.array(opened), work=np.array(work), priority=np.array(priority, dtype=np.int64), **columns
    )  # fmt: skip


def test_an_urgent_ticket_begins_at_once_and_the_other_goes_on_after_it_with_the_loss():
    world = one_agent([0.0, 30.0], [100.0, 20.0], [3, 0])
    run = run_desk(world, priority_then_opened, interruption=Interruption(loss=5.0))
    assert run.picked.tolist() == [0.0, 30.0]
    assert run.resolved.tolist() == [125.0, 50.0]  # 30 done, 20 for the other, 70 and 5 left
    assert run.busy_minutes == pytest.approx(125.0)
    assert run_desk(world, priority_then_opened).resolved.tolist() == [100.0, 120.0]


def test_work_of_its_own_kind_or_nearly_done_is_not_interrupted():
    for world in (one_agent([0.0, 30.0], [100.0, 20.0], [1, 0]), one_agent([0.0, 95.0], [100.0, 20.0], [3, 0])):
        with_rule = run_desk(world, priority_then_opened, interruption=Interruption())
        assert with_rule.resolved.tolist() == run_desk(world, priority_then_opened).resolved.tolist()


def test_with_interruption_all_work_is_still_done_and_the_most_urgent_answered_sooner():
    world = draw_world(DeskPlan(load=0.9, weeks=4), 6)
    plain = run_desk(world, first_come_first_served)
    rule = run_desk(world, first_come_first_served, interruption=Interruption())
    urgent = world.priority == 0
    waits = [np.minimum(run.picked, world.end)[urgent] - world.opened[urgent] for run in (plain, rule)]
    assert waits[1].mean() < 0.8 * waits[0].mean()
    assert abs(np.isfinite(rule.resolved).sum() - np.isfinite(plain.resolved).sum()) < 0.02 * len(world)
    begun_after_arrival = rule.picked >= world.opened
    assert begun_after_arrival.all()
