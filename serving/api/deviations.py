"""GET and POST /api/v1/deviations: missed targets with cause, action, owner and due day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from features.store.audit import Change
from features.store.deviation_notes import DeviationNote
from features.store.faults import StoreError
from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded, gate_of
from serving.access.roles import Permission
from serving.api.levels import DecidedOut, clocks_seen
from serving.api.outlook_examples import NOTE
from serving.api.problem_schemas import problems
from serving.api.supposing import stored_text
from serving.deviations import Deviation, DeviationState, Notes, deviations_of, pressing_first
from serving.levels import Month
from serving.problems import Fault, ProblemError
from serving.queue import Queue
from serving.service import service_of

router = APIRouter(tags=["reports"], route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
Improver: TypeAlias = Annotated[Caller, Depends(Demand(Permission.IMPROVE))]
Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(stored_text)]
Text: TypeAlias = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2_000), AfterValidator(stored_text)
]
Name: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), AfterValidator(stored_text)]
MOST_LISTED = 1_000
UNREAD = (
    "What was written about missed targets cannot be read at present: the store does not answer. Try again in a moment."
)


TEXTS = ("cause", "action", "owner")
"""What people wrote stands in the register alone, with who wrote it and when: what is in the audit log cannot be erased."""


class NoteIn(BaseModel):
    """What is to be said of a missed target. It takes the place of what was said before, which is kept."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "ticket_id": "INC0000045",
                    "target": "resolution",
                    "cause": "The part was not in stock.",
                    "action": "Keep two in stock.",
                    "owner": "M. Berg",
                    "due_on": "2016-06-15",
                }
            ]
        },
    )

    ticket_id: Id
    target: Id = Field(description="The clock that missed, as the list of missed targets names it.")
    cause: Text = ""
    action: Text = Field(default="", description="What is done so that it does not happen again.")
    owner: Name = Field(default="", description="Who does it.")
    due_on: date | None = Field(default=None, description="Until when, a day at the desk.")
    is_done: bool = False


class NoteOut(BaseModel):
    """One note, and who wrote it when."""

    cause: str
    action: str
    owner: str
    due_on: date | None
    is_done: bool
    noted_by: str
    noted_at: datetime


class StoredNoteOut(BaseModel):
    """What became of it: on disk."""

    is_new: bool = Field(description="False where the same was said before: nothing was stored.")


class DeviationOut(DecidedOut):
    """A missed target, and the note that holds for it."""

    category: str
    priority: str
    state: DeviationState = Field(
        description="`overdue` and `open`: something is to be done; `unexplained`: nothing is written yet; `noted`: only why; `done`."
    )
    note: NoteOut | None


class DeviationsOut(BaseModel):
    """Missed targets, the overdue first, then what is open by its due day, then the rest, the worst first."""

    as_of: datetime
    month: str | None
    total: int
    deviations: list[DeviationOut]


@router.get(
    "/deviations",
    response_model=DeviationsOut,
    responses=problems(401, 422, 429, 503),
    summary="Missed targets with cause, action, owner and due day",
)
def read_deviations(
    request: Request,
    caller: Reader,
    month: Annotated[
        str | None, Query(max_length=7, description="Of one month, as 2016-05; absent: of every month.")
    ] = None,
    state: Annotated[list[DeviationState], Query(max_length=5, description="Any of these states.")] = [],  # noqa: B006 (FastAPI copies defaults)
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
) -> Response:
    """Those whose tickets the caller may see."""
    queue, _standing = service_of(request).queue()
    wanted = None if month is None else Month.read(month)
    if month is not None and wanted is None:
        detail = f"month is {month!r}, expected a year and a month such as 2016-05"
        raise ProblemError(422, detail, (Fault("month", detail),))
    missed = missed_of(clocks_seen(request, caller))
    if wanted is not None:
        missed = missed[missed["month"] == str(wanted)]
    found = deviations_of(missed, notes_of(request), today_of(queue))
    chosen = pressing_first(one for one in found if not state or one.state in state)
    content = {"as_of": queue.as_of.isoformat(), "month": month, "total": len(chosen)}
    return JSONResponse(content | {"deviations": [_deviation(one) for one in chosen[:limit]]})


