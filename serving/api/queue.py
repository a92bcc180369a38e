"""GET /api/v1/queue."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import asdict, replace
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from serving.access.caller import Caller, seen_by
from serving.access.decisions import Demand, Guarded, decision_of
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

MOST_ADDRESSES, LONGEST_ADDRESS = 500, 1_000
"""So many addresses are remembered, of at most so many letters after the `?`."""


class Addresses:
    """What addresses of the queue ask for, by all that stands behind the `?`. For the thread of the event loop."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[Selection, int, str | None]] = {}

    def __len__(self) -> int:
        return len(self._read)

    def find(self, query: str) -> tuple[Selection, int, str | None] | None:
        """The selection, how many rows, and from which cursor; None for an address that was not read before."""
        return self._read.get(query)

    def keep(self, query: str, wanted: Selection, limit: int, cursor: str | None) -> None:
        """Nothing; it is found from now on, where it is not too long, in the place of the oldest where there are many."""
        if len(query) > LONGEST_ADDRESS:
            return
        if len(self._read) >= MOST_ADDRESSES:
            del self._read[next(iter(self._read))]
        self._read[query] = wanted, limit, cursor


class ReadBefore(Guarded):
    """The route of the queue. FastAPI takes longer to read the filters of an address than the service to find the page they ask for, so
    one that was read before is not read again. Who asks is asked each time.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # noqa: D102
        read, decision = super().get_route_handler(), decision_of(self)

        async def answer(request: Request) -> Response:
            asked = _addresses(request).find(request.url.query)
            if asked is None or not isinstance(decision, Demand):
                return await read(request)
            return await _answered(request, await decision(request), *asked)

        return answer


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
    answer = await _answered(request, caller, wanted, limit, cursor)
    _addresses(request).keep(request.url.query, wanted, limit, cursor)
    return answer


router.add_api_route(
    "/queue",
    read_queue,
    response_model=QueuePage,
    responses={304: UNCHANGED, **problems(401, 422, 429, 503)},
    summary="The ranked queue of open tickets",
    methods=["GET"],
    route_class_override=ReadBefore,
)


def _addresses(request: Request) -> Addresses:
    addresses: Addresses = request.app.state.addresses
    return addresses


async def _answered(request: Request, caller: Caller, wanted: Selection, limit: int, cursor: str | None) -> Response:
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
