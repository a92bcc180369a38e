"""Which tickets of a log too large for one machine a model learns from, and how many each of them stands for.

Tickets are taken whole, by their ids alone within each of three classes, so the same tickets are drawn in whatever order a log
comes. Tickets opened after the cut are those a model is judged on: of them none is left out while they fill at most half of
the rows, and a part that does not look at their outcomes otherwise. Of the older ones those that were broken by the cut,
which are few and teach most, get half of what is left. Each ticket stands for as many as were drawn from to get it
(Horvitz and Thompson 1952), so weighted sums keep the base rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array
from sla.instants import Int64Array
from training.rows import Labelled
from training.splits import Periods, derive_periods

NEW, BROKEN, OTHER = range(3)
DRAWN_FROM = float(2**64)


@dataclass(frozen=True)
class Surveyed:
    """n tickets that have rows; arrays of length n. `draw`: a hash of the id; the outcome is that of the first row."""

    draw: NDArray[np.uint64]
    rows: Int64Array
    opened_us: Int64Array
    breached: NDArray[np.int8]
    known_us: Int64Array

    @classmethod
    def of(cls, labelled: Labelled, draw: NDArray[np.uint64]) -> Surveyed:
        """The tickets of rows; `draw` has a hash for each ticket that the log has. Tickets without rows count no rows."""
        counts = np.bincount(labelled.ticket, minlength=len(draw))
        first = np.full(len(draw), -1)
        first[labelled.ticket[::-1]] = np.arange(len(labelled))[::-1]
        has_rows = first >= 0

        def each(values: NDArray[np.generic], otherwise: int) -> NDArray[np.generic]:
            found = np.full(len(draw), otherwise, values.dtype)
            found[has_rows] = values[first[has_rows]]
            return found

        return cls(
            draw,
            counts,
            np.asarray(each(labelled.opened_us, np.iinfo(np.int64).min), np.int64),
            np.asarray(each(labelled.breached, -1), np.int8),
            np.asarray(each(labelled.known_us, np.iinfo(np.int64).max), np.int64),
        )

    @classmethod
    def concatenated(cls, parts: Sequence[Surveyed]) -> Surveyed:
        """The tickets of all parts, one part after the other."""
        return cls(
            np.concatenate([part.draw for part in parts]),
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.opened_us for part in parts]),
            np.concatenate([part.breached for part in parts]),
            np.concatenate([part.known_us for part in parts]),
        )

    def periods(self, end_us: int, cut_us: int | None, until_us: int | None, *, weeks_judged: int) -> Periods:
        """The periods that all rows speak for, as `splits.derive_periods` does with their labels."""
        ticket = np.repeat(np.arange(len(self.rows)), self.rows)
        nothing = np.broadcast_to(np.zeros(1, np.int64), ticket.shape)
        rows = Labelled(
            breached=self.breached[ticket],
            known_us=self.known_us[ticket],
            has_stopped=nothing.astype(np.bool_),
            worked_us=nothing,
            open_us=nothing,
            ticket=ticket,
            at_us=self.opened_us[ticket],
            opened_us=self.opened_us[ticket],
            kind=nothing.astype(np.int8),
            share_used=nothing.astype(np.float64),
            priority=nothing,
            team=nothing,
        )
        return derive_periods(rows, end_us, cut_us, until_us, weeks_judged=weeks_judged)

    def stands_for(self, cut_us: int, most_rows: int) -> Float64Array:
        """For each ticket how many tickets it stands for, 0 where it is left out; about `most_rows` rows remain."""
        kind = np.where((self.breached == 1) & (self.known_us <= cut_us), BROKEN, OTHER)
        kind[self.opened_us > cut_us] = NEW
        share = shares(np.asarray(np.bincount(kind, self.rows, 3), np.float64), most_rows)[kind]
        is_kept = (self.draw / DRAWN_FROM < share) & (self.rows > 0)
        return np.where(is_kept, 1.0 / np.maximum(share, np.finfo(float).tiny), 0.0)


def shares(rows: Float64Array, most_rows: int) -> Float64Array:
    """What share of the tickets that are new, broken and other is kept, given the rows of each class."""
    left = float(most_rows)
    found = np.ones(3)
    for kind, part in ((NEW, 0.5), (BROKEN, 0.5), (OTHER, 1.0)):
        later = float(rows[kind + 1 :].sum())
        budget = max(left * part, left - later)
        found[kind] = min(1.0, budget / rows[kind]) if rows[kind] else 1.0
        left -= min(budget, float(rows[kind]))
    return found
