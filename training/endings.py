"""How long each clock still ran after a snapshot, as known at an instant: what survival models learn from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.histories import Histories
from features.outcomes import Outcomes
from features.snapshots import Snapshots
from sla.clocks.replay import verdicts_at
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import NEVER_US, BoolArray, Int64Array


class Endings(NamedTuple):
    """One a snapshot. Where the clock has not stopped (it runs, waits or was cancelled) the times are how far it is known.

    `has_stopped`: the clock stopped, in time or late. `worked_us`: time on the clock from the snapshot until then.
    `open_us`: opening time of its calendar from the snapshot until then, pauses included.
    """

    has_stopped: BoolArray
    worked_us: Int64Array
    open_us: Int64Array


def endings(histories: Histories, snapshots: Snapshots, verdicts: VerdictArrays, target: str, as_of_us: int) -> Endings:
    """The endings as known at an instant, for snapshots with their verdicts then.

    A clock that a reopening sets going again has not stopped, as known from then on. Of a promise that is made again
    (each next response) the snapshot's own measurement counts.
    """
    measured = Outcomes.of(histories, target).points.measurement_of_step
    mine, place = np.unique(measured[histories.search.at(snapshots.ticket, snapshots.at_us)], return_inverse=True)
    ticket, asked_us = _last_look(histories, measured, mine, as_of_us)
    ends = verdicts_at(histories.log.unfilled(), histories.agreements, target, ticket, asked_us)
    place = place.reshape(-1)
    is_over = ends.is_in(VerdictState.MET, VerdictState.BREACHED) & (ends.stopped_us <= asked_us)
    until_us = np.where(ends.stopped_us <= asked_us, ends.stopped_us, asked_us)[place]
    is_same = ends.started_us[place] == verdicts.started_us  # else the clock was set to zero since
    before_us = np.where(is_same, verdicts.elapsed_us, 0)
    return Endings(
        is_over[place],
        np.maximum(ends.elapsed_us[place] - before_us, 0),
        _opening_us(histories, verdicts, snapshots.at_us, np.maximum(until_us, snapshots.at_us)),
    )


def _last_look(
    histories: Histories, measured: NDArray[np.int64], mine: NDArray[np.int64], as_of_us: int
) -> tuple[Int64Array, Int64Array]:
    """The ticket of each measurement, and the last instant at which it was the ticket's present one: at most `as_of_us`."""
    steps = histories.steps
    begins = np.ones(len(steps), np.bool_)
    begins[1:] = measured[1:] != measured[:-1]
    first = np.flatnonzero(begins)  # by measurement: their numbers are dense
    ticket = steps.ticket[first]
    next_us = np.full(len(first), NEVER_US)
    same = ticket[1:] == ticket[:-1]
    next_us[:-1][same] = steps.known_us[first[1:]][same]
    return ticket[mine], np.minimum(next_us[mine] - 1, as_of_us)


def _opening_us(histories: Histories, verdicts: VerdictArrays, at_us: Int64Array, until_us: Int64Array) -> Int64Array:
    opening = np.zeros(len(at_us), np.int64)
    for index, calendar in enumerate(histories.agreements.business_times):
        rows = np.flatnonzero(verdicts.calendar == index)
        opening[rows] = calendar.elapsed_us(at_us[rows], until_us[rows])
    return opening
