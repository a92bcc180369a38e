"""What is different about a desk: a change, and the world and the promises with it made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from simulation.calendars import opening, world_calendars
from simulation.faults import DeskError
from simulation.measures import Targets
from simulation.world import Agent, LogNormal, PlannedOutage, Topic, World
from sla.working_time.opening_windows import day_number

WARM_UP_WEEKS = 2
MOST_OUTAGE_MINUTES = 7 * 1440


@dataclass(frozen=True)
class OutageAhead:
    """A service that fails at a known time: the first such `weekday` (0: Monday) and local `hour` of the measured weeks, and how many write in.

    `week`: 2 is a week later, and so on.
    """

    service: str
    week: int = 1
    weekday: int = 1
    hour: float = 10.0
    minutes: float = 180.0
    tickets_per_hour: float = 30.0


@dataclass(frozen=True)
class Change:
    """What is different. Factors are relative to the baseline; `people` adds (or with a minus takes away) agents by team.

    `shifts` moves agents: (whose, to), whose by the name of a team or of a shift of the desk, to another of its calendars or to one
    written like `08:00-16:30 mon-fri`. `hours` are the desk's opening hours in the same words, on which promises count; its holidays stay.
    `calendars` puts calendars in place of those of the same names, as written in an agreements file. `shrinkage` is the share of days that
    people are away, in place of the world's own. `targets` are factors of the promised times. `helping`: (team, another) whose tickets
    the people of the first take when their own teams have none, at `helping_speed` times their own (0.8: a quarter longer).
    """

    arrivals: float = 1.0
    handling: float = 1.0
    targets: float = 1.0
    shrinkage: float | None = None
    people: Mapping[str, int] | None = None
    shifts: Sequence[tuple[str, str]] = ()
    hours: str | None = None
    calendars: Mapping[str, Mapping[str, Any]] | None = None
    policy: str = "priority"
    outage: OutageAhead | None = None
    helping: Sequence[tuple[str, str]] = ()
    helping_speed: float = 0.8


def changed(world: World, targets: Targets, change: Change, start: datetime) -> tuple[World, Targets]:
    """Return the world and the promises with the change made. ValueError names what the world does not have."""
    world = replace(
        world,
        arrivals=replace(world.arrivals, per_day=world.arrivals.per_day * _above_zero("arrivals", change.arrivals)),
    )
    if change.handling != 1.0:
        factor = _above_zero("handling", change.handling)
        outages = tuple(replace(outage, topic=_longer(outage.topic, factor)) for outage in world.outages)
        world = replace(world, topics=tuple(_longer(topic, factor) for topic in world.topics), outages=outages)
    world = _with_calendars(world, change)
    world = replace(world, agents=_agents(world, change))
    if change.outage is not None:
        world = _with_outage(world, change.outage, start)
    factor = _above_zero("targets", change.targets)
    return world, replace(targets, minutes=tuple(minutes * factor for minutes in targets.minutes))


def _above_zero(name: str, factor: float) -> float:
    if not 0 < factor < 100:
        raise DeskError(f"{name} is {factor:g}; it is a factor, expected above 0 and below 100 (1 = as it is)")
    return factor


def _longer(topic: Topic, factor: float) -> Topic:
    work = topic.work
    if not isinstance(work, LogNormal):
        raise TypeError(f"the work of {topic.category!r} is no LogNormal, so it cannot be made longer by a factor")
    return replace(topic, work=replace(work, median_minutes=work.median_minutes * factor))


def _with_calendars(world: World, change: Change) -> World:
    calendars = dict(world.calendars)
    for name, text in (change.calendars or {}).items():
        _known("calendar", name, world.calendars)
        calendars[name] = text
    if change.hours is not None:
        calendars[world.desk_hours] = _opened(calendars[world.desk_hours], change.hours)
    for whose, name in change.shifts:
        if name not in calendars and ":" in name:
            mine = [agent.shift for agent in world.agents if whose in (agent.shift, agent.teams[0])]
            calendars[name] = _opened(calendars[mine[0]] if mine else {}, name)
    if calendars == world.calendars:
        return world
    world = replace(world, calendars=calendars)
    try:
        world_calendars(world)
    except ValueError as error:
        raise DeskError(f"the changed calendars cannot be: {error}") from error
    return world


def _opened(calendar: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return a calendar with other hours and the same holidays."""
    return {**{key: value for key, value in calendar.items() if key not in ("hours", "always_open")}, **opening(text)}


