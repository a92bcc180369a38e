"""What a clock does after each row: run, wait, stand still or be void; vectorised over the rows of many tickets.

The same rules, one event at a time, are in `sla.clocks.stepping`; a test holds both to the same verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sla.agreements.conditions import Condition
from sla.agreements.rules import EVERY_START, MERGED, ONCE
from sla.agreements.terms import Term
from sla.clocks.masks import RowMasks
from sla.clocks.row_runs import held_before, last_true, next_true, previous, run_start
from sla.instants import BoolArray, Int64Array


@dataclass(frozen=True)
class Phases:
    """For each row, the clock's doing from it to the next; `begin` is the row its measurement began at, -1 before any."""

    running: BoolArray
    paused: BoolArray
    stopped: BoolArray
    cancelled: BoolArray
    counted: BoolArray  # time from this row to the next counts: running, or stopped under a policy that counts it
    begin: Int64Array
    stop: Int64Array  # the row that stopped or cancelled it, where it is stopped or cancelled


@dataclass(frozen=True)
class _Given:
    """The conditions of a term as masks over the rows."""

    start: BoolArray
    stop: BoolArray
    stays: BoolArray
    cancel: BoolArray
    reset: BoolArray
    pause: BoolArray
    governed: BoolArray  # some term of the clock matches
    changed: BoolArray  # another term governs from here, under a policy that restarts
    row_start: Int64Array


def phases(
    term: Term, masks: RowMasks, matched: BoolArray, changed: BoolArray, rows: Int64Array | slice, row_start: Int64Array
) -> Phases:
    """The phases of the clock on the chosen rows, judged by this term throughout.

    `matched` and `changed` belong to the chosen rows, `row_start` counts in them.
    """
    given = _given(term, masks, matched, changed, rows, row_start)
    if term.rules.repeat == EVERY_START:
        return _every_start(given)
    if term.rules.repeat == ONCE:
        return _once(given)
    return _on_reopen(given, term)


def _given(
    term: Term, masks: RowMasks, matched: BoolArray, changed: BoolArray, rows: Int64Array | slice, row_start: Int64Array
) -> _Given:
    rules, policies = term.rules, term.policies

    def at(condition: Condition | None) -> BoolArray:
        return masks.of(condition)[rows]

    pause = at(rules.pause)
    if rules.runs_while is not None:
        pause = pause | ~at(rules.runs_while)
    stop, cancel = at(rules.stop), at(rules.cancel)
    if policies.merge != "continue":
        merged = held_before(at(MERGED), row_start)
        stop, cancel = (stop | merged, cancel) if policies.merge == "stop" else (stop, cancel | merged)
    governed = np.ones_like(stop) if policies.retroactive_start else held_before(matched, row_start)
    return _Given(
        at(rules.start), stop, at(rules.stays_stopped), cancel, at(rules.reset), pause, governed, changed, row_start
    )


def _started(given: _Given) -> BoolArray:
    return held_before(given.start, given.row_start) & given.governed


def _begin(given: _Given, started: BoolArray, on: BoolArray, again: BoolArray) -> Int64Array:
    """The row the current measurement began at: the start, or the latest row that began it anew while the clock was on."""
    was_started = previous(started, given.row_start)
    begins = (started & ~was_started) | (was_started & on & (given.reset | given.changed | again))
    begin = last_true(begins)
    return np.where(begin >= given.row_start, begin, np.int64(-1))


def _once(given: _Given) -> Phases:
    started = _started(given)
    stopped = held_before((given.stop | given.stays) & started & ~given.cancel, given.row_start)
    cancelled = started & ~stopped & given.cancel
    on = started & ~stopped & ~cancelled
    begin = _begin(given, started, on, np.zeros_like(on))
    return _phases(given, on, stopped, cancelled, begin)


def _every_start(given: _Given) -> Phases:
    starts = given.start & ~given.stays  # a message to a ticket that stays closed starts nothing
    token = last_true(starts | ((given.stop | given.stays) & ~given.cancel))
    active = starts[token] & (token >= given.row_start) & given.governed
    started = held_before(starts, given.row_start) & given.governed
    cancelled = active & given.cancel
    on = active & ~cancelled
    was_active = previous(active, given.row_start)
    begin = _begin(given, started, on, (starts & given.stop) | ~was_active)
    return _phases(given, on, started & ~active, cancelled, begin)


def _on_reopen(given: _Given, term: Term) -> Phases:
    started = _started(given)
    cancelled = started & given.cancel
    stopped = started & ~cancelled & (given.stop | given.stays)
    on = started & ~stopped & ~cancelled
    was_on = previous(on, given.row_start)
    restarts = ~was_on if term.policies.reopen == "restart" else np.zeros_like(on)
    found = _phases(given, on, stopped, cancelled, _begin(given, started, on, restarts))
    counted, stop = found.counted, found.stop
    if term.policies.reopen == "run_on":
        counted = counted | (stopped & ~given.pause)
    if term.policies.stop_at == "last":
        first = run_start(stopped, given.row_start)
        said_so = last_true(stopped & given.stop)
        stop = np.where(stopped & (said_so >= first), np.maximum(said_so, stop), stop)
        if term.policies.reopen != "run_on":
            counted = counted | _until_last_stop(stopped, given, first)
    return Phases(found.running, found.paused, stopped, cancelled, counted, found.begin, stop)


def _until_last_stop(stopped: BoolArray, given: _Given, first: Int64Array) -> BoolArray:
    """Stopped rows with another stop event after them in the same run: until it, the work was not over after all."""
    if stopped.size == 0:
        return stopped
    later = np.full(stopped.size, stopped.size, dtype=np.int64)
    later[:-1] = next_true(stopped & given.stop)[1:]
    same_run = (later < stopped.size) & (first[np.minimum(later, stopped.size - 1)] == first)
    until: BoolArray = stopped & same_run & ~given.pause
    return until


def _phases(given: _Given, on: BoolArray, stopped: BoolArray, cancelled: BoolArray, begin: Int64Array) -> Phases:
    paused = on & given.pause
    running = on & ~given.pause
    stop = np.where(stopped, run_start(stopped, given.row_start), run_start(cancelled, given.row_start))
    return Phases(running, paused, stopped, cancelled, running, begin, np.maximum(stop, begin))
