"""Dispatch policies of the desk by name: those of a fixed rank, and those that weigh all that wait at every pick.

A policy is made for a world and its promises. What weighs is a choice from columns (`features.waiting.Waiting`), so that the desk can be asked
about the very function that orders live queues; which one is passed in, as this floor knows no models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from math import log
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.waiting import Waiting
from simulation.calendars import world_calendars
from simulation.dispatch import Choice, Dispatch, chosen, earliest_due, fifo, priority_then_fifo
from simulation.measures import MINUTE_US, Targets
from simulation.tickets import Ticket
from simulation.world import Exponential, LogNormal, Topic, World

Floats: TypeAlias = NDArray[np.float64]
Policy: TypeAlias = Callable[[World, Targets], Dispatch]
Needed: TypeAlias = Callable[[Floats, Floats, Floats], Floats]
"""`needed(log_mean, log_sd, spent)`: the mean of the log of the minutes still to come where some were spent."""


def by_priority(world: World, targets: Targets) -> Dispatch:
    """Return priority, then first come first served: what most desks do."""
    return priority_then_fifo


def by_opening(world: World, targets: Targets) -> Dispatch:
    """Return first come, first served."""
    return fifo


def by_due_time(world: World, targets: Targets) -> Dispatch:
    """Return what is due first (EDF)."""
    return earliest_due(_Clock(world, targets).due_us)


POLICIES: Mapping[str, Policy] = {"priority": by_priority, "fifo": by_opening, "due": by_due_time}


@dataclass(frozen=True)
class Weighing:
    """The policy that asks `choose` for the place of the ticket to take, of all that wait for a team, at every pick.

    It knows of a ticket what its desk's records tell: the usual work of its kind, how often such tickets are sent on or must wait for an answer
    first, and what was spent on it. Not its own work, nor what luck has in store.
    """

    choose: Callable[[Waiting], int]
    needed: Needed

    def __call__(self, world: World, targets: Targets) -> Dispatch:
        """Return the policy for a world and its promises."""
        return chosen(_weighed(_Clock(world, targets), usual_of(world), self))


Kind: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True)
class Usual:
    """What is usual of a kind of ticket: log of the hands-on minutes, and the share that is sent on or waits for an answer first."""

    log_mean: float
    log_sd: float
    detour_share: float


def kind_of(one: Topic | Ticket) -> Kind:
    """Return what tells a ticket's kind: service, category, subcategory."""
    return one.service, one.category, one.subcategory


def usual(topic: Topic) -> Usual:
    """Return what is usual of a topic's tickets. TypeError for work whose logarithm is of no known mean."""
    work, titles = topic.work, np.log([title.work_factor for title in topic.titles])
    if isinstance(work, LogNormal):
        middle, spread = log(work.median_minutes), work.log_sd
    elif isinstance(work, Exponential):
        middle, spread = log(work.mean_minutes) - np.euler_gamma, np.pi / 6**0.5
    else:
        raise TypeError(f"the work of {topic.category!r} is neither LogNormal nor Exponential, so it cannot be weighed")
    astray = sum(one.share for one in topic.misrouting)
    asked = 1 - (1 - topic.ask_customer_share) * (1 - topic.ask_supplier_share)
    return Usual(
        middle + float(titles.mean()), float(np.hypot(spread, titles.std())), 1 - (1 - min(astray, 1.0)) * (1 - asked)
    )


def usual_of(world: World) -> dict[Kind, Usual]:
    """Return what is usual of every kind of ticket of a world; topics of one kind by their weights, outages only where no topic is of theirs."""
    outages = [*(one.topic for one in world.outages), *(one.topic for one in world.planned)]
    found = {kind_of(topic): usual(topic) for topic in outages}
    mine: dict[Kind, list[Topic]] = {}
    for topic in world.topics:
        mine.setdefault(kind_of(topic), []).append(topic)
    for kind, topics in mine.items():
        numbers = np.array([astuple(usual(topic)) for topic in topics])
        found[kind] = Usual(*np.average(numbers, axis=0, weights=[topic.weight for topic in topics]).tolist())
    return found


class _Clock:
    """The clock of a world's tickets: desk hours, less the time in which they wait for an answer."""

    def __init__(self, world: World, targets: Targets) -> None:
        self.hours = world_calendars(world)[world.desk_hours]
        self.targets = targets
        self._zero_us: int | None = None

    def due_us(self, ticket: Ticket) -> int:
        """Return when a ticket is due if its clock runs on from here."""
        return self.hours.due_after(ticket.opened_us, self._promised_us(ticket) + ticket.stood_us)

    def due_working_us(self, ticket: Ticket) -> int:
        """Return a ticket's due time in working time since the first instant that was asked about."""
        return self.working_us(ticket.opened_us) + self._promised_us(ticket) + ticket.stood_us

    def working_us(self, at_us: int) -> int:
        """Return the working time since the first instant that was asked about."""
        if self._zero_us is None:
            self._zero_us = at_us
        return self.hours.elapsed_between(self._zero_us, at_us)

    def _promised_us(self, ticket: Ticket) -> int:
        return round(self.targets.minutes[ticket.priority] * MINUTE_US)


def _weighed(clock: _Clock, kinds: Mapping[Kind, Usual], policy: Weighing) -> Choice:
    minutes, weights = clock.targets.minutes, clock.targets.weights
    seen: dict[Ticket, tuple[int, tuple[float, ...]]] = {}  # a row a ticket, as of its last move

    def row(ticket: Ticket) -> tuple[float, ...]:
        known = seen.get(ticket)
        if known is not None and known[0] == ticket.token:
            return known[1]
        kind = kinds[kind_of(ticket)]
        found = (
            clock.due_working_us(ticket) / MINUTE_US,
            minutes[ticket.priority],
            weights[ticket.priority],
            kind.log_mean,
            kind.log_sd,
            ticket.handled_us / MINUTE_US,
            kind.detour_share if ticket.started_us < 0 else 0.0,
            float(ticket.opened_us),
        )
        seen[ticket] = ticket.token, found
        return found

    def choose(waiting: Sequence[Ticket], at_us: int, agents: int) -> int:
        if len(waiting) == 1:
            seen.pop(waiting[0], None)
            return 0
        due, target, weight, log_mean, log_sd, spent, detour, opened = np.array([row(ticket) for ticket in waiting]).T
        log_mean = policy.needed(log_mean, log_sd, spent)
        left = due - clock.working_us(at_us) / MINUTE_US
        expected = np.exp(log_mean + log_sd**2 / 2)
        never = np.full(len(left), np.inf)
        place = policy.choose(
            Waiting(left, never, target, weight, log_mean, log_sd, expected, detour, opened, max(agents, 1))
        )
        seen.pop(waiting[place], None)
        return place

    return choose