@router.get(
    "/deviations/history",
    responses={200: {"content": {"application/json": {"example": [NOTE]}}}, **problems(401, 404, 422, 429, 503)},
    summary="Every note on one missed target",
)
def read_history(
    request: Request,
    caller: Reader,
    ticket_id: Annotated[str, Query(min_length=1, max_length=1_000)],
    target: Annotated[str, Query(min_length=1, max_length=1_000)],
) -> list[NoteOut]:
    """The oldest first: who thought what, and when."""
    refuse_unknown(request, caller, ticket_id, target)
    return [_note(one) for one in history_of(request, ticket_id, target)]


@router.post(
    "/deviations",
    status_code=201,
    responses=problems(400, 401, 403, 404, 413, 422, 429, 503),
    summary="Say why a target was missed and what is done about it",
)
def note_deviation(request: Request, body: NoteIn, caller: Improver) -> StoredNoteOut:
    """Kept with what was said before; sending the same again stores nothing. No agreement and no model reads it."""
    refuse_unknown(request, caller, body.ticket_id, body.target)
    store, at = service_of(request).written(), gate_of(request).clock()
    note = DeviationNote(made_by=caller.name, made_at=at, **body.model_dump())
    said = body.model_dump(mode="json", exclude={"ticket_id", *TEXTS}, exclude_defaults=True)
    said["written"] = [name for name in TEXTS if getattr(body, name)]
    change = Change(at=at, actor=caller.name, action="deviation noted", subject=body.ticket_id, after=said, origin=caller.address)  # fmt: skip
    try:
        return StoredNoteOut(is_new=store.deviation_notes.add(note, change))
    except StoreError as error:
        raise ProblemError(503, "The store cannot be written to at present; nothing was stored.") from error


def missed_of(clocks: pd.DataFrame) -> pd.DataFrame:
    """The clocks that missed their target, the worst first."""
    missed = clocks[~clocks["is_met"].astype(bool)]
    return missed.sort_values(["overdue_seconds", "ticket_id"], ascending=[False, True], kind="stable")


def notes_of(request: Request) -> Notes:
    """The notes that hold; ProblemError 503 while they cannot be read: without them what is overdue would pass for unexplained."""
    store = service_of(request).store
    try:
        return {} if store is None else store.deviation_notes.holding()
    except StoreError as error:
        raise ProblemError(503, UNREAD) from error


def history_of(request: Request, ticket_id: str, target: str) -> Sequence[DeviationNote]:
    """Every note on one missed target, the oldest first; ProblemError 503 while they cannot be read."""
    store = service_of(request).store
    try:
        return () if store is None else store.deviation_notes.history(ticket_id, target)
    except StoreError as error:
        raise ProblemError(503, UNREAD) from error


def today_of(queue: Queue) -> date:
    """The day at the desk."""
    return queue.as_of.astimezone(ZoneInfo(queue.zone)).date()


def refuse_unknown(request: Request, caller: Caller, ticket_id: str, target: str) -> None:
    """Nothing; ProblemError 404 for a clock that missed nothing, or not for this caller's eyes."""
    clocks = clocks_seen(request, caller)
    is_wanted = (clocks["ticket_id"] == ticket_id) & (clocks["target"] == target) & ~clocks["is_met"].astype(bool)
    if not is_wanted.any():
        raise ProblemError(404, f"No target {target[:100]!r} of a ticket {ticket_id[:100]!r} was missed so far.")


def _deviation(one: Deviation) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in DeviationOut.model_fields},
        "decided_at": one.decided_at.isoformat(),
        "share_used": one.share_used if math.isfinite(one.share_used) else 1.0,
        "overdue_seconds": one.overdue_seconds,
        "state": one.state.value,
        "note": None if one.note is None else _note(one.note).model_dump(mode="json"),
    }


def _note(note: DeviationNote) -> NoteOut:
    return NoteOut(
        cause=note.cause,
        action=note.action,
        owner=note.owner,
        due_on=note.due_on,
        is_done=note.is_done,
        noted_by=note.made_by,
        noted_at=note.made_at.astimezone(UTC),
    )
