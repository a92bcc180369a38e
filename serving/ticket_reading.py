"""One ticket's file, read from the histories: its clocks and their course, its events, its score."""

from __future__ import annotations

from datetime import datetime

from features.histories import Histories
from serving.queue import Queue
from serving.ticket_file import EventLine, TicketFile, WeighedReason
from serving.wording import LocalTime
from sla.events import TicketEvent
from sla.instants import from_us, to_us

_ROW_COLUMNS = ("kind", "actor_kind")


def read_ticket(histories: Histories, ticket: int, at: datetime, queue: Queue, local: LocalTime) -> TicketFile:
    """The file of the ticket with this index at an instant; `queue` holds its row if it is open."""
    ticket_id = str(histories.ticket_ids[ticket])
    at_us = to_us(at)
    events = [e for e in histories.log.events_of(ticket_id) if e.at_us <= at_us and e.recorded_us <= at_us]
    row = queue.rows[0] if queue.rows else None
    return TicketFile(
        ticket_id=ticket_id,
        as_of=at,
        zone=local.name,
        row=row,
        facts=facts_of(events),
        clocks=(),
        events=tuple(event_line(event) for event in events),
        reasons=tuple(WeighedReason(text) for text in row.reasons) if row else (),
        bundle_version=queue.bundle_version,
        rules_only_reason=queue.rules_only_reason,
    )


def facts_of(events: list[TicketEvent]) -> dict[str, str]:
    """The state the events add up to: for each column the last news of it; the title without its prefix."""
    facts: dict[str, str] = {}
    for event in events:
        facts |= {name: text for name, text in event.values.items() if name not in _ROW_COLUMNS}
    if "attributes.title" in facts:
        facts["title"] = facts.pop("attributes.title")
    return facts


def event_line(event: TicketEvent) -> EventLine:
    """An event as recorded."""
    return EventLine(
        event_id=event.event_id,
        event_at=from_us(event.at_us),
        recorded_at=from_us(event.recorded_us),
        kind=event.values.get("kind", "updated"),
        actor_kind=event.values.get("actor_kind", ""),
        changes={name: text for name, text in event.values.items() if name not in _ROW_COLUMNS},
    )
