"""Verdicts of one term on many tickets: differences of prefix sums of the working time that counted between rows.

`ran[i]` is the time that counted before row i, over all tickets one after the other. What a clock has run at a row is
then `ran[row] - ran[begin]`, and the row in which it used up its target is found by one search for
`ran[begin] + target`; nothing depends on how many rows or days lie between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sla.agreements.target_length import as_named_us, target_us_from
from sla.agreements.terms import Term
from sla.clocks.masks import RowMasks
from sla.clocks.phases import Phases, phases
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import BoolArray, Int64Array
from sla.working_time.business_time import BusinessTime

MOST_SUM_US = float(2**61)  # prefix sums stay far below the largest int64, however long tickets live
MOST_ROWS = 1 << 18


@dataclass(frozen=True)
class Query:
    """What is asked of one term: m instants, each at a row of the log and in a ticket; all of the term's own tickets."""

    ticket: Int64Array
    row: Int64Array
    at_us: Int64Array


@dataclass(frozen=True)
class Governance:
    """What the matching of a clock says about all rows of a log."""

    matched: BoolArray  # some term governs the row
    changed: BoolArray  # another term governs from this row on, under a policy that starts the clock again


def measure(term: Term, calendar: BusinessTime, masks: RowMasks, governance: Governance, query: Query) -> VerdictArrays:
    """The verdicts of the term at each query, in the order of the queries."""
    found = VerdictArrays.blank(query.row.size, VerdictState.NOT_STARTED)
    for chosen, tickets in _chunks(query, masks):
        part = Query(query.ticket[chosen], query.row[chosen], query.at_us[chosen])
        found.place(chosen, _measure_chunk(term, calendar, masks, governance, part, tickets))
    return found


def _chunks(query: Query, masks: RowMasks) -> Iterator[tuple[Int64Array, Int64Array]]:
    """Positions of queries and their distinct tickets, in portions whose prefix sums fit."""
    log = masks.log
    order = np.argsort(query.ticket, kind="stable")
    tickets, firsts = np.unique(query.ticket[order], return_index=True)
    if tickets.size == 0:
        return
    first, last = log.offsets[tickets], log.offsets[tickets + 1]
    spans = np.where(
        last > first, log.at_us[np.maximum(last - 1, 0)] - log.at_us[np.minimum(first, log.at_us.size - 1)], 0
    )
    load = np.maximum(np.cumsum(spans.astype(float)) / MOST_SUM_US, np.cumsum(last - first) / MOST_ROWS).astype(
        np.int64
    )
    edges = np.flatnonzero(np.diff(load)) + 1
    bounds = np.concatenate(([0], edges, [tickets.size]))
    query_bounds = np.concatenate((firsts, [order.size]))
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield order[query_bounds[low] : query_bounds[high]], tickets[low:high]


def _measure_chunk(
    term: Term, calendar: BusinessTime, masks: RowMasks, governance: Governance, query: Query, tickets: Int64Array
) -> VerdictArrays:
    log = masks.log
    counts = log.offsets[tickets + 1] - log.offsets[tickets]
    local = np.concatenate(([0], np.cumsum(counts)))
    row_start = np.repeat(local[:-1], counts)
    rows = np.arange(row_start.size, dtype=np.int64) + np.repeat(log.offsets[tickets] - local[:-1], counts)
    position = np.searchsorted(tickets, query.ticket)
    asked = query.row - log.offsets[query.ticket] + local[position]
    found = phases(term, masks, governance.matched[rows], governance.changed[rows], rows, row_start)
    at_us = log.at_us[rows]
    verdicts = _Sums(term, calendar, found, at_us, row_start).verdicts(asked, query.at_us)
    started = verdicts.begin_row >= 0
    verdicts.begin_row[started] = rows[verdicts.begin_row[started]]
    return verdicts


