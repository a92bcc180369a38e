"""What if, and the figures it compares, on the demo desk."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from simulation.arrivals import inflow
from simulation.calendars import world_calendars
from simulation.changes import Change, OutageAhead, changed
from simulation.days import local_day
from simulation.demo_world import demo_world
from simulation.desk import Desk
from simulation.faults import DeskError
from simulation.measures import FIGURES, MeasuredDesk, Targets, measured
from simulation.policies import POLICIES
from simulation.repetition import Span, here, repetition
from simulation.what_if import (
    Baseline,
    Difference,
    Lock,
    as_document,
    baseline,
    compared,
    kept_lock,
    lock_document,
    seeds_of,
)

START = datetime(2026, 1, 5, tzinfo=ZoneInfo("Europe/Berlin"))
TARGETS = Targets((240.0, 480.0, 960.0, 2400.0))
WORLD = demo_world()
SERVICE = WORLD.topics[0].service
WEEKS = 2


@pytest.fixture(scope="module")
def locked() -> Baseline:
    return baseline(WORLD, TARGETS, START, WEEKS, range(3))


def told(locked: Baseline, change: Change) -> dict[str, Difference]:
    return {one.figure: one for one in compared(WORLD, TARGETS, locked, change)}


def test_the_figures_are_those_of_the_events_counted_one_by_one() -> None:
    end = START + timedelta(weeks=3)
    events = Desk(WORLD, 5, START).events_until(end)
    hours = world_calendars(WORLD)["desk"]
    begin = pd.Timestamp(START + timedelta(weeks=1))
    late = count = still_open = 0
    for _, lines in events.groupby("ticket_id", sort=False):
        opened, stood, elapsed_from = lines["event_at"].iloc[0], None, 0.0
        for at, status in zip(lines["event_at"], lines["status"], strict=True):
            if status in ("waiting", "resolved") and stood is None:
                stood = at
            elif status in ("new", "open") and stood is not None:
                elapsed_from += hours.elapsed_seconds(stood.to_pydatetime(), at.to_pydatetime())
                stood = None
        last = lines["status"].iloc[-1]
        still_open += last in ("new", "open", "waiting")
        if not begin <= opened < pd.Timestamp(end) or last == "cancelled":
            continue
        until = stood if stood is not None else pd.Timestamp(end)
        elapsed = hours.elapsed_seconds(opened.to_pydatetime(), until.to_pydatetime()) - elapsed_from
        promised = TARGETS.minutes[int(lines["priority"].iloc[-1]) - 1]
        count, late = count + 1, late + (elapsed > promised * 60)
    found = measured(WORLD, TARGETS, 5, START, 2, warm_up_weeks=1)
    assert (found.tickets, found.breaches, found.open_at_end) == (count, late, still_open)
    assert found.attainment == pytest.approx(1 - late / count)
    assert 0.5 < found.occupancy < 1
    assert late > 10


def test_nothing_changed_changes_nothing(locked: Baseline) -> None:
    assert all(one.change == 0 == one.half_interval and not one.is_sure for one in told(locked, Change()).values())


def test_more_tickets_longer_work_and_fewer_people_each_cost_attainment(locked: Baseline) -> None:
    more = told(locked, Change(arrivals=1.2))
    assert more["tickets"].change == pytest.approx(0.2 * more["tickets"].before, rel=0.35)
    for change in (
        Change(arrivals=1.2),
        Change(handling=1.2),
        Change(shrinkage=0.3),
        Change(people={"Business Applications": -2}),
    ):
        found = told(locked, change)
        assert found["attainment"].change < 0, change
        assert found["backlog"].change > 0, change
        assert change.people or found["occupancy"].change > 0, (
            change
        )  # fewer people of one team: the others wait for work


def test_more_people_and_later_promises_help(locked: Baseline) -> None:
    assert told(locked, Change(people={"Business Applications": 2, "Workplace": 2}))["backlog"].change < 0
    found = told(locked, Change(targets=2.0))
    assert found["attainment"].change > 0
    assert found["backlog"].change == 0


def test_an_outage_on_tuesday_brings_its_tickets_on_that_tuesday_and_no_other_day() -> None:
    ahead = OutageAhead("Network", week=2, weekday=1, hour=10.0, minutes=120.0, tickets_per_hour=40.0)
    service = next(topic.service for topic in WORLD.topics)
    world, _ = changed(WORLD, TARGETS, Change(outage=replace(ahead, service=service)), START)
    end = START + timedelta(weeks=5)
    opened = []
    for one in (WORLD, world):
        events = Desk(one, 3, START).events_until(end)
        created = events.loc[events["kind"] == "created", "event_at"]
        opened.append(created.dt.tz_convert("Europe/Berlin").dt.date.value_counts())
    more = opened[1].sub(opened[0], fill_value=0)
    tuesday = (START + timedelta(weeks=3, days=1)).date()  # two weeks of warming up, then the second week
    assert 50 < more[tuesday] < 115
    assert (more.drop(tuesday) == 0).all()


def test_paired_runs_see_more_than_runs_with_luck_of_their_own(locked: Baseline) -> None:
    found = told(locked, Change(people={"Business Applications": 1}))["backlog"]
    own_luck = np.std([run.backlog for run in locked.runs], ddof=1)
    assert found.half_interval < 4.31 * own_luck / 1.74  # Student, two degrees of freedom, three runs


def test_a_lock_that_was_written_and_read_is_the_same(locked: Baseline) -> None:
    lock = Lock(START + timedelta(hours=3), replace(locked, seeds=seeds_of(3)))
    again = kept_lock(json.loads(json.dumps(lock_document(lock))))
    assert again == lock
    again.refuse_other(WEEKS, 3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"as_of": "2026-03-02T00:00:00"}, "has no offset"),
        ({"as_of": "soon"}, "no kept baseline"),
        ({"start": "2026-03-02T00:00:00"}, "its start has no offset"),
        ({"runs": [{"tickets": 1.0}] * 3}, "KeyError: 'attainment'"),
        ({"runs": [dict.fromkeys(FIGURES, float("nan"))] * 3}, "a figure is no number"),
        ({"runs": [dict.fromkeys(FIGURES, 1.0)] * 2}, "3 seeds, 2 runs"),
        ({"seeds": None}, "TypeError"),
        ({"weeks": WEEKS + 1}, rf"has 3 runs of {WEEKS + 1} weeks, asked for are 3 of {WEEKS}"),
        ({"seeds": [4, 5, 6]}, "the luck of the seeds 4, 5, 6; expected 1 to 3"),
        ({"seeds": [1, 1, 2]}, "the luck of the seeds 1, 1, 2"),
    ],
)
def test_what_is_no_baseline_or_one_of_other_runs_is_refused(
    locked: Baseline, wrong: dict[str, object], words: str
) -> None:
    document = lock_document(Lock(START, replace(locked, seeds=seeds_of(3))))
    with pytest.raises(DeskError, match=words):
        kept_lock(document | wrong).refuse_other(WEEKS, 3)


def test_a_baseline_is_locked_to_its_desk(locked: Baseline) -> None:
    other = replace(WORLD, arrivals=replace(WORLD.arrivals, per_day=50.0))
    for world, targets, start in (
        (other, TARGETS, START),
        (WORLD, replace(TARGETS, minutes=(1.0, 480.0, 960.0, 2400.0)), START),
        (WORLD, TARGETS, START + timedelta(days=7)),
    ):
        with pytest.raises(DeskError, match=r"another desk, other promises or another span.*make a new one"):
            compared(world, targets, replace(locked, start=start), Change())
    assert len(
        as_document(compared(WORLD, TARGETS, replace(locked, seeds=(0,), runs=locked.runs[:1]), Change()))
    ) == len(FIGURES)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(arrivals=0), "arrivals is 0"),
        (Change(shrinkage=1.0), "shrinkage is 1"),
        (Change(people={"Nobody": 1}), "no team 'Nobody'"),
        (Change(people={"Data Centre": -9}), "cannot be taken away"),
        (Change(shifts=(("day", "moon"),)), "no shift 'moon'"),
        (Change(shifts=(("Nobody", "08:00-16:00 mon-fri"),)), "no team or shift 'Nobody'"),
        (Change(shifts=(("day", "8:00 to 16:00"),)), "is not a shift; expected times and days"),
        (Change(hours="08:00-16:00 someday"), "changed calendars cannot be"),
        (Change(helping=(("Network", "Nobody"),)), "no team 'Nobody'"),
        (Change(helping=(("Network", "Workplace"),), helping_speed=0.0), "helping speed is 0"),
        (Change(calendars={"moon": {}}), "no calendar 'moon'"),
        (Change(outage=OutageAhead(SERVICE, hour=24.0)), "begins at hour 24 and lasts 180 minutes"),
        (Change(outage=OutageAhead(SERVICE, hour=-0.5)), "begins at hour -0.5"),
        (Change(outage=OutageAhead(SERVICE, minutes=0.0)), "lasts 0 minutes"),
        (Change(outage=OutageAhead(SERVICE, minutes=7 * 1440 + 1)), "lasts 10081 minutes"),
        (Change(outage=OutageAhead("Nothing")), "no service 'Nothing'"),
        (Change(policy="magic"), "no policy 'magic'"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_by_name(locked: Baseline, change: Change, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compared(WORLD, TARGETS, locked, change)


@pytest.mark.parametrize(
    ("start", "ahead", "begins"),
    [
        # The measured weeks begin two weeks after the start.
        ("2026-01-05T00:00+01:00", OutageAhead(SERVICE, weekday=1, hour=10.0), "2026-01-20T10:00+01:00"),
        ("2026-01-05T00:00+01:00", OutageAhead(SERVICE, weekday=0, hour=0.0), "2026-01-19T00:00+01:00"),
        # A desk's weeks that begin on a Tuesday at 9:30: that very day at 10, but a week later at 9.
        ("2026-01-06T09:30+01:00", OutageAhead(SERVICE, weekday=1, hour=10.0), "2026-01-20T10:00+01:00"),
        ("2026-01-06T09:30+01:00", OutageAhead(SERVICE, weekday=1, hour=9.0), "2026-01-27T09:00+01:00"),
        ("2026-01-06T09:30+01:00", OutageAhead(SERVICE, weekday=0, hour=9.0), "2026-01-26T09:00+01:00"),
        ("2026-01-06T09:30+01:00", OutageAhead(SERVICE, week=3, weekday=1, hour=10.0), "2026-02-03T10:00+01:00"),
        # 23:30 in UTC on Monday is Tuesday in Berlin: the desk's own day counts.
        ("2026-01-05T23:30+00:00", OutageAhead(SERVICE, weekday=1, hour=1.0), "2026-01-20T01:00+01:00"),
        # Clocks go forward on 29 March: the Tuesday after it has summer time.
        ("2026-03-16T00:00+01:00", OutageAhead(SERVICE, weekday=1, hour=10.0), "2026-03-31T10:00+02:00"),
    ],
)
def test_an_outage_is_on_the_first_such_day_of_the_measured_weeks(start: str, ahead: OutageAhead, begins: str) -> None:
    at = datetime.fromisoformat(begins)
    world, _ = changed(WORLD, TARGETS, Change(outage=ahead), datetime.fromisoformat(start))
    (planned,) = world.planned
    day = local_day(WORLD.zone, world_calendars(WORLD)["desk"], planned.day)
    (failure,) = (one for one in inflow(world, 3, day).failures if one.outage >= len(world.outages))
    assert datetime.fromtimestamp(failure.start_us / 1e6, tz=UTC) == at
    assert failure.end_us - failure.start_us == 180 * 60_000_000


def test_a_team_in_a_later_shift_works_then_and_the_others_as_before() -> None:
    moved, _ = changed(WORLD, TARGETS, Change(shifts=(("Network", "12:00-20:00 mon-sat"),)), START)
    events = Desk(moved, 4, START).events_until(START + timedelta(weeks=2))
    seats = {agent.name: agent for agent in WORLD.agents}
    acts = events[(events["actor_kind"] == "agent") & events["assignee"].isin(seats) & (events["kind"] != "created")]
    is_network = acts["assignee"].map(lambda name: seats[name].teams[0] == "Network")
    hour = acts["event_at"].dt.tz_convert("Europe/Berlin").dt.hour
    assert hour[is_network].min() == 12
    assert hour[is_network].max() >= 18
    assert hour[~is_network].min() == 7
    holiday = moved.calendars["12:00-20:00 mon-sat"]["holidays"]
    assert holiday == WORLD.calendars["day"]["holidays"]


def test_promises_count_on_the_changed_hours_of_the_desk(locked: Baseline) -> None:
    shorter = told(locked, Change(hours="09:00-15:00 mon-fri"))
    assert shorter["median_hours"].change < 0
    assert shorter["attainment"].change > 0
    assert shorter["tickets"].change != 0 or shorter["breaches"].change < 0
    longer, _ = changed(WORLD, TARGETS, Change(hours="00:00-24:00 mon-sun"), START)
    clock = world_calendars(longer)["desk"]
    assert clock.spec.holidays == world_calendars(WORLD)["desk"].spec.holidays


def test_several_processes_find_the_very_figures_of_one(locked: Baseline) -> None:
    with repetition(2) as repeat:
        again = baseline(WORLD, TARGETS, START, WEEKS, range(4), repeat=repeat)
        other = repeat(WORLD, TARGETS, range(4), Span(START, WEEKS, 2), POLICIES["due"])
    assert again.runs[:3] == locked.runs
    shares: list[float] = []
    here(WORLD, TARGETS, range(2), Span(START, 1, 0), told=shares.append)
    assert shares == [0.0, 0.5, 1.0]
    assert other == here(WORLD, TARGETS, range(4), Span(START, WEEKS, 2), POLICIES["due"])
    assert other[0] != again.runs[0]


def test_a_team_that_helps_takes_anothers_tickets_only_when_it_has_none_and_is_slower_at_them() -> None:
    helped, _ = changed(WORLD, TARGETS, Change(helping=(("Data Centre", "Workplace"),), helping_speed=0.5), START)
    homes = {agent.name: agent.teams[0] for agent in WORLD.agents}
    taken, minutes = [], []
    for one in (WORLD, helped):
        desk = MeasuredDesk(one, 3, START)
        desk.run_until(START + timedelta(weeks=3))
        theirs = [ticket for ticket in desk.ledger.tickets if homes.get(ticket.assignee) == "Data Centre"]
        taken.append(sum(WORLD.teams[ticket.team] == "Workplace" for ticket in theirs))
        own = {ticket.ticket_id: ticket for ticket in desk.ledger.tickets}
        minutes.append({name: ticket.handled_us for name, ticket in own.items() if ticket.resolved_us >= 0})
    assert taken[0] == 0
    assert taken[1] > 10
    assert any(minutes[1][name] > 1.5 * spent for name, spent in minutes[0].items() if name in minutes[1])


def test_sharing_saves_more_tickets_on_the_same_luck(locked: Baseline) -> None:
    teams = [team for team in WORLD.teams if team not in ("Business Applications", "Workplace")]
    every = tuple((team, other) for team in teams for other in ("Business Applications", "Workplace"))
    found = told(locked, Change(helping=every))
    assert found["breaches"].change < -0.1 * found["breaches"].before
    assert found["backlog"].change < 0
