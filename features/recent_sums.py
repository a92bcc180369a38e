"""What many tickets add to the indices over all tickets, kept from an instant on.

Live, nobody asks how busy the desk was a year ago: only the changes of the last weeks are kept one by one, and all older
ones as one a key. Questions about earlier instants are answered all the same, from whole histories of the tickets, which
are then made. Sums are made of some tickets at a time, so that not even while they are made the steps, states and verdicts
of all tickets are in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from features.declaration import Key
from features.due_times import due_spells
from features.histories import Histories
from features.keys import KeyCodes, codes_in, pairs_in
from features.membership import DeskSpells, Membership, Spells, changes, held_spells
from features.outcomes import Outcomes
from features.prefix_sums import Instants, KeyedSums, SignedSums, Timeline
from features.shared_indices import DUE, ENDED, HELD, Index, IndexedDesk
from sla.agreements.agreement_set import AgreementSet
from sla.events import Column, EventLog
from sla.instants import Int64Array

MOST_COLUMNS = 2
THREADS = 2
"""Most of the work is numpy's on large arrays, which lets other threads run."""
Arrays: TypeAlias = tuple[NDArray[np.int64], ...]
"""Of an index one row an entry, the first array its key: then for sums when it became known and its amounts (entries,
columns), for spells when they begin and end and the value that `older` compares."""


class RecentSums(KeyedSums):
    """Sums by key along time. `known` is an instant a query (see Instants); those before `since_us` are put to `whole`."""

    def __init__(self, since_us: int, n_keys: int, entries: Arrays, whole: Callable[[], KeyedSums]) -> None:
        keys, at_us, amounts = _shortened(entries, since_us)
        timeline = Timeline.of(at_us)
        super().__init__(timeline, keys, n_keys, amounts)
        # Which entry lies at which place is asked of sums that are made for one question only.
        self._timeline = Timeline(timeline.at_us, np.empty(0, np.int64))
        self.entries = np.empty(0, np.int32)
        self._since_us, self._whole = since_us, whole

    def arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, int]]:
        """See KeyedSums."""
        arrays, counts = super().arrays()
        return {**arrays, "at": self._timeline.at_us}, {**counts, "since_us": self._since_us}

    @classmethod
    def again(
        cls, arrays: Mapping[str, NDArray[Any]], counts: Mapping[str, int], whole: Callable[[], KeyedSums]
    ) -> RecentSums:
        """The same sums from their `arrays` and counts."""
        found = cls.__new__(cls)
        found._take_over(arrays, counts)
        found._timeline = Timeline(arrays["at"], np.empty(0, np.int64))
        found.entries = np.empty(0, np.int32)
        found._since_us, found._whole = counts["since_us"], whole
        return found

    def upto(self, keys: Int64Array, known: Int64Array) -> Int64Array:
        """The sums (queries, columns) over the entries of each key that were known strictly before each instant."""
        if len(known) and known.min() < self._since_us:
            return self._whole().upto(keys, known)
        return super().upto(keys, self._timeline.before(known))


@dataclass(frozen=True)
class RecentSpells:
    """Spells that had not ended before an instant, with their own values; see membership.Spells."""

    spells: Spells
    values: Int64Array
    since_us: int
    whole: Callable[[], DeskSpells]

    def arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, int]]:
        """All that answers are made from, by name, and what is counted: see `again`."""
        spells = self.spells
        arrays = {"ticket": spells.ticket, "keys": spells.keys, "enters": spells.enters_us, "leaves": spells.leaves_us}
        return {**arrays, "values": self.values}, {"keys": spells.n_keys, "since_us": self.since_us}

    @classmethod
    def again(
        cls, arrays: Mapping[str, NDArray[Any]], counts: Mapping[str, int], whole: Callable[[], DeskSpells]
    ) -> RecentSpells:
        """The same spells from their `arrays` and counts."""
        spells = Spells(arrays["ticket"], arrays["keys"], counts["keys"], arrays["enters"], arrays["leaves"])
        return cls(spells, arrays["values"], counts["since_us"], whole)

    @property
    def last_left_us(self) -> int:
        """When the last of all spells ends, those that are not kept included."""
        return max(self.spells.last_left_us, self.since_us - 1)

    def older(self, keys: Int64Array, before_us: Int64Array, _values: Int64Array, limits_us: Int64Array) -> Int64Array:
        """How many spells each key holds just before an instant whose own value is below a limit."""
        if len(before_us) and before_us.min() < self.since_us:
            return self.whole().older(keys, before_us, _values, limits_us)
        return self.spells.older(keys, before_us, self.values, limits_us)


