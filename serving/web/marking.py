"""What a dispatcher does to the tickets they ticked: assign, snooze, mark seen, acknowledge; and the views they save."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, TypeAlias
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from features.store.audit import Change
from features.store.faults import StoreError
from features.store.marks import ACKNOWLEDGED, ASSIGNED, SEEN, SNOOZED, Mark, SavedView
from serving.access.caller import Caller, seen_by
from serving.access.decisions import Demand, Guarded, gate_of
from serving.access.roles import Permission
from serving.problems import ProblemError
from serving.queue import Queue, QueueRow
from serving.service import service_of
from serving.web.addresses import safe_path
from serving.web.language import phrase
from serving.web.mark_book import MarkBook, person_of, rows_of, state_of

router = APIRouter(include_in_schema=False, route_class=Guarded)
Dispatcher: TypeAlias = Annotated[Caller, Depends(Demand(Permission.WRITE_EVENTS))]
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
MOST_TICKETS = 500
MOST_NAME = 100
MOST_SNOOZE = timedelta(days=90)
MORNING = time(8)
NEWS, DATE = "news", "date"
DONE = {
    "assign": "tickets assigned",
    "snooze": "tickets snoozed",
    "wake": "snooze ended",
    "seen": "tickets marked seen",
    "acknowledge": "tickets acknowledged",
}


@dataclass(frozen=True)
class SnoozeChoice:
    """An instant to sleep until, in words; None: until something happens."""

    words: str
    until_at: datetime | None

    @property
    def value(self) -> str:
        """What the form sends."""
        return NEWS if self.until_at is None else self.until_at.isoformat()


def snooze_choices(now: datetime, zone: str) -> tuple[SnoozeChoice, ...]:
    """Until when one may snooze, seen from now, by the desk's mornings. Each also ends when something happens to the ticket."""
    local = now.astimezone(ZoneInfo(zone))
    days_to_monday = 7 - local.weekday()

    def morning(days: int) -> datetime:
        return datetime.combine(local.date() + timedelta(days=days), MORNING, ZoneInfo(zone)).astimezone(now.tzinfo)

    return (
        SnoozeChoice(phrase("1 hour"), now + timedelta(hours=1)),
        SnoozeChoice(phrase("4 hours"), now + timedelta(hours=4)),
        SnoozeChoice(phrase("tomorrow 08:00"), morning(1)),
        SnoozeChoice(phrase("Monday 08:00"), morning(days_to_monday)),
        SnoozeChoice(phrase("something happens"), None),
    )


