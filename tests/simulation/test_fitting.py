"""A desk fitted from the events of a planted desk has the planted desk's parameters, and is held against weeks it has not seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from simulation.calendars import world_calendars
from simulation.desk import Desk
from simulation.fit_check import checked_fit, promises, real_figures
from simulation.fitting import Fit, fit_world, log_normal
from simulation.journeys import Journeys
from simulation.measures import Targets, measured
from simulation.world import Afterwards, Agent, Arrivals, Channel, Customer, LogNormal, Misrouting, Title, Topic, World
from sla.agreements.loading import load_agreements
from sla.instants import to_us

START = datetime(2026, 1, 5, tzinfo=ZoneInfo("Europe/Berlin"))
WEEKS = 10
DESK = {"hours": {"mon-fri": [["08:00", "18:00"]]}}
SHAPE = tuple(1.0 if 16 <= half_hour < 36 else 0.02 for half_hour in range(48))


def topic(category: str, team: str, weight: float, work: LogNormal, **values: object) -> Topic:
    return Topic("Service", category, "", team, weight, work, (Title(category),), (0.2, 0.8), **values)  # type: ignore[arg-type]


PLANTED = World(
    zone="Europe/Berlin",
    calendars={"desk": DESK, "early": {"hours": {"mon-fri": [["08:00", "15:00"]]}}, "late": {"hours": {"mon-fri": [["11:00", "18:00"]]}}},
    teams=("First", "Second"),
    agents=(
        *(Agent(f"Early {number}", ("First",), "early", 1.0, 0.1) for number in range(4)),
        *(Agent(f"Late {number}", ("Second",), "late", 1.0, 0.1) for number in range(3)),
    ),
    topics=(
        topic("Password", "First", 60.0, LogNormal(12.0, 0.5), ask_customer_share=0.1, reopen_share=0.1),
        topic(
            "Laptop", "Second", 40.0, LogNormal(45.0, 0.8), ask_customer_share=0.4, ask_supplier_share=0.2,
            supplier=LogNormal(900.0, 0.5), misrouting=(Misrouting("First", 0.3, LogNormal(10.0, 0.3)),),
        ),
    ),
    customers=(Customer("Quick", 70.0, LogNormal(60.0, 0.5)), Customer("Slow", 30.0, LogNormal(600.0, 0.5))),
    channels=(Channel("portal", 1.0), Channel("phone", 1.0, "agent", LogNormal(6.0, 0.3))),
    priorities=("1", "2"),
    arrivals=Arrivals(30.0, (1.2, 1.0, 1.0, 0.9, 0.9, 1.0, 1.0), 0.1, SHAPE),
    afterwards=Afterwards(cancel_share=0.0),
    customer_hours="desk",
)  # fmt: skip
HOURS = world_calendars(PLANTED)["desk"]


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return Desk(PLANTED, 7, START).events_until(START + timedelta(weeks=WEEKS))


@pytest.fixture(scope="module")
def fit(events: pd.DataFrame) -> Fit:
    return fit_world(events, DESK, HOURS, START + timedelta(weeks=WEEKS))


def test_arrivals_are_those_that_were_planted(fit: Fit) -> None:
    arrivals, planted = fit.world.arrivals, PLANTED.arrivals
    assert arrivals.per_day == pytest.approx(planted.per_day, rel=0.06)
    np.testing.assert_allclose(arrivals.weekday_factors[:5], planted.weekday_factors[:5], atol=0.12)
    assert arrivals.closed_day_factor == pytest.approx(0.1, abs=0.04)
    in_hours = sum(arrivals.half_hour_weights[16:36]) / sum(arrivals.half_hour_weights)
    assert in_hours == pytest.approx(sum(SHAPE[16:36]) / sum(SHAPE), abs=0.03)


def test_work_waits_and_routing_are_those_that_were_planted(fit: Fit) -> None:
    found = {one.category: one for one in fit.world.topics}
    for planted in PLANTED.topics:
        mine = found[planted.category]
        assert isinstance(planted.work, LogNormal)
        assert isinstance(mine.work, LogNormal)
        assert mine.team == planted.team
        assert mine.work.median_minutes == pytest.approx(planted.work.median_minutes, rel=0.12)
        assert mine.work.log_sd == pytest.approx(planted.work.log_sd, rel=0.15)
        assert mine.ask_customer_share == pytest.approx(planted.ask_customer_share, abs=0.05)
        assert mine.ask_supplier_share == pytest.approx(planted.ask_supplier_share, abs=0.04)
        assert mine.reopen_share == pytest.approx(planted.reopen_share, abs=0.04)
    laptop = found["Laptop"]
    assert [(one.team, round(one.share, 1)) for one in laptop.misrouting] == [("First", 0.3)]
    wasted = laptop.misrouting[0].wasted
    assert isinstance(wasted, LogNormal)
    assert wasted.median_minutes == pytest.approx(10.0, rel=0.15)
    share = found["Password"].weight / sum(one.weight for one in fit.world.topics)
    assert share == pytest.approx(0.6, abs=0.04)


def test_customers_and_channels_are_those_that_were_planted(fit: Fit) -> None:
    answers = {one.name: one.answer for one in fit.world.customers}
    for name, median in (("Quick", 60.0), ("Slow", 600.0)):
        found = answers[name]
        assert isinstance(found, LogNormal)
        assert found.median_minutes == pytest.approx(median, rel=0.2)
    channels = {one.name: one.recording for one in fit.world.channels}
    assert channels["portal"] is None
    assert isinstance(channels["phone"], LogNormal)
    assert channels["phone"].median_minutes == pytest.approx(6.0, rel=0.1)


def test_people_their_teams_shifts_and_absences_are_those_that_were_planted(fit: Fit) -> None:
    assert {agent.name for agent in fit.world.agents} == {agent.name for agent in PLANTED.agents}
    for agent in fit.world.agents:
        planted = next(one for one in PLANTED.agents if one.name == agent.name)
        assert agent.teams == planted.teams
        assert agent.absent_share == pytest.approx(0.1, abs=0.11)
        (window,) = fit.world.calendars[agent.shift]["hours"]["mon"]
        begin, end = {"early": (8, 15), "late": (11, 18)}[planted.shift]
        for text, hour in zip(window, (begin, end), strict=True):
            hours, minutes = (int(part) for part in text.split(":"))
            assert abs(hours + minutes / 60 - hour) <= 0.5, (agent, window)
        assert set(fit.world.calendars[agent.shift]["hours"]) == {"mon", "tue", "wed", "thu", "fri"}


def test_what_happened_is_measured_as_a_simulated_desk_is(events: pd.DataFrame) -> None:
    targets = Targets((120.0, 600.0), (8.0, 1.0))
    begin, end = START + timedelta(weeks=2), START + timedelta(weeks=WEEKS)
    real = real_figures(events, HOURS, targets, PLANTED.priorities, (to_us(begin), to_us(end)))
    simulated = measured(PLANTED, targets, 7, START, WEEKS - 2, warm_up_weeks=2)
    for name in ("tickets", "breaches", "attainment", "penalty", "open_at_end", "backlog"):
        assert getattr(real, name) == pytest.approx(getattr(simulated, name)), name
    assert real.mean_lateness_hours == pytest.approx(simulated.mean_lateness_hours)


def test_journeys_count_every_ticket_once_and_waits_end(events: pd.DataFrame) -> None:
    journeys = Journeys.of(events.sample(frac=1.0, random_state=1), HOURS)
    assert len(journeys.tickets) == events["ticket_id"].nunique()
    assert (journeys.waits["minutes"] >= 0).all()
    assert set(journeys.waits["waiting_on"]) == {"customer", "supplier", "reopening"}
    assert (journeys.tickets["clock_minutes"] > -1e-6).all()


def test_a_fit_is_held_against_weeks_it_has_not_seen(events: pd.DataFrame) -> None:
    agreements = load_agreements(Path("examples/demo/agreements.yaml"))
    promised = promises(events, agreements, {"1": 8.0, "2": 1.0})
    assert promised.targets.weights == (8.0, 1.0)
    checked = checked_fit(events, replace(promised, calendar=HOURS), weeks=3, runs=4)
    assert checked.cut == events["event_at"].max().to_pydatetime() - timedelta(weeks=3)
    held = {one.figure: one for one in checked.held}
    assert held["tickets"].simulated == pytest.approx(held["tickets"].real, rel=0.15)
    assert held["attainment"].simulated == pytest.approx(held["attainment"].real, abs=0.08)
    assert any("of a shift goes to tickets" in note for note in checked.fit.notes)
    later = events[events["recorded_at"] < pd.Timestamp(checked.cut)]
    alone = fit_world(later, DESK, HOURS, checked.cut)
    assert replace(alone.world, agents=()) == replace(checked.fit.world, agents=(), calendars=alone.world.calendars)


def test_few_durations_are_drawn_to_the_usual_one() -> None:
    usual = LogNormal(100.0, 1.0)
    assert log_normal(np.empty(0), usual) == usual
    few, many = log_normal(np.full(2, 10.0), usual), log_normal(np.full(2000, 10.0), usual)
    assert 50 < few.median_minutes < 100
    assert many.median_minutes == pytest.approx(10.0, rel=0.02)


def test_a_history_that_is_too_short_or_says_nothing_is_refused(events: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="expected at least 100"):
        fit_world(events, DESK, HOURS, START + timedelta(hours=12))
    bare = events.assign(assignee="", **{"attributes.handling_minutes": ""})
    with pytest.raises(ValueError, match="nothing tells how long work takes"):
        fit_world(bare, DESK, HOURS, START + timedelta(weeks=WEEKS))