@dataclass(frozen=True)
class Recent:
    """What is kept of tickets: their changes from `since_us` on, by the codes of their texts in `log`.

    Keys have at most `MOST_COLUMNS` columns: pairs of pairs would need codes before all blocks are seen.
    """

    log: EventLog
    agreements: AgreementSet
    since_us: int
    indices: Sequence[Index]
    target: str
    whole: Callable[[], Histories]

    def desk(self, blocks: Sequence[Callable[[], Histories]]) -> IndexedDesk:
        """The indices over all tickets of the blocks, which are made, looked at and let go, `THREADS` at a time."""
        desk, names = self.blank(), self.blank()
        found: dict[Index, list[Arrays]] = defaultdict(list)
        # Pairs whose changes cancel out are named too: at an earlier instant they may not.
        pairs: dict[Key, list[Int64Array]] = {index.key: [] for index in self.indices if len(index.key) > 1}

        def look(make: Callable[[], Histories]) -> tuple[list[Int64Array], list[Arrays]]:
            block = make()
            named = [pairs_in(block, key, desk) for key in pairs]
            return named, [self._contribution(block, desk, index) for index in self.indices]

        with ThreadPoolExecutor(min(THREADS, max(len(blocks), 1))) as pool:
            for named, entries in pool.map(look, blocks):
                for held, some in zip(pairs.values(), named, strict=True):
                    held.append(some)
                for index, arrays in zip(self.indices, entries, strict=True):
                    found[index].append(arrays)
        for key, held in pairs.items():
            every = np.unique(np.concatenate(held))
            for one in (desk, names):
                self.know_pairs(one, key, every, max(len(every), 1))
        for index in self.indices:
            whole = tuple(np.concatenate(column) for column in zip(*found.pop(index), strict=True))
            self.know(desk, index, self._kept(names, index, whole))
        return desk

    def blank(self) -> IndexedDesk:
        """A desk that has the texts of the log and knows no index yet.

        An index keeps one of its own for the names: would it keep the desk that knows it, 300 MiB of a large desk were freed late or never.
        """
        nothing = np.empty(0, np.int32)
        columns = {name: Column(nothing, column.values) for name, column in self.log.columns.items()}
        desk = IndexedDesk(EventLog.from_columns([], [], [], [], columns), self.agreements)
        desk.since_us = self.since_us
        return desk

    def know_pairs(self, desk: IndexedDesk, key: Key, pairs: Int64Array, count: int) -> None:
        """Nothing; afterwards the desk has these codes of a key of several columns."""
        desk.know(f"codes of {key}", KeyCodes(np.empty(0, np.int64), count, pairs))

    def know(self, desk: IndexedDesk, index: Index, made: KeyedSums | RecentSpells) -> None:
        """Nothing; afterwards the desk answers for an index."""
        nothing = np.empty(0, np.int64)
        n_keys = KeyCodes.of(desk, index.key).count
        sums: KeyedSums = KeyedSums(Instants(), nothing, n_keys, np.zeros((0, 0), np.int64))
        spells = Spells(nothing, nothing, n_keys, nothing, nothing)
        if isinstance(made, RecentSpells):
            spells = cast(Spells, made)
        else:
            sums = made
        desk.know_index(index, self.target, sums, Instants(), spells)

    def _contribution(self, block: Histories, desk: IndexedDesk, index: Index) -> Arrays:
        """What the tickets of a block add to an index, by the desk's codes; keys of several columns as pairs still."""
        key = index.key
        code_there = codes_in(block, key, desk) if len(key) < 2 else pairs_in(block, key, desk)
        if index.kind == HELD:
            at_us, codes, amounts = changes(block, key)
            return _shortened((code_there[codes], at_us, amounts), self.since_us)
        if index.kind == ENDED:
            ended = Outcomes.of(block, self.target).revisions
            keys = code_there[KeyCodes.of(block, key).codes[ended.step]]
            return _shortened((keys, ended.at_us, ended.amounts), self.since_us)
        if index.kind == DUE:
            spells, values = cast(Spells, due_spells(block, key, self.target)), Outcomes.of(block, self.target).due_us
        else:
            spells, values = held_spells(block, key), block.steps.opened_us
        kept = np.flatnonzero(spells.leaves_us >= self.since_us)
        return (
            code_there[spells.keys[kept]],
            spells.enters_us[kept],
            spells.leaves_us[kept],
            values[spells.ticket[kept]],
        )

    def _kept(self, names: IndexedDesk, index: Index, entries: Arrays) -> KeyedSums | RecentSpells:
        """What answers for an index, made of its entries."""
        codes = KeyCodes.of(names, index.key)
        keys = entries[0] if codes.pairs is None else np.searchsorted(codes.pairs, entries[0])
        if index.kind in (HELD, ENDED):
            return RecentSums(self.since_us, codes.count, (keys, *entries[1:]), lambda: self.whole_sums(names, index))
        own = Spells(np.arange(len(keys)), keys, codes.count, *entries[1:3])
        return RecentSpells(own, entries[3], self.since_us, lambda: self.whole_spells(names, index))

    def whole_sums(self, names: IndexedDesk, index: Index) -> KeyedSums:
        """The sums over all entries, by the codes of a desk."""
        whole, key = self.whole(), index.key
        if index.kind == HELD:
            held = Membership.of(whole, key)
            sums, timeline = held.sums, held.timeline
        else:
            ended = Outcomes.of(whole, self.target)
            sums, timeline = ended.sums(whole, key), ended.timeline
        return SignedSums(
            [(sums, timeline, codes_in(names, key, whole), 1)], KeyCodes.of(names, key).count, sums.columns
        )

    def whole_spells(self, names: IndexedDesk, index: Index) -> DeskSpells:
        """All spells, by the codes of a desk."""
        whole, key = self.whole(), index.key
        if index.kind == DUE:
            spells, values = cast(Spells, due_spells(whole, key, self.target)), Outcomes.of(whole, self.target).due_us
        else:
            spells, values = held_spells(whole, key), whole.steps.opened_us
        return DeskSpells([(spells, values, codes_in(names, key, whole), 1)])


def _shortened(entries: Arrays, since_us: int) -> Arrays:
    """The entries of sums from an instant on, and the older ones as one a key, known just before."""
    keys, at_us, amounts = entries
    is_old = at_us < since_us
    old_keys, of_key = np.unique(keys[is_old], return_inverse=True)
    before = np.zeros((len(old_keys), amounts.shape[1]), np.int64)
    for column in range(amounts.shape[1]):
        np.add.at(before[:, column], of_key, amounts[is_old, column])
    some = np.flatnonzero(before.any(axis=1))
    return (
        np.concatenate([keys[~is_old], old_keys[some]]),
        np.concatenate([at_us[~is_old], np.full(len(some), since_us - 1)]),
        np.concatenate([amounts[~is_old], before[some]]),
    )
