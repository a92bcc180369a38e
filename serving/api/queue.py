"""GET /api/v1/queue."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from serving.access.caller import Caller, seen_by
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api import examples
from serving.api.problem_schemas import problems
from serving.api.schemas import UNCHANGED, QueuePage
from serving.api.tickets import likely_end_content
from serving.etags import FOR_ONE, etag_of, is_unchanged, not_modified
from serving.kept_pages import Asked
from serving.likely_end import LikelyEnd
from serving.problems import Fault, ProblemError
from serving.queue import Queue, QueueRow
from serving.reports import as_csv
from serving.reports.columns import iso
from serving.reports.document import row_document
from serving.risk import Group, Risk
from serving.row_ends import ends_of
from serving.selection import Cursor, CursorError, Selection, Sort, View, page
from serving.service import service_of

router = APIRouter(tags=["queue"], route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
Words: TypeAlias = Annotated[list[str], Query(max_length=100)]
_TEXT = "Every word must occur in id, title, service, category, team, assignee or customer."


async def selection_of(  # async: else FastAPI asks another thread for it
    team: Words = [],  # noqa: B006 (FastAPI copies defaults)
    service: Words = [],  # noqa: B006
    priority: Words = [],  # noqa: B006
    customer: Words = [],  # noqa: B006
    status: Words = [],  # noqa: B006
    assignee: Words = [],  # noqa: B006
    risk: Annotated[list[Risk], Query()] = [],  # noqa: B006
    group: Group | None = None,
    view: View | None = None,
    text: Annotated[str, Query(max_length=500, description=_TEXT)] = "",
    sort: Sort = Sort.SUGGESTED,
    order: Annotated[Sort, Query(include_in_schema=False)] = Sort.SUGGESTED,  # another name for sort
    descending: bool | None = None,
) -> Selection:
    """The part of the queue that an address asks for: the same for the list and for its CSV."""
    sort = sort if order is Sort.SUGGESTED else order
    return Selection(
        view=view or (View(group.value) if group else View.ALL),
        team=tuple(team),
        service=tuple(service),
        priority=tuple(priority),
        risk=tuple(risk),
        text=text,
        sort=sort,
        descending=sort.highest_first if descending is None else descending,
        customer=tuple(customer),
        status=tuple(status),
        assignee=tuple(assignee),
    )


Wanted: TypeAlias = Annotated[Selection, Depends(selection_of)]


@router.get(
    "/queue",
    response_model=QueuePage,
    responses={304: UNCHANGED, **problems(401, 422, 429, 503)},
    summary="The ranked queue of open tickets",
)
async def read_queue(
    request: Request,
    caller: Reader,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """One page of the queue. Repeat a filter for any of several values; an empty one finds tickets without any.

    The ETag changes when anything shown may have changed: send it back as If-None-Match and get 304 while it has not.
    """
    service, asked = service_of(request), Asked(caller.scope, wanted, limit, cursor)
    everything, standing = service.queue()
    page_of_it = service.pages.find(asked, everything)
    etag = etag_of((page_of_it or everything).fingerprint, standing.problem, request.url.query, caller.scope)
    if is_unchanged(request, etag):
        return not_modified(etag)
    if page_of_it is None:
        body = await run_in_threadpool(page_in_words, everything, asked)  # all else takes less than a change of threads
        page_of_it = service.pages.keep(asked, everything, standing.scored_seconds, body)
    age_seconds = replace(standing, scored_seconds=page_of_it.scored_seconds).age_seconds()
    of_now = _json({"scored_seconds_ago": round(age_seconds, 3), "problem": standing.problem})
    body = page_of_it.body[:-1] + b"," + of_now[1:]
    return Response(body, media_type="application/json", headers={"ETag": etag, **FOR_ONE})


@router.get(
    "/queue.csv",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": examples.CSV}}},
        304: UNCHANGED,
        **problems(401, 422, 429, 503),
    },
    summary="The same selection as CSV, all of it",
)
def read_queue_csv(request: Request, caller: Reader, wanted: Wanted) -> Response:
    """Every row of the selection; text that a spreadsheet would run as a formula is neutralised."""
    found = seen_by(service_of(request).queue()[0], caller.scope)
    etag = etag_of(found.fingerprint, "csv", request.url.query, caller.scope)
    if is_unchanged(request, etag):
        return not_modified(etag)
    name = f"queue-{found.as_of:%Y%m%dT%H%MZ}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "ETag": etag, **FOR_ONE}
    return Response(as_csv(found, wanted.apply(found).rows), media_type="text/csv; charset=utf-8", headers=headers)


def page_in_words(everything: Queue, asked: Asked) -> bytes:
    """A page of the queue as a JSON object; ProblemError 422 for a cursor that is none."""
    return _json(_content(seen_by(everything, asked.scope), asked.wanted, asked.limit, _cursor(asked.cursor)))


def _json(content: dict[str, Any]) -> bytes:
    return bytes(JSONResponse(content).body)


def _content(queue: Queue, wanted: Selection, limit: int, cursor: Cursor | None) -> dict[str, Any]:
    selected = wanted.apply(queue)
    part = page(selected.rows, limit, cursor)
    ends = ends_of(queue.rows, part.rows)
    return {
        "as_of": iso(queue.as_of),
        "probabilities_as_of": iso(queue.asked_at) if queue.bundle_version else None,
        "time_zone": queue.zone,
        "bundle_version": queue.bundle_version,
        "rules_only_reason": queue.rules_only_reason,
        "order": queue.order,
        "order_words": queue.order_words,
        "idle_teams": [asdict(one) for one in queue.idle],
        "counts": asdict(selected.counts),
        "total": part.total,
        "tickets": [_listed(row, ends.get(row.ticket_id)) for row in part.rows],
        "next_cursor": part.next.encode() if part.next else None,
    }


def _listed(row: QueueRow, end: LikelyEnd | None) -> dict[str, Any]:
    return row_document(row) | {"likely_end": likely_end_content(end) if end else None}


def _cursor(word: str | None) -> Cursor | None:
    try:
        return None if word is None else Cursor.decode(word)
    except CursorError as error:
        raise ProblemError(422, str(error), (Fault("cursor", str(error)),)) from error
