"""Landmarks: snapshots at the instant at which the running clock passes a share of its target, as known then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.histories import Histories
from features.outcomes import Outcomes
from features.snapshots import SnapshotKind, Snapshots
from sla.clocks.replay import verdicts_at
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import NEVER_US, BoolArray, Int64Array

LANDMARKS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9)


def share_snapshots(histories: Histories, target: str, shares: Sequence[float] = LANDMARKS) -> dict[float, Snapshots]:
    """SHARE snapshots by share: of each measurement, the first instant at which its clock runs with that share used.

    Shares lie in (0, 1). As known at that instant: where a record makes the clock stand beyond the share at once (another
    priority, a reopening), the snapshot is at the record. A clock that is paused, stopped or over its target has none.
    Sorted by ticket and instant; no snapshot is later than the last record of the log. Raises ValueError for other shares.
    """
    wrong = [share for share in shares if not 0.0 < share < 1.0]
    if wrong:
        raise ValueError(f"share {wrong[0]!r} of a target: expected numbers between 0 and 1, such as 0.5")
    steps = histories.steps
    verdicts = verdicts_at(histories.log, histories.agreements, target, steps.ticket, steps.known_us)
    measurement = Outcomes.of(histories, target).points.measurement_of_step
    return {share: _passing(histories, target, share, verdicts, measurement) for share in shares}


def _passing(
    histories: Histories, target: str, share: float, verdicts: VerdictArrays, measurement: Int64Array
) -> Snapshots:
    steps = histories.steps
    runs = np.flatnonzero((verdicts.state == VerdictState.RUNNING) & (verdicts.due_us != NEVER_US))
    missing_us = _amount_us(share, verdicts.target_us[runs]) - verdicts.elapsed_us[runs]
    is_beyond = missing_us <= 0
    at_us = np.where(is_beyond, steps.known_us[runs], NEVER_US)
    for index, calendar in enumerate(histories.agreements.business_times):
        rows = np.flatnonzero(~is_beyond & (verdicts.calendar[runs] == index))
        at_us[rows] = calendar.due_us(steps.known_us[runs[rows]], missing_us[rows])
    until_us = np.minimum(steps.next_known_us[runs], histories.last_known_us + 1)
    kept = np.flatnonzero(np.where(is_beyond, steps.is_last_of_second[runs], at_us < until_us))
    step, at_us = runs[kept], at_us[kept]
    order = np.lexsort((at_us, measurement[step]))
    _, first = np.unique(measurement[step][order], return_index=True)
    step, at_us = step[order[first]], at_us[order[first]]
    is_so = _is_passed(histories, target, share, steps.ticket[step], at_us)
    kind = np.full(int(is_so.sum()), SnapshotKind.SHARE, np.int8)
    return Snapshots(steps.ticket[step][is_so], at_us[is_so], kind)


def _is_passed(histories: Histories, target: str, share: float, ticket: Int64Array, at_us: Int64Array) -> BoolArray:
    """Whether it is so at those instants: an agreement that takes hold between two records can change what was expected."""
    then = verdicts_at(histories.log, histories.agreements, target, ticket, at_us)
    is_so: BoolArray = (then.state == VerdictState.RUNNING) & (then.elapsed_us >= _amount_us(share, then.target_us))
    return is_so


def _amount_us(share: float, target_us: Int64Array) -> Int64Array:
    amount: Int64Array = np.ceil(share * target_us).astype(np.int64)
    return amount