def snooze_dates(now: datetime, zone: str) -> tuple[date, date]:
    """The first and the last date at the desk until whose MORNING one may snooze."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return today + timedelta(days=1), today + MOST_SNOOZE - timedelta(days=1)


def book_of(request: Request) -> MarkBook:
    """The marks of the application a request belongs to, as of now."""
    book = request.app.state.marks
    if not isinstance(book, MarkBook):
        raise TypeError("the application was not built by serving.app.create_app")
    return book


@router.post("/queue/marks")
async def mark_tickets(request: Request, caller: Dispatcher) -> Response:
    """The way back to the list, with the ticked tickets marked; all of them or none."""
    fields = await _fields(request)
    await run_in_threadpool(_mark, request, caller, fields)
    return RedirectResponse(safe_path(_one(fields, "next")), 303)


@router.post("/queue/views")
async def save_view(request: Request, caller: Reader) -> Response:
    """The way back to the list, with the view saved under its name, or given up."""
    fields = await _fields(request)
    name, query = " ".join(_one(fields, "name").split())[:60], _one(fields, "query")[:2000]
    if not name:
        raise ProblemError(422, "A saved view needs a name; write one beside the button.")
    view = SavedView(person_of(caller), name, "" if _one(fields, "action") == "drop" else query or "view=all")
    try:
        save, at = service_of(request).written().saved_views.save, gate_of(request).clock()
        await run_in_threadpool(save, view, at, caller.address)
    except StoreError as error:
        raise ProblemError(409, f"The view was not saved: {error}.") from error
    await run_in_threadpool(lambda: book_of(request).look(at_once=True))
    return RedirectResponse(safe_path(_one(fields, "next")), 303)


def _mark(request: Request, caller: Caller, fields: Mapping[str, list[str]]) -> None:
    service, action = service_of(request), _one(fields, "action")
    queue = seen_by(service.queue()[0], caller.scope)
    tickets = list(dict.fromkeys(fields.get("ticket", [])))
    if action not in DONE or not 0 < len(tickets) <= MOST_TICKETS:
        raise ProblemError(
            422, f"Tick 1 to {MOST_TICKETS} tickets and choose what to do: {', '.join(DONE)}; {len(tickets)} were ticked."
        )  # fmt: skip
    rows = rows_of(queue, set(tickets))
    if missing := [ticket for ticket in tickets if ticket not in rows]:
        named = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        raise ProblemError(409, f"Not in your queue any more: {named}. Nothing was changed; go back and tick again.")
    at = gate_of(request).clock()
    make = _maker(action, caller, at, queue, fields)
    marks = [make(rows[ticket]) for ticket in tickets]
    # To whom they were assigned stands in the marks alone: what is in the audit log cannot be erased.
    told = {"tickets": tickets, "until_at": marks[0].until_at.isoformat() if marks[0].until_at else None}
    subject = tickets[0] if len(tickets) == 1 else f"{len(tickets)} tickets"
    change = Change(at=at, actor=caller.name, action=DONE[action], subject=subject, after={name: value for name, value in told.items() if value}, origin=caller.address)  # fmt: skip
    try:
        service.written().marks.add(marks, change)
    except StoreError as error:
        raise ProblemError(503, "The store cannot be written to at present; nothing was changed.") from error
    book_of(request).look(at_once=True)


def _maker(
    action: str, caller: Caller, at: datetime, queue: Queue, fields: Mapping[str, list[str]]
) -> Callable[[QueueRow], Mark]:
    def mark(row: QueueRow, kind: str, until_at: datetime | None = None, text: str = "") -> Mark:
        return Mark(
            ticket_id=row.ticket_id, kind=kind, made_by=person_of(caller), made_at=at, until_at=until_at, text=text
        )

    if action == "assign":
        name = " ".join(_one(fields, "assignee").split())
        if not name or len(name) > MOST_NAME or not name.isprintable():
            raise ProblemError(422, f"Write whom to assign the tickets to, in at most {MOST_NAME} letters.")
        return lambda row: mark(row, ASSIGNED, text=name)
    if action == "snooze":
        until_at = _until(_one(fields, "until"), _one(fields, "until_date"), queue)
        return lambda row: mark(row, SNOOZED, until_at, state_of(row))
    if action == "wake":
        return lambda row: mark(row, SNOOZED)
    return lambda row: mark(row, SEEN if action == "seen" else ACKNOWLEDGED)


def _until(text: str, date_text: str, queue: Queue) -> datetime | None:
    """The instant of a choice; of a date its MORNING at the desk; None: until news."""
    now = queue.as_of
    if text == NEWS:
        return None
    try:
        until_at = (
            datetime.combine(date.fromisoformat(date_text), MORNING, ZoneInfo(queue.zone))
            if text == DATE
            else datetime.fromisoformat(text)
        )
    except ValueError:
        until_at = None
    if until_at is None or until_at.tzinfo is None or not now < until_at <= now + MOST_SNOOZE:
        raise ProblemError(
            422, f"Snooze until a date or an instant within {MOST_SNOOZE.days} days, or until 'news'; got {(date_text if text == DATE else text)[:40]!r}."
        )  # fmt: skip
    return until_at.astimezone(now.tzinfo)


async def _fields(request: Request) -> dict[str, list[str]]:
    try:
        return parse_qs((await request.body()).decode(), max_num_fields=2 * MOST_TICKETS, keep_blank_values=True)
    except ValueError as error:
        raise ProblemError(
            422, f"This is no form that the queue sends; at most {MOST_TICKETS} tickets at once."
        ) from error


def _one(fields: Mapping[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[0]
