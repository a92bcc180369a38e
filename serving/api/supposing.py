"""POST /api/v1/tickets/{id}/what-if."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.api.tickets import TicketId, ticket_file
from serving.problems import Fault, ProblemError
from serving.queue import QueueRow
from serving.reports.columns import iso
from serving.risk import Risk
from serving.sent_instants import Instant
from serving.service import service_of
from serving.supposing import CHANGEABLE, Change, Supposed, suppose
from serving.ticket_file import ClockFile

router = APIRouter(tags=["tickets"], route_class=Guarded)


def stored_text(text: str) -> str:
    """The text; ValueError for one that no database holds."""
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must not hold half a surrogate pair") from error
    return text


Text = Annotated[str, Field(max_length=1_000), AfterValidator(stored_text)]
Names = Annotated[dict[Text, Text], Field(max_length=20)]


class WhatIfIn(BaseModel):
    """What is supposed to change now; what is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"priority": "1", "team": "network", "at": "2026-05-18T16:00:00+02:00"}]},
    )

    priority: Text | None = None
    team: Text | None = None
    assignee: Text | None = Field(default=None, description="An empty text: nobody.")
    service: Text | None = None
    category: Text | None = None
    versions: Names = Field(
        default_factory=dict, description="The version of an agreement that is in force, by its name."
    )
    calendars: Names = Field(default_factory=dict, description="The calendar to use instead of another, by its name.")
    at: Instant | None = Field(
        default=None, description="The instant to look at, not before the served queue's; absent: now."
    )


class StandingOut(BaseModel):
    """Where one clock stands."""

    agreement: str
    state: str
    due_at: datetime | None
    breached_at: datetime | None
    target_seconds: float | None
    elapsed_seconds: float | None
    remaining_working_seconds: float | None


class ClockPair(BaseModel):
    """One clock as it is and as it would be; null where no agreement gives the ticket such a clock."""

    target: str
    actual: StandingOut | None
    supposed: StandingOut | None


class RiskOut(BaseModel):
    """How the ticket stands, in one word and a probability."""

    risk: Risk
    probability: float | None


class WhatIfOut(BaseModel):
    """The ticket at an instant as it is and as it would be. Nothing is stored."""

    ticket_id: str
    at: datetime
    clocks: list[ClockPair]
    actual: RiskOut | None = Field(description="Null for a ticket that is finished.")
    supposed: RiskOut | None = Field(description="Null too where agreements are supposed to differ.")
    warning: str = Field(description="What the estimate can and cannot say.")


@router.post(
    "/tickets/{ticket_id:path}/what-if",
    response_model=WhatIfOut,
    responses=problems(400, 401, 403, 404, 413, 422, 429, 503),
    summary="What another priority, team, assignee or agreement would change",
)
def what_if(
    request: Request,
    ticket_id: TicketId,
    body: WhatIfIn,
    caller: Annotated[Caller, Depends(Demand(Permission.READ))],
) -> Response:
    """Verdicts and risk of one ticket with and without a change made now. The risk is an estimate from association."""
    service = service_of(request)
    ticket_file(service, ticket_id, caller.scope)  # 404 outside of the scope
    now = service.queue()[0].as_of
    at = (body.at or now).astimezone(UTC)
    if at < now:
        detail = f"at is {iso(at)}, expected not before the served queue's instant, {iso(now)}: the past is known"
        raise ProblemError(422, detail, (Fault("#/at", detail),))
    attributes = {name: text for name in CHANGEABLE if (text := getattr(body, name)) is not None}
    try:
        found = suppose(service.source, ticket_id, now, at, Change(attributes, body.versions, body.calendars))
    except ValueError as error:
        raise ProblemError(422, str(error), (Fault("#", str(error)),)) from error
    if found is None:
        raise ProblemError(404, f"There is no ticket {ticket_id[:200]!r} at this instant.")
    return JSONResponse(_content(found))


def _content(found: Supposed) -> dict[str, Any]:
    return {
        "ticket_id": found.ticket_id,
        "at": iso(found.at),
        "clocks": [
            {
                "target": next(one for one in pair if one is not None).clock.target,
                "actual": _standing(pair[0]),
                "supposed": _standing(pair[1]),
            }
            for pair in found.clocks
        ],
        "actual": _risk(found.actual),
        "supposed": _risk(found.supposed),
        "warning": found.warning,
    }


def _standing(item: ClockFile | None) -> dict[str, Any] | None:
    if item is None:
        return None
    clock = item.clock
    return {
        "agreement": clock.agreement,
        "state": clock.state,
        "due_at": iso(clock.due_at),
        "breached_at": iso(clock.breached_at),
        "target_seconds": clock.target_seconds,
        "elapsed_seconds": clock.elapsed_seconds,
        "remaining_working_seconds": clock.remaining_working_seconds,
    }


def _risk(row: QueueRow | None) -> dict[str, Any] | None:
    return None if row is None else {"risk": row.risk.value, "probability": row.probability}
