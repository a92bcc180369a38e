"""How many people a real-time queue (phone, chat) needs: Erlang C and Erlang A with shrinkage and a cap on occupancy, step by step.

Durations are seconds, loads erlangs. A formula holds where demand is steady within the interval and nothing waits overnight; a ticket
desk is another thing, see `simulation.desk_staffing`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulation.faults import DeskError
from simulation.queueing import erlang_a, erlang_c, states_of_erlang_a, within

MOST_AGENTS = 10_000
_STEPS = 2_000  # of the integral over the wait of impatient customers


@dataclass(frozen=True)
class Demand:
    """Contacts that come in within an interval, and how long each is handled."""

    contacts: float
    interval_seconds: float
    handling_seconds: float
    patience_seconds: float | None = None  # mean; None: nobody hangs up

    def __post_init__(self) -> None:
        if not (self.contacts > 0 and self.interval_seconds > 0 and self.handling_seconds > 0):
            raise DeskError(
                f"contacts {self.contacts:g}, interval_seconds {self.interval_seconds:g} and handling_seconds "
                f"{self.handling_seconds:g} must all be above 0"
            )
        if self.patience_seconds is not None and not self.patience_seconds > 0:
            raise DeskError(f"patience_seconds is {self.patience_seconds:g}; it must be above 0, or left out")

    @property
    def load(self) -> float:
        """Contacts under way at once if nobody had to wait, in erlangs."""
        return self.contacts * self.handling_seconds / self.interval_seconds


@dataclass(frozen=True)
class Promise:
    """What is promised: so many of 100 answered within so many seconds, and how busy people may be at most."""

    answer_seconds: float
    share: float
    most_occupancy: float = 1.0
    shrinkage: float = 0.0  # of paid time that is not at the desk: breaks, training, leave, sickness

    def __post_init__(self) -> None:
        if self.answer_seconds < 0 or not 0 < self.share < 1:
            raise DeskError(
                f"answer_seconds is {self.answer_seconds:g} and share {self.share:g}; expected at least 0, and between 0 and 1"
            )
        if not 0 < self.most_occupancy <= 1 or not 0 <= self.shrinkage < 1:
            raise DeskError(
                f"most_occupancy is {self.most_occupancy:g} and shrinkage {self.shrinkage:g}; expected above 0 up to 1, and 0 up to below 1"
            )


@dataclass(frozen=True)
class Staffing:
    """People at the desk and in the schedule, what they will reach, and how that was computed, a sentence a step."""

    agents: int
    scheduled: int
    load: float
    service_level: float
    occupancy: float
    waiting_share: float
    mean_wait_seconds: float
    abandoned_share: float
    square_root_agents: int
    formula: str
    steps: tuple[str, ...]


def staffing(demand: Demand, promise: Promise) -> Staffing:
    """Return the fewest agents that keep the promise; ValueError if ten thousand are not enough."""
    low = _fewest(demand) - 1  # known not to be enough, or no number at all
    high = max(low + 1, math.ceil(demand.load))
    while not _keeps(reached(high, demand, promise), promise):
        low, high = high, high + max(1, high // 2)
        if low >= MOST_AGENTS:
            raise DeskError(
                f"{low} agents do not keep the promise at a load of {demand.load:g} erlangs; check the units (seconds)"
            )
    while high - low > 1:  # more people are never worse, so halving finds the fewest
        middle = (low + high) // 2
        low, high = (low, middle) if _keeps(reached(middle, demand, promise), promise) else (middle, high)
    return reached(high, demand, promise)


def _keeps(found: Staffing, promise: Promise) -> bool:
    return found.service_level >= promise.share and found.occupancy <= promise.most_occupancy


def reached(agents: int, demand: Demand, promise: Promise) -> Staffing:
    """Return what so many agents reach; ValueError if patient customers would queue without end."""
    load, work, limit = demand.load, demand.handling_seconds, promise.answer_seconds
    if demand.patience_seconds is None:
        wait, level = erlang_c(agents, load, work), within(agents, load, work, limit)
    else:
        wait = erlang_a(agents, load, work, demand.patience_seconds)
        level = answered_within(agents, load, work, demand.patience_seconds, limit)
    occupancy = load * (1 - wait.abandoned_share) / agents
    scheduled = scheduled_for(agents, promise.shrinkage)
    formula = "Erlang C" if demand.patience_seconds is None else "Erlang A"
    root = square_root_agents(load, wait_share_for(promise, demand))
    steps = (
        f"Load: {demand.contacts:g} contacts x {work:g} s / {demand.interval_seconds:g} s = {load:.4g} erlangs.",
        f"{formula} with {agents} agents: {100 * wait.waiting_share:.1f} % wait, {wait.mean_wait:.1f} s on average over all"
        + (f"; {100 * wait.abandoned_share:.1f} % hang up." if demand.patience_seconds else "."),
        f"Answered within {limit:g} s: {100 * level:.1f} % (promised {100 * promise.share:g} %).",
        f"Occupancy: {100 * occupancy:.1f} % (at most {100 * promise.most_occupancy:g} %).",
        f"Square-root rule: {load:.4g} + beta x sqrt({load:.4g}) gives {root}; a check on the order of size.",
        f"Scheduled: {agents} / (1 - {promise.shrinkage:g}) = {agents / (1 - promise.shrinkage):.2f}, so {scheduled}.",
    )
    return Staffing(
        agents, scheduled, load, level, occupancy, wait.waiting_share, wait.mean_wait, wait.abandoned_share, root, formula, steps
    )  # fmt: skip


def scheduled_for(agents: int, shrinkage: float) -> int:
    """Return how many must be in the schedule so that so many are at the desk on average."""
    return math.ceil(agents / (1 - shrinkage) - 1e-9)


def answered_within(agents: int, load: float, work: float, patience: float, limit: float) -> float:
    """Return the share of all M/M/c+M customers who are answered within a limit (in units of `work`).

    Integrates the density of the wait of a customer who would never hang up (Baccelli and Hebuterne 1981) against patience.
    """
    states = states_of_erlang_a(agents, load, work, patience)
    idle = float(states[:agents].sum())
    rate = load / work
    waits = np.linspace(0.0, limit, _STEPS + 1)
    growth = rate * patience * -np.expm1(-waits / patience) - agents / work * waits
    density = rate * states[agents - 1] * np.exp(growth - waits / patience)
    return min(1.0, idle + float(np.trapezoid(density, waits)))


def wait_share_for(promise: Promise, demand: Demand) -> float:
    """Return the share of contacts that may wait at all so that the promise is about kept: those above the limit, and as many again."""
    return min(0.95, (1 - promise.share) * math.exp(min(3.0, promise.answer_seconds / demand.handling_seconds * 2)))


def square_root_agents(load: float, waiting_share: float) -> int:
    """Return the agents by the square-root rule: load + beta x sqrt(load), where beta gives this share of waiting (Halfin, Whitt 1981)."""
    low, high = 1e-6, 10.0
    for _ in range(60):
        beta = (low + high) / 2
        if _halfin_whitt(beta) > waiting_share:
            low = beta
        else:
            high = beta
    return math.ceil(load + low * math.sqrt(load))


def _halfin_whitt(beta: float) -> float:
    density = math.exp(-(beta**2) / 2) / math.sqrt(2 * math.pi)
    below = 0.5 * math.erfc(-beta / math.sqrt(2))
    return 1 / (1 + beta * below / density)


def _fewest(demand: Demand) -> int:
    """Return the agents at which the search begins: without patience, the fewest that keep up."""
    return max(1, math.floor(demand.load) + 1) if demand.patience_seconds is None else 1
