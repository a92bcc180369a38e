"""What was known at an instant: the last visible row of each query, and separate histories where records came late.

Rows are in the order in which things happened. Where they also became known in that order, what is visible at an instant
is the beginning of a ticket's rows, and one search finds its end. Where a record came late, the visible rows have gaps;
for those tickets each state of knowledge that is asked about becomes a history of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sla.clocks.row_runs import last_row
from sla.events import OVER, Column, EventLog
from sla.instants import BoolArray, Int64Array

FEW = 8  # tickets are few where there are so many times as many: a log of their own is then made at less cost


@dataclass(frozen=True)
class Seen:
    """Queries against a log in which each ticket's rows became known in order; `row` is -1 where nothing was known yet."""

    log: EventLog
    query: Int64Array  # positions among the caller's queries
    ticket: Int64Array
    row: Int64Array


def asked_alone(log: EventLog, ticket: Int64Array) -> tuple[EventLog, Int64Array]:
    """A log of the tickets that are asked about and their indices there, where these are few; else what was given."""
    if ticket.size * FEW > log.ticket_ids.size:
        return log, ticket
    asked, place = np.unique(ticket, return_inverse=True)
    return log.of_tickets(asked), place.astype(np.int64)


def knows_in_order(log: EventLog) -> BoolArray:
    """Whether the rows of each ticket became known in the order in which they happened."""
    in_order = np.ones(log.ticket_ids.size, dtype=np.bool_)
    known_us = log.known_us
    late = np.flatnonzero((known_us[1:] < known_us[:-1]) & (log.row_ticket[1:] == log.row_ticket[:-1]))
    in_order[log.row_ticket[late]] = False
    return in_order


def knows_at_once(log: EventLog) -> BoolArray:
    """Whether every row of each ticket became known when it happened."""
    at_once = np.ones(log.ticket_ids.size, dtype=np.bool_)
    at_once[log.row_ticket[log.recorded_us > log.at_us]] = False
    return at_once


def last_seen(log: EventLog, ticket: Int64Array, at_us: Int64Array) -> Int64Array:
    """The last row of each ticket that was known at each instant, -1 where none was; rows must be known in order."""
    return last_row(log.offsets, log.known_us, ticket, at_us)


def seen_by(log: EventLog, ticket: Int64Array, at_us: Int64Array, dates_us: Sequence[int] = ()) -> list[Seen]:
    """The queries, split into those against the log itself and those against histories with late records.

    With `dates_us`, tickets that are not over have a row of their own at each of these instants.
    """
    if log.at_us.size == 0:
        return [Seen(log.filled(), np.arange(ticket.size), ticket, np.full(ticket.size, -1, dtype=np.int64))]
    plain = (knows_at_once(log) if dates_us else knows_in_order(log))[ticket]
    parts = []
    if plain.any():
        chosen = np.flatnonzero(plain)
        parts.append(Seen(log.filled(), chosen, ticket[chosen], last_seen(log, ticket[chosen], at_us[chosen])))
    if not plain.all():
        parts.append(_with_late_records(log, np.flatnonzero(~plain), ticket, at_us))
    return [_with_dates(part, at_us, dates_us) for part in parts] if dates_us else parts


def _with_dates(seen: Seen, at_us: Int64Array, dates_us: Sequence[int]) -> Seen:
    """Queries whose tickets' rows are all known at them up to their instant, against a log with rows for the dates."""
    log = log_with_dates(seen.log, dates_us).filled()
    row = np.where(seen.row < 0, np.int64(-1), last_row(log.offsets, log.at_us, seen.ticket, at_us[seen.query]))
    return Seen(log, seen.query, seen.ticket, row)


def _with_late_records(log: EventLog, chosen: Int64Array, ticket: Int64Array, at_us: Int64Array) -> Seen:
    """The queries against a log with one ticket for each state of knowledge that they ask about."""
    order = np.lexsort((log.known_us, log.row_ticket))
    by_knowledge = EventLog(log.ticket_ids, log.offsets, log.known_us[order], log.known_us[order], log.ids[order], {})
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


def log_with_dates(log: EventLog, dates_us: Sequence[int]) -> EventLog:
    """A log with a row for each of the dates and each ticket that it found not over, before the events of the same instant."""
    if not dates_us or log.at_us.size == 0:
        return log
    status = log.filled().columns.get("status")
    tickets = np.arange(log.ticket_ids.size, dtype=np.int64)
    rows, dates, counts = [], [], np.zeros(tickets.size, dtype=np.int64)
    for date_us in dates_us:
        row = last_row(log.offsets, log.at_us, tickets, np.full(tickets.size, date_us - 1, dtype=np.int64))
        goes_on = row >= 0
        if status is not None:
            over = np.array([*(text in OVER for text in status.values), False], dtype=np.bool_)
            goes_on[goes_on] &= ~over[status.codes[row[goes_on]]]
        counts += goes_on
        rows.append(row[goes_on])
        dates.append(np.full(int(goes_on.sum()), date_us, dtype=np.int64))
    return _inserted(log.unfilled(), np.concatenate(rows) + 1, np.concatenate(dates), counts)


def _inserted(log: EventLog, places: Int64Array, dates_us: Int64Array, counts: Int64Array) -> EventLog:
    order = np.lexsort((dates_us, places))
    places, dates_us = places[order], dates_us[order]
    offsets = log.offsets.copy()
    offsets[1:] += np.cumsum(counts)
    columns = {
        name: Column(np.insert(column.codes, places, np.int32(-1)), column.values)
        for name, column in log.columns.items()
    }
    at_us, recorded_us = np.insert(log.at_us, places, dates_us), np.insert(log.recorded_us, places, dates_us)
    return EventLog(log.ticket_ids, offsets, at_us, recorded_us, log.ids.with_blanks(places), columns)
