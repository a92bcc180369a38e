"""GET /api/v1/tickets/{id}."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse, Response

from serving.access.caller import Caller, Scope
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.api.schemas import UNCHANGED, TicketOut
from serving.etags import FOR_ONE, etag_of, is_unchanged, not_modified
from serving.likely_end import LikelyEnd
from serving.listed_ticket import listed_ticket
from serving.problems import ProblemError
from serving.reports.columns import iso
from serving.reports.document import row_document
from serving.service import Service, service_of
from serving.ticket_file import ClockFile, EventLine, TicketFile

router = APIRouter(tags=["tickets"], route_class=Guarded)
TicketId: TypeAlias = Annotated[
    str, Path(min_length=1, max_length=500, description="The ticket's id, as in the source.")
]


def ticket_file(service: Service, ticket_id: str, scope: Scope) -> TicketFile:
    """The file of a ticket at the instant of the served queue, so that page, list and API agree; ProblemError 404 if unknown or outside the scope."""
    queue, _standing = service.queue()
    found = listed_ticket(queue, ticket_id) or service.source.ticket(ticket_id, queue.as_of)
    if found is None or not scope.holds(found.facts.get("team", ""), found.facts.get("service", "")):
        raise ProblemError(404, f"There is no ticket {ticket_id[:200]!r} at this instant.")
    return found


@router.get(
    "/tickets/{ticket_id:path}",
    response_model=TicketOut,
    responses={304: UNCHANGED, **problems(401, 404, 422, 429, 503)},
    summary="One ticket: clocks, trace, events, score and reasons",
)
def read_ticket(
    request: Request, ticket_id: TicketId, caller: Annotated[Caller, Depends(Demand(Permission.READ))]
) -> Response:
    """Everything slacast can say about one ticket, open or finished, at the instant of the served queue."""
    service = service_of(request)
    queue, _standing = service.queue()
    ends = service.ends
    etag = etag_of(queue.fingerprint, ticket_id, caller.scope, ends.version if ends else None)
    if is_unchanged(request, etag):
        return not_modified(etag)
    content = content_of(ticket_file(service, ticket_id, caller.scope))
    end = ends.estimate(service.source.histories, ticket_id, queue.as_of) if ends and ends.model else None
    content["expected_end"] = end and {
        "ends_at": iso(end.ends_at),
        "hours_ahead": round(end.hours_ahead, 2),
        "version": end.version,
    }
    return JSONResponse(content, headers={"ETag": etag, **FOR_ONE})


def content_of(found: TicketFile) -> dict[str, Any]:
    """The file as plain values for JSON."""
    return {
        "ticket_id": found.ticket_id,
        "as_of": iso(found.as_of),
        "time_zone": found.zone,
        "is_open": found.row is not None,
        "facts": found.facts,
        "score": row_document(found.row) if found.row else None,
        "reasons": [{"text": reason.text, "contribution": reason.contribution} for reason in found.reasons],
        "clocks": [_clock(item) for item in found.clocks],
        "events": [_event(event) for event in found.events],
        "bundle_version": found.bundle_version,
        "rules_only_reason": found.rules_only_reason,
        "likely_end": likely_end_content(found.likely_end) if found.likely_end else None,
        "warnings": list(found.warnings),
    }


def likely_end_content(end: LikelyEnd) -> dict[str, Any]:
    """The range as plain values for JSON."""
    return {
        "early_at": iso(end.early_at),
        "middle_at": iso(end.middle_at),
        "late_at": iso(end.late_at),
        "early_working_seconds": round(end.early_working_seconds),
        "middle_working_seconds": round(end.middle_working_seconds),
        "late_working_seconds": round(end.late_working_seconds),
        "or_later": list(end.or_later),
    }


def _clock(item: ClockFile) -> dict[str, Any]:
    clock = item.clock
    return {
        "target": clock.target,
        "agreement": clock.agreement,
        "state": clock.state,
        "started_at": iso(item.started_at),
        "due_at": iso(clock.due_at),
        "breached_at": iso(clock.breached_at),
        "stopped_at": iso(item.stopped_at),
        "target_seconds": clock.target_seconds,
        "elapsed_seconds": clock.elapsed_seconds,
        "paused_seconds": item.paused_seconds,
        "remaining_working_seconds": clock.remaining_working_seconds,
        "remaining_wall_seconds": clock.remaining_wall_seconds,
        "share_used": clock.share_used,
        "kind": item.kind,
        "owner": item.owner,
        "rule": item.rule,
        "why": item.why,
        "calendar": item.calendar,
        "time_zone": item.time_zone,
        "policies": item.policies,
        "warnings": [{"share": w.share, "at": iso(w.at), "is_passed": w.is_passed} for w in item.warnings],
        "trace": [
            {
                "doing": step.doing,
                "start_at": iso(step.start_at),
                "end_at": iso(step.end_at),
                "working_seconds": step.working_seconds,
                "text": step.text,
            }
            for step in item.steps
        ],
    }


def _event(event: EventLine) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "event_at": iso(event.event_at),
        "recorded_at": iso(event.recorded_at),
        "kind": event.kind,
        "actor_kind": event.actor_kind,
        "changes": event.changes,
    }
