"""Looks at a desk: which tickets stood in its queue at every working hour, and what would become of each."""

from __future__ import annotations

import numpy as np

from features.histories import Histories
from features.snapshots import HOUR_US, SnapshotKind, Snapshots, is_open
from models.scales import Float64Array
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import DAY_US, Int64Array
from sla.working_time.business_time import BusinessTime
from training.evaluation.queue import QueueLooks
from training.rows import Labelled


def desk_calendar(histories: Histories, verdicts: VerdictArrays) -> BusinessTime:
    """The calendar on which most clocks run: its hours are the desk's, at which a queue is looked at."""
    counts = np.bincount(verdicts.calendar[verdicts.calendar >= 0], minlength=1)
    return histories.agreements.business_times[int(counts.argmax())]


def working_instants(calendar: BusinessTime, from_us: int, until_us: int, every_us: int = HOUR_US) -> Int64Array:
    """The multiples of `every_us` since 1970 after `from` and up to `until` at which the calendar is open."""
    instants = np.arange(from_us // every_us + 1, until_us // every_us + 1, dtype=np.int64) * every_us
    return instants[calendar.is_open(instants)]


def queue_snapshots(histories: Histories, instants_us: Int64Array) -> Snapshots:
    """A GRID snapshot of every ticket at every instant at which it was open as known then."""
    steps = histories.steps
    tickets = np.flatnonzero(np.diff(steps.offsets))
    last = steps.offsets[tickets + 1] - 1
    ends_us = np.where(is_open(histories)[last], histories.last_known_us, steps.known_us[last])
    first = np.searchsorted(instants_us, steps.known_us[steps.offsets[tickets]])
    count = np.maximum(np.searchsorted(instants_us, ends_us, side="right") - first, 0)
    ticket = np.repeat(tickets, count)
    place = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
    at_us = instants_us[place]
    step = histories.search.at(ticket, at_us)
    keep = (step >= 0) & is_open(histories)[step]
    return Snapshots(ticket[keep], at_us[keep], np.full(int(keep.sum()), SnapshotKind.GRID, np.int8))


def is_undecided(verdicts: VerdictArrays) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each clock runs or waits, unbroken: about others there is nothing left to predict."""
    return verdicts.is_undecided


def queue_looks(rows: Labelled, verdicts: VerdictArrays, calendar: BusinessTime) -> QueueLooks:
    """What the queue's figures need of rows and their verdicts at the same places."""
    due_us = np.maximum(verdicts.due_us, rows.at_us)
    return QueueLooks(
        ticket=rows.ticket,
        at_us=rows.at_us,
        due_us=verdicts.due_us,
        is_waiting=verdicts.state == VerdictState.PAUSED,
        share_used=rows.share_used,
        hours_to_due=_hours(calendar, rows.at_us, due_us),
        hours_to_breach=hours_to_breach(rows, calendar),
        day=rows.at_us // DAY_US,
    )


def hours_to_breach(rows: Labelled, calendar: BusinessTime) -> Float64Array:
    """The desk's working hours from each row until its promise is known to be broken; infinite where it is kept."""
    found = np.full(len(rows), np.inf)
    broken = np.flatnonzero(rows.breached == 1)
    found[broken] = _hours(calendar, rows.at_us[broken], np.maximum(rows.known_us, rows.at_us)[broken])
    return found


def _hours(calendar: BusinessTime, from_us: Int64Array, until_us: Int64Array) -> Float64Array:
    return np.asarray(calendar.elapsed_us(from_us, until_us) / HOUR_US, dtype=np.float64)
