"""POST /api/v1/score."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from features.apart import apart_name, asker_of
from features.given_events import log_of_given
from features.schema import ATTRIBUTE_PREFIX, STATE_COLUMNS, SchemaError
from serving.access.caller import Caller, Scope
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.event_bodies import faulty
from serving.api.problem_schemas import problems
from serving.api.schemas import ScoredTicketOut
from serving.api.score_bodies import EventIn, ScoreIn, TicketIn, in_order
from serving.api.score_extras import said_beside
from serving.api.score_faults import score_faults
from serving.problems import Fault, ProblemError
from serving.queue import Queue, QueueRow
from serving.reports.columns import iso
from serving.reports.document import row_document
from serving.service import Service, service_of
from serving.turns import Turns
from sla.events import EventLog

router = APIRouter(tags=["scoring"], route_class=Guarded)

MOST_TOGETHER = 16
"""So many small requests are scored together at most: none should wait long for the others' answers."""
MOST_SMALL_TICKETS, MOST_SMALL_EVENTS = 10, 200
"""Larger requests are scored at once, by themselves: nobody waits for them, nor they for anybody."""
_SENT = ("kind", *STATE_COLUMNS, "actor_kind")


class NotScored(BaseModel):
    """A ticket that has no place in a queue at that instant."""

    ticket_id: str
    why: str


class ScoreOut(BaseModel):
    """The scores, in the suggested order, and the tickets that have none."""

    as_of: datetime
    bundle_version: str | None
    rules_only_reason: str | None
    tickets: list[ScoredTicketOut]
    not_scored: list[NotScored]


@router.post(
    "/score",
    response_model=ScoreOut,
    responses=problems(400, 401, 403, 413, 422, 429, 503),
    summary="Score tickets that come with their events; nothing is stored",
)
def score(request: Request, body: ScoreIn, caller: Annotated[Caller, Depends(Demand(Permission.READ))]) -> Response:
    """Verdicts, risk and reasons for these tickets against the served bundle and agreements, at `as_of` or now.

    Only the events sent are known: what the desk as a whole is doing does not enter these scores.
    """
    service = service_of(request)
    if len(body.tickets) > service.settings.max_score_tickets:
        raise ProblemError(
            413,
            f"{len(body.tickets)} tickets in one request; at most {service.settings.max_score_tickets}: send them in parts.",
        )
    _refuse_twins(body)
    wish = Wish(body, events_log(body.tickets))
    scores = _turns_of(request).answer(wish, wish.kind) if wish.is_small else scores_of(service, [wish])[0]
    _refuse_outside(scores.rows, body, caller.scope)
    return JSONResponse(scores.content)


@dataclass(frozen=True)
class Wish:
    """A request whose tickets are to be scored, and the log of their events."""

    body: ScoreIn
    log: EventLog

    @property
    def kind(self) -> Hashable:
        """Requests of one kind can be scored together: for the same instant, or both for now."""
        return self.body.as_of, self.body.likely_end

    @property
    def is_small(self) -> bool:
        """Whether others can wait for it: it takes about as long as one ticket with one event."""
        return len(self.body.tickets) <= MOST_SMALL_TICKETS and len(self.log.at_us) <= MOST_SMALL_EVENTS


@dataclass(frozen=True)
class Scores:
    """The answer to a request, and its tickets that have a place in a queue by id."""

    rows: dict[str, QueueRow]
    content: dict[str, Any]


def turns_of(service: Service) -> Turns[Wish, Scores]:
    """Where small requests to this service are scored; one of several that come while one is scored does not wait for each before it."""
    return Turns(lambda wishes: scores_of(service, wishes), MOST_TOGETHER)


def scores_of(service: Service, wishes: Sequence[Wish]) -> list[Scores]:
    """The scores of requests of one kind, of each what it would be alone at that instant."""
    at = (wishes[0].body.as_of or service.clock()).astimezone(UTC)
    if len(wishes) == 1:
        queue = service.source.score_events(wishes[0].log, at)
        rows = {row.ticket_id: row for row in queue.rows}
        return [Scores(rows, _content(queue, rows, wishes[0].body, at))]
    queue = service.source.score_apart([wish.log for wish in wishes], at)
    rows = {row.ticket_id: row for row in queue.rows}
    content = _content(queue, rows, _joined([wish.body for wish in wishes]), at)
    found = [Scores({}, content | {"tickets": [], "not_scored": []}) for _ in wishes]
    for name, row in rows.items():
        asker, ticket_id = asker_of(name)
        found[asker].rows[ticket_id] = row
    for part in ("tickets", "not_scored"):
        for ticket in content[part]:
            asker, ticket_id = asker_of(ticket["ticket_id"])
            found[asker].content[part].append(ticket | {"ticket_id": ticket_id})
    return found


