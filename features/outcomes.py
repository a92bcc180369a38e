"""Outcomes: when it became known that a clock was met or broken, and how long the work took.

The outcome of a ticket as known at an instant is what the verdict says then: broken from the first instant at which the
clock was over its target as known at that instant (a clock that ran on unseen while the ticket looked resolved is broken
when the reopening is known, not before), met from the record that stopped it in time, open again from the record that
reopened it. So an outcome can be taken back. Whoever reads only the entries before t knows exactly what was known at t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.declaration import Key
from features.histories import Histories
from features.keys import KeyCodes, codes_in
from features.prefix_sums import Instants, KeyedSums, Part, SignedSums, Timeline
from features.snapshots import Snapshots
from sla.clocks.replay import verdicts_at
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import DAY_US, NEVER_US, BoolArray, Int64Array

FAR_US = 366 * DAY_US
"""How long after the due time a running clock is looked at to see when it breaks: beyond any grace and closed season."""
LOG_UNITS = 1_000_000_000.0
HOUR_US = 3_600_000_000.0

DECIDED, BROKEN, STOPPED, LOG_HOURS, LOG_SQUARES = range(5)
COLUMNS = 5
"""Columns of Revisions.amounts: decided clocks and the broken ones among them; clocks that have stopped, and the sums of
log(1 + working hours) over them and of its square, in billionths."""


@dataclass(frozen=True)
class Revisions:
    """What became known of clocks, and what of it was taken back later: p entries."""

    at_us: Int64Array
    step: Int64Array  # the step whose keys the entry counts under
    amounts: NDArray[np.int64]  # (p, 5)

    def and_also(self, other: Revisions) -> Revisions:
        """These entries, then the other ones."""
        parts = [(self.at_us, other.at_us), (self.step, other.step), (self.amounts, other.amounts)]
        return Revisions(*(np.concatenate(part) for part in parts))


@dataclass(frozen=True)
class Points:
    """q instants at which an outcome may change, by ticket and time: steps, and instants at which a running clock broke.

    A ticket can be measured several times (each next response is a promise of its own). A measurement begins with the
    ticket, and again when the clock starts anew after it was decided.
    """

    step: Int64Array  # the step in force
    at_us: Int64Array
    outcome: NDArray[np.int8]  # 1 broken, 0 met, -1 undecided, as known from the point on
    is_open: BoolArray  # undecided because the clock waits to start, runs or is paused: an outcome can still come
    measurement: Int64Array  # dense numbers, ascending
    measurement_of_step: Int64Array  # one a step


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of all tickets for one target."""

    target: str
    points: Points
    revisions: Revisions
    timeline: Timeline  # of the revisions
    due_us: Int64Array  # one a step: when the clock runs out as known after it, NEVER_US where it does not run

    @classmethod
    def of(cls, histories: Histories, target: str) -> Outcomes:
        """The outcomes for a target, built once; histories on a desk have their own points and the sums of the desk."""
        own = histories.once(f"outcomes of {target}", lambda: _outcomes(histories, target))
        return DeskOutcomes(target, own.points, own.revisions, Instants(), own.due_us) if histories.desk else own

    @classmethod
    def known(cls, target: str, revisions: Revisions, timeline: Timeline) -> Outcomes:
        """Outcomes of which others ask sums only, made elsewhere: no ticket's own."""
        nothing = np.empty(0, np.int64)
        nobody = Points(nothing, nothing, np.empty(0, np.int8), np.empty(0, np.bool_), nothing, nothing)
        return cls(target, nobody, revisions, timeline, nothing)

    def sums(self, histories: Histories, key: Key) -> KeyedSums:
        """The sums of the revisions by a key, as held when they became known, built once; `timeline` counts for them."""
        codes = KeyCodes.of(histories, key)
        step, amounts = self.revisions.step, self.revisions.amounts
        return histories.once(
            f"outcomes of {self.target} by {key}",
            lambda: KeyedSums(self.timeline, codes.codes[step], codes.count, amounts),
        )


class DeskOutcomes(Outcomes):
    """The outcomes of all tickets of a desk, as asked for by the histories of some of them."""

    def sums(self, histories: Histories, key: Key) -> KeyedSums:
        """The sums over the desk, by the codes that the key has in these histories."""
        parts: list[Part] = []
        for other, sign in histories.desk:
            outcomes = Outcomes.of(other, self.target)
            if len(outcomes.revisions.at_us):
                parts.append((outcomes.sums(other, key), outcomes.timeline, codes_in(histories, key, other), sign))
        return SignedSums(parts, KeyCodes.of(histories, key).count, self.revisions.amounts.shape[1])


def is_undecided(histories: Histories, snapshots: Snapshots, target: str) -> BoolArray:
    """Whether the target's clock runs or waits unbroken at each snapshot: what a breach model is trained and asked on."""
    verdicts = verdicts_at(histories.log, histories.agreements, target, snapshots.ticket, snapshots.at_us)
    return verdicts.is_undecided


