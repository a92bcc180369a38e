"""How many open tickets each key (team, assignee, ...) holds at any instant, and what came in and went out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.histories import Histories
from features.knowledge import Steps
from features.prefix_sums import KeyedSums, Timeline
from features.snapshots import is_open
from sla.instants import BoolArray, Int64Array

OPEN, WAITING, ARRIVED, RESOLVED, PASSED_ON = range(5)
"""Columns of the sums: open now, of these waiting; arrivals, resolutions and hand-overs so far."""


@dataclass(frozen=True)
class Membership:
    """Which key holds each ticket, step by step, as sums by key along time. Keys are codes 0.. with 0 = none."""

    keys: Int64Array  # one a step
    counted: NDArray[np.int64]  # (steps, 2): is open, is open and waiting
    sums: KeyedSums
    timeline: Timeline
    entry_ticket: Int64Array  # the ticket of each entry in the order of `sums`
    entry_open: Int64Array  # +1, 0, -1: the change of OPEN by each entry in the order of `sums`

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
        return cls(keys, counted, sums, timeline, entries.ticket[sums.entries], entries.amounts[sums.entries, OPEN])

    def others(self, totals: Int64Array, keys: Int64Array, step_before: Int64Array) -> Int64Array:
        """(queries, 2): open and waiting tickets of the sums `totals` of keys, the asking ticket left out."""
        is_own = (step_before >= 0) & (self.keys[step_before] == keys)
        own: Int64Array = totals[:, [OPEN, WAITING]] - self.counted[step_before] * is_own[:, None]
        return own


@dataclass(frozen=True)
class _Entries:
    ticket: Int64Array
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
        np.concatenate([steps.ticket[leaves], steps.ticket[changed]]),
        np.concatenate([steps.known_us[leaves], steps.known_us[changed]]),
        np.concatenate([was_keys[leaves], keys[changed]]),
        np.concatenate([taken[leaves], given]),
    )


def _columns(*marks: BoolArray | None) -> NDArray[np.int64]:
    length = next(len(mark) for mark in marks if mark is not None)
    return np.stack([np.zeros(length, np.int64) if mark is None else mark.astype(np.int64) for mark in marks], axis=1)
