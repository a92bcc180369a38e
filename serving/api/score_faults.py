"""What is wrong with events that were sent to be scored, each fault by its place in the body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from features.schema import TICKET_VOCABULARIES
from serving.problems import Fault


class SentEvent(Protocol):
    """What is looked at of an event; its words by the names of TICKET_VOCABULARIES."""

    event_at: datetime
    recorded_at: datetime | None
    event_id: str | None


class SentTicket(Protocol):
    """A ticket with its events, in the order sent."""

    @property
    def events(self) -> Sequence[SentEvent]:
        """At least one."""
        ...


def score_faults(tickets: Sequence[SentTicket]) -> tuple[Fault, ...]:
    """The faults of the data contract that types alone do not exclude: unknown words, ids used twice, news before the event.

    It costs microseconds an event, so it is asked only once something was found to be wrong.
    """
    first_places: dict[str, str] = {}
    return tuple(
        fault
        for ticket_place, ticket in enumerate(tickets)
        for place, event in enumerate(ticket.events)
        for fault in _faults(event, f"#/tickets/{ticket_place}/events/{place}", first_places)
    )


def _faults(event: SentEvent, where: str, first_places: dict[str, str]) -> Iterator[Fault]:
    for name, words in TICKET_VOCABULARIES.items():
        word = getattr(event, name)
        if word is not None and word not in words:
            expected = f"one of {', '.join(one or 'an empty text' for one in words)}"
            yield _fault(f"{where}/{name}", repr(word[:60]), expected)
    if event.event_id is not None and first_places.setdefault(event.event_id, where) != where:
        found = f"{event.event_id[:60]!r}, as in {first_places[event.event_id]}"
        yield _fault(f"{where}/event_id", found, "an id of its own, or none")
    if event.recorded_at is not None and event.recorded_at < event.event_at:
        expected = f"not before event_at, {event.event_at.isoformat()}"
        yield _fault(f"{where}/recorded_at", event.recorded_at.isoformat(), expected)


def _fault(pointer: str, found: str, expected: str) -> Fault:
    return Fault(pointer, f"{pointer.rpartition('/')[2]}: found {found}, expected {expected}", found, expected)
