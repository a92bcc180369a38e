"""GET /api/v1/services and /api/v1/services/{service}."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.api.schemas import UNCHANGED
from serving.api.service_bodies import ServiceOut, ServicesPage, details_of, row_of
from serving.api.service_sight import ServiceSight, file_seen
from serving.etags import FOR_ONE, is_unchanged, not_modified
from serving.problems import Fault, ProblemError
from serving.reports.columns import iso
from serving.selection import Cursor, CursorError
from serving.service import service_of
from serving.services.standing import ServiceBoard, ServiceStanding, State

router = APIRouter(tags=["services"], route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
Criticality: TypeAlias = Literal["low", "medium", "high", "critical"]
_TEXT = "Every word must occur in the service's name, description or owner."


@router.get(
    "/services",
    response_model=ServicesPage,
    responses={304: UNCHANGED, **problems(401, 422, 429, 503)},
    summary="How services stand, the worst first",
)
def read_services(
    request: Request,
    caller: Reader,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies defaults)
    criticality: Annotated[list[Criticality], Query()] = [],  # noqa: B006
    probability_from: Annotated[float | None, Query(ge=0, le=1, description="Only these and likelier ones.")] = None,
    is_kept: Annotated[
        bool | None, Query(description="Whether the promised availability is kept; null: either.")
    ] = None,
    text: Annotated[str, Query(max_length=500, description=_TEXT)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """One page: what is down first, then what burns its error budget, then by the probability of a new outage.

    Repeat a filter for any of several values. The ETag changes when anything shown may have changed.
    """
    sight = ServiceSight.of(service_of(request), caller.scope)
    etag = sight.etag(request.url.query)
    if is_unchanged(request, etag):
        return not_modified(etag)
    words = text.casefold().split()
    wanted = [
        one
        for one in sight.services
        if (not state or one.state in state)
        and (not criticality or one.criticality in criticality)
        and (probability_from is None or (one.risk is not None and one.risk.probability >= probability_from))
        and (is_kept is None or (one.budget is not None and one.budget.is_kept == is_kept))
        and all(word in f"{one.service}\n{one.description}\n{one.owner or ''}".casefold() for word in words)
    ]
    start = _start(wanted, cursor)
    part = wanted[start : start + limit]
    end = start + len(part)
    content = head_of(sight.board) | {
        "total": len(wanted),
        "services": [row_of(one, sight.open_tickets.get(one.service, 0), sight.names) for one in part],
        "next_cursor": Cursor(part[-1].service, end).encode() if part and end < len(wanted) else None,
    }
    return JSONResponse(content, headers={"ETag": etag, **FOR_ONE})


@router.get(
    "/services/{service:path}",
    response_model=ServiceOut,
    responses={304: UNCHANGED, **problems(401, 404, 422, 429, 503)},
    summary="One service: risk, budget day by day, what happened",
)
def read_service(
    request: Request,
    caller: Reader,
    service: Annotated[str, Path(min_length=1, max_length=500, description="The service's name, as in the source.")],
) -> Response:
    """Everything slacast can say about one service at the instant of the served forecast."""
    running = service_of(request)
    sight = ServiceSight.of(running, caller.scope)
    etag = sight.etag(service)
    if is_unchanged(request, etag):
        return not_modified(etag)
    found = file_seen(running, service, sight)
    row = row_of(found.standing, sight.open_tickets.get(service, 0), sight.names)
    content = head_of(sight.board) | {"service": row} | details_of(found)
    return JSONResponse(content, headers={"ETag": etag, **FOR_ONE})


def head_of(board: ServiceBoard) -> dict[str, Any]:
    """What every answer about services begins with."""
    return {
        "as_of": iso(board.as_of),
        "by": board.by,
        "model_version": board.model_version,
        "why_no_model": board.why_no_model,
        "horizon_hours": board.horizon_hours,
        "problem": board.problem,
    }


def _start(wanted: list[ServiceStanding], word: str | None) -> int:
    """Where the page begins: behind the cursor's service, wherever that stands now."""
    if word is None:
        return 0
    try:
        cursor = Cursor.decode(word)
    except CursorError as error:
        raise ProblemError(422, str(error), (Fault("cursor", str(error)),)) from error
    places = [place for place, one in enumerate(wanted) if one.service == cursor.after]
    return places[0] + 1 if places else min(cursor.position, len(wanted))
