"""GET /api/v1/audit."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.sent_instants import Instant
from serving.service import service_of

router = APIRouter(tags=["audit"], route_class=Guarded)
_NUMBER = Query(ge=1, le=2**53, description="The `next_before` of the page before.")


class AuditLine(BaseModel):
    """One change: who, what, when; `before` and `after` are null where there was, or is, nothing."""

    number: int
    at: AwareDatetime
    actor: str = Field(description="`key PREFIX (NAME)`, a person's name at the issuer, or `this machine`.")
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    origin: str | None = Field(description="The address it came from.")


class AuditPage(BaseModel):
    """A page of the audit log, newest first."""

    entries: list[AuditLine]
    next_before: int | None = Field(description="Pass as `before` for the next page; null on the last.")


@router.get(
    "/audit",
    dependencies=[Depends(Demand(Permission.AUDIT))],
    responses=problems(401, 403, 422, 429, 503),
    summary="Who changed what, when",
)
def read_audit(
    request: Request,
    before: Annotated[int | None, _NUMBER] = None,
    since: Instant | None = None,
    until: Instant | None = None,
    actor: Annotated[str | None, Query(max_length=500)] = None,
    action: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AuditPage:
    """The changes, newest first. They are never altered or removed."""
    store = service_of(request).written()
    found = store.audit.read(
        before_number=before, since=since, until=until, actor=actor, action=action, limit=limit + 1
    )
    lines = [
        AuditLine(
            number=entry.number,
            at=entry.change.at,
            actor=entry.change.actor,
            action=entry.change.action,
            subject=entry.change.subject,
            before=None if entry.change.before is None else dict(entry.change.before),
            after=None if entry.change.after is None else dict(entry.change.after),
            origin=entry.change.origin,
        )
        for entry in found[:limit]
    ]
    return AuditPage(entries=lines, next_before=lines[-1].number if len(found) > limit else None)
