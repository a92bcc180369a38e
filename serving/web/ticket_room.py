"""The page of one ticket: what is known, what is likely, what if, and what people say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import QueryParams

from features.store.faults import StoreError
from serving.access.caller import Caller, seen_by
from serving.access.decisions import Demand, Guarded, form_of
from serving.access.roles import Permission
from serving.api.feedback import FeedbackIn, give_feedback
from serving.api.levels import book_of as levels_of
from serving.api.tickets import ticket_file
from serving.etags import is_unchanged, not_modified
from serving.problems import ProblemError
from serving.queue import Queue
from serving.score_history import ScorePoint, score_history
from serving.selection import Selection
from serving.service import Service, service_of
from serving.similar import FinishedClocks, Similar
from serving.supposing import CHANGEABLE, Change, Supposed, suppose
from serving.ticket_file import TicketFile
from serving.web.charts import Line, Plot
from serving.web.frame import ETAG_HEADERS, frame, page_tag, pages_of, ticket_url
from serving.web.language import Language, language_of, phrase
from serving.web.mark_book import person_of
from serving.web.marking import book_of
from serving.web.queue_page import choices_of
from serving.web.ticket_page import ticket_view
from serving.wording import LocalTime, percent

router = APIRouter(include_in_schema=False, route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
Speaker: TypeAlias = Annotated[Caller, Depends(Demand(Permission.GIVE_FEEDBACK))]
MOST_POINTS = 60


@dataclass(frozen=True)
class Course:
    """How the score of a ticket went, the latest points."""

    points: tuple[ScorePoint, ...]
    plot: Plot

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """The numbers of the plot, the latest first."""
        told = [(place.probability, place.bundle_version or "–") for place in self.points]
        rows = zip(self.plot.labels, told, strict=True)
        return [(when, "–" if share is None else percent(share), by) for when, (share, by) in reversed(list(rows))]


@router.get("/tickets/{ticket_id:path}")
def ticket_page(request: Request, ticket_id: str, caller: Reader) -> Response:
    """One ticket, open or finished; `if_priority`, `if_team` ... in the address ask what would be."""
    service, pages = service_of(request), pages_of(request)
    queue, standing = service.queue()
    marks = book_of(request)
    marks.look()
    finished = levels_of(request).finished(queue)
    etag = page_tag(request, queue.fingerprint, standing.problem, marks.version, finished is None)
    if is_unchanged(request, etag):
        return not_modified(etag)
    found = ticket_file(service, ticket_id, caller.scope)
    wanted = _supposed_values(request.query_params)
    mine = seen_by(queue, caller.scope)
    values: dict[str, Any] = {
        "file": found,
        "view": ticket_view(found),
        "etag": etag,
        "course": _course(service, found, language_of(request)),
        "similar": _similar(found, finished, caller),
        "is_counting": finished is None,
        "supposed": _supposed(service, found, queue, wanted) if wanted else None,
        "wanted": wanted,
        "choices": choices_of(mine, Selection()),
        "may_speak": service.store is not None and caller.may(Permission.GIVE_FEEDBACK),
        "thanked": request.query_params.get("said") == "feedback",
        "notes": marks.notes(found.row, person_of(caller), False) if found.row else None,
    }
    return pages.render("ticket.html", 200, {"ETag": etag, **ETAG_HEADERS}, **frame(request, queue, standing), **values)


@router.post("/tickets/{ticket_id:path}")
async def say_of_ticket(request: Request, ticket_id: str, caller: Speaker) -> Response:
    """The way back to the ticket, with what was said of its score stored once."""
    fields = await form_of(request)
    try:
        body = FeedbackIn.model_validate(
            {"verdict": fields.get("verdict", ""), "comment": fields.get("comment", "").strip() or None}
        )
    except ValidationError as error:
        raise ProblemError(
            422, "Say whether the estimate was helpful, wrong or unclear, in at most 10,000 letters."
        ) from error
    await run_in_threadpool(give_feedback, request, ticket_id, body, caller, fields.get("once") or None)
    return RedirectResponse(f"{ticket_url(ticket_id)}?said=feedback#feedback", 303)


def _supposed_values(query: QueryParams) -> dict[str, str]:
    return {name: text[:200] for name in CHANGEABLE if (text := query.get(f"if_{name}", "").strip())}


def _supposed(service: Service, found: TicketFile, queue: Queue, wanted: dict[str, str]) -> Supposed | None:
    try:
        return suppose(service.source, found.ticket_id, queue.as_of, queue.as_of, Change(wanted))
    except ValueError as error:
        raise ProblemError(422, str(error)) from error


def _similar(found: TicketFile, finished: FinishedClocks | None, caller: Caller) -> Similar | None:
    if finished is None or found.row is None or not caller.scope.is_everything:
        return None  # whose scope is narrow is not told of others' tickets
    return finished.like(found.facts, found.ticket_id)


def _course(service: Service, found: TicketFile, language: Language) -> Course | None:
    """How the score went; None without stored scores, or while the store cannot be read."""
    if service.store is None:
        return None
    try:
        points = tuple(score_history(service.store.predictions, found.ticket_id, found.as_of, most=MOST_POINTS))
    except StoreError:
        return None
    if sum(point.probability is not None for point in points) < 2:
        return None
    local = LocalTime.named(found.zone, language.dates)
    labels = [local.short(point.scored_at, found.as_of) for point in points]
    line = Line(language.gettext(phrase("chance of a breach")), [point.probability for point in points], "step")
    return Course(points, Plot(labels, [line], unit="%", ceiling=1.0, height=180.0))
