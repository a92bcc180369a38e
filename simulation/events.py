"""What the desk writes down: canonical events (docs/data-contract.md), in the order in which the system learns of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from features.schema import (
    ATTRIBUTE_PREFIX,
    conform_service_events,
    conform_ticket_events,
    empty_service_events,
    empty_ticket_events,
)
from features.sources.event_ids import event_ids
from features.sources.table import Coded
from simulation.arrivals import Failure
from simulation.tickets import Ticket
from simulation.world import World
from sla.instants import SECOND_US

MINUTE_US = 60 * SECOND_US

ATTRIBUTES = ("title", "subcategory", "handling_minutes")
_CHANGING = (
    "ordinal",
    "event_at",
    "recorded_at",
    "kind",
    "status",
    "waiting_on",
    "priority",
    "team",
    "assignee",
    "actor_kind",
    "handled",
)
_LASTING = ("ticket_id", "service", "category", "customer", "channel", "title", "subcategory")


class TicketJournal:
    """The ticket events since the last reading. Like an audit log, every event shows the whole ticket as it is then."""

    def __init__(self, world: World) -> None:
        self._priorities, self._teams = world.priorities, world.teams
        self._tickets: list[Ticket] = []
        self._rows: list[tuple[Any, ...]] = []

    def write(self, ticket: Ticket, at_us: int, kind: str, actor_kind: str) -> None:
        """Note that something happened to a ticket now, and how it looks after it."""
        self._write(ticket, at_us, at_us, kind, actor_kind)

    def created(self, ticket: Ticket) -> None:
        """Note a new ticket: it happened when it was opened, and is known from when it was recorded."""
        self._write(ticket, ticket.opened_us, ticket.recorded_us, "created", ticket.written_by)

    def _write(self, ticket: Ticket, at_us: int, recorded_us: int, kind: str, actor_kind: str) -> None:
        ticket.ordinal = ticket.ordinal + 1 if ticket.written_us == at_us else 1
        ticket.written_us = at_us
        self._tickets.append(ticket)
        self._rows.append(
            (
                ticket.ordinal,
                at_us,
                recorded_us,
                kind,
                ticket.status,
                ticket.waiting_on,
                self._priorities[ticket.priority],
                self._teams[ticket.team],
                ticket.assignee,
                actor_kind,
                ticket.handled_us,
            )
        )

    def taken(self) -> pd.DataFrame:
        """Return the events written since the last call, as a canonical frame, and forget them."""
        tickets, rows, self._tickets, self._rows = self._tickets, self._rows, [], []
        if not rows:
            return empty_ticket_events(ATTRIBUTES)
        changing = dict(zip(_CHANGING, zip(*rows, strict=True), strict=True))
        at_us, recorded_us, ordinal, handled_us = (
            np.array(changing.pop(name), dtype=np.int64) for name in ("event_at", "recorded_at", "ordinal", "handled")
        )
        columns = {name: _coded(values) for name, values in changing.items()}
        columns |= _lasting(tickets)
        minutes = np.rint(handled_us / MINUTE_US).astype(np.int64).astype("str").tolist()
        columns["handling_minutes"] = _coded(minutes)
        ids = event_ids([columns["ticket_id"]], at_us, ordinal)
        texts = {_canonical(name): column.series() for name, column in columns.items()}
        instants = {"event_at": _instants(at_us), "recorded_at": _instants(recorded_us)}
        return conform_ticket_events(pd.DataFrame({"event_id": ids, **instants, **texts}))


def _lasting(tickets: Sequence[Ticket]) -> dict[str, Coded]:
    """Return the columns that never change in a ticket's life, one row a ticket given."""
    places: dict[Ticket, int] = {}
    rows = np.array([places.setdefault(ticket, len(places)) for ticket in tickets], dtype=np.int64)
    return {name: _coded([getattr(ticket, name) for ticket in places]).take(rows) for name in _LASTING}


def _coded(values: Sequence[str]) -> Coded:
    codes, words = pd.factorize(np.array(values, dtype=object))
    return Coded(codes.astype(np.int32), np.asarray(words, dtype=object))


def _canonical(name: str) -> str:
    return ATTRIBUTE_PREFIX + name if name in ATTRIBUTES else name


class ServiceJournal:
    """The service events since the last reading: outages, as the monitoring sees them begin and end."""

    def __init__(self, world: World) -> None:
        self._services = [*(one.service for one in world.outages), *(one.topic.service for one in world.planned)]
        self._rows: list[tuple[str, str, int, str]] = []

    def write(self, failure: Failure, at_us: int, is_over: bool) -> None:
        """Note the beginning or the end of an outage."""
        service = self._services[failure.outage]
        outage_id = f"{service}/{failure.start_us // SECOND_US}/{failure.number}"
        self._rows.append((outage_id, service, at_us, "end" if is_over else "start"))

    def taken(self) -> pd.DataFrame:
        """Return the events written since the last call, as a canonical frame, and forget them."""
        rows, self._rows = self._rows, []
        if not rows:
            return empty_service_events()
        outage_ids, services, at_us, phases = zip(*rows, strict=True)
        ids = [f"{outage}/{phase}" for outage, phase in zip(outage_ids, phases, strict=True)]
        frame = pd.DataFrame({"event_id": ids, "service": services, "phase": phases})
        frame["event_at"] = _instants(at_us)
        frame["kind"], frame["severity"], frame["value"] = "outage", "major", np.nan
        return conform_service_events(frame)


def _instants(values_us: ArrayLike) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(values_us, dtype=np.int64).view("datetime64[us]"), tz="UTC")
