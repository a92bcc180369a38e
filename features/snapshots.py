"""Snapshots: which tickets are looked at, and when. Training rows are snapshots of the past, live rows of this instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.histories import Histories
from sla.instants import DAY_US, SECOND_US, BoolArray, Int64Array

OPEN_STATUSES = ("new", "open", "waiting")
HOUR_US = DAY_US // 24
GOLDEN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: seeds far apart


class SnapshotKind(IntEnum):
    """Why a ticket is looked at."""

    CREATED = 0  # the first instant at which the ticket is known
    EVENT = 1  # something became known about it
    GRID = 2  # time passed
    LIVE = 3  # every open ticket, at one instant
    SHARE = 4  # its clock passed a share of the target


@dataclass(frozen=True)
class Snapshots:
    """m pairs (ticket, instant); `ticket` indexes Histories.ticket_ids, `kind` is a SnapshotKind."""

    ticket: Int64Array
    at_us: Int64Array
    kind: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.ticket)

    def take(self, rows: NDArray[np.generic]) -> Snapshots:
        """The snapshots at the given places, or where a mask is true."""
        return Snapshots(self.ticket[rows], self.at_us[rows], self.kind[rows])

    @classmethod
    def concatenated(cls, parts: Sequence[Snapshots]) -> Snapshots:
        """The snapshots of all parts, one part after the other."""
        return cls(
            np.concatenate([part.ticket for part in parts]),
            np.concatenate([part.at_us for part in parts]),
            np.concatenate([part.kind for part in parts]),
        )


def ordinals(ticket: Int64Array, at_us: Int64Array) -> Int64Array:
    """Which of its ticket's snapshots each one is in order of time, from 1; those of one instant in the order given."""
    order = np.lexsort((at_us, ticket))
    begins = np.ones(len(order), np.bool_)
    begins[1:] = ticket[order][1:] != ticket[order][:-1]
    place = np.arange(len(order))
    found = np.empty(len(order), np.int64)
    found[order] = place - np.maximum.accumulate(np.where(begins, place, 0)) + 1
    return found


def event_snapshots(histories: Histories) -> Snapshots:
    """A CREATED snapshot of each ticket when it was first known, and an EVENT snapshot after each later record.

    Only where the ticket is open then. The first snapshot shows the first record alone; several records of one second
    give one snapshot, after the last of them; those of the ticket's first second only if they changed its state. A
    breached clock does not end this: see `features.outcomes.is_undecided`.
    """
    steps = histories.steps
    second = steps.known_us // SECOND_US
    is_later = steps.is_last_of_second & ((second > second[steps.offsets[steps.ticket]]) | (steps.changes_so_far > 0))
    rows = np.flatnonzero(is_open(histories) & (steps.is_first | is_later))
    kind = np.where(steps.is_first[rows], np.int8(SnapshotKind.CREATED), np.int8(SnapshotKind.EVENT))
    return Snapshots(steps.ticket[rows], steps.known_us[rows], kind)


def open_snapshots(histories: Histories, at_us: int) -> Snapshots:
    """A LIVE snapshot of every ticket that was open as known at an instant."""
    tickets = np.arange(len(histories.ticket_ids))
    step = histories.search.at(tickets, np.full(len(tickets), at_us))
    found = np.flatnonzero((step >= 0) & is_open(histories)[step])
    return Snapshots(found, np.full(len(found), at_us), np.full(len(found), SnapshotKind.LIVE, np.int8))


def grid_snapshots(histories: Histories, seed: int, one_in: int, every_us: int = HOUR_US) -> Snapshots:
    """GRID snapshots: each open ticket at one random instant out of every `one_in` instants of a regular grid.

    The grid is the multiples of `every_us` since 1970. The draw depends on seed, ticket id and grid place alone, so more
    data changes no draw. Instants at which the ticket was not open as known are dropped; keeping to working hours is the
    caller's choice (`features.outcomes.is_undecided`, the feature `is_working_time`).
    """
    steps = histories.steps
    block_us = every_us * one_in
    has_rows = np.flatnonzero(np.diff(steps.offsets))
    first = steps.known_us[steps.offsets[has_rows]] // block_us
    last = _last_open_us(histories, has_rows) // block_us
    counts = np.maximum(last - first + 1, 0)
    ticket = np.repeat(has_rows, counts)
    block = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    ids = pd.util.hash_array(histories.ticket_ids.astype(object), categorize=False)
    stream = np.uint64(seed * GOLDEN & 0xFFFFFFFFFFFFFFFF)
    draw = _mixed(ids[ticket] ^ _mixed(block.astype(np.uint64) + stream))
    at_us = block * block_us + (draw % np.uint64(one_in)).astype(np.int64) * every_us
    step = histories.search.at(ticket, at_us)
    keep = (step >= 0) & is_open(histories)[step] & (at_us <= histories.last_known_us)
    return Snapshots(ticket[keep], at_us[keep], np.full(int(keep.sum()), SnapshotKind.GRID, np.int8))


def is_open(histories: Histories) -> BoolArray:
    """Whether the ticket is open after each step: new, open, waiting, or no status heard of yet."""
    return histories.once(
        "is_open", lambda: histories.is_value("status", *OPEN_STATUSES) | (histories.codes("status") < 0)
    )


def _last_open_us(histories: Histories, tickets: Int64Array) -> Int64Array:
    """Until when each ticket may be open: its last step if that ended it, else the end of the log."""
    steps = histories.steps
    last = steps.offsets[tickets + 1] - 1
    return np.where(is_open(histories)[last], histories.last_known_us, steps.known_us[last])


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers that look random: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    mixed = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    out: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return out
