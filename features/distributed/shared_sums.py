"""Sums over the tickets of all partitions, in files: written once, then looked into by whoever needs a key's sums.

They answer as `features.prefix_sums` and `features.membership.Spells` do in memory. Files are mapped, never read whole, and
let go after each question: a worker holds one key's sums at a time, and workers of one machine share their pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.membership import Spells
from features.prefix_sums import KeyedSums, Timeline
from sla.instants import NEVER_US, Int64Array

AT, PLACES = "at_us", "places"
SPELL_ARRAYS = ("keys", "enters_us", "leaves_us", "values")
QUESTIONS_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class Entries:
    """n changes: when each became known, under which key code, and by which integers it changes what is summed."""

    at_us: Int64Array
    keys: Int64Array
    amounts: NDArray[np.int64]  # (n, columns)

    @classmethod
    def of(cls, timeline: Timeline, sums: KeyedSums, n_keys: int) -> Entries:
        """The entries that sums were made of, by key and then by time."""
        counts = np.diff(sums.starts(np.arange(n_keys + 1)))
        keys = np.repeat(np.arange(n_keys), counts)
        place = np.empty(len(timeline.order), np.int64)
        place[timeline.order] = np.arange(len(place))
        place = place[sums.entries]
        if not len(keys):
            return cls(place, keys, np.zeros((0, sums.columns), np.int64))
        amounts = sums.upto(keys, place + 1)
        before = np.concatenate([np.zeros_like(amounts[:1]), amounts[:-1]])
        before[1:][keys[1:] != keys[:-1]] = 0
        return cls(timeline.at_us[place], keys, amounts - before)


def write_sums(folder: Path, at_us: Int64Array, keys: Int64Array, n_keys: int, columns: Iterable[Int64Array]) -> None:
    """Write the sums of entries by key along time, column by column, so that one is in memory at a time.

    The sum of a column up to place p under key k is at p + k: each key's sums begin with a zero.
    """
    in_time = np.argsort(at_us, kind="stable")
    by_key = np.argsort(keys[in_time], kind="stable")
    order = in_time[by_key]
    keys = keys[order]
    write_arrays(folder, {AT: at_us[in_time], PLACES: keys * (len(keys) + 1) + by_key})
    del in_time, by_key
    starts = np.searchsorted(keys, np.arange(n_keys))
    rows = np.arange(len(keys)) + keys + 1
    for number, amounts in enumerate(columns):
        totals = np.concatenate([np.zeros(1, np.int64), np.cumsum(amounts[order], dtype=np.int64)])
        sums = np.zeros(len(keys) + n_keys, np.int64)
        sums[rows] = totals[1:] - totals[starts][keys]
        write_arrays(folder, {_sums_name(number): narrow(sums)})


@dataclass(frozen=True)
class StoredTimeline:
    """The instants of written sums; see prefix_sums.Timeline."""

    folder: Path

    def before(self, at_us: Int64Array) -> Int64Array:
        """How many entries were known strictly before each instant."""
        return np.searchsorted(mapped(self.folder, AT), at_us, side="left")


@dataclass(frozen=True)
class StoredSums:
    """Written sums; see prefix_sums.KeyedSums."""

    folder: Path

    @cached_property
    def columns(self) -> int:
        """How many amounts an entry has."""
        return len(list(self.folder.glob(f"{_sums_name('*')}.npy")))

    def upto(self, keys: Int64Array, known: Int64Array) -> Int64Array:
        """The sums (queries, columns) over the entries of each key that are among the first `known` of the timeline."""
        places = mapped(self.folder, PLACES)
        rows = np.searchsorted(places, keys * (len(places) + 1) + known) + keys
        found = np.empty((len(keys), self.columns), np.int64)
        for number in range(self.columns):
            found[:, number] = mapped(self.folder, _sums_name(number))[rows]
        return found


@dataclass(frozen=True)
class StoredSpells:
    """Written spells of all tickets; see membership.Spells."""

    folder: Path

    @property
    def last_left_us(self) -> int:
        """When the last of all spells ends, for all that anyone may ask."""
        return NEVER_US

    def older(self, keys: Int64Array, before_us: Int64Array, _values: Int64Array, limits_us: Int64Array) -> Int64Array:
        """How many spells each key holds just before an instant whose own value is below a limit.

        Asked in order of time: each part looks at the spells of its own time only.
        """
        enters_us, leaves_us = mapped(self.folder, "enters_us"), mapped(self.folder, "leaves_us")
        counts = np.empty(len(keys), np.int64)
        order = np.argsort(before_us, kind="stable")
        for first in range(0, len(order), QUESTIONS_AT_ONCE):
            asked = order[first : first + QUESTIONS_AT_ONCE]
            near = np.flatnonzero((leaves_us >= before_us[asked[0]]) & (enters_us < before_us[asked[-1]]))
            codes = mapped(self.folder, "keys")[near]
            n_keys = int(max(codes.max(initial=0), keys[asked].max())) + 1
            spells = Spells(np.arange(len(near)), codes, n_keys, enters_us[near], leaves_us[near])
            values = mapped(self.folder, "values")[near]
            counts[asked] = spells.older(keys[asked], before_us[asked], values, limits_us[asked])
        return counts


def _sums_name(number: int | str) -> str:
    return f"sums-{number}"


def write_arrays(folder: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays as .npy files of their names; a file appears under its name when it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in arrays.items():
        unfinished = folder / f"{name}.unfinished.npy"
        np.save(unfinished, values)
        unfinished.replace(folder / f"{name}.npy")


def mapped(folder: Path, name: str) -> NDArray[Any]:
    """One of the arrays, mapped from its file and not yet read."""
    return np.load(folder / f"{name}.npy", mmap_mode="r")  # type: ignore[no-any-return]


def narrow(numbers: NDArray[np.int64]) -> NDArray[np.signedinteger[Any]]:
    """The integers in the fewest bytes that hold them all."""
    low, high = (int(numbers.min()), int(numbers.max())) if numbers.size else (0, 0)
    kind: type[np.signedinteger[Any]]
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return numbers.astype(kind)
    return numbers
