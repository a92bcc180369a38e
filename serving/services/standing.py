"""How each service stands at an instant, as plain values: what pages, the API and alerts read, whatever made them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, Protocol, TypeAlias

State: TypeAlias = Literal["available", "degraded", "maintenance", "unknown", "down"]


@dataclass(frozen=True)
class OutageRisk:
    """The probability of a NEW outage within the board's horizon, beside what is usual for the service."""

    probability: float
    usual: float
    outages_7_days: float
    minutes_down_7_days: float
    because: tuple[str, ...]
    words: str
    is_untouched: bool = False  # nobody is alerted, so that what would have come is seen (docs/outages.md)


@dataclass(frozen=True)
class Burn:
    """How fast the error budget goes over a long and a short window; 1 uses up exactly the period's budget in the period.

    The rates are None where nothing was measured in the window. It fires while both are above the factor.
    """

    severity: Literal["page", "ticket"]
    factor: float
    long_seconds: int
    short_seconds: int
    long_rate: float | None
    short_rate: float | None
    is_firing: bool


@dataclass(frozen=True)
class Budget:
    """The promise of availability over a rolling period within the service hours, and what is left of what it allows to be lost."""

    objective: float  # a share, as 0.999
    period_days: float
    calendar: str | None  # of the service hours; None: around the clock
    measured_seconds: float  # service hours without unknown time
    allowed_seconds: float
    lost_seconds: float
    remaining_share: float  # of what is allowed; negative when overspent
    burn_rate: float | None  # over the last 24 hours; None: nothing was measured
    burns: tuple[Burn, ...]
    exhausted_in_seconds: float | None  # at the rate of the last day; 0: gone, None: not at that rate

    @property
    def is_kept(self) -> bool:
        """Whether the promise is kept in the period that ends now."""
        return self.remaining_share >= 0

    @property
    def firing(self) -> tuple[Burn, ...]:
        """The burn-rate rules that fire, the quickest first."""
        return tuple(burn for burn in self.burns if burn.is_firing)


@dataclass(frozen=True)
class Planned:
    """A maintenance or a change that is announced."""

    kind: Literal["maintenance", "change"]
    start_at: datetime
    end_at: datetime | None  # None: not said


@dataclass(frozen=True)
class Continuity:
    """Recovery objectives against what happened: outages that lasted longer than the recovery time promised, data lost, exercises."""

    recovery_time_seconds: float | None
    recovery_point_seconds: float | None
    outages_over: int  # outages ended in the last year
    outages_late: int  # of these, longer than the objective
    longest_seconds: float | None
    data_lost_seconds: float | None  # the worst that was reported
    exercised_at: datetime | None
    exercise_due_at: datetime | None


@dataclass(frozen=True)
class MadeOf:
    """The parts of a group, how many of them must work, and which are down."""

    needed: int
    parts: tuple[str, ...]
    down: tuple[str, ...]


@dataclass(frozen=True)
class ServiceStanding:
    """One service. `risk` is None with the reason in `why_no_risk`; `availability` is None where nothing was measured."""

    service: str
    state: State
    state_since: datetime | None
    description: str = ""
    owner: str | None = None
    criticality: str | None = None
    risk: OutageRisk | None = None
    why_no_risk: str | None = None
    availability: float | None = None  # of the period, within the service hours
    budget: Budget | None = None  # None: no availability is promised
    last_outage_at: datetime | None = None
    last_outage_ended_at: datetime | None = None  # None while it lasts, or where there was none
    outages: int = 0  # begun in the period
    mttr_seconds: float | None = None
    mtbf_seconds: float | None = None
    lost_minutes_by_day: tuple[float, ...] = ()  # of the last 30 UTC days, the oldest first
    needs: tuple[str, ...] = ()
    needed_by: tuple[str, ...] = ()  # of services that depend on it or are made of it
    needs_down: tuple[str, ...] = ()
    whole_state: State = "available"  # with all that it needs
    planned: tuple[Planned, ...] = ()
    continuity: Continuity | None = None
    has_events: bool = True  # itself or, of a group, any of its parts
    made_of: MadeOf | None = None  # None: it is no group

    @property
    def severity(self) -> int:
        """How bad it is at once, 0 the worst: down, a quick burn, a promise broken or burning, degraded, else."""
        if self.state == "down":
            return 0
        firing = {burn.severity for burn in self.budget.firing} if self.budget else set()
        if "page" in firing:
            return 1
        if firing or (self.budget is not None and not self.budget.is_kept):
            return 2
        return 3 if self.state == "degraded" else 4


@dataclass(frozen=True)
class ServiceBoard:
    """All services at an instant, the worst first: by `severity`, then the likeliest outage, then the name."""

    as_of: datetime
    by: str  # the candidate that answers: a rule or a model
    model_version: str | None  # None: no model is loaded, and `why_no_model` says why
    why_no_model: str | None
    horizon_hours: float
    services: tuple[ServiceStanding, ...] = ()
    problem: str | None = None  # why it could not be made anew: then it is the last good one
    period_days: float = 30.0

    @cached_property
    def by_name(self) -> dict[str, ServiceStanding]:
        """Each service by its name."""
        return {one.service: one for one in self.services}

    def find(self, service: str) -> ServiceStanding | None:
        """The service of that name, None where none is known."""
        return self.by_name.get(service)


class ServiceForecasts(Protocol):
    """Where how services stand can be read: alerts ask here after each scoring."""

    @property
    def board(self) -> ServiceBoard | None:
        """The newest board, None until the first is made; it is replaced as a whole, so it may be read by any thread."""


def in_order(services: list[ServiceStanding]) -> tuple[ServiceStanding, ...]:
    """The services, the worst first."""

    def key(one: ServiceStanding) -> tuple[int, float, str]:
        return one.severity, -one.risk.probability if one.risk else 1.0, one.service

    return tuple(sorted(services, key=key))
