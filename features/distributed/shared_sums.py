"""Sums over the tickets of all partitions, in files: written once, then looked into by whoever needs a key's sums.

They answer as `features.prefix_sums` and `features.membership.Spells` do in memory. Files are mapped, never read whole, and
let go after each question: a worker holds one key's sums at a time, and workers of one machine share their pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.membership import Spells
from features.prefix_sums import KeyedSums, Timeline
from sla.instants import Int64Array

AT, PLACES, SUMS = "at_us", "places", "sums"
SPELL_ARRAYS = ("keys", "enters_us", "leaves_us", "opened_us")
QUESTIONS_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class Entries:
    """n changes: when each became known, under which key code, and by which integers it changes what is summed."""

    at_us: Int64Array
    keys: Int64Array
    amounts: NDArray[np.int64]  # (n, columns)

    @classmethod
    def of(cls, timeline: Timeline, sums: KeyedSums) -> Entries:
        """The entries that sums were made of, by key and then by time."""
        places, totals = sums.parts
        width = len(timeline.at_us) + 1
        keys = places // width
        rows = np.arange(len(keys)) + keys + 1  # each key's sums begin with a row of zeros
        return cls(timeline.at_us[places % width], keys, totals[rows] - totals[rows - 1])


def write_sums(folder: Path, entries: Entries, n_keys: int) -> None:
    """Write the sums of entries by key along time."""
    timeline = Timeline.of(entries.at_us)
    places, sums = KeyedSums(timeline, entries.keys, n_keys, entries.amounts).parts
    write_arrays(folder, {AT: timeline.at_us, PLACES: places, SUMS: narrow(sums)})


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

    def upto(self, keys: Int64Array, known: Int64Array) -> Int64Array:
        """The sums (queries, columns) over the entries of each key that are among the first `known` of the timeline."""
        places, sums = mapped(self.folder, PLACES), mapped(self.folder, SUMS)
        found: Int64Array = sums[np.searchsorted(places, keys * (len(places) + 1) + known) + keys].astype(np.int64)
        return found


@dataclass(frozen=True)
class StoredSpells:
    """Written spells of all tickets; see membership.Spells."""

    folder: Path
    n_keys: int

    def older(
        self, keys: Int64Array, before_us: Int64Array, _opened_us: Int64Array, limits_us: Int64Array
    ) -> Int64Array:
        """How many tickets each key holds just before an instant that were opened before a limit.

        Asked in order of time: each part looks at the spells of its own time only.
        """
        enters_us, leaves_us = mapped(self.folder, "enters_us"), mapped(self.folder, "leaves_us")
        counts = np.empty(len(keys), np.int64)
        order = np.argsort(before_us, kind="stable")
        for first in range(0, len(order), QUESTIONS_AT_ONCE):
            asked = order[first : first + QUESTIONS_AT_ONCE]
            since_us, until_us = before_us[asked[0]], before_us[asked[-1]]
            near = np.flatnonzero((leaves_us >= since_us) & (enters_us < until_us))
            spells = Spells(
                np.arange(len(near)),
                mapped(self.folder, "keys")[near],
                self.n_keys,
                enters_us[near],
                leaves_us[near],
            )
            opened_us = mapped(self.folder, "opened_us")[near]
            counts[asked] = spells.older(keys[asked], before_us[asked], opened_us, limits_us[asked])
        return counts


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