def is_without_end(histories: Histories, target: str, until_us: int) -> bool:
    """Whether no clock of a target is known to have ended, or to have run out, by an instant: there is nothing to sum then.

    False says nothing. Costs much less than the outcomes, where the verdicts after all steps are known.
    """
    verdicts, steps = histories.step_verdicts(target), histories.steps
    last_us = np.minimum(steps.next_known_us, until_us)
    runs_on = (verdicts.state == VerdictState.RUNNING) & (verdicts.due_us >= last_us)
    stands = (verdicts.state == VerdictState.PAUSED) | (verdicts.state == VerdictState.NOT_STARTED)
    return bool((runs_on | stands | (verdicts.state == VerdictState.NO_AGREEMENT)).all())


def _outcomes(histories: Histories, target: str) -> Outcomes:
    steps = histories.steps
    verdicts = histories.step_verdicts(target)
    points = _points(histories, target, verdicts)
    nothing = np.zeros(len(points.step), np.int64)
    ends = np.stack([points.outcome >= 0, points.outcome == 1, *[nothing] * 3], axis=1).astype(np.int64)
    decided = _revisions(points.measurement, points.step, points.at_us, ends)
    worked = _revisions(points.measurement_of_step, np.arange(len(steps)), steps.known_us, _durations(verdicts))
    revisions = decided.and_also(worked)
    runs = verdicts.is_in(VerdictState.RUNNING, VerdictState.BREACHED) & (verdicts.stopped_us == NEVER_US)
    due_us = np.where(runs, verdicts.due_us, NEVER_US)
    return Outcomes(target, points, revisions, Timeline.of(revisions.at_us), due_us)


def _points(histories: Histories, target: str, verdicts: VerdictArrays) -> Points:
    steps = histories.steps
    broke_step, broke_us = _breaks_while_running(histories, target, verdicts)
    step = np.concatenate([np.arange(len(steps)), broke_step])
    at_us = np.concatenate([steps.known_us, broke_us])
    order = np.lexsort((np.arange(len(step)), at_us, steps.ticket[step]))
    outcome = np.concatenate([_outcome_of(verdicts), np.ones(len(broke_step), np.int8)])[order]
    is_open = verdicts.is_undecided | verdicts.is_in(VerdictState.NOT_STARTED)
    is_open = np.concatenate([is_open, np.zeros(len(broke_step), np.bool_)])[order]
    is_step = order < len(steps)
    step, at_us = step[order], at_us[order]
    started_us, ticket = verdicts.started_us[step], steps.ticket[step]
    begins = np.ones(len(step), np.bool_)
    begins[1:] = (ticket[1:] != ticket[:-1]) | ((started_us[1:] > started_us[:-1]) & (outcome[:-1] >= 0))
    measurement = np.cumsum(begins) - 1
    return Points(step, at_us, outcome, is_open, measurement, measurement[is_step])


def _outcome_of(verdicts: VerdictArrays) -> NDArray[np.int8]:
    met = verdicts.state == VerdictState.MET
    return np.where(verdicts.is_breached, 1, np.where(met, 0, -1)).astype(np.int8)


def _breaks_while_running(histories: Histories, target: str, verdicts: VerdictArrays) -> tuple[Int64Array, Int64Array]:
    """Steps after which a running clock broke before the next record came, and the first instant at which it had."""
    until_us = histories.steps.next_known_us - 1
    runs_out = (verdicts.state == VerdictState.RUNNING) & (verdicts.due_us < until_us)
    step = np.flatnonzero(runs_out)
    if not len(step):
        return step, step
    asked_us = np.minimum(until_us[step], verdicts.due_us[step] + FAR_US)
    ticket = histories.steps.ticket[step]
    later = verdicts_at(histories.log, histories.agreements, target, ticket, asked_us)
    broke = later.is_breached
    return step[broke], later.breached_us[broke] + 1


def _durations(verdicts: VerdictArrays) -> NDArray[np.int64]:
    """(steps, 5): whether the clock has stopped, log(1 + working hours) and its square in billionths, in their columns."""
    stopped = verdicts.is_in(VerdictState.MET, VerdictState.BREACHED) & (verdicts.stopped_us != NEVER_US)
    logs = np.where(stopped, np.log1p(np.maximum(verdicts.elapsed_us, 0) / HOUR_US), 0.0)
    billionths = [np.rint(amounts * LOG_UNITS).astype(np.int64) for amounts in (logs, logs**2)]
    nothing = np.zeros(len(stopped), np.int64)
    return np.stack([nothing, nothing, stopped.astype(np.int64), *billionths], axis=1)


def _revisions(measurement: Int64Array, step: Int64Array, at_us: Int64Array, values: NDArray[np.int64]) -> Revisions:
    """Entries wherever the values of a measurement change: the old ones taken back under their own key, the new given."""
    was = np.zeros_like(values)
    was[1:] = values[:-1]
    begins = np.ones(len(step), np.bool_)
    begins[1:] = measurement[1:] != measurement[:-1]
    was[begins] = 0
    changes = np.flatnonzero((values != was).any(axis=1))
    given_by = np.concatenate([[-1], step[changes][:-1]]) if len(changes) else changes
    takes = was[changes].any(axis=1)
    gives = values[changes].any(axis=1)
    place = np.concatenate([changes[takes], changes[gives]])
    order = np.argsort(place, kind="stable")
    return Revisions(
        at_us[place][order],
        np.concatenate([given_by[takes], step[changes][gives]])[order],
        np.concatenate([-was[changes][takes], values[changes][gives]])[order],
    )
