"""The input of all clock code: ticket events as integer arrays, one run of rows a ticket.

A row says what became known about a ticket at an instant. Two instants belong to it: `at_us`, when it happened, and
`recorded_us`, when it was known. Code that looks at an instant filters on both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sla.columns import Column
from sla.event_ids import EventIds
from sla.instants import NEVER_US, Int64Array

__all__ = ["ACTOR_KINDS", "KINDS", "NEVER_US", "STATUSES", "WAITING_ON", "Column", "EventLog", "TicketEvent"]

STATUSES = ("new", "open", "waiting", "resolved", "closed", "cancelled")
OVER = ("resolved", "closed", "cancelled")
WAITING_ON = ("customer", "supplier", "problem", "evidence", "change", "other")
KINDS = ("created", "updated", "commented", "noted", "status", "assigned", "priority", "worked", "escalated", "merged")
ACTOR_KINDS = ("agent", "customer", "supplier", "system")
STATE_COLUMNS = ("status", "waiting_on", "priority", "service", "category", "team", "assignee", "customer", "channel")
ROW_COLUMNS = ("kind", "actor_kind")


@dataclass(frozen=True)
class TicketEvent:
    """One event of one ticket for the scalar path; `values` maps column names to text, absent = no news, "" = cleared."""

    ticket_id: str
    event_id: str
    at_us: int
    recorded_us: int
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EventLog:
    """Events of t tickets in n rows, sorted by ticket, then `at_us`, then `event_id` (so ties have one documented order).

    Rows of ticket k are `offsets[k]:offsets[k + 1]`. Instants are int64 microseconds since 1970 UTC.
    """

    ticket_ids: NDArray[np.object_]
    offsets: Int64Array
    at_us: Int64Array
    recorded_us: Int64Array
    ids: EventIds
    columns: Mapping[str, Column]
    as_recorded: EventLog | None = field(default=None, repr=False, compare=False)  # what `filled` was made from

    @classmethod
    def from_columns(
        cls,
        ticket_ids: Sequence[str] | NDArray[Any] | Column,
        at_us: ArrayLike,
        recorded_us: ArrayLike,
        event_ids: Sequence[str] | NDArray[Any] | EventIds,
        columns: Mapping[str, Any],
    ) -> EventLog:
        """A sorted log from plain arrays of n rows in any order; texts come as arrays, or as `Column`s already.

        Raises ValueError, naming the array, when lengths differ.
        """
        tickets = ticket_ids if isinstance(ticket_ids, Column) else Column.from_values(ticket_ids)
        tickets = tickets.in_order()
        at, recorded = np.asarray(at_us, dtype=np.int64), np.asarray(recorded_us, dtype=np.int64)
        ids = event_ids if isinstance(event_ids, EventIds) else EventIds.of(event_ids)
        encoded = {
            name: value if isinstance(value, Column) else Column.from_values(value) for name, value in columns.items()
        }
        lengths = {"at_us": at.size, "recorded_us": recorded.size, "event_ids": len(ids)}
        lengths |= {name: column.codes.size for name, column in encoded.items()}
        for name, size in lengths.items():
            if size != tickets.codes.size:
                raise ValueError(
                    f"{name} has {size} rows, ticket_ids has {tickets.codes.size}; every array needs one value a row"
                )
        if (tickets.codes < 0).any():
            row = int(np.flatnonzero(tickets.codes < 0)[0])
            raise ValueError(f"row {row} has no ticket id; every event belongs to a ticket")
        order = _sorted_rows(tickets, at, ids)
        offsets = np.zeros(len(tickets.values) + 1, dtype=np.int64)
        np.cumsum(np.bincount(tickets.codes, minlength=len(tickets.values)), out=offsets[1:])
        names = np.empty(len(tickets.values), dtype=object)
        names[:] = tickets.values
        return cls(
            names,
            offsets,
            at[order],
            recorded[order],
            ids[order],
            {name: column.take(order) for name, column in encoded.items()},
        )

    @classmethod
    def from_events(cls, events: Iterable[TicketEvent]) -> EventLog:
        """A sorted log of single events."""
        rows = list(events)
        names = sorted({name for row in rows for name in row.values})
        return cls.from_columns(
            [row.ticket_id for row in rows],
            [row.at_us for row in rows],
            [row.recorded_us for row in rows],
            [row.event_id for row in rows],
            {name: [row.values.get(name) for row in rows] for name in names},
        )

    @classmethod
    def joined(cls, logs: Sequence[EventLog]) -> EventLog:
        """One log of all events of some logs as recorded; a ticket may have events in several of them."""
        raw = [log.unfilled() for log in logs]
        names = dict.fromkeys(name for log in raw for name in log.columns)
        tickets = Column.joined(
            [Column(log.row_ticket.astype(np.int32), tuple(log.ticket_ids.tolist())) for log in raw]
        )
        return cls.from_columns(
            tickets,
            np.concatenate([log.at_us for log in raw]),
            np.concatenate([log.recorded_us for log in raw]),
            EventIds.joined([log.ids for log in raw]),
            {
                name: Column.joined([log.columns.get(name, Column.unknown(len(log.at_us))) for log in raw])
                for name in names
            },
        )

    def of_tickets(self, tickets: Int64Array) -> EventLog:
        """The events of some tickets (indices, ascending) as recorded; it holds no text that they do not use."""
        chosen = self.unfilled()
        if len(tickets) < len(self.ticket_ids):
            counts = self.offsets[tickets + 1] - self.offsets[tickets]
            ends = np.cumsum(counts)
            rows = np.arange(int(counts.sum())) + np.repeat(self.offsets[tickets] - ends + counts, counts)
            chosen = chosen.select(rows, tickets, counts)
        return replace(chosen, columns={name: column.compact().unpacked() for name, column in chosen.columns.items()})

    @property
    def event_ids(self) -> NDArray[np.object_]:
        """The id of each row's event as text."""
        at_us, tickets = self.at_us.tolist(), self.ticket_ids[self.row_ticket].tolist()
        found = np.empty(len(at_us), dtype=object)
        found[:] = [self.ids.text(row, ticket, at) for row, (ticket, at) in enumerate(zip(tickets, at_us, strict=True))]
        return found

    @cached_property
    def row_ticket(self) -> Int64Array:
        """The ticket index of each row."""
        if self.as_recorded is not None:
            return self.as_recorded.row_ticket
        return np.repeat(np.arange(self.ticket_ids.size, dtype=np.int64), np.diff(self.offsets))

    @cached_property
    def row_start(self) -> Int64Array:
        """The first row of each row's ticket."""
        if self.as_recorded is not None:
            return self.as_recorded.row_start
        return np.repeat(self.offsets[:-1], np.diff(self.offsets))

    @cached_property
    def known_us(self) -> Int64Array:
        """When each row counts: the later of happening and being recorded."""
        if self.as_recorded is not None:
            return self.as_recorded.known_us
        if self.recorded_us is self.at_us:
            return self.at_us
        return np.maximum(self.at_us, self.recorded_us)

    def filled(self) -> EventLog:
        """The log with every state column carried forward inside its ticket (not kind and actor_kind, which belong to one row)."""
        if self.as_recorded is not None:
            return self
        columns = {
            name: column.unpacked() if name in ROW_COLUMNS else column.filled(self.row_start)
            for name, column in self.columns.items()
        }
        return EventLog(
            self.ticket_ids, self.offsets, self.at_us, self.recorded_us, self.ids, columns, as_recorded=self
        )

    def unfilled(self) -> EventLog:
        """The log as recorded: what `filled` was made from, or the log itself."""
        return self if self.as_recorded is None else self.as_recorded

    def select(self, rows: Int64Array, tickets: Int64Array, counts: Int64Array) -> EventLog:
        """A log of chosen rows of this one: ticket j has id `ticket_ids[tickets[j]]` and the next `counts[j]` of `rows`."""
        offsets = np.zeros(tickets.size + 1, dtype=np.int64)
        np.cumsum(counts, out=offsets[1:])
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        at_us = self.at_us[rows]
        recorded_us = at_us if self.recorded_us is self.at_us else self.recorded_us[rows]
        return EventLog(self.ticket_ids[tickets], offsets, at_us, recorded_us, self.ids[rows], columns)

    def packed(self) -> EventLog:
        """The same log in less memory: codes of few bytes, and one array of instants where all was recorded at once."""
        columns = {name: column.packed() for name, column in self.columns.items()}
        is_at_once = np.array_equal(self.at_us, self.recorded_us)
        return replace(self, columns=columns, recorded_us=self.at_us if is_at_once else self.recorded_us)

    def block(self, first: int, last: int) -> EventLog:
        """The log of the tickets from `first` up to, not including, `last`; it shares the arrays of this one."""
        rows = slice(int(self.offsets[first]), int(self.offsets[last]))
        columns = {name: Column(column.codes[rows], column.values) for name, column in self.columns.items()}
        recorded = None if self.as_recorded is None else self.as_recorded.block(first, last)
        offsets = self.offsets[first : last + 1] - self.offsets[first]
        ids = self.ids[rows]
        return EventLog(
            self.ticket_ids[first:last], offsets, self.at_us[rows], self.recorded_us[rows], ids, columns, recorded
        )

    def blocks(self, rows: int) -> Iterator[EventLog]:
        """The log in parts of about so many rows, each ticket whole in one of them."""
        wanted = np.searchsorted(self.offsets, np.arange(rows, len(self.at_us), rows))
        edges = np.unique([0, *wanted, self.ticket_ids.size]).tolist()
        for first, last in pairwise(edges):
            yield self.block(first, last)

    def visible(self, at_us: int) -> EventLog:
        """The log as it was known at an instant: rows that had happened and were recorded; tickets without rows remain, empty."""
        rows = np.flatnonzero(self.known_us <= at_us)
        counts = np.bincount(self.row_ticket[rows], minlength=self.ticket_ids.size).astype(np.int64)
        seen = self.unfilled().select(rows, np.arange(self.ticket_ids.size, dtype=np.int64), counts)
        return seen if self.as_recorded is None else seen.filled()

    def ticket_index(self, ticket_id: str) -> int:
        """The index of a ticket. Raises KeyError when the log does not hold it."""
        index = int(np.searchsorted(self.ticket_ids, ticket_id))
        if index == self.ticket_ids.size or self.ticket_ids[index] != ticket_id:
            raise KeyError(ticket_id)
        return index

    def events_of(self, ticket_id: str) -> list[TicketEvent]:
        """The events of one ticket as recorded, in order. Raises KeyError when the log does not hold the ticket."""
        raw, index = self.unfilled(), self.ticket_index(ticket_id)
        return [raw._event(row, ticket_id) for row in range(int(raw.offsets[index]), int(raw.offsets[index + 1]))]

    def _event(self, row: int, ticket_id: str) -> TicketEvent:
        values = {name: text for name, column in self.columns.items() if (text := column.value(row)) is not None}
        return TicketEvent(
            ticket_id,
            self.ids.text(row, ticket_id, int(self.at_us[row])),
            int(self.at_us[row]),
            int(self.recorded_us[row]),
            values,
        )


