"""What the desk writes down: canonical events (docs/data-contract.md), in the order in which the system learns of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features.schema import (
    ATTRIBUTE_PREFIX,
    conform_service_events,
    conform_ticket_events,
    empty_service_events,
    empty_ticket_events,
)
from simulation.arrivals import Failure
from simulation.tickets import Ticket
from simulation.world import World
from sla.instants import SECOND_US

MINUTE_US = 60 * SECOND_US

ATTRIBUTES = ("title", "subcategory", "handling_minutes")
_HANDLING = ATTRIBUTE_PREFIX + "handling_minutes"
_INSTANTS = ("event_at", "recorded_at")
_COLUMNS = (
    "ticket_id",
    "ordinal",
    *_INSTANTS,
    "kind",
    "status",
    "waiting_on",
    "priority",
    "service",
    "category",
    "team",
    "assignee",
    "customer",
    "channel",
    "actor_kind",
    *(ATTRIBUTE_PREFIX + name for name in ATTRIBUTES),
)


class TicketJournal:
    """The ticket events since the last reading. Like an audit log, every event shows the whole ticket as it is then."""

    def __init__(self, world: World) -> None:
        self._priorities, self._teams = world.priorities, world.teams
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
        self._rows.append(
            (
                ticket.ticket_id,
                ticket.ordinal,
                at_us,
                recorded_us,
                kind,
                ticket.status,
                ticket.waiting_on,
                self._priorities[ticket.priority],
                ticket.service,
                ticket.category,
                self._teams[ticket.team],
                ticket.assignee,
                ticket.customer,
                ticket.channel,
                actor_kind,
                ticket.title,
                ticket.subcategory,
                ticket.handled_us,
            )
        )

    def taken(self) -> pd.DataFrame:
        """Return the events written since the last call, as a canonical frame, and forget them."""
        rows, self._rows = self._rows, []
        if not rows:
            return empty_ticket_events(ATTRIBUTES)
        columns: dict[str, Sequence[Any]] = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
        ordinals = columns.pop("ordinal")
        columns[_HANDLING] = [str(round(handled_us / MINUTE_US)) for handled_us in columns[_HANDLING]]
        frame = {name: _instants(values) if name in _INSTANTS else _strings(values) for name, values in columns.items()}
        ids = _event_ids(columns["ticket_id"], columns["event_at"], ordinals)
        return conform_ticket_events(pd.DataFrame({"event_id": _strings(ids), **frame}))


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
        ids = [f"{outage}/{phase}" for outage, phase in zip(outage_ids, phases, strict=True)]
        frame = pd.DataFrame({"event_id": _strings(ids), "service": _strings(services), "phase": _strings(phases)})
        frame["event_at"] = _instants(at_us)
        frame["kind"], frame["severity"], frame["value"] = "outage", "major", np.nan
        return conform_service_events(frame)


def _strings(values: Iterable[str]) -> pd.Series:
    return pd.Series(pa.array(values, type=pa.large_string()).to_pandas(), dtype="str")


def _instants(values_us: Iterable[int]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.array(values_us, dtype="datetime64[us]"), tz="UTC")


def _event_ids(ticket_ids: Iterable[str], at_us: Iterable[int], ordinals: Iterable[int]) -> list[str]:
    """Return ids as an import of the same events gives them: ticket, instant, number among the ticket's events of that instant."""
    stamps = np.datetime_as_string(np.array(at_us, dtype="datetime64[us]"), unit="us").tolist()
    return [
        f"{ticket}/{at[:4]}{at[5:7]}{at[8:13]}{at[14:16]}{at[17:19]}{at[20:]}/{ordinal:03d}"
        for ticket, at, ordinal in zip(ticket_ids, stamps, ordinals, strict=True)
    ]
