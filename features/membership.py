"""How many open tickets each key (team, assignee, ...) holds at any instant, and what came in and went out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.histories import Histories
from features.knowledge import Steps
from features.prefix_sums import KeyedSums, Timeline, sums_below
from features.snapshots import is_open
from sla.instants import NEVER_US, BoolArray, Int64Array

OPEN, WAITING, ARRIVED, RESOLVED, PASSED_ON = range(5)
"""Columns of the sums: open now, of these waiting; arrivals, resolutions and hand-overs so far."""


@dataclass(frozen=True)
class Spells:
    """Spells of open tickets under one key: s intervals [enters, leaves), `leaves_us` NEVER_US while it goes on."""

    ticket: Int64Array
    keys: Int64Array
    n_keys: int
    enters_us: Int64Array
    leaves_us: Int64Array

    @classmethod
    def of(cls, steps: Steps, keys: Int64Array, n_keys: int, is_open: BoolArray) -> Spells:
        """The spells of all tickets under one key a step."""
        moved, was_open = steps.previous(keys, -1) != keys, steps.previous(is_open, False)
        begins = np.flatnonzero(is_open & (moved | ~was_open))
        ends = np.flatnonzero(was_open & (moved | ~is_open))
        # Each spell ends at the first end after its beginning, if that is the same ticket's.
        place = np.searchsorted(ends, begins, side="right")
        end = np.append(ends, -1)[place]
        has_end = (end >= 0) & (steps.ticket[end] == steps.ticket[begins])
        leaves_us = np.where(has_end, steps.known_us[end], NEVER_US)
        return cls(steps.ticket[begins], keys[begins], n_keys, steps.known_us[begins], leaves_us)

    def older(
        self, keys: Int64Array, before_us: Int64Array, opened_us: Int64Array, limits_us: Int64Array
    ) -> Int64Array:
        """How many tickets each key holds just before an instant that were opened before a limit; `opened_us` by ticket."""
        if not len(keys):
            return np.zeros(0, np.int64)
        # Spells that ended before the first question or began after the last cancel out: one instant asks of few.
        kept = np.flatnonzero((self.leaves_us >= before_us.min()) & (self.enters_us < before_us.max()))
        left = kept[self.leaves_us[kept] < before_us.max()]
        spell = np.concatenate([kept, left])
        change = np.concatenate([np.ones(len(kept), np.int64), np.full(len(left), -1)])
        timeline = Timeline.of(np.concatenate([self.enters_us[kept], self.leaves_us[left]]))
        sums = KeyedSums(timeline, self.keys[spell], self.n_keys, change[:, None])
        ends = sums.places(keys, timeline.before(before_us))
        opened = opened_us[self.ticket[spell]][sums.entries]
        return sums_below(opened, change[sums.entries], sums.starts(keys), ends, limits_us)


@dataclass(frozen=True)
class Membership:
    """Which key holds each ticket, step by step, as sums by key along time. Keys are codes 0.. with 0 = none."""

    keys: Int64Array  # one a step
    counted: NDArray[np.int64]  # (steps, 2): is open, is open and waiting
    sums: KeyedSums
    timeline: Timeline
    spells: Spells

    @classmethod
    def of(cls, histories: Histories, keys: Int64Array, n_keys: int) -> Membership:
        """The membership of all tickets under one key a step."""
        steps = histories.steps
        opened = is_open(histories)
        waiting = opened & histories.is_value("status", "waiting")
        counted = np.stack([opened, waiting], axis=1).astype(np.int64)
        entries = _entries(steps, keys, counted)
        timeline = Timeline.of(entries.known_us)
        sums = KeyedSums(timeline, entries.keys, n_keys, entries.amounts)
        return cls(keys, counted, sums, timeline, Spells.of(steps, keys, n_keys, opened))

    def others(self, totals: Int64Array, keys: Int64Array, step_before: Int64Array) -> Int64Array:
        """(queries, 2): open and waiting tickets of the sums `totals` of keys, the asking ticket left out."""
        is_own = (step_before >= 0) & (self.keys[step_before] == keys)
        own: Int64Array = totals[:, [OPEN, WAITING]] - self.counted[step_before] * is_own[:, None]
        return own


@dataclass(frozen=True)
class _Entries:
    known_us: Int64Array
    keys: Int64Array
    amounts: NDArray[np.int64]


def _entries(steps: Steps, keys: Int64Array, counted: NDArray[np.int64]) -> _Entries:
    """Two entries a change: one takes the ticket from the key it was under, one gives it to the key it is under now."""
    was_keys = steps.previous(keys, -1)
    was = np.zeros_like(counted)
    was[1:] = counted[:-1]
    was[steps.is_first] = 0
    moved = was_keys != keys
    changed = moved | (was != counted).any(axis=1)
    is_open_now, was_open = counted[:, 0] == 1, was[:, 0] == 1
    given = np.concatenate([counted, _columns(is_open_now & (moved | ~was_open), None, None)], axis=1)[changed]
    left = was_open & moved
    taken = np.concatenate([-was, _columns(None, was_open & ~is_open_now, left & is_open_now)], axis=1)
    leaves = changed & ~steps.is_first
    return _Entries(
        np.concatenate([steps.known_us[leaves], steps.known_us[changed]]),
        np.concatenate([was_keys[leaves], keys[changed]]),
        np.concatenate([taken[leaves], given]),
    )


def _columns(*marks: BoolArray | None) -> NDArray[np.int64]:
    length = next(len(mark) for mark in marks if mark is not None)
    return np.stack([np.zeros(length, np.int64) if mark is None else mark.astype(np.int64) for mark in marks], axis=1)
