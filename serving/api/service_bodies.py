"""What is said of services over the wire, and how standings become that."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.services.service_file import ServiceFile
from serving.services.standing import Budget, Continuity, OutageRisk, ServiceStanding, State


class _Told(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class OutageRiskOut(_Told):
    """The probability of a NEW outage within the horizon."""

    probability: float
    usual: float = Field(description="The service's own rate, shrunk towards that of all services.")
    outages_7_days: float = Field(description="How many outages a week is to bring.")
    minutes_down_7_days: float
    because: list[str] = Field(description="At most three reasons, the weightiest first.")
    words: str = Field(description="The whole in a sentence.")
    is_untouched: bool = Field(
        description="Nobody is alerted today, so that what comes without acting is seen (SLACAST_OUTAGE_UNTOUCHED_SHARE)."
    )


class BurnOut(_Told):
    """A burn-rate rule over two windows. Rates are null where nothing was measured."""

    severity: Literal["page", "ticket"]
    factor: float
    long_seconds: int
    short_seconds: int
    long_rate: float | None
    short_rate: float | None
    is_firing: bool


class BudgetOut(_Told):
    """The error budget of a promised availability over a rolling period."""

    objective: float
    period_days: float
    calendar: str | None = Field(description="Of the service hours; null: around the clock.")
    measured_seconds: float
    allowed_seconds: float
    lost_seconds: float
    remaining_share: float = Field(description="Of what is allowed; negative once overspent.")
    burn_rate: float | None = Field(description="Over the last 24 hours; 1 uses up the budget in the period.")
    exhausted_in_seconds: float | None = Field(description="At that rate; 0: gone already, null: not at that rate.")
    burns: list[BurnOut]


class PlannedOut(_Told):
    """Something announced."""

    kind: Literal["maintenance", "change"]
    start_at: datetime
    end_at: datetime | None


class ContinuityOut(_Told):
    """Recovery objectives against the outages that ended within a year."""

    recovery_time_seconds: float | None = Field(description="RTO: the longest an outage may last.")
    recovery_point_seconds: float | None = Field(description="RPO: from how long before an outage data may be lost.")
    outages_over: int
    outages_late: int = Field(description="How many of them lasted longer than the recovery time objective.")
    longest_seconds: float | None
    data_lost_seconds: float | None = Field(description="The worst that an outage reported.")
    exercised_at: datetime | None
    exercise_due_at: datetime | None


class MadeOfOut(BaseModel):
    """The parts of a group that the caller may see."""

    needed: int = Field(description="How many of all its parts must work.")
    of: int = Field(description="How many parts it has.")
    parts: list[str]
    down: list[str]


class ServiceRow(_Told):
    """One service. Instants are UTC, durations seconds, shares and probabilities between 0 and 1."""

    service: str
    state: State
    state_since: datetime | None
    whole_state: State = Field(description="With all that it needs.")
    description: str
    owner: str | None
    criticality: str | None
    risk: OutageRiskOut | None
    why_no_risk: str | None = Field(description="Set exactly when no probability is told.")
    availability: float | None = Field(
        description="In the period, within the service hours; null: nothing was measured."
    )
    budget: BudgetOut | None = Field(description="Null where the catalogue promises no availability.")
    open_tickets: int = Field(description="That the caller may see.")
    outages: int = Field(description="Begun in the period.")
    last_outage_at: datetime | None
    last_outage_ended_at: datetime | None
    mttr_seconds: float | None = Field(description="Mean time to restore.")
    mtbf_seconds: float | None = Field(description="Mean time between failures.")
    lost_minutes_by_day: list[float] = Field(description="Of the last 30 UTC days, today last.")
    needs: list[str]
    needed_by: list[str] = Field(description="Services that depend on it or are made of it.")
    needs_down: list[str]
    made_of: MadeOfOut | None = Field(description="Of a service made of others; null: it is none.")
    planned: list[PlannedOut]
    continuity: ContinuityOut | None


class ServicesPage(BaseModel):
    """A page of services, the worst first, and what the probabilities rest on."""

    as_of: datetime
    by: str = Field(description="Which rule or model answers, openly.")
    model_version: str | None
    why_no_model: str | None = Field(description="Set exactly when no model is loaded: why.")
    horizon_hours: float
    problem: str | None = Field(description="What is wrong at present: these are then the last good values.")
    total: int
    services: list[ServiceRow]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")


class HappeningOut(_Told):
    """Something that happened to the service, or is announced."""

    kind: Literal["outage", "degradation", "maintenance", "change"]
    start_at: datetime
    end_at: datetime | None
    known_at: datetime = Field(description="When its beginning was recorded.")


class BudgetPointOut(_Told):
    """The rolling period that ends at an instant."""

    at: datetime
    availability: float | None
    remaining_share: float | None


class ServiceOut(BaseModel):
    """Everything about one service."""

    as_of: datetime
    by: str
    model_version: str | None
    why_no_model: str | None
    horizon_hours: float
    problem: str | None
    service: ServiceRow
    whole_availability: float | None = Field(description="With all that it needs; null where it needs nothing.")
    happenings: list[HappeningOut] = Field(description="Of 90 days and ahead, the latest first.")
    course: list[BudgetPointOut] = Field(description="A point a day, the oldest first.")
    tickets_by_day: list[int] = Field(description="Opened for it on each of the last 90 UTC days, today last.")


def row_of(one: ServiceStanding, open_tickets: int, seen: frozenset[str] | None) -> dict[str, Any]:
    """A standing as plain values for JSON; of other services only those in `seen` are named (None: all)."""

    def named(services: tuple[str, ...]) -> list[str]:
        return [name for name in services if seen is None or name in seen]

    names: tuple[str, ...] = ("service", "state", "state_since", "whole_state", "description", "owner", "criticality")
    names += (
        "why_no_risk",
        "availability",
        "outages",
        "last_outage_at",
        "last_outage_ended_at",
        "mttr_seconds",
        "mtbf_seconds",
    )
    parts: dict[str, tuple[type[_Told], OutageRisk | Budget | Continuity | None]] = {
        "risk": (OutageRiskOut, one.risk),
        "budget": (BudgetOut, one.budget),
        "continuity": (ContinuityOut, one.continuity),
    }
    found = {name: getattr(one, name) for name in names}
    found |= {name: None if part is None else kind.model_validate(part) for name, (kind, part) in parts.items()}
    found |= {"open_tickets": open_tickets, "lost_minutes_by_day": list(one.lost_minutes_by_day)}
    found |= {"needs": named(one.needs), "needed_by": named(one.needed_by), "needs_down": named(one.needs_down)}
    made = one.made_of
    found["made_of"] = made and MadeOfOut(
        needed=made.needed, of=len(made.parts), parts=named(made.parts), down=named(made.down)
    )
    found["planned"] = [PlannedOut.model_validate(part) for part in one.planned]
    return ServiceRow(**found).model_dump(mode="json")


def details_of(found: ServiceFile) -> dict[str, Any]:
    """What a file says beyond the row, as plain values for JSON."""
    return {
        "whole_availability": found.whole_availability,
        "happenings": [HappeningOut.model_validate(one).model_dump(mode="json") for one in found.happenings],
        "course": [BudgetPointOut.model_validate(one).model_dump(mode="json") for one in found.course],
        "tickets_by_day": list(found.tickets_by_day),
    }
