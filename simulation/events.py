"""What the desk writes down: canonical events (docs/data-contract.md), in the order in which the system learns of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.schema import conform_service_events, conform_ticket_events, empty_service_events, empty_ticket_events
from simulation.arrivals import Failure
from simulation.tickets import Ticket
from simulation.world import World
from sla.instants import SECOND_US

ATTRIBUTES = ("title", "subcategory", "handling_minutes")
_COLUMNS = (
    "ticket_id",
    "ordinal",
    "event_at",
    "recorded_at",
    "kind",
    "actor_kind",
    "status",
    "waiting_on",
    "priority",
    "team",
    "assignee",
    "attributes.handling_minutes",
    "service",
    "category",
    "customer",
    "channel",
    "attributes.title",
    "attributes.subcategory",
)
_ONLY_AT_CREATION = (None,) * 6


class TicketJournal:
    """The ticket events since the last reading. Every event holds only what it changes: missing = no news."""

    def __init__(self, world: World) -> None:
        self._priorities, self._teams = world.priorities, world.teams
        self._rows: list[tuple[Any, ...]] = []

    def taken(self) -> pd.DataFrame:
        """Return the events written since the last call, as a canonical frame, and forget them."""
        rows, self._rows = self._rows, []
        if not rows:
            return empty_ticket_events(ATTRIBUTES)
        columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
        frame = pd.DataFrame(
            {name: _strings(columns[name]) for name in _COLUMNS if name not in ("ordinal", "event_at", "recorded_at")}
        )
        event_at = np.array(columns["event_at"], dtype="datetime64[us]")
        frame["event_at"] = pd.DatetimeIndex(event_at, tz="UTC")
        frame["recorded_at"] = pd.DatetimeIndex(np.array(columns["recorded_at"], dtype="datetime64[us]"), tz="UTC")
        frame["event_id"] = _strings(_event_ids(columns["ticket_id"], event_at, columns["ordinal"]))
        return conform_ticket_events(frame)

    def created(self, ticket: Ticket) -> None:
        """Note a new ticket: it happened when it was opened, and is known from when it was recorded."""
        state = ("new", "", self._priorities[ticket.priority], self._teams[ticket.team], "", "0")
        text = (ticket.service, ticket.category, ticket.customer, ticket.channel, ticket.title, ticket.subcategory)
        head = (ticket.ticket_id, 0, ticket.opened_us, ticket.recorded_us, "created", ticket.written_by)
        ticket.written_us = ticket.opened_us
        self._rows.append((*head, *state, *text))

    def assigned(self, ticket: Ticket, at_us: int, is_first: bool) -> None:
        """Note who takes a ticket, and that it is open if it was new."""
        self._write(ticket, at_us, "assigned", "agent", status="open" if is_first else None, assignee=ticket.assignee)

    def noted(self, ticket: Ticket, at_us: int) -> None:
        """Note a progress note, with the hands-on time booked so far."""
        self._write(ticket, at_us, "worked", "agent", handling=_minutes(ticket.handled_us))

    def handed_over(self, ticket: Ticket, at_us: int) -> None:
        """Note that a ticket goes to another team and belongs to nobody there yet."""
        team = self._teams[ticket.team]
        self._write(ticket, at_us, "assigned", "agent", team=team, assignee="", handling=_minutes(ticket.handled_us))

    def asked(self, ticket: Ticket, at_us: int) -> None:
        """Note that the ticket waits for somebody outside the desk."""
        self._write(
            ticket,
            at_us,
            "status",
            "agent",
            status="waiting",
            waiting_on=ticket.waiting_on,
            handling=_minutes(ticket.handled_us),
        )

    def answered(self, ticket: Ticket, at_us: int) -> None:
        """Note the answer of customer or supplier."""
        self._write(ticket, at_us, "status", ticket.waiting_on, status="open", waiting_on="")

    def chased(self, ticket: Ticket, at_us: int) -> None:
        """Note that the customer asks where it stands."""
        self._write(ticket, at_us, "commented", "customer")

    def raised(self, ticket: Ticket, at_us: int) -> None:
        """Note a new priority."""
        self._write(ticket, at_us, "priority", "agent", priority=self._priorities[ticket.priority])

    def resolved(self, ticket: Ticket, at_us: int) -> None:
        """Note the solution, with all hands-on time so far."""
        self._write(ticket, at_us, "status", "agent", status="resolved", handling=_minutes(ticket.handled_us))

    def reopened(self, ticket: Ticket, at_us: int) -> None:
        """Note that the customer does not agree."""
        self._write(ticket, at_us, "status", "customer", status="open")

    def cancelled(self, ticket: Ticket, at_us: int) -> None:
        """Note that the customer does not need it any more."""
        self._write(ticket, at_us, "status", "customer", status="cancelled")

    def closed(self, ticket: Ticket, at_us: int) -> None:
        """Note that the system closes what nobody objected to."""
        self._write(ticket, at_us, "status", "system", status="closed")

    def _write(
        self,
        ticket: Ticket,
        at_us: int,
        kind: str,
        actor_kind: str,
        *,
        status: str | None = None,
        waiting_on: str | None = None,
        priority: str | None = None,
        team: str | None = None,
        assignee: str | None = None,
        handling: str | None = None,
    ) -> None:
        ticket.ordinal = ticket.ordinal + 1 if ticket.written_us == at_us else 0
        ticket.written_us = at_us
        head = (ticket.ticket_id, ticket.ordinal, at_us, at_us, kind, actor_kind)
        self._rows.append((*head, status, waiting_on, priority, team, assignee, handling, *_ONLY_AT_CREATION))


class ServiceJournal:
    """The service events since the last reading: outages, as the monitoring sees them begin and end."""

    def __init__(self, world: World) -> None:
        self._outages = world.outages
        self._rows: list[tuple[str, str, int, str]] = []

    def write(self, failure: Failure, at_us: int, is_over: bool) -> None:
        """Note the beginning or the end of an outage."""
        service = self._outages[failure.outage].service
        outage_id = f"{service}/{failure.start_us // SECOND_US}/{failure.number}"
        self._rows.append((outage_id, service, at_us, "end" if is_over else "start"))

    def taken(self) -> pd.DataFrame:
        """Return the events written since the last call, as a canonical frame, and forget them."""
        rows, self._rows = self._rows, []
        if not rows:
            return empty_service_events()
        outage_ids, services, at_us, phases = zip(*rows, strict=True)
        frame = pd.DataFrame({"service": _strings(services), "phase": _strings(phases)})
        frame["event_id"] = _strings([f"{outage}/{phase}" for outage, phase in zip(outage_ids, phases, strict=True)])
        frame["event_at"] = pd.DatetimeIndex(np.array(at_us, dtype="datetime64[us]"), tz="UTC")
        frame["kind"], frame["severity"] = "outage", "major"
        return conform_service_events(frame)


def _minutes(handled_us: int) -> str:
    return str(round(handled_us / (60 * SECOND_US)))


def _strings(values: Any) -> Any:
    return pd.array(list(values), dtype="str")


def _event_ids(ticket_ids: tuple[str, ...], event_at: Any, ordinals: tuple[int, ...]) -> list[str]:
    stamps = np.datetime_as_string(event_at, unit="us").tolist()
    return [
        f"{ticket}/{at[:4]}{at[5:7]}{at[8:13]}{at[14:16]}{at[17:19]}{at[20:]}/{ordinal:03d}"
        for ticket, at, ordinal in zip(ticket_ids, stamps, ordinals, strict=True)
    ]
