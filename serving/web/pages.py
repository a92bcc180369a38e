"""The queue's pages and the static files."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from features.store.marks import SavedView
from serving.access.caller import Caller, seen_by
from serving.access.decisions import Demand, Everyone, Guarded
from serving.access.roles import Permission
from serving.etags import is_unchanged, not_modified
from serving.kept_pages import LARGEST_PAGE, MOST_PAGES
from serving.queue import Queue
from serving.reports import as_csv
from serving.service import service_of
from serving.web.frame import ETAG_HEADERS, aged, frame, page_tag, pages_of
from serving.web.mark_book import Desk, person_of
from serving.web.marking import book_of, snooze_choices, snooze_dates
from serving.web.queue_page import QueueAddress, queue_view, rows_at

router = APIRouter(include_in_schema=False, route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]


@router.get("/", dependencies=[Depends(Everyone("it only leads to the queue"))])
def home() -> Response:
    """The queue is where everyone begins."""
    return RedirectResponse("/queue", 307)


@router.get("/queue")
def queue_page(request: Request, caller: Reader) -> Response:
    """The queue; a first visit before the first scoring gets a page that says so and looks again."""
    service, pages = service_of(request), pages_of(request)
    standing = service.standing
    if standing.queue is None:
        return pages.render("waiting.html", 503, {"Retry-After": "2"}, **frame(request, None, standing))
    queue = seen_by(standing.queue, caller.scope)
    desk = _desk(request, standing.queue, caller)
    saved = book_of(request).saved(person_of(caller))
    etag = page_tag(request, queue.fingerprint, standing.problem, desk.version, saved)
    if is_unchanged(request, etag):
        return not_modified(etag)
    values = frame(request, queue, standing)
    asked = "queue.html", etag, *values["degraded"]
    body = queue.pages.get(asked)
    if body is None:
        body = pages.text("queue.html", **values, **_shown(request, caller, queue, desk, saved), etag=etag)
        if len(queue.pages) < MOST_PAGES and len(body) <= LARGEST_PAGE:
            queue.pages[asked] = body
    return pages.answer(aged(body, values), 200, {"ETag": etag, **ETAG_HEADERS}, values)


def _shown(request: Request, caller: Caller, queue: Queue, desk: Desk, saved: list[SavedView]) -> dict[str, Any]:
    service = service_of(request)
    address, size, has_store = (
        QueueAddress.read(request.query_params),
        service.settings.page_size,
        service.store is not None,
    )
    return {
        "view": queue_view(queue, address, size, desk, saved, is_person=caller.how != "open"),
        "snooze_choices": snooze_choices(queue.as_of, queue.zone),
        "snooze_dates": snooze_dates(queue.as_of, queue.zone),
        "may_save": has_store,
        "may_mark": has_store and caller.may(Permission.WRITE_EVENTS),
    }


@router.get("/queue.csv")
def queue_csv(request: Request, caller: Reader) -> Response:
    """Every row that the page of the same address leads through; text that a spreadsheet would run is neutralised."""
    whole, _standing = service_of(request).queue()
    queue, desk = seen_by(whole, caller.scope), _desk(request, whole, caller)
    rows = rows_at(queue, QueueAddress.read(request.query_params), desk)
    name = f"queue-{queue.as_of:%Y%m%dT%H%MZ}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(as_csv(queue, rows), media_type="text/csv; charset=utf-8", headers=headers)


def _desk(request: Request, whole: Queue, caller: Caller) -> Desk:
    """What the marks mean for the reader: of the whole queue, so that readers of one name and different scopes share it."""
    book = book_of(request)
    book.look()
    return book.desk(whole, person_of(caller))


@router.get("/static/{name}", dependencies=[Depends(Everyone("the login page needs them, and they are in the source"))])
def static_file(request: Request, name: str) -> Response:
    """A static file; its name changes with its content, so it may be kept for ever."""
    asset = pages_of(request).assets.at(f"/static/{name}")
    if asset is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.content, media_type=asset.media_type, headers=headers)
    return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