class _Sums:
    """Prefix sums of the time that ran and waited, over the rows of a chunk."""

    def __init__(
        self, term: Term, calendar: BusinessTime, found: Phases, at_us: Int64Array, row_start: Int64Array
    ) -> None:
        self.term, self.calendar, self.phases, self.at_us = term, calendar, found, at_us
        between = np.zeros(at_us.size, dtype=np.int64)
        open_rows = np.flatnonzero((found.counted | found.paused)[:-1] & (row_start[1:] == row_start[:-1]))
        between[open_rows] = calendar.elapsed_us(at_us[open_rows], at_us[open_rows + 1])
        self.ran = _sums(between, found.counted)
        self.waited = _sums(between, found.paused)

    def verdicts(self, row: Int64Array, now_us: Int64Array) -> VerdictArrays:
        """The verdicts at rows of the chunk and instants not before them."""
        begin = self.phases.begin[row]
        started = begin >= 0
        if started.all():
            return self._started(row, begin, now_us)
        found = VerdictArrays.blank(row.size, VerdictState.NOT_STARTED)
        found.agreement[:], found.calendar[:], found.term[:] = self.term.agreement, self.term.calendar, self.term.index
        if started.any():
            found.place(started, self._started(row[started], begin[started], now_us[started]))
        not_started = ~started
        if self.term.within is not None and not self.term.within.counts_days:
            found.target_us[not_started] = found.remaining_us[not_started] = self.term.within.amount_us
        return found

    def _started(self, row: Int64Array, begin: Int64Array, now_us: Int64Array) -> VerdictArrays:
        doing, term = self.phases, self.term
        stands = doing.stopped[row] | doing.cancelled[row]
        last = np.where(stands, doing.stop[row], row)
        ran = self.ran[last] - self.ran[begin]
        waited = self.waited[last] - self.waited[begin]
        since = np.zeros(row.size, dtype=np.int64)
        open_ended = np.flatnonzero(~stands)
        since[open_ended] = self.calendar.elapsed_us(self.at_us[row[open_ended]], now_us[open_ended])
        elapsed = ran + np.where(doing.running[row], since, 0)
        target = target_us_from(term, self.calendar, self.at_us[begin])
        found = VerdictArrays.blank(row.size, VerdictState.RUNNING)
        found.agreement[:], found.calendar[:], found.term[:] = term.agreement, term.calendar, term.index
        found.target_us[:], found.elapsed_us[:], found.remaining_us[:] = target, elapsed, target - elapsed
        found.paused_us[:] = waited + np.where(doing.paused[row], since, 0)
        found.started_us[:], found.begin_row[:] = self.at_us[begin], begin
        found.stopped_us[stands] = self.at_us[last[stands]]
        late = elapsed > target + term.grace_us
        found.state[:] = _states(doing, row, late)
        due = self._due(row, last, begin, target, elapsed, now_us)
        found.due_us[:] = as_named_us(term, self.calendar, self.at_us[begin], due)
        found.breached_us[late] = self._breached(row[late], last[late], begin[late], target[late] + term.grace_us)
        return found

    def _due(
        self,
        row: Int64Array,
        last: Int64Array,
        begin: Int64Array,
        target: Int64Array,
        elapsed: Int64Array,
        now_us: Int64Array,
    ) -> Int64Array:
        used_up = elapsed >= target
        waits = self.phases.paused[row]
        stands = self.phases.stopped[row] | self.phases.cancelled[row]
        # The target is used up between two rows of the past, or will be from now (or would have been from the stop).
        segment = np.minimum(np.searchsorted(self.ran, self.ran[begin] + target, side="left") - 1, last)
        segment = np.maximum(np.where(used_up, segment, last), begin)
        from_us = np.where(used_up | ~waits | stands, self.at_us[segment], now_us)
        amount = np.where(
            used_up, target - (self.ran[segment] - self.ran[begin]), target - (self.ran[last] - self.ran[begin])
        )
        return self.calendar.due_us(from_us, amount)

    def _breached(self, row: Int64Array, last: Int64Array, begin: Int64Array, limit: Int64Array) -> Int64Array:
        segment = np.minimum(np.searchsorted(self.ran, self.ran[begin] + limit, side="right") - 1, last)
        used_up = self.calendar.due_us(self.at_us[segment], limit - (self.ran[segment] - self.ran[begin]))
        opens: Int64Array = self.calendar.next_open_us(used_up)
        return opens


def _sums(between: Int64Array, chosen: BoolArray) -> Int64Array:
    """The time before each row, n + 1 values."""
    sums = np.zeros(between.size + 1, dtype=np.int64)
    np.cumsum(np.where(chosen, between, 0), out=sums[1:])
    return sums


def _states(doing: Phases, row: Int64Array, late: BoolArray) -> Int64Array:
    running = np.where(late, VerdictState.BREACHED, VerdictState.RUNNING)
    paused = np.where(late, VerdictState.PAUSED_AND_BREACHED, VerdictState.PAUSED)
    stopped = np.where(late, VerdictState.BREACHED, VerdictState.MET)
    state = np.where(doing.paused[row], paused, running)
    state = np.where(doing.stopped[row], stopped, state)
    return np.where(doing.cancelled[row], VerdictState.CANCELLED, state)
