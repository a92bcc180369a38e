"""How many people a ticket desk needs: found by simulation, because tickets wait overnight and formulas do not.

For each team the fewest people are sought with which the promise is kept in a given share of weeks, runs of different luck. All
candidates meet the same luck, so the answer moves with the number of people and not with chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import numpy as np

from simulation.arrivals import day_factor
from simulation.calendars import world_calendars
from simulation.changes import Change, changed
from simulation.days import days
from simulation.faults import DeskError
from simulation.measures import Figures, Targets
from simulation.policies import Policy, by_priority
from simulation.queueing import within
from simulation.repetition import Repeat, Span, here
from simulation.world import Exponential, LogNormal, Topic, World
from sla.instants import DAY_US, SECOND_US, to_us

Told = Callable[[str, float], None]
MOST_MORE = 40


@dataclass(frozen=True)
class DeskPromise:
    """What is to be reached: a share of tickets in time, in a share of the runs (`confidence`)."""

    share: float = 0.9
    confidence: float = 0.9

    def __post_init__(self) -> None:
        if not (0 < self.share < 1 and 0 < self.confidence <= 1):
            raise DeskError(f"share is {self.share:g} and confidence {self.confidence:g}; expected between 0 and 1")


@dataclass(frozen=True)
class Candidate:
    """A number of people, and what it reached: mean attainment, the share of runs that kept the promise."""

    people: int
    attainment: float
    kept_share: float
    occupancy: float


@dataclass(frozen=True)
class DeskStaffing:
    """The fewest people of a team that keep the promise, all numbers that were tried, and how it was computed.

    `people` is None where even the most that were tried do not: then waiting is not what is late. `formula_share`: what Erlang C
    promises of being picked up within an hour with these people, `simulated_share` what happens.
    """

    team: str
    people: int | None
    present: int
    tried: tuple[Candidate, ...]
    steps: tuple[str, ...]


def desk_staffing(
    world: World,
    targets: Targets,
    team: str,
    promise: DeskPromise,
    start: datetime,
    weeks: int = 4,
    runs: int = 10,
    policy: Policy = by_priority,
    told: Told = lambda _step, _share: None,
    repeat: Repeat = here,
) -> DeskStaffing:
    """Return the fewest people of a team with which tickets of its topics are in time. ValueError for a team the desk does not have.

    Only tickets of the team are judged; the other teams stay as they are. Sought by halving, so few numbers are tried.
    """
    if team not in world.teams:
        raise DeskError(f"the desk has no team {team!r}; it has {', '.join(world.teams)}")
    alone = only(world, team)
    present = sum(agent.teams[0] == team for agent in alone.agents)
    tried: dict[int, Candidate] = {}

    def keeps(people: int) -> bool:
        if people not in tried:
            told(f"{team} with {people} people", len(tried) / 8)
            other, _ = changed(alone, targets, Change(people={team: people - present}), start)
            found = repeat(other, targets, range(runs), Span(start, weeks), policy)
            tried[people] = _judged(people, found, promise)
        return tried[people].kept_share >= promise.confidence

    low, high = 0, max(present, 1)
    while not keeps(high) and high < present + MOST_MORE:
        low, high = high, min(present + MOST_MORE, high + max(1, high // 2))
    people = None
    if keeps(high):
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if keeps(middle) else (middle, high)
        people = high
    order = tuple(tried[number] for number in sorted(tried))
    return DeskStaffing(team, people, present, order, _steps(alone, team, people, order, promise, (start, weeks, runs)))


def only(world: World, team: str) -> World:
    """Return the desk of one team: its topics and people, with its share of the inflow; work that others begin or help with is left out."""
    mine = tuple(replace(topic, misrouting=()) for topic in world.topics if topic.team == team)
    if not mine:
        raise DeskError(f"no topic of the desk belongs to team {team!r}, so nothing says what it has to do")
    share = sum(topic.weight for topic in mine) / sum(topic.weight for topic in world.topics)
    agents = tuple(replace(agent, teams=(team,)) for agent in world.agents if agent.teams[0] == team)
    if not agents:
        raise DeskError(f"nobody works in team {team!r} first of all, so nothing says when its people are there")
    outages = tuple(
        replace(outage, topic=replace(outage.topic, misrouting=()))
        for outage in world.outages
        if outage.topic.team == team
    )
    arrivals = replace(world.arrivals, per_day=world.arrivals.per_day * share)
    return replace(world, teams=(team,), topics=mine, agents=agents, outages=outages, arrivals=arrivals)


def _judged(people: int, found: Sequence[Figures], promise: DeskPromise) -> Candidate:
    attainment = np.array([run.attainment for run in found])
    occupancy = float(np.mean([run.occupancy for run in found]))
    return Candidate(people, float(attainment.mean()), float((attainment >= promise.share).mean()), occupancy)


def offered(world: World, start: datetime) -> tuple[float, float]:
    """Return tickets in the week of `start` and hands-on minutes a ticket that the topics bring, outages and detours left out."""
    weights = np.array([topic.weight for topic in world.topics])
    minutes = np.array([mean_minutes(topic) for topic in world.topics])
    week = islice(days(world.zone, world_calendars(world)[world.desk_hours], to_us(start)), 7)
    tickets = world.arrivals.per_day * sum(day_factor(world, day) for day in week)
    return tickets, float(np.dot(weights, minutes) / weights.sum())


def mean_minutes(topic: Topic) -> float:
    """Return the mean hands-on minutes of a topic, with what its titles hint at."""
    work = topic.work
    if not isinstance(work, LogNormal | Exponential):
        raise TypeError(
            f"the work of {topic.category!r} is neither LogNormal nor Exponential, so its mean is not known"
        )
    return work.mean_minutes * float(np.mean([title.work_factor for title in topic.titles]))


def _steps(
    world: World,
    team: str,
    people: int | None,
    tried: tuple[Candidate, ...],
    promise: DeskPromise,
    plan: tuple[datetime, int, int],
) -> tuple[str, ...]:
    start, weeks, runs = plan
    tickets, minutes = offered(world, start)
    hours = present_hours(world, start)
    each = sum(hours.values()) / max(1, len(world.agents))
    load = tickets * minutes / 60 / max(each, 1e-9)
    steps = [
        f"Offered: {tickets:.0f} tickets a week x {minutes:.0f} minutes = {tickets * minutes / 60:.0f} hours of work a week.",
        f"A person is there {each:.1f} hours a week (shift less absence), so {load:.2f} people would be busy all the time.",
        f"Simulated: {runs} runs of {weeks} weeks for each number of people, the same luck for all.",
    ]
    steps += [
        f"{one.people} people: {100 * one.attainment:.1f} % in time, {100 * promise.share:g} % kept in {100 * one.kept_share:.0f} % of the runs, "
        f"{100 * one.occupancy:.0f} % busy."
        for one in tried
    ]
    if people is None:
        steps.append(
            f"Not even {tried[-1].people} people keep it: what is late is not late for want of people (waits, shifts, long work)."
        )
        return tuple(steps)
    steps.append(f"The fewest that keep it in {100 * promise.confidence:g} % of the runs: {people}.")
    return (*steps, formula_step(people, load))


def formula_step(people: int, load: float) -> str:
    """Return what Erlang C says of the same numbers, and why it and the simulation disagree."""
    if load >= people:
        return f"Erlang C: no steady state with {people} people at a load of {load:.2f}."
    fewest = next(count for count in range(math.floor(load) + 1, people + 200) if within(count, load, 1.0, 1.0) >= 0.8)
    return (
        f"Erlang C asks for {fewest} people so that 80 of 100 are picked up within one mean work time. It takes the average hour for every "
        "hour: no morning peak, nothing left over from the evening before, no long tail of work; so it promises quick pick-up "
        "with too few people where tickets come in waves, and asks for too many where a promise of hours or days leaves time to wait."
    )


def present_hours(world: World, start: datetime) -> Mapping[str, float]:
    """Return the hours each agent is there in the week that begins at `start`, absence taken off."""
    calendars = world_calendars(world)
    begin_us = to_us(start)
    hours = {
        name: calendar.elapsed_between(begin_us, begin_us + 7 * DAY_US) / SECOND_US / 3600
        for name, calendar in calendars.items()
    }
    return {agent.name: hours[agent.shift] * (1 - agent.absent_share) for agent in world.agents}
