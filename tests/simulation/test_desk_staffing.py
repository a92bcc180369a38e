"""Staffing a ticket desk by simulation, and how shifts fit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simulation.changes import Change, changed
from simulation.demo_world import demo_world
from simulation.desk_staffing import DeskPromise, desk_staffing, offered, only
from simulation.measures import Targets, measured
from simulation.shift_fit import OVER, UNDER, arriving_people, present_people, shift_fit
from sla.instants import to_us

START = datetime(2026, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
TARGETS = Targets((240.0, 480.0, 960.0, 2400.0))
WORLD = demo_world()


def test_the_fewest_people_keep_the_promise_and_one_fewer_do_not() -> None:
    promise = DeskPromise(share=0.85, confidence=0.75)
    found = desk_staffing(WORLD, TARGETS, "Network", promise, START, weeks=2, runs=4)
    assert found.people is not None
    alone = only(WORLD, "Network")

    def kept_share(people: int) -> float:
        other, _ = changed(alone, TARGETS, Change(people={"Network": people - found.present}), START)
        return float(np.mean([measured(other, TARGETS, seed, START, 2).attainment >= 0.85 for seed in range(4)]))

    assert kept_share(found.people) >= 0.75 > kept_share(found.people - 1)
    assert {one.people for one in found.tried} >= {found.people, found.people - 1}
    text = " ".join(found.steps)
    assert "hours of work a week" in text
    assert f"The fewest that keep it in 75 % of the runs: {found.people}." in text
    assert "Erlang C asks for" in text


def test_a_promise_that_no_number_of_people_keeps_is_said_to_be_so() -> None:
    hopeless = replace(TARGETS, minutes=(1.0, 1.0, 1.0, 1.0))
    few = replace(WORLD, arrivals=replace(WORLD.arrivals, per_day=5.0))
    found = desk_staffing(few, hopeless, "Data Centre", DeskPromise(0.9, 0.9), START, weeks=1, runs=1)
    assert found.people is None
    assert "Not even" in found.steps[-1]


def test_a_team_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no team 'Moon'"):
        desk_staffing(WORLD, TARGETS, "Moon", DeskPromise(), START)


def test_what_is_offered_is_what_a_simulated_desk_meets() -> None:
    alone = only(WORLD, "Workplace")
    tickets, minutes = offered(alone, START)
    runs = [measured(alone, TARGETS, seed, START, 4) for seed in range(3)]
    assert np.mean([run.tickets for run in runs]) / 4 == pytest.approx(tickets, rel=0.12)
    assert 10 < minutes < 300


def test_shifts_are_compared_with_the_work_half_hour_by_half_hour() -> None:
    week = shift_fit(WORLD, START)
    assert len(week) == 7 * 48
    begins_us = np.array([to_us(one.begin) for one in week])
    np.testing.assert_allclose([one.present for one in week], present_people(WORLD, begins_us))
    by_clock = {one.begin.astimezone(START.tzinfo).strftime("%a %H:%M"): one for one in week}
    assert by_clock["Mon 03:00"].present == 0
    noon = by_clock["Tue 10:00"]
    there = sum(1 - agent.absent_share for agent in WORLD.agents if agent.shift in ("early", "day"))
    assert noon.present == pytest.approx(there)
    evening = by_clock["Mon 18:00"]
    assert evening.verdict == UNDER  # planted: two people for six teams
    assert evening.difference < 0
    assert {one.verdict for one in week} == {OVER, UNDER, ""}


def test_the_work_of_a_week_is_spread_and_not_lost() -> None:
    begins_us = np.array([to_us(one.begin) for one in shift_fit(WORLD, START)])
    tickets, minutes = offered(WORLD, START)
    busy_hours = float(arriving_people(WORLD, START, begins_us).sum()) / 2
    assert busy_hours == pytest.approx(tickets * minutes / 60, rel=1e-6)
