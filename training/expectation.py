"""The outcome to expect of tickets that are too young for one: so that the most recent weeks teach the risk, too.

Left out, the youngest tickets are missing where the desk is as it is now. Taken only where their outcome is known, they are
those that ended early, which are not like the others. So each ticket without an outcome counts as what the hazard model
expects: the probability that its clock outlives the time it had left, given that it has run as long as was known (the first
step of expectation maximisation: Dempster, Laird and Rubin 1977; for censored outcomes Buckley and James 1979).
"""

from __future__ import annotations

import numpy as np

from models.hazard import WITHIN, HazardMember
from models.intervals import stopped_by
from models.scales import Float64Array, logit, sigmoid
from training.rows import Int64Array, Labelled

HOUR_US = 3_600_000_000.0
SILENCE_BELIEVED = 0.5
"""How far what was said at a ticket's last row moves, in log odds, towards what its silence since then says. Hazards are the
same all through an interval, which makes silence tell too much: docs/decisions/0015-expected-outcomes.md has the figures."""
LEAST = 1e-3


def expected(rows: Labelled, X: Float64Array, hazard: HazardMember) -> Float64Array:
    """The outcome of n rows of tickets, 0 or 1 where it is known and between otherwise; `X` are their values in range.

    A ticket is judged by its last row, which knows most.
    """
    outcome = rows.y
    unknown = np.flatnonzero(rows.breached < 0)
    if not len(unknown):
        return outcome
    last, place = _last_rows(rows.ticket[unknown], rows.at_us[unknown])
    asked = unknown[last]
    outcome[unknown] = _outlives(X[asked], rows.worked_us[asked] / HOUR_US, hazard)[place]
    return outcome


def _outlives(X: Float64Array, hours: Float64Array, hazard: HazardMember) -> Float64Array:
    """The probability that each clock outlives its time left, having run on for so many hours."""
    survival, ends = np.cumsum(-np.logaddexp(0.0, hazard.scores(X)), axis=1), hazard.ends_hours(X)
    left = ends[:, WITHIN - 1]
    until_now = 1.0 - stopped_by(np.minimum(hours, left), survival, ends)
    until_due = 1.0 - stopped_by(left, survival, ends)
    then, since = (
        logit(np.clip(one, LEAST, 1.0 - LEAST)) for one in (until_due, until_due / np.maximum(until_now, LEAST))
    )
    return sigmoid(then + SILENCE_BELIEVED * (since - then))


def _last_rows(ticket: Int64Array, at_us: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The place of the last row of each ticket, and for each row which of these is its ticket's."""
    order = np.lexsort((at_us, ticket))
    _, first_from_behind, place = np.unique(ticket[order][::-1], return_index=True, return_inverse=True)
    which = np.empty(len(order), np.int64)
    which[order] = place.reshape(-1)[::-1]
    return order[::-1][first_from_behind], which
