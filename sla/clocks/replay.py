"""Verdicts for many tickets at once, by replaying their events: no stored counter, no loop over tickets."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.terms import Clock
from sla.clocks.clock_table import ClockTable
from sla.clocks.few_verdicts import verdicts_of_few
from sla.clocks.masks import RowMasks
from sla.clocks.matching import NO_MATCH, match_rows
from sla.clocks.measurement import Governance, Query, measure
from sla.clocks.row_runs import next_true
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.clocks.visibility import asked_alone, log_with_dates, seen_by
from sla.events import NEVER_US, EventLog
from sla.instants import BoolArray, Int64Array

__all__ = ["NEVER_US", "ClockTable", "VerdictArrays", "VerdictState", "replay", "verdicts_at"]

Measured: TypeAlias = tuple[str, Int64Array, Int64Array, VerdictArrays]
BLOCK_ROWS = 1 << 18  # small enough for the processor's cache, large enough for numpy


def verdicts_at(
    log: EventLog, agreements: AgreementSet, target: str, ticket: Int64Array, at_us: Int64Array
) -> VerdictArrays:
    """The verdicts of one target for m pairs of a ticket (index into `log.ticket_ids`) and an instant, each length m.

    Each sees only rows that had happened and were recorded at its instant. `target` is a clock's name: the metric for an
    SLA, `metric:team` for an OLA, `metric:supplier` for a UC. Raises KeyError for a target that no agreement has.
    Costs what the rows of the tickets asked about cost, however long the log; `begin_row` is a row of what was replayed.
    """
    clock = agreements.clock(target)
    log, ticket = asked_alone(log, np.asarray(ticket, dtype=np.int64))
    at_us = np.asarray(at_us, dtype=np.int64)
    few = verdicts_of_few(log, agreements, clock, ticket, at_us)
    if few is not None:
        return few
    found = VerdictArrays.blank(ticket.size, VerdictState.NOT_STARTED)
    for seen in seen_by(log, ticket, at_us, clock.validity_dates_us()):
        masks = RowMasks(seen.log, agreements.services)
        known = np.flatnonzero(seen.row >= 0)
        query = Query(seen.ticket[known], seen.row[known], at_us[seen.query[known]])
        found.place(seen.query[known], ClockReplay(clock, agreements, masks).verdicts(query))
    return found


def replay(log: EventLog, agreements: AgreementSet, as_of_us: int, threads: int = 1) -> ClockTable:
    """The clocks of every ticket at an instant: a row for each ticket, target and measurement that ever started.

    Only rows with `at_us <= as_of_us` and `recorded_us <= as_of_us` count. The current measurement of a clock has
    `is_current`; earlier ones (answered messages, restarted clocks) stand before it with their outcome. Tickets are
    replayed in blocks, which `threads` may share.
    """
    bounds = np.unique(np.searchsorted(log.offsets, np.arange(0, log.at_us.size + BLOCK_ROWS, BLOCK_ROWS))).tolist()
    edges = sorted({0, *(min(bound, log.ticket_ids.size) for bound in bounds), log.ticket_ids.size})
    table = ClockTable.empty(log, agreements, as_of_us)

    def measured(first: int, last: int) -> list[Measured]:
        return [
            (name, ticket + first, number, verdicts)
            for name, ticket, number, verdicts in _replay_block(log.block(first, last), agreements, as_of_us)
        ]

    with ThreadPoolExecutor(max_workers=max(threads, 1)) as pool:
        for block in pool.map(measured, edges[:-1], edges[1:]):
            for found in block:
                table.add(*found)
    return table.finished()


def _replay_block(log: EventLog, agreements: AgreementSet, as_of_us: int) -> Iterator[Measured]:
    seen = log if int(log.known_us.max(initial=-NEVER_US)) <= as_of_us else log.visible(as_of_us)
    ticket = np.flatnonzero(np.diff(seen.offsets) > 0).astype(np.int64)
    at_us = np.full(ticket.size, as_of_us, dtype=np.int64)
    masks_of: dict[tuple[int, ...], RowMasks] = {}
    for name, clock in agreements.clocks.items():
        dates_us = clock.validity_dates_us(as_of_us)
        if dates_us not in masks_of:
            masks_of[dates_us] = RowMasks(log_with_dates(seen, dates_us), agreements.services)
        masks = masks_of[dates_us]
        query = Query(ticket, masks.log.offsets[ticket + 1] - 1, at_us)
        yield name, *ClockReplay(clock, agreements, masks).measurements(query)


class ClockReplay:
    """One clock on all tickets of a log whose rows are all visible to the queries put to it, up to each query's row."""

    def __init__(self, clock: Clock, agreements: AgreementSet, masks: RowMasks) -> None:
        self.clock, self.agreements, self.masks = clock, agreements, masks
        self.matched = match_rows(clock, masks)
        self._row_start = masks.log.row_start
        has_match = self.matched != NO_MATCH
        # The first row at which some term governs; the policy of its term decides what a later change does.
        first = next_true(has_match)[self._row_start] if has_match.size else self._row_start
        same_ticket = np.zeros(first.size, dtype=np.bool_)
        inside = first < first.size
        same_ticket[inside] = self._row_start[first[inside]] == self._row_start[inside]
        self._first = np.where(same_ticket, first, np.int64(-1))
        self._governance = Governance(has_match, self._changes(has_match))

    def _policy_is(self, choice: str) -> BoolArray:
        """Whether the first governing term of each row's ticket handles changes so."""
        chooses = np.array(
            [*(term.policies.priority_change == choice for term in self.clock.terms), False], dtype=np.bool_
        )
        return chooses[np.where(self._first >= 0, self.matched[self._first], NO_MATCH)]

    def _changes(self, has_match: BoolArray) -> BoolArray:
        changed = np.zeros(has_match.size, dtype=np.bool_)
        restarts = any(term.policies.priority_change == "restart" for term in self.clock.terms)
        if changed.size and restarts:
            changed[1:] = has_match[1:] & (self.matched[1:] != self.matched[:-1])
            changed &= (self._first >= 0) & (np.arange(changed.size) > self._first) & self._policy_is("restart")
        return changed

    def governing(self, row: Int64Array) -> NDArray[np.int32]:
        """The index of the term that governs a ticket at each row, -1 for none."""
        if not any(term.policies.priority_change == "keep" for term in self.clock.terms):
            return self.matched[row]
        first = self._first[row]
        keeps = self._policy_is("keep")[row] & (first >= 0) & (first <= row)
        governed: NDArray[np.int32] = np.where(keeps, self.matched[np.maximum(first, 0)], self.matched[row])
        return governed

    def verdicts(self, query: Query) -> VerdictArrays:
        """The verdicts at rows of the log and instants not before them."""
        governing = self.governing(query.row)
        if governing.size and governing[0] != NO_MATCH and (governing == governing[0]).all():
            term = self.clock.terms[int(governing[0])]
            return measure(term, self.agreements.business_time(term), self.masks, self._governance, query)
        found = VerdictArrays.blank(query.row.size, VerdictState.NO_AGREEMENT)
        for index in np.unique(governing[governing != NO_MATCH]).tolist():
            term = self.clock.terms[index]
            chosen = np.flatnonzero(governing == index)
            part = Query(query.ticket[chosen], query.row[chosen], query.at_us[chosen])
            calendar = self.agreements.business_time(term)
            found.place(chosen, measure(term, calendar, self.masks, self._governance, part))
        return found

    def measurements(self, query: Query) -> tuple[Int64Array, Int64Array, VerdictArrays]:
        """Ticket, number and verdict of every measurement that started, the current one of each ticket last."""
        parts: list[tuple[Int64Array, Int64Array, VerdictArrays]] = []
        back = np.int64(0)
        while query.row.size:
            found = self.verdicts(query)
            started = np.flatnonzero(found.started_us != NEVER_US)
            if back:
                self._close(found, query)
            parts.append((query.ticket[started], np.full(started.size, back), found.take(started)))
            query = self._before(query, started, found.begin_row[started])
            back += 1
        return _in_order(parts)

    def _before(self, query: Query, started: Int64Array, begin: Int64Array) -> Query:
        """What to ask to learn of the measurements before these: the row before their beginning, at its instant."""
        log, ticket = self.masks.log, query.ticket[started]
        earlier = np.flatnonzero(begin > log.offsets[ticket])
        begin, ticket = begin[earlier], ticket[earlier]
        return Query(ticket, begin - 1, log.at_us[begin])

    def _close(self, found: VerdictArrays, query: Query) -> None:
        """A measurement that was still on when the next began ended there: met if the target was kept, void if the terms changed."""
        ended = (found.state == VerdictState.RUNNING) | (found.state == VerdictState.PAUSED)
        late = (found.state == VerdictState.BREACHED) | (found.state == VerdictState.PAUSED_AND_BREACHED)
        on = (ended | late) & (found.stopped_us == NEVER_US)
        found.stopped_us[on] = query.at_us[on]
        changed = self._governance.changed[query.row + 1]
        found.state[ended] = np.where(changed[ended], VerdictState.CANCELLED, VerdictState.MET)
        found.state[late] = VerdictState.BREACHED


def _in_order(
    parts: list[tuple[Int64Array, Int64Array, VerdictArrays]],
) -> tuple[Int64Array, Int64Array, VerdictArrays]:
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, VerdictArrays.blank(0, VerdictState.NOT_STARTED)
    ticket = np.concatenate([part[0] for part in parts])
    back = np.concatenate([part[1] for part in parts])
    verdicts = VerdictArrays.joined([part[2] for part in parts])
    order = np.lexsort((-back, ticket))
    ticket, back = ticket[order], back[order]
    first = np.concatenate(([True], ticket[1:] != ticket[:-1]))
    earlier = back[np.maximum.accumulate(np.where(first, np.arange(ticket.size), 0))] if ticket.size else back
    return ticket, earlier - back, verdicts.take(order)
