"""One ticket's file, read from the histories: its clocks and their course, its events, its score."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from features.histories import Histories
from models.reasons import Reason
from serving.clock_reading import NAMES
from serving.queue import QueueRow
from serving.risk import Clock
from serving.ticket_file import ClockFile, EventLine, Step, TicketFile, Warned, WeighedReason
from serving.wording import LocalTime, sentence
from sla.clocks.ticket_clocks import replay_ticket
from sla.clocks.verdict import Verdict
from sla.clocks.verdicts import VerdictState
from sla.events import TicketEvent
from sla.instants import from_us, to_us

_ROW_COLUMNS = ("kind", "actor_kind")


def read_ticket(
    histories: Histories,
    ticket: int,
    at: datetime,
    rows: Sequence[QueueRow],
    told: Sequence[Sequence[Reason]],
    local: LocalTime,
) -> TicketFile:
    """The file of the ticket with this index at an instant; `rows` and `told` hold its row and the bundle's reasons if it is open."""
    ticket_id = str(histories.ticket_ids[ticket])
    at_us = to_us(at)
    events = [e for e in histories.log.events_of(ticket_id) if e.at_us <= at_us and e.recorded_us <= at_us]
    row = rows[0] if rows else None
    weights = {sentence(reason.text): reason.contribution for reasons in told for reason in reasons}
    return TicketFile(
        ticket_id=ticket_id,
        as_of=at,
        zone=local.name,
        row=row,
        facts=facts_of(events),
        clocks=clock_files(replay_ticket(events, histories.agreements, at)),
        events=tuple(event_line(event) for event in events),
        reasons=tuple(WeighedReason(text, weights.get(text)) for text in (row.reasons if row else ())),
    )


def clock_files(verdicts: Sequence[Verdict]) -> tuple[ClockFile, ...]:
    """The clocks that an agreement gives the ticket, in the order of the agreements."""
    return tuple(_clock_file(verdict) for verdict in verdicts if verdict.state is not VerdictState.NO_AGREEMENT)


def _clock_file(verdict: Verdict) -> ClockFile:
    return ClockFile(
        clock=Clock(
            target=verdict.target,
            agreement=verdict.agreement or "",
            state=NAMES[verdict.state],
            due_at=verdict.due_at,
            breached_at=verdict.breached_at,
            target_seconds=verdict.target_seconds,
            elapsed_seconds=verdict.elapsed_seconds,
            remaining_working_seconds=verdict.remaining_seconds,
            remaining_wall_seconds=verdict.remaining_wall_seconds,
        ),
        kind=verdict.kind or "",
        owner=verdict.owner or "",
        started_at=verdict.started_at,
        stopped_at=verdict.stopped_at,
        paused_seconds=verdict.paused_seconds,
        rule=verdict.rule or "",
        why=verdict.why,
        calendar=verdict.calendar or "",
        time_zone=verdict.time_zone,
        policies={name: _choice(value) for name, value in verdict.policies.items() if value is not None},
        warnings=tuple(Warned(warning.share, warning.at, warning.is_passed) for warning in verdict.warnings),
        steps=tuple(
            Step(step.doing, step.from_at, step.until_at, step.worked_seconds, step.text) for step in verdict.trace
        ),
    )


def _choice(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("_", " ")


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