def _sorted_rows(tickets: Column, at_us: Int64Array, ids: EventIds) -> Int64Array:
    """Row order by ticket, instant, event id; ids are compared only where ticket and instant tie, which is rare."""
    order = _by_ticket_and_instant(tickets.codes, at_us)
    tied = np.flatnonzero((np.diff(tickets.codes[order]) == 0) & (np.diff(at_us[order]) == 0))
    if tied.size == 0:
        return order
    breaks = np.flatnonzero(np.diff(tied) > 1)
    firsts, ends = tied[np.concatenate(([0], breaks + 1))], tied[np.concatenate((breaks, [tied.size - 1]))] + 2
    if ids.texts is None:
        places = np.repeat(firsts - np.concatenate(([0], np.cumsum(ends - firsts)[:-1])), ends - firsts)
        places += np.arange(places.size)
        group = np.repeat(np.arange(firsts.size), ends - firsts)
        order[places] = order[places][np.lexsort((ids.numbers[order[places]], group))]
        return order
    for first, end in zip(firsts.tolist(), ends.tolist(), strict=True):
        rows = order[first:end].tolist()
        ticket, at = str(tickets.value(rows[0])), int(at_us[rows[0]])
        texts = {row: ids.text(row, ticket, at) for row in rows}
        order[first:end] = sorted(rows, key=texts.__getitem__)
    return order


def _by_ticket_and_instant(ticket: NDArray[np.int32], at_us: Int64Array) -> Int64Array:
    """Row order by ticket and instant; which of two equal ones comes first is settled by the caller."""
    steps = np.diff(ticket)
    if bool(((steps > 0) | ((steps == 0) & (np.diff(at_us) >= 0))).all()):
        return np.arange(ticket.size, dtype=np.int64)
    since = at_us - at_us.min()
    since //= max(int(np.gcd.reduce(since)), 1)  # instants to the minute or second need few bits
    bits = int(since.max()).bit_length()
    if bits + int(ticket.max()).bit_length() < 63:  # both fit into one number, and one fast sort does
        since |= ticket.astype(np.int64) << bits
        return np.argsort(since).astype(np.int64, copy=False)
    order = np.argsort(at_us)
    return order[np.argsort(ticket[order], kind="stable")].astype(np.int64, copy=False)
