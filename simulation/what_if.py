"""What if: a desk with something changed against the same desk as it is, on the same luck.

Every run of the changed desk meets the tickets, absences and answers of the baseline's run with the same seed (common random
numbers), so their difference is the change and little else. A baseline is locked: it names the desk, the promises and the seeds it was
made with, and refuses to be compared with others.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from scipy.stats import t as student

from simulation.dispatch import Dispatch, fifo, priority_then_fifo
from simulation.faults import DeskError
from simulation.measures import FIGURES, Figures, Targets, measured
from simulation.world import Agent, LogNormal, PlannedOutage, Topic, World
from sla.working_time.opening_windows import day_number

Told = Callable[[str, float], None]
POLICIES: Mapping[str, Dispatch] = {"priority": priority_then_fifo, "fifo": fifo}
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

    `shifts` moves agents: (from, to), by the names of the world's calendars. `shrinkage` is the share of days that people are away, in
    place of the world's own. `targets` are factors of the promised times.
    """

    arrivals: float = 1.0
    handling: float = 1.0
    targets: float = 1.0
    shrinkage: float | None = None
    people: Mapping[str, int] | None = None
    shifts: Sequence[tuple[str, str]] = ()
    policy: str = "priority"
    outage: OutageAhead | None = None


@dataclass(frozen=True)
class Baseline:
    """A locked baseline: the figures of each seed, and of what they are."""

    fingerprint: str
    start: datetime
    weeks: int
    seeds: tuple[int, ...]
    runs: tuple[Figures, ...]


@dataclass(frozen=True)
class Difference:
    """A figure of both desks and the change with half its 95 % interval, paired by seed; `is_sure`: the interval is clear of zero."""

    figure: str
    before: float
    after: float
    change: float
    half_interval: float

    @property
    def is_sure(self) -> bool:
        """Whether the change is more than luck."""
        return abs(self.change) > self.half_interval


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
    world = replace(world, agents=_agents(world, change))
    if change.outage is not None:
        world = _with_outage(world, change.outage, start)
    factor = _above_zero("targets", change.targets)
    return world, replace(targets, minutes=tuple(minutes * factor for minutes in targets.minutes))


def baseline(
    world: World,
    targets: Targets,
    start: datetime,
    weeks: int,
    seeds: Sequence[int],
    told: Told = lambda _step, _share: None,
) -> Baseline:
    """Return the locked baseline: the desk as it is, once a seed."""
    runs = []
    for place, seed in enumerate(seeds):
        told("the desk as it is", place / len(seeds))
        runs.append(measured(world, targets, seed, start, weeks, warm_up_weeks=WARM_UP_WEEKS))
    return Baseline(fingerprint(world, targets, start, weeks), start, weeks, tuple(seeds), tuple(runs))


def compared(
    world: World,
    targets: Targets,
    locked: Baseline,
    change: Change,
    told: Told = lambda _step, _share: None,
    policies: Mapping[str, Dispatch] = POLICIES,
) -> list[Difference]:
    """Return every figure before and after the change. ValueError if the baseline is one of another desk."""
    if fingerprint(world, targets, locked.start, locked.weeks) != locked.fingerprint:
        raise DeskError("the baseline was made of another desk, other promises or another span; make a new one")
    if change.policy not in policies:
        raise DeskError(f"there is no policy {change.policy!r}; there are {', '.join(sorted(policies))}")
    other, promised = changed(world, targets, change, locked.start)
    runs = []
    for place, seed in enumerate(locked.seeds):
        told("the desk with the change", place / len(locked.seeds))
        policy = policies[change.policy]
        runs.append(measured(other, promised, seed, locked.start, locked.weeks, policy, WARM_UP_WEEKS))
    return differences(locked.runs, runs)


def differences(before: Sequence[Figures], after: Sequence[Figures]) -> list[Difference]:
    """Return the paired differences of the figures of runs with the same seeds, in the same order."""
    found = []
    for name in FIGURES:
        was, is_now = (np.array([getattr(run, name) for run in runs]) for runs in (before, after))
        moved = is_now - was
        count = len(moved)
        half = float(student.ppf(0.975, count - 1) * moved.std(ddof=1) / np.sqrt(count)) if count > 1 else float("inf")
        found.append(Difference(name, float(was.mean()), float(is_now.mean()), float(moved.mean()), half))
    return found


def fingerprint(world: World, targets: Targets, start: datetime, weeks: int) -> str:
    """Return sixteen letters that differ when the desk, the promises or the span differ."""
    text = repr((world, targets, start.isoformat(), weeks))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def as_document(found: Sequence[Difference]) -> list[dict[str, Any]]:
    """Return the differences as plain values."""
    return [{**asdict(one), "is_sure": one.is_sure} for one in found]


def _above_zero(name: str, factor: float) -> float:
    if not 0 < factor < 100:
        raise DeskError(f"{name} is {factor:g}; it is a factor, expected above 0 and below 100 (1 = as it is)")
    return factor


def _longer(topic: Topic, factor: float) -> Topic:
    work = topic.work
    if not isinstance(work, LogNormal):
        raise TypeError(f"the work of {topic.category!r} is no LogNormal, so it cannot be made longer by a factor")
    return replace(topic, work=replace(work, median_minutes=work.median_minutes * factor))


def _agents(world: World, change: Change) -> tuple[Agent, ...]:
    agents = list(world.agents)
    if change.shrinkage is not None:
        if not 0 <= change.shrinkage < 1:
            raise DeskError(f"shrinkage is {change.shrinkage:g}; expected from 0 up to below 1")
        agents = [replace(agent, absent_share=change.shrinkage) for agent in agents]
    for old, new in change.shifts:
        _known("shift", new, world.calendars)
        _known("shift", old, [agent.shift for agent in agents])
        agents = [replace(agent, shift=new) if agent.shift == old else agent for agent in agents]
    for team, count in (change.people or {}).items():
        _known("team", team, world.teams)
        agents = _more(agents, team, count)
    return tuple(agents)


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
