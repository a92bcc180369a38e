"""POST /api/v1/events: facts come in, all of a request or none."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import pandas as pd
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from features.plain_events import PlainEvents
from features.schema import ACTOR_KINDS, STATUSES, TICKET_KINDS, WAITING_ON
from features.store.audit import Change, audit_note
from features.store.engine import FULL
from features.store.faults import ConflictError, IdentityError, StoreError
from features.store.idempotency import AnsweredError, KeptAnswer, answer_note
from features.store.repository import AppendReport, Note, Store
from serving.access.caller import Caller, Scope
from serving.access.decisions import Demand, Guarded, gate_of
from serving.access.roles import Permission
from serving.api.event_bodies import JSON, NDJSON, read_body
from serving.api.event_columns import SERVICES, TICKETS, ReadEvents, Shape, read_events
from serving.api.problem_schemas import problems
from serving.metrics import metrics_of
from serving.problems import Fault, ProblemError
from serving.service import Service, service_of

log = logging.getLogger(__name__)
router = APIRouter(tags=["events"], route_class=Guarded)
SOURCE = "api"


class Kind(StrEnum):
    """What the events are about."""

    TICKETS = "ticket_events"
    SERVICES = "service_events"


class TicketEventIn(BaseModel):
    """One thing that happened to a ticket, as docs/data-contract.md describes it. Absent or null: no news; empty text: cleared."""

    model_config = ConfigDict(extra="forbid")

    event_id: str = Field(
        min_length=1, max_length=500, description="Names the event for ever: sent again, it counts once."
    )
    ticket_id: str = Field(min_length=1, max_length=500)
    event_at: AwareDatetime = Field(description="When it happened, with offset.")
    recorded_at: AwareDatetime | None = Field(
        default=None, description="When it was known. Absent: now, when it arrives."
    )
    kind: str | None = Field(default="updated", json_schema_extra={"enum": [*TICKET_KINDS, None]})
    status: str | None = Field(default=None, json_schema_extra={"enum": [*STATUSES, None]})
    waiting_on: str | None = Field(default=None, json_schema_extra={"enum": [*WAITING_ON, "", None]})
    priority: str | None = None
    service: str | None = None
    category: str | None = None
    team: str | None = None
    assignee: str | None = None
    customer: str | None = None
    channel: str | None = None
    actor_kind: str | None = Field(default=None, json_schema_extra={"enum": [*ACTOR_KINDS, "", None]})
    attributes: dict[str, str | None] | None = Field(default=None, description="Free attributes, such as title.")


class EventsOut(BaseModel):
    """What became of the events: they are on disk."""

    inserted: int = Field(description="New, and stored.")
    duplicates: int = Field(description="Stored before, or sent twice in this request, with the same content.")
    kept: int = Field(
        description="Creations of tickets whose creation was stored before with other content: the stored one stays."
    )
    last_sequence: int = Field(description="The number of the last event stored of this kind, by anyone.")


EXAMPLE = {
    "event_id": "jira-88123",
    "ticket_id": "INC0012345",
    "event_at": "2026-05-18T09:30:00+02:00",
    "kind": "created",
    "status": "open",
    "priority": "3",
    "team": "desk",
    "attributes": {"title": "Printer on floor 2 is offline"},
}


def _request_body() -> dict[str, Any]:
    one = TicketEventIn.model_json_schema()
    many = {"type": "array", "items": one, "minItems": 1}
    lines = "\n".join(json.dumps({**EXAMPLE, "event_id": f"jira-8812{number}"}) for number in (3, 4))
    return {
        "required": True,
        "content": {
            JSON: {
                "schema": {"anyOf": [one, many]},
                "examples": {"one": {"value": EXAMPLE}, "many": {"value": [EXAMPLE]}},
            },
            NDJSON[0]: {"schema": {"type": "string"}, "examples": {"lines": {"value": lines}}},
        },
    }


async def raw_body(request: Request) -> bytes:
    """The body as it came."""
    return await request.body()


@router.post(
    "/events",
    response_model=EventsOut,
    status_code=201,
    responses={
        200: {"model": EventsOut, "description": "Nothing was new: all of them are stored already."},
        **problems(400, 401, 403, 409, 413, 415, 422, 429, 503, 507),
    },
    openapi_extra={"requestBody": _request_body()},
    summary="Store events: one, an array, or a line each; all or none",
)
def write_events(
    request: Request,
    caller: Annotated[Caller, Depends(Demand(Permission.WRITE_EVENTS))],
    body: Annotated[bytes, Depends(raw_body)],
    of: Annotated[Kind, Query(description="What the events are about.")] = Kind.TICKETS,
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=200, description="The same key and body get the same answer for two days."),
    ] = None,
) -> Response:
    """Events are facts: appended, never changed, idempotent by `event_id`, in any order of arrival.

    Of a request all events are stored or, with a problem that names every faulty one, none. What is acknowledged is on disk.
    """
    service = service_of(request)
    intake = Intake(
        service, caller, of, body, request.headers.get("content-type", ""), idempotency_key, gate_of(request).clock()
    )
    status, text = intake.answer()
    if intake.report is not None:
        stored = intake.report
        metrics_of(request).stored(of.value, stored.inserted, stored.duplicates + stored.kept, stored.last_sequence)
    return Response(text, status, media_type="application/json")


@dataclass
class Intake:
    """One request with events."""

    service: Service
    caller: Caller
    of: Kind
    body: bytes
    content_type: str
    key: str | None
    at: datetime
    report: AppendReport | None = None  # of what this request stored; None for an answer kept from an earlier one

    def answer(self) -> tuple[int, str]:
        """Status and JSON text of the answer; whatever was stored is on disk."""
        try:
            return self._kept() or self._appended()
        except AnsweredError:
            return self._kept() or self._appended()
        except ConflictError as error:
            raise ProblemError(409, str(error)) from error
        except IdentityError as error:
            raise ProblemError(422, str(error), (Fault("#", str(error)),)) from error
        except StoreError as error:
            log.exception("events could not be stored")
            if str(error).endswith(FULL):
                detail = "The disk of the store is full; nothing of this request was stored. Send it again when there is room."
                raise ProblemError(507, detail, headers={"Retry-After": "60"}) from error
            detail = (
                "The store cannot be written to at present; nothing of this request was stored. Send it again later."
            )
            raise ProblemError(503, detail, headers={"Retry-After": "5"}) from error

    @property
    def digest(self) -> str:
        """What the request is recognised by."""
        return hashlib.sha256(f"{self.of}\0{self.content_type}\0".encode() + self.body).hexdigest()

    def _kept(self) -> tuple[int, str] | None:
        if self.key is None:
            return None
        kept = self.service.written().idempotency.find(self.caller.name, self.key, self.at)
        if kept is None:
            return None
        if kept.digest != self.digest:
            detail = "This Idempotency-Key came with another request before; use a new one for each request."
            raise ProblemError(422, detail, (Fault("Idempotency-Key", detail),))
        return kept.status, kept.body

    def _appended(self) -> tuple[int, str]:
        shape = TICKETS if self.of is Kind.TICKETS else SERVICES
        body = read_body(self.body, self.content_type)
        most = self.service.settings.max_events
        if len(body.items) > most:
            raise ProblemError(413, f"{len(body.items):,} events in one request; at most {most:,}: send them in parts.")
        now, future = self.service.clock(), timedelta(seconds=self.service.settings.max_future_seconds)
        read = read_events(body, shape, now, future)
        if not self.caller.scope.is_everything:
            refuse_outside(read.frame, self.of, self.caller.scope, self.service.written())
        report = self._stored(read, shape)
        self.report = report
        return _status(report), _text(report, read.twins)

    def _stored(self, read: ReadEvents, shape: Shape) -> AppendReport:
        """The report; where known events came again without `recorded_at`, they are compared with the one they have."""
        try:
            return self._append(read.plain if self.of is Kind.TICKETS else read.frame, read.twins)
        except ConflictError:
            if not read.is_dated_by_us.any():
                raise
            return self._append(_as_known(self.service.written(), self.of, shape, read), read.twins)

    def _append(self, events: pd.DataFrame | PlainEvents, twins: int) -> AppendReport:
        store, notes = self.service.written(), self._notes(twins)
        if self.of is Kind.TICKETS:
            return store.append_ticket_events(events, SOURCE, imported_at=self.at, notes=notes)
        if isinstance(events, PlainEvents):
            raise TypeError("plain events are of tickets")
        return store.append_service_events(events, SOURCE, imported_at=self.at, notes=notes)

    def _notes(self, twins: int) -> list[Note]:
        notes: list[Note] = [audit_note(self._change)]
        if self.key is not None:
            notes.append(answer_note(self._remembered(twins, self.key)))
        return notes

    def _change(self, report: AppendReport) -> Change:
        said = {"inserted": report.inserted, "duplicates": report.duplicates, "last_sequence": report.last_sequence}
        return Change(
            at=self.at,
            actor=self.caller.name,
            action="events stored",
            subject=self.of.value,
            after=said,
            origin=self.caller.address,
        )

    def _remembered(self, twins: int, key: str) -> Callable[[AppendReport], KeptAnswer]:
        return lambda report: KeptAnswer(
            caller=self.caller.name, key=key, digest=self.digest, status=_status(report), body=_text(report, twins), at=self.at
        )  # fmt: skip


def refuse_outside(frame: pd.DataFrame, of: Kind, scope: Scope, store: Store) -> None:
    """Nothing, or ProblemError 403 where an event is about a ticket or service that the scope does not hold.

    A ticket stands where its last known team and service put it; one nobody knows yet where its first event does.
    """
    if scope.is_everything:
        return
    if of is Kind.SERVICES:
        outside = [name for name in frame["service"].unique() if scope.services and name not in scope.services]
    else:
        known = store.ticket_events(ticket_ids=frame["ticket_id"].unique().tolist())
        first = pd.concat([known, frame[~frame["ticket_id"].isin(known["ticket_id"])]]).sort_values(
            "event_at", kind="stable"
        )
        placed = first[first["ticket_id"].isin(known["ticket_id"])].groupby("ticket_id")[["team", "service"]].last()
        begun = first[~first["ticket_id"].isin(known["ticket_id"])].groupby("ticket_id")[["team", "service"]].first()
        places = pd.concat([placed, begun]).fillna("")
        outside = [str(name) for name, team, service in places.itertuples() if not scope.holds(team, service)]
    if outside:
        shown = ", ".join(repr(name[:60]) for name in outside[:5])
        raise ProblemError(
            403, f"{len(outside):,} of the subjects are outside of {scope.words()}: {shown}; nothing was stored."
        )


def _as_known(store: Store, of: Kind, shape: Shape, read: ReadEvents) -> pd.DataFrame:
    """The events, those that came without `recorded_at` with the one under which they are stored already."""
    subject = shape.ids[1]
    names = read.frame.loc[read.is_dated_by_us, subject].unique().tolist()
    known = store.ticket_events(ticket_ids=names) if of is Kind.TICKETS else store.service_events(services=names)
    stored_at = known.drop_duplicates("event_id").set_index("event_id")["recorded_at"]
    found = read.frame["event_id"].map(stored_at)
    is_known = read.is_dated_by_us & found.notna().to_numpy()
    return read.frame.assign(recorded_at=read.frame["recorded_at"].where(~is_known, found))


def _status(report: AppendReport) -> int:
    return 201 if report.inserted else 200


def _text(report: AppendReport, twins: int) -> str:
    said = {"inserted": report.inserted, "duplicates": report.duplicates + twins}
    return json.dumps({**said, "kept": report.kept, "last_sequence": report.last_sequence})
