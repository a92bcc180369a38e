"""GET /api/v1/scores."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from features.store.faults import StoreError
from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.api.supposing import stored_text
from serving.api.tickets import ticket_file
from serving.problems import Fault, ProblemError
from serving.score_history import MOST, score_history
from serving.service import service_of

router = APIRouter(tags=["tickets"], route_class=Guarded)


class ScorePointOut(BaseModel):
    """What was said of the ticket from `scored_at` on, until the next."""

    scored_at: datetime
    verdict_state: str
    probability: float | None = Field(description="Null where the rules alone spoke.")
    due_at: datetime | None = Field(description="Null without a target, and while the clock stands still.")
    bundle_version: str | None
    reasons: list[str]


class ScoreHistoryOut(BaseModel):
    """How the score of a ticket went, oldest first."""

    ticket_id: str
    as_of: datetime
    scores: list[ScorePointOut]


@router.get(
    "/scores",
    responses=problems(401, 404, 422, 429, 503),
    summary="How the score of a ticket went",
    description=f"What was stored of one ticket's resolution clock, a row whenever it said something new; the last {MOST}.",
)
def read_scores(
    request: Request,
    caller: Annotated[Caller, Depends(Demand(Permission.READ))],
    ticket_id: Annotated[str, Query(min_length=1, max_length=500, description="The ticket's id, as in the source.")],
) -> ScoreHistoryOut:
    """The course of the score up to the instant of the served queue."""
    service = service_of(request)
    try:
        stored_text(ticket_id)
    except ValueError as fault:
        raise ProblemError(422, str(fault), (Fault("ticket_id", str(fault)),)) from fault
    found = ticket_file(service, ticket_id, caller.scope)
    try:
        points = score_history(service.written().predictions, ticket_id, found.as_of)
    except StoreError as fault:
        raise ProblemError(503, "The store cannot be read at present. Try again in a moment.") from fault
    scores = [
        ScorePointOut(
            scored_at=point.scored_at,
            verdict_state=point.state,
            probability=point.probability,
            due_at=point.due_at,
            bundle_version=point.bundle_version,
            reasons=list(point.reasons),
        )
        for point in points
    ]
    return ScoreHistoryOut(ticket_id=ticket_id, as_of=found.as_of, scores=scores)
