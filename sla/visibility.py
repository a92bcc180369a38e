"""What was known at an instant: the last visible row of each query, and separate histories where records came late.

Rows are in the order in which things happened. Where they also became known in that order, what is visible at an instant
is the beginning of a ticket's rows, and one search finds its end. Where a record came late, the visible rows have gaps;
for those tickets each state of knowledge that is asked about becomes a history of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sla.events import EventLog
from sla.instants import BoolArray, Int64Array


@dataclass(frozen=True)
class Seen:
    """Queries against a log in which each ticket's rows became known in order; `row` is -1 where nothing was known yet."""

    log: EventLog
    query: Int64Array  # positions among the caller's queries
    ticket: Int64Array
    row: Int64Array


def knows_in_order(log: EventLog) -> BoolArray:
    """Whether the rows of each ticket became known in the order in which they happened."""
    in_order = np.ones(log.ticket_ids.size, dtype=np.bool_)
    known_us = log.known_us
    late = np.flatnonzero((known_us[1:] < known_us[:-1]) & (log.row_ticket[1:] == log.row_ticket[:-1]))
    in_order[log.row_ticket[late]] = False
    return in_order


def last_seen(log: EventLog, ticket: Int64Array, at_us: Int64Array) -> Int64Array:
    """The last row of each ticket that was known at each instant, -1 where none was; rows must be known in order."""
    low, high = log.offsets[ticket].copy(), log.offsets[ticket + 1].copy()
    first, known_us = low.copy(), log.known_us
    for _ in range(int(np.max(high - low, initial=0)).bit_length()):
        middle = (low + high) >> 1
        inside = middle < high
        goes_up = inside & (known_us[np.minimum(middle, known_us.size - 1)] <= at_us)
        low = np.where(goes_up, middle + 1, low)
        high = np.where(inside & ~goes_up, middle, high)
    return np.where(low > first, low - 1, np.int64(-1))


def seen_by(log: EventLog, ticket: Int64Array, at_us: Int64Array) -> list[Seen]:
    """The queries, split into those against the log itself and those against histories with late records."""
    if log.at_us.size == 0:
        return [Seen(log.filled(), np.arange(ticket.size), ticket, np.full(ticket.size, -1, dtype=np.int64))]
    plain = knows_in_order(log)[ticket]
    parts = []
    if plain.any():
        chosen = np.flatnonzero(plain)
        parts.append(Seen(log.filled(), chosen, ticket[chosen], last_seen(log, ticket[chosen], at_us[chosen])))
    if not plain.all():
        parts.append(_with_late_records(log, np.flatnonzero(~plain), ticket, at_us))
    return parts


def _with_late_records(log: EventLog, chosen: Int64Array, ticket: Int64Array, at_us: Int64Array) -> Seen:
    """The queries against a log with one ticket for each state of knowledge that they ask about."""
    order = np.lexsort((log.known_us, log.row_ticket))
    by_knowledge = EventLog(
        log.ticket_ids, log.offsets, log.known_us[order], log.known_us[order], log.event_ids[order], {}
    )
    newest = last_seen(by_knowledge, ticket[chosen], at_us[chosen])
    # How many rows of a ticket were known names its state of knowledge.
    size = log.at_us.size + 1
    distinct, which = np.unique(ticket[chosen] * size + newest + 1, return_inverse=True)
    tickets, last = distinct // size, distinct % size - 1
    counts = np.where(last < 0, 0, last - log.offsets[tickets] + 1)
    starts = np.concatenate(([0], np.cumsum(counts)))
    copy = np.repeat(np.arange(tickets.size), counts)
    rows = order[np.arange(copy.size) + np.repeat(log.offsets[tickets] - starts[:-1], counts)]
    rows = rows[np.lexsort((rows, copy))]  # back to the order in which things happened
    histories = log.unfilled().select(rows, tickets, counts).filled()
    row = np.where(counts[which] > 0, starts[which + 1] - 1, np.int64(-1))
    return Seen(histories, chosen, which.astype(np.int64), row)
