"""Rows for the question "when will this ticket end": every instant at which a record came, and how long it then took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.histories import Histories
from features.snapshots import SnapshotKind, Snapshots, grid_snapshots, is_open
from models.scales import Float64Array
from sla.instants import NEVER_US, BoolArray, Int64Array

HOUR_US = 3_600_000_000.0


@dataclass(frozen=True)
class RemainingRows:
    """m snapshots with what became of their tickets as known at one instant; `length` is the number of records so far.

    `end_us` is NEVER_US where the ticket had not ended by then: such a row is censored, its ticket lasts at least until then.
    """

    snapshots: Snapshots
    length: Int64Array
    opened_us: Int64Array
    end_us: Int64Array

    def __len__(self) -> int:
        return len(self.snapshots)

    @property
    def hours(self) -> Float64Array:
        """Hours until the end, NaN where it is not known."""
        hours: Float64Array = np.where(self.end_us == NEVER_US, np.nan, (self.end_us - self.snapshots.at_us) / HOUR_US)
        return hours

    def where(self, mask: NDArray[np.generic]) -> RemainingRows:
        """The rows where a mask is true."""
        return RemainingRows(self.snapshots.take(mask), self.length[mask], self.opened_us[mask], self.end_us[mask])


def ends_us(histories: Histories, as_of_us: int | None = None) -> Int64Array:
    """When each ticket ended: its last record known by an instant, if it is resolved, closed or cancelled by it.

    NEVER_US for a ticket that is open then, or unknown. A ticket that is reopened later ends later: ask again then.
    """
    as_of_us = histories.last_known_us if as_of_us is None else as_of_us
    tickets = np.arange(len(histories.ticket_ids))
    step = histories.search.at(tickets, np.full(len(tickets), as_of_us))
    ended = (step >= 0) & ~is_open(histories)[step]
    return np.where(ended, histories.steps.known_us[step], NEVER_US)


def remaining_rows(
    histories: Histories,
    as_of_us: int | None = None,
    *,
    end_us: Int64Array | None = None,
    shortest: int = 1,
    grid_one_in: int = 0,
    seed: int = 0,
) -> RemainingRows:
    """The rows known by an instant: each ticket at each record but the one that ended it.

    `end_us` (one a ticket) says when tickets ended if not as `ends_us` does. `shortest` leaves out histories of fewer
    records. With `grid_one_in` each open ticket is also looked at in one hour of so many: people ask between records too.
    """
    as_of_us = histories.last_known_us if as_of_us is None else as_of_us
    end_us = ends_us(histories, as_of_us) if end_us is None else end_us
    steps = histories.steps
    step = np.flatnonzero((steps.known_us <= as_of_us) & (steps.known_us < end_us[steps.ticket]))
    kind = np.where(steps.is_first[step], np.int8(SnapshotKind.CREATED), np.int8(SnapshotKind.EVENT))
    snapshots = Snapshots(steps.ticket[step], steps.known_us[step], kind)
    if grid_one_in:
        between = grid_snapshots(histories, seed, grid_one_in)
        asked: BoolArray = (between.at_us <= as_of_us) & (between.at_us < end_us[between.ticket])
        snapshots = Snapshots.concatenated([snapshots, between.take(asked)])
    length = histories.search.at(snapshots.ticket, snapshots.at_us) - steps.offsets[snapshots.ticket] + 1
    ticket = snapshots.ticket
    rows = RemainingRows(snapshots, length, steps.opened_us[ticket], end_us[ticket])
    return rows.where(length >= shortest)
