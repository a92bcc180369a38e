"""POST /api/v1/staffing: people for phones and chat, by formula."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Self, TypeAlias

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator

from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from simulation.staffing import Demand as Contacts
from simulation.staffing import Promise, staffing

router = APIRouter(tags=["capacity"], route_class=Guarded)
Planner: TypeAlias = Annotated[Caller, Depends(Demand(Permission.PLAN))]
MOST_ERLANGS = 1000.0


class StaffingIn(BaseModel):
    """Contacts in an interval, and what is promised. Durations are seconds, shares between 0 and 1."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"contacts": 100, "interval_seconds": 1800, "handling_seconds": 180, "shrinkage": 0.3}]
        },
    )

    contacts: Annotated[float, Field(ge=0.001, le=1e6)]
    interval_seconds: Annotated[float, Field(ge=60, le=86_400)] = 1800.0
    handling_seconds: Annotated[float, Field(ge=1, le=86_400)]
    patience_seconds: Annotated[
        float | None, Field(ge=1, le=86_400, description="Mean patience; then by Erlang A, else nobody hangs up.")
    ] = None
    answer_seconds: Annotated[float, Field(ge=0, le=86_400)] = 20.0
    share: Annotated[float, Field(ge=0.01, le=0.999)] = 0.8
    most_occupancy: Annotated[float, Field(ge=0.05, le=1)] = 1.0
    shrinkage: Annotated[float, Field(ge=0, le=0.95)] = 0.0

    @model_validator(mode="after")
    def _is_no_country(self) -> Self:
        if self.contacts * self.handling_seconds / self.interval_seconds > MOST_ERLANGS:
            raise ValueError(f"the load is over {MOST_ERLANGS:g} erlangs; check the units, or ask for a part of it")
        return self


class StaffingOut(BaseModel):
    """The fewest people that keep the promise, what they reach, and how that was computed, a sentence a step."""

    agents: int = Field(description="At the desk.")
    scheduled: int = Field(description="In the schedule, with shrinkage.")
    load: float = Field(description="In erlangs.")
    service_level: float
    occupancy: float
    waiting_share: float
    mean_wait_seconds: float
    abandoned_share: float
    square_root_agents: int = Field(description="By the square-root rule: a check on the order of size.")
    formula: str = Field(description="Erlang C or Erlang A.")
    steps: list[str]


@router.post(
    "/staffing", responses=problems(400, 401, 403, 413, 422, 429), summary="How many people phones or chat need"
)
def compute_staffing(body: StaffingIn, caller: Planner) -> StaffingOut:
    """By Erlang C, or Erlang A where people hang up. For tickets with promises of hours or days simulate instead: POST /simulations with `staff`."""
    contacts = Contacts(body.contacts, body.interval_seconds, body.handling_seconds, body.patience_seconds)
    promise = Promise(body.answer_seconds, body.share, body.most_occupancy, body.shrinkage)
    found = asdict(staffing(contacts, promise))
    return StaffingOut(**{**found, "steps": list(found["steps"])})
