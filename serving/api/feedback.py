"""POST /api/v1/tickets/{id}/feedback."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import pandas as pd
from fastapi import APIRouter, Depends, Header, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from features.schema import INSTANT_DTYPE
from features.store.audit import Change, audit_note
from features.store.faults import StoreError
from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded, gate_of
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.api.supposing import stored_text
from serving.api.tickets import TicketId, ticket_file
from serving.problems import ProblemError
from serving.service import service_of

router = APIRouter(tags=["tickets"], route_class=Guarded)


class FeedbackIn(BaseModel):
    """What a person says of a ticket's score."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"verdict": "wrong", "comment": "It waits for a part, not for us."}]},
    )

    verdict: Literal["helpful", "wrong", "unclear"]
    target: Literal["resolution", "first_response"] | None = Field(default=None, description="The clock it is about.")
    comment: Annotated[str, Field(max_length=10_000), AfterValidator(stored_text)] | None = None


class FeedbackOut(BaseModel):
    """What became of it: on disk."""

    inserted: int = Field(description="0: it was stored before under this Idempotency-Key.")
    key: str = Field(description="What it is stored under.")


@router.post(
    "/tickets/{ticket_id:path}/feedback",
    status_code=201,
    responses=problems(400, 401, 403, 404, 413, 422, 429, 503),
    summary="Say whether a score was helpful or wrong",
)
def give_feedback(
    request: Request,
    ticket_id: TicketId,
    body: FeedbackIn,
    caller: Annotated[Caller, Depends(Demand(Permission.GIVE_FEEDBACK))],
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=200, description="Sent again with the same key, it is stored once.")
    ] = None,
) -> FeedbackOut:
    """Kept for ever, for the data scientist who asks where the model is wrong. It changes no score."""
    service, at = service_of(request), gate_of(request).clock()
    ticket_file(service, ticket_id, caller.scope)  # 404 outside of the scope
    given = idempotency_key or f"{at.isoformat()} {ticket_id} {body.verdict} {body.comment}"
    key = hashlib.sha256(f"{caller.name}\0{given}".encode()).hexdigest()[:32]
    row = {"key": key, "ticket_id": ticket_id, "given_by": caller.name, "verdict": body.verdict}
    row |= {name: value for name, value in (("target", body.target), ("comment", body.comment)) if value is not None}
    frame = pd.DataFrame([row], dtype="str").assign(given_at=pd.Series([at]).astype(INSTANT_DTYPE))
    said = {"verdict": body.verdict, "target": body.target}
    change = Change(
        at=at, actor=caller.name, action="feedback given", subject=ticket_id, after=said, origin=caller.address
    )
    try:
        added = service.written().feedback.append(frame, [audit_note(lambda _added: change)])
    except StoreError as error:
        raise ProblemError(503, "The store cannot be written to at present; nothing was stored.") from error
    return FeedbackOut(inserted=added.inserted, key=key)