def _joined(bodies: Sequence[ScoreIn]) -> ScoreIn:
    """The requests as one, under ids that tell whose a ticket is; they were checked before."""
    tickets = [
        TicketIn.model_construct(ticket_id=apart_name(asker, ticket.ticket_id), events=ticket.events)
        for asker, body in enumerate(bodies)
        for ticket in body.tickets
    ]
    return ScoreIn.model_construct(as_of=bodies[0].as_of, tickets=tickets, likely_end=bodies[0].likely_end)


def _turns_of(request: Request) -> Turns[Wish, Scores]:
    turns: Turns[Wish, Scores] = request.app.state.scoring
    return turns


def events_log(tickets: list[TicketIn]) -> EventLog:
    """The log of the events; ProblemError 422 naming the fault where they break the data contract."""
    events = [
        _values(ticket.ticket_id, place, event) for ticket in tickets for place, event in enumerate(in_order(ticket))
    ]
    try:
        return log_of_given(events)
    except SchemaError as error:
        faults = score_faults(tickets)
        if not faults:  # ids made of a ticket's name, an instant and a place that another event was sent with
            raise ProblemError(422, str(error), (Fault("#/tickets", str(error)),)) from error
        raise ProblemError(422, f"{faulty(faults)}; see errors.", faults) from error


def _values(ticket_id: str, place: int, event: EventIn) -> dict[str, Any]:
    at = event.event_at.astimezone(UTC)
    values = {f"{ATTRIBUTE_PREFIX}{name}": text for name, text in event.attributes.items()}
    return (
        {name: getattr(event, name) for name in _SENT}
        | values
        | {
            "ticket_id": ticket_id,
            "event_id": event.event_id or f"{ticket_id}/{at:%Y%m%dT%H%M%S%f}/{place:03d}",
            "event_at": at,
            "recorded_at": (event.recorded_at or event.event_at).astimezone(UTC),
        }
    )


def _refuse_twins(body: ScoreIn) -> None:
    seen: set[str] = set()
    for place, ticket in enumerate(body.tickets):
        if ticket.ticket_id in seen:
            detail = f"ticket {ticket.ticket_id[:100]!r} occurs twice; send all its events in one item"
            raise ProblemError(422, detail, (Fault(f"#/tickets/{place}/ticket_id", detail),))
        seen.add(ticket.ticket_id)


def _refuse_outside(rows: Mapping[str, QueueRow], body: ScoreIn, scope: Scope) -> None:
    outside = [
        Fault(f"#/tickets/{place}", f"its team and service are outside of {scope.words()}")
        for place, ticket in enumerate(body.tickets)
        if (row := rows.get(ticket.ticket_id)) is not None and not scope.holds(row.team, row.service)
    ]
    if outside:
        raise ProblemError(403, f"{len(outside)} tickets are outside of {scope.words()}; see errors.", tuple(outside))


def _content(queue: Queue, rows: Mapping[str, QueueRow], body: ScoreIn, at: datetime) -> dict[str, Any]:
    beside = said_beside(
        queue, {ticket.ticket_id: _attributes(ticket) for ticket in body.tickets}, with_range=body.likely_end
    )
    missing = [ticket for ticket in body.tickets if ticket.ticket_id not in rows]
    return {
        "as_of": iso(at),
        "bundle_version": queue.bundle_version,
        "rules_only_reason": queue.rules_only_reason,
        "tickets": [row_document(row) | beside[row.ticket_id] for row in rows.values()],
        "not_scored": [{"ticket_id": ticket.ticket_id, "why": _why_not(ticket, at)} for ticket in missing],
    }


def _attributes(ticket: TicketIn) -> dict[str, str]:
    return {name: text for event in in_order(ticket) for name, text in event.attributes.items()}


def _why_not(ticket: TicketIn, at: datetime) -> str:
    known = [e for e in ticket.events if max(e.event_at, e.recorded_at or e.event_at) <= at]
    return "it is not open at this instant" if known else "none of its events is known at this instant"
