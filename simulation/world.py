"""A desk written down: who works when, what arrives, how long things take. Parameters only, nothing is drawn here.

Units are in the names. Every share is a probability between 0 and 1; every weight is relative to its siblings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Duration(Protocol):
    """A distribution of durations that is a function of a standard normal score.

    Drawing scores first and turning them into minutes last lets two worlds share their luck (common random numbers):
    the same score is the same percentile in both.
    """

    def minutes(self, score: float) -> float:
        """Return the duration in minutes at a standard normal score."""
        ...


@dataclass(frozen=True)
class LogNormal:
    """Minutes whose logarithm is normal: the usual shape of hands-on work and of waits."""

    median_minutes: float
    log_sd: float

    def minutes(self, score: float) -> float:
        """Return the duration in minutes at a standard normal score."""
        return self.median_minutes * math.exp(self.log_sd * score)

    @property
    def mean_minutes(self) -> float:
        """Return the mean, in minutes."""
        return self.median_minutes * math.exp(self.log_sd**2 / 2)


@dataclass(frozen=True)
class Exponential:
    """Memoryless minutes, as the textbook queueing formulas assume."""

    mean_minutes: float

    def minutes(self, score: float) -> float:
        """Return the duration in minutes at a standard normal score."""
        return -self.mean_minutes * math.log(0.5 * math.erfc(score / math.sqrt(2)))


@dataclass(frozen=True)
class Agent:
    """A person. Works in the home team first (`teams[0]`), then helps the others in the order written."""

    name: str
    teams: tuple[str, ...]
    shift: str
    speed: float = 1.0  # work done per minute at the desk: 0.8 needs 25 % longer
    absent_share: float = 0.0  # share of days off sick or on leave
    helping_speed: float = 1.0  # times `speed`, on tickets of a team that is not the home team


@dataclass(frozen=True)
class Title:
    """What a customer writes, and how much more or less work than its topic it hints at."""

    text: str
    work_factor: float = 1.0


@dataclass(frozen=True)
class Misrouting:
    """A wrong first team: what it wastes there, and what happens on the way to the right one."""

    team: str
    share: float
    wasted: Duration = LogNormal(12.0, 0.4)  # hands-on minutes until somebody sees that it is not theirs
    unnoticed: Duration = LogNormal(5.0, 0.5)  # minutes of desk hours until the right team notices what it was given
    bounce_share: float = 0.0  # sent back once more before it is accepted


@dataclass(frozen=True)
class Topic:
    """A kind of request: its place in the catalogue, who solves it, how long that takes, and what may come between."""

    service: str
    category: str
    subcategory: str
    team: str
    weight: float
    work: Duration  # hands-on minutes of an agent of speed 1
    titles: tuple[Title, ...]
    priority_shares: tuple[float, ...]  # in the order of World.priorities
    ask_customer_share: float = 0.45
    ask_supplier_share: float = 0.0
    supplier: Duration = LogNormal(1100.0, 0.7)  # minutes of customer hours until the supplier delivers
    reopen_share: float = 0.03
    misrouting: tuple[Misrouting, ...] = ()


@dataclass(frozen=True)
class Customer:
    """Who asks, how often, and how fast they answer questions."""

    name: str
    weight: float
    answer: Duration = LogNormal(150.0, 0.9)  # minutes of customer hours


@dataclass(frozen=True)
class Channel:
    """How a ticket comes in, and how long it takes from the customer's call or mail until it stands in the system."""

    name: str
    weight: float
    actor_kind: str = "customer"
    recording: Duration | None = None  # wall minutes; None = at once


@dataclass(frozen=True)
class Outage:
    """A service that fails now and then: while it does, customers write in, and most of them mean the same thing."""

    service: str
    per_week: float
    lasting: Duration  # wall minutes
    tickets_per_hour: float
    topic: Topic


@dataclass(frozen=True)
class PlannedOutage:
    """An outage that will happen: which day (since 1970-01-01), from which local hour, how long, and who writes in."""

    day: int
    hour: float
    minutes: float
    tickets_per_hour: float
    topic: Topic


@dataclass(frozen=True)
class Arrivals:
    """The pattern of the inflow: tickets a day, the week's and the day's shape (local clock of the desk)."""

    per_day: float  # tickets on a day of factor 1
    weekday_factors: tuple[float, ...] = (1.0,) * 7  # Monday first
    closed_day_factor: float = 1.0  # on public holidays, in place of the weekday's
    half_hour_weights: tuple[float, ...] = (1.0,) * 48


@dataclass(frozen=True)
class Afterwards:
    """What customers and the system do around the work itself."""

    cancel_share: float = 0.0  # of tickets whose customer loses interest ...
    patience: Duration = Exponential(1440.0)  # ... after this many wall minutes, unless somebody is working on it
    chase_share: float = 0.0  # of tickets whose customer calls again ...
    chase_after: Duration = LogNormal(480.0, 0.6)  # ... after this many minutes of customer hours
    raised_share: float = 0.0  # of those, how many get the next higher priority
    reopen_after: Duration = LogNormal(300.0, 0.8)  # minutes of customer hours
    rework_factor: float = 0.5  # hands-on minutes of the second attempt, relative to the first
    close_after_days: float = 3.0  # wall days from resolved to closed, if nobody objects
    note_every_minutes: float = 120.0  # hands-on minutes after which a conscientious agent writes a progress note


@dataclass(frozen=True)
class World:
    """Everything about a desk that does not depend on luck.

    `calendars` maps a name to a calendar as written in an agreements file (see docs/agreements.md): shifts are named by
    agents, `desk_hours` and `customer_hours` name the calendars in which hand-overs are noticed and customers answer.
    """

    zone: str
    calendars: Mapping[str, Mapping[str, Any]]
    teams: tuple[str, ...]
    agents: tuple[Agent, ...]
    topics: tuple[Topic, ...]
    customers: tuple[Customer, ...]
    channels: tuple[Channel, ...]
    priorities: tuple[str, ...]  # most urgent first
    arrivals: Arrivals
    outages: tuple[Outage, ...] = ()
    planned: tuple[PlannedOutage, ...] = ()
    afterwards: Afterwards = field(default_factory=Afterwards)
    desk_hours: str = "desk"
    customer_hours: str = "customers"
    first_ticket_number: int = 1