def _agents(world: World, change: Change) -> tuple[Agent, ...]:
    agents = list(world.agents)
    if change.shrinkage is not None:
        if not 0 <= change.shrinkage < 1:
            raise DeskError(f"shrinkage is {change.shrinkage:g}; expected from 0 up to below 1")
        agents = [replace(agent, absent_share=change.shrinkage) for agent in agents]
    for whose, new in change.shifts:
        _known("shift", new, world.calendars)
        _known("team or shift", whose, [*world.teams, *(agent.shift for agent in world.agents)])
        agents = [replace(agent, shift=new) if whose in (agent.shift, agent.teams[0]) else agent for agent in agents]
    for team, other in change.helping:
        _known("team", team, world.teams)
        _known("team", other, world.teams)
        agents = [_helper(agent, team, other, _above_zero("helping speed", change.helping_speed)) for agent in agents]
    for team, count in (change.people or {}).items():
        _known("team", team, world.teams)
        agents = _more(agents, team, count)
    return tuple(agents)


def _helper(agent: Agent, team: str, other: str, speed: float) -> Agent:
    if agent.teams[0] != team or other in agent.teams:
        return agent
    return replace(agent, teams=(*agent.teams, other), helping_speed=speed)


def _more(agents: list[Agent], team: str, count: int) -> list[Agent]:
    """Return agents with some more at the end, so that the luck of the others stays theirs; those taken away are never there."""
    mine = [agent for agent in agents if agent.teams[0] == team]
    if count >= 0:
        shift = Counter(agent.shift for agent in mine or agents).most_common(1)[0][0]
        absent = float(np.mean([agent.absent_share for agent in mine or agents]))
        return agents + [Agent(f"further {team} {number + 1}", (team,), shift, 1.0, absent) for number in range(count)]
    if len(mine) < -count:
        raise DeskError(f"team {team!r} has {len(mine)} people, so {-count} cannot be taken away")
    gone = {agent.name for agent in mine[count:]}
    return [replace(agent, absent_share=1.0) if agent.name in gone else agent for agent in agents]


def _with_outage(world: World, outage: OutageAhead, start: datetime) -> World:
    services = {topic.service: topic for topic in reversed(world.topics)}
    _known("service", outage.service, services)
    if not (0 <= outage.hour < 24 and 0 < outage.minutes <= MOST_OUTAGE_MINUTES):
        raise DeskError(
            f"the outage begins at hour {outage.hour:g} and lasts {outage.minutes:g} minutes; expected an hour from 0 up to below 24, "
            f"and above 0 up to {MOST_OUTAGE_MINUTES} minutes"
        )
    begin = (start + timedelta(weeks=WARM_UP_WEEKS)).astimezone(ZoneInfo(world.zone))
    ahead = (outage.weekday - begin.weekday()) % 7
    if ahead == 0 and outage.hour < begin.hour + begin.minute / 60 + begin.second / 3600:
        ahead = 7
    planned = PlannedOutage(
        day_number(begin.date()) + ahead + 7 * (outage.week - 1),
        outage.hour,
        outage.minutes,
        outage.tickets_per_hour,
        replace(services[outage.service], misrouting=()),
    )
    return replace(world, planned=(*world.planned, planned))


def _known(what: str, name: str, names: Any) -> None:
    if name not in names:
        raise DeskError(f"the desk has no {what} {name!r}; it has {', '.join(sorted(map(str, set(names))))}")
