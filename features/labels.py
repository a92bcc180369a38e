"""Labels: how the clock of each snapshot's ticket ended, and since when that was known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.histories import Histories
from features.outcomes import Outcomes, Points
from features.snapshots import Snapshots
from sla.instants import NEVER_US, BoolArray, Int64Array


@dataclass(frozen=True)
class Labels:
    """Labels of m snapshots, as known at an instant.

    `breached`: 1 broken, 0 met, -1 unknown; `known_us`: since when, NEVER_US if unknown. `is_censored`: unknown only
    because it is not over, so an outcome can still come; the others that are unknown were cancelled or promised nothing.
    """

    breached: NDArray[np.int8]
    known_us: Int64Array
    is_censored: BoolArray

    def known_by(self, at_us: int) -> BoolArray:
        """Whether each label was known at an instant. Train on no other."""
        return self.known_us <= at_us


def breach_labels(
    histories: Histories,
    snapshots: Snapshots,
    target: str,
    as_of_us: int | None = None,
    met_is_final_when: str = "stopped",
) -> Labels:
    """The label of each snapshot as known at `as_of_us` (default: when the last record of the log became known).

    The label is that of the measurement that goes on at the snapshot (see features.outcomes.Points). A ticket whose
    clock is still undecided, was cancelled or has no agreement is unknown. The convention of `known_us`: a broken
    promise is known from the first instant at which the clock, as known then, was over its target; a clock that
    crossed its target while the ticket looked resolved is known as broken only from the record that shows it (the
    reopening or a later resolution). A promise that was kept is known from the record that stopped the clock; if
    the ticket is reopened, the label is unknown again until the next end. With `met_is_final_when="closed"` a kept
    promise is known only from the first closing after that record, and unknown until then. So for any cut c, the
    labels as of c are what anyone could know at c, and labels as of a later instant with `known_us <= c` are a part
    of them.
    """
    if met_is_final_when not in ("stopped", "closed"):
        raise ValueError(f'met_is_final_when is {met_is_final_when!r}: expected "stopped" or "closed"')
    as_of_us = histories.last_known_us if as_of_us is None else as_of_us
    outcomes = Outcomes.of(histories, target)
    outcome, known_us, is_open = _outcome_of_measurements(outcomes.points, as_of_us)
    if met_is_final_when == "closed":
        held, known_us = _held_until_closed(histories, outcomes.points, outcome, known_us, as_of_us)
        outcome, is_open = held, is_open | (held != outcome)
    measurement = outcomes.points.measurement_of_step[histories.search.at(snapshots.ticket, snapshots.at_us)]
    return Labels(outcome[measurement], known_us[measurement], is_open[measurement])


def _outcome_of_measurements(points: Points, as_of_us: int) -> tuple[NDArray[np.int8], Int64Array, BoolArray]:
    """Per measurement, the outcome as known at an instant, since when without a change, and whether one can still come."""
    count = int(points.measurement[-1]) + 1 if len(points.measurement) else 0
    seen = points.at_us <= as_of_us
    measurement, at_us, value = points.measurement[seen], points.at_us[seen], points.outcome[seen]
    is_open = np.zeros(count, np.bool_)
    begins = np.ones(len(measurement), np.bool_)
    begins[1:] = (measurement[1:] != measurement[:-1]) | (value[1:] != value[:-1])
    outcome, known_us = np.full(count, -1, np.int8), np.full(count, NEVER_US)
    outcome[measurement[begins]] = value[begins]  # points are in order of time: the last one stays
    known_us[measurement[begins]] = at_us[begins]
    known_us[outcome < 0] = NEVER_US
    is_open[measurement] = points.is_open[seen]
    return outcome, known_us, is_open


def _held_until_closed(
    histories: Histories, points: Points, outcome: NDArray[np.int8], known_us: Int64Array, as_of_us: int
) -> tuple[NDArray[np.int8], Int64Array]:
    steps, measurement = histories.steps, points.measurement_of_step
    closes = histories.is_value("status", "closed") & (steps.known_us <= as_of_us)
    closes &= (outcome[measurement] == 0) & (steps.known_us >= known_us[measurement])
    closed_us = np.full(len(outcome), NEVER_US)
    np.minimum.at(closed_us, measurement[closes], steps.known_us[closes])
    held_us = np.where(outcome == 0, closed_us, known_us)
    return np.where(held_us == NEVER_US, np.int8(-1), outcome), held_us
