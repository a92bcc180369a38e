"""How many open tickets each key (team, assignee, ...) holds at any instant, and what came in and went out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.declaration import Key
from features.histories import Histories
from features.keys import KeyCodes, codes_in
from features.knowledge import Steps
from features.major_incidents import top_priorities
from features.prefix_sums import FewSums, Instants, KeyedSums, Part, SignedSums, Timeline, sums_below
from features.snapshots import is_open
from sla.instants import NEVER_US, BoolArray, Int64Array

OPEN, WAITING, MAJOR, ARRIVED, RESOLVED, PASSED_ON, REOPENED, CHANGED = range(8)
COLUMNS = 8
"""Columns of the sums: open now, of these waiting, and of the top priority; arrivals, resolutions, hand-overs,
reopenings, and changes so far: records after which a ticket is under another key, or is open, waits or is of the top
priority where it was not before, or is no longer."""
HELD = slice(OPEN, MAJOR + 1)
FEW_CHANGES = 8
"""So few changes are not put in order for those who ask: they look at all of them."""


@dataclass(frozen=True)
class Spells:
    """Spells of open tickets under one key: s intervals [enters, leaves), `leaves_us` NEVER_US while it goes on."""

    ticket: Int64Array
    keys: Int64Array
    n_keys: int
    enters_us: Int64Array
    leaves_us: Int64Array

    @classmethod
    def of(cls, steps: Steps, keys: NDArray[np.int32], n_keys: int, is_open: BoolArray) -> Spells:
        """The spells of all tickets under one key a step."""
        spells = cls.by_step(steps, keys, n_keys, is_open, np.zeros(len(steps), np.bool_))
        return replace(spells, ticket=steps.ticket[spells.ticket])

    @classmethod
    def by_step(
        cls, steps: Steps, keys: NDArray[np.int32], n_keys: int, is_open: BoolArray, parts: BoolArray
    ) -> Spells:
        """The same, parted also at the steps `parts`, with the step at which each spell began in the place of its ticket."""
        moved, was_open = parts | (steps.previous(keys, -1) != keys), steps.previous(is_open, False)
        begins = np.flatnonzero(is_open & (moved | ~was_open))
        ends = np.flatnonzero(was_open & (moved | ~is_open))
        # Each spell ends at the first end after its beginning, if that is the same ticket's.
        place = np.searchsorted(ends, begins, side="right")
        end = np.append(ends, -1)[place]
        has_end = (end >= 0) & (steps.ticket[end] == steps.ticket[begins])
        leaves_us = np.where(has_end, steps.known_us[end], NEVER_US)
        return cls(begins, keys[begins].astype(np.int64), n_keys, steps.known_us[begins], leaves_us)

    def older(
        self, keys: Int64Array, before_us: Int64Array, opened_us: Int64Array, limits_us: Int64Array
    ) -> Int64Array:
        """How many tickets each key holds just before an instant that were opened before a limit; `opened_us` by ticket."""
        if not len(keys):
            return np.zeros(0, np.int64)
        if before_us.min() == before_us.max():
            return self._below_at(int(before_us[0]), keys, opened_us, limits_us)
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

    def _below_at(self, at_us: int, keys: Int64Array, opened_us: Int64Array, limits_us: Int64Array) -> Int64Array:
        """As `older`, at one instant: the questions are sorted, often few, and those held then laid among them.

        A ticket counts for the questions about its key whose limit comes after its opening: for the first of them and all
        that follow.
        """
        is_asked = np.zeros(self.n_keys, np.bool_)
        is_asked[keys] = True
        held = np.flatnonzero((self.enters_us < at_us) & (self.leaves_us >= at_us) & is_asked[self.keys])
        of_key = self.keys[held]
        limits, width = np.sort(limits_us), len(limits_us) + 1
        questions = keys * width + np.searchsorted(limits, limits_us)
        first = of_key * width + np.searchsorted(limits, opened_us[self.ticket[held]], side="right")
        in_order = np.sort(questions)
        counted = np.cumsum(np.bincount(np.searchsorted(in_order, first), minlength=len(questions)))
        of_each = np.bincount(of_key, minlength=self.n_keys)
        found: Int64Array = counted[np.searchsorted(in_order, questions)] - (np.cumsum(of_each) - of_each)[keys]
        return found

    @cached_property
    def last_left_us(self) -> int:
        """When the last of all spells ends."""
        return int(self.leaves_us.max(initial=-NEVER_US))


@dataclass(frozen=True)
class DeskSpells:
    """The spells of a desk: for each of its histories the spells, `opened_us` by ticket, its code of each key, +1 or -1."""

    parts: Sequence[tuple[Spells, Int64Array, Int64Array, int]]

    def older(
        self, keys: Int64Array, before_us: Int64Array, _opened_us: Int64Array, limits_us: Int64Array
    ) -> Int64Array:
        """As of Spells, over the whole desk, whose histories know themselves when their tickets were opened."""
        totals = np.zeros(len(keys), np.int64)
        first_us = int(before_us.min(initial=NEVER_US))
        for spells, opened_us, code_there, sign in self.parts:
            if spells.last_left_us >= first_us:
                there = code_there[keys]
                chosen = np.flatnonzero(there >= 0)
                found = spells.older(there[chosen], before_us[chosen], opened_us, limits_us[chosen])
                totals[chosen] += sign * found
        return totals


@dataclass(frozen=True)
class Membership:
    """Which key holds each ticket, step by step, as sums by key along time. Keys are codes 0.. with 0 = none."""

    keys: NDArray[np.int32]  # one a step
    counted: NDArray[np.integer]  # (steps, 3): is open, is open and waiting, is open and of the top priority
    sums: KeyedSums
    timeline: Timeline

    @classmethod
    def of(cls, histories: Histories, key: Key) -> Membership:
        """The membership of all tickets under a key, built once; histories on a desk have the sums of the desk."""
        return cls._on_desk(histories, key) if histories.desk else cls._own(histories, key)

    @classmethod
    def _own(cls, histories: Histories, key: Key) -> Membership:
        def build() -> Membership:
            codes, counted = KeyCodes.of(histories, key), _counted(histories)
            known_us, keys, amounts = changes(histories, key)
            timeline = Timeline.of(known_us)
            is_short = len(keys) <= FEW_CHANGES
            sums = FewSums(timeline, keys, amounts) if is_short else KeyedSums(timeline, keys, codes.count, amounts)
            return cls(codes.codes, counted, sums, timeline)

        return histories.once(f"membership of {key}", build)

    @classmethod
    def _on_desk(cls, histories: Histories, key: Key) -> Membership:
        sums: list[Part] = []
        for other, sign in histories.desk:
            held = cls._own(other, key)
            sums.append((held.sums, held.timeline, codes_in(histories, key, other), sign))
        codes = KeyCodes.of(histories, key)
        together = SignedSums(sums, codes.count, COLUMNS)
        return cls(codes.codes, _counted(histories), together, Instants())

    def others(self, totals: Int64Array, keys: NDArray[np.int32], step_before: Int64Array) -> Int64Array:
        """(queries, 3): the tickets held as of the sums `totals` of keys, the asking ticket left out."""
        is_own = (step_before >= 0) & (self.keys[step_before] == keys)
        own: Int64Array = totals[:, HELD] - self.counted[step_before] * is_own[:, None]
        return own


def _opened_us(histories: Histories) -> Int64Array:
    return histories.once("opened_us", lambda: histories.steps.opened_us)


def spells_among(histories: Histories, key: Key) -> Spells | DeskSpells:
    """The spells of all tickets under a key; histories on a desk have those of the desk."""
    if not histories.desk:
        return held_spells(histories, key)
    parts = [
        (held_spells(other, key), _opened_us(other), codes_in(histories, key, other), sign)
        for other, sign in histories.desk
    ]
    return DeskSpells(parts)


def held_spells(histories: Histories, key: Key) -> Spells:
    """The spells of these tickets under a key, built once."""
    codes = KeyCodes.of(histories, key)
    return histories.once(
        f"spells of {key}", lambda: Spells.of(histories.steps, codes.codes, codes.count, is_open(histories))
    )


def _counted(histories: Histories) -> NDArray[np.int8]:
    """(steps, 3): is open, is open and waiting, is open and of the top priority."""

    def build() -> NDArray[np.int8]:
        opened = is_open(histories)
        major = histories.is_value("priority", *top_priorities(histories.agreements))
        columns = [opened, opened & histories.is_value("status", "waiting"), opened & major]
        return np.stack(columns, axis=1).astype(np.int8)

    return histories.once("open, waiting and major", build)


def changes(histories: Histories, key: Key) -> tuple[Int64Array, NDArray[np.int32], NDArray[np.int64]]:
    """When each change became known, the key's code, and what it adds (changes, COLUMNS).

    Two a change: one takes the ticket from the key it was under, one gives it to the key it is under now.
    """
    steps, keys, counted = histories.steps, KeyCodes.of(histories, key).codes, _counted(histories)
    if steps.has_one_each:
        return steps.known_us, keys, _arrivals(counted)
    was_keys = steps.previous(keys, -1)
    was = np.zeros_like(counted)
    was[1:] = counted[:-1]
    was[steps.is_first] = 0
    moved = was_keys != keys
    changed = moved | (was != counted).any(axis=1)
    is_open_now, was_open = counted[:, 0] == 1, was[:, 0] == 1
    begins = is_open_now & ~was_open
    arrived, reopened = begins | (is_open_now & moved), begins & ~steps.is_first
    given = np.concatenate([counted, _columns(arrived, None, None, reopened, changed)], axis=1)[changed]
    left = was_open & moved
    taken = np.concatenate([-was, _columns(None, was_open & ~is_open_now, left & is_open_now, None, None)], axis=1)
    leaves = changed & ~steps.is_first
    return (
        np.concatenate([steps.known_us[leaves], steps.known_us[changed]]),
        np.concatenate([was_keys[leaves], keys[changed]]),
        np.concatenate([taken[leaves], given]),
    )


def _arrivals(counted: NDArray[np.int8]) -> NDArray[np.int64]:
    """What records add of whose tickets nothing was known before: all that is open has arrived."""
    amounts = np.zeros((len(counted), COLUMNS), np.int64)
    amounts[:, HELD], amounts[:, ARRIVED], amounts[:, CHANGED] = counted, counted[:, OPEN], 1
    return amounts


def _columns(*marks: BoolArray | None) -> NDArray[np.int64]:
    length = next(len(mark) for mark in marks if mark is not None)
    return np.stack([np.zeros(length, np.int64) if mark is None else mark.astype(np.int64) for mark in marks], axis=1)
