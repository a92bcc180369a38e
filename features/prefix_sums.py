"""Sums and counts "as known just before an instant", by key: differences of prefix sums found by search.

Every windowed or cumulative feature of other tickets is a question of the form "over the entries of this key that were
known before that instant, what is the sum?". Sorted once, each answer costs two binary searches, whatever the length of
the window. All amounts are integers: a sum of floats would depend on entries that belong to other keys or to the future
(rounding), and then deleting the future would change the past.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sla.instants import BoolArray, Int64Array

MOST_SMALL = 1 << 16
FEW = 1_000
"""Of so few entries and keys the sums of all columns are made at once, and kept as they are."""
_KINDS: Final[tuple[type[np.signedinteger[Any]], ...]] = (np.int16, np.int32, np.int64)


@dataclass(frozen=True)
class Timeline:
    """Entries in the order in which they became known; `order` takes the caller's order to this one."""

    at_us: Int64Array
    order: Int64Array

    @classmethod
    def of(cls, at_us: Int64Array) -> Timeline:
        """A timeline of entries known at these instants; entries of one instant keep the caller's order."""
        order = np.argsort(at_us, kind="stable")
        return cls(at_us[order], order)

    def before(self, at_us: Int64Array) -> Int64Array:
        """How many entries were known strictly before each instant."""
        return np.searchsorted(self.at_us, at_us, side="left")

    def until(self, at_us: Int64Array) -> Int64Array:
        """How many entries were known at each instant, those of that very instant included."""
        return np.searchsorted(self.at_us, at_us, side="right")


class KeyedSums:
    """Prefix sums of integer amounts, per key, along a timeline.

    `keys` are codes 0..n_keys-1, one an entry; `amounts` is (entries, columns) int64. Both in the caller's order.
    """

    def __init__(
        self, timeline: Timeline, keys: NDArray[np.signedinteger[Any]], n_keys: int, amounts: Int64Array
    ) -> None:
        self._width = len(timeline.at_us) + 1
        in_time = keys[timeline.order].astype(np.int64, copy=False)
        # Small integers are sorted by counting, which is several times faster than comparing.
        by_key = np.argsort(in_time.astype(np.uint16) if n_keys <= MOST_SMALL else in_time, kind="stable")
        place = in_time[by_key] * self._width + by_key
        self._starts = np.searchsorted(place, np.arange(n_keys + 1) * self._width)
        self._place = place.astype(np.int32 if n_keys * self._width <= np.iinfo(np.int32).max else np.int64, copy=False)
        self.entries = timeline.order[by_key].astype(np.int32)
        """The caller's entry at each place of the order by key and then time."""
        heads = self._starts[:-1] + np.arange(n_keys)
        rows = np.arange(len(by_key)) + np.repeat(np.arange(n_keys), np.diff(self._starts)) + 1
        self._columns_count = int(amounts.shape[1])
        self._stored = _stored(amounts, self.entries, rows, heads)

    def arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, int]]:
        """All that answers are made from, by name, and what is counted: see `again`."""
        arrays = {"starts": self._starts, "place": self._place}
        for number, (columns, sums) in enumerate(self._stored):
            arrays |= {f"columns {number}": columns, f"sums {number}": sums}
        return arrays, {"width": self._width, "columns": self._columns_count, "stored": len(self._stored)}

    def _take_over(self, arrays: Mapping[str, NDArray[Any]], counts: Mapping[str, int]) -> None:
        self._width, self._columns_count = counts["width"], counts["columns"]
        self._starts, self._place = arrays["starts"], arrays["place"]
        self._stored = [(arrays[f"columns {one}"], arrays[f"sums {one}"]) for one in range(counts["stored"])]

    @property
    def columns(self) -> int:
        """How many amounts an entry has."""
        return self._columns_count

    def _at(self, rows: Int64Array) -> Int64Array:
        out = np.empty((len(rows), self._columns_count), np.int64)
        for columns, sums in self._stored:
            out[:, columns] = np.take(sums, rows, axis=0)
        return out

    def places(self, keys: Int64Array, known: Int64Array) -> Int64Array:
        """Where the entries of each key stop that are among the first `known` of the timeline (see Timeline.before)."""
        wanted = (keys * self._width + known).astype(self._place.dtype, copy=False)  # of one type: else all are copied
        return np.searchsorted(self._place, wanted)

    def starts(self, keys: Int64Array) -> Int64Array:
        """Where the entries of each key begin."""
        return self._starts[keys]

    def upto(self, keys: Int64Array, known: Int64Array) -> Int64Array:
        """The sums (queries, columns) over the entries of each key that are among the first `known` of the timeline."""
        if len(keys) >= len(self._starts) and known[0] == known.min() == known.max():  # one instant: ask once a key
            every = np.arange(len(self._starts) - 1)
            return np.take(self._at(self.places(every, known[:1]) + every), keys, axis=0)
        return self._at(self.places(keys, known) + keys)


class FewSums(KeyedSums):
    """The same of few entries, in the order of the entries: each question looks at all of them, and nothing is sorted for it."""

    def __init__(self, timeline: Timeline, keys: NDArray[np.signedinteger[Any]], amounts: Int64Array) -> None:
        self._keys, self._amounts = keys[timeline.order], amounts[timeline.order]
        self._ranks = np.arange(len(keys))
        self._order = timeline.order

    @property
    def entries(self) -> NDArray[np.int32]:  # type: ignore[override]  # who reads features never asks for them
        """The caller's entry at each place of the order by key and then time."""
        return self._order[np.argsort(self._keys, kind="stable")].astype(np.int32)

    @property
    def columns(self) -> int:
        """How many amounts an entry has."""
        return int(self._amounts.shape[1])

    def upto(self, keys: Int64Array, known: Int64Array) -> Int64Array:
        """The sums (queries, columns) over the entries of each key that are among the first `known` of the timeline."""
        found: Int64Array = self._is_summed(keys, known) @ self._amounts
        return found

    def places(self, keys: Int64Array, known: Int64Array) -> Int64Array:
        """Where the entries of each key stop that are among the first `known` of the timeline."""
        stops: Int64Array = self.starts(keys) + self._is_summed(keys, known).sum(axis=1)
        return stops

    def starts(self, keys: Int64Array) -> Int64Array:
        """Where the entries of each key begin."""
        return np.searchsorted(np.sort(self._keys), keys)

    def _is_summed(self, keys: Int64Array, known: Int64Array) -> BoolArray:
        is_summed: BoolArray = (self._keys == keys[:, None]) & (self._ranks < known[:, None])
        return is_summed


class Instants(Timeline):
    """A timeline on which nothing is counted: it answers with the instants asked about. For sums over several timelines."""

    def __init__(self) -> None:
        super().__init__(np.empty(0, np.int64), np.empty(0, np.int64))

    def before(self, at_us: Int64Array) -> Int64Array:
        """The instants themselves."""
        return at_us

    def until(self, at_us: Int64Array) -> Int64Array:
        """The instants after which the entries of each instant itself are known too."""
        return at_us + 1


Part: TypeAlias = tuple[KeyedSums, Timeline, Int64Array, int]


class SignedSums(KeyedSums):
    """Sums over several others. Each part: sums, their timeline, the part's code of each key here (-1 = none), +1 or -1.

    `known` is an instant a query (see Instants), because each part has its own timeline.
    """

    def __init__(self, parts: Sequence[Part], n_keys: int, columns: int) -> None:
        self._parts, self._n_keys, self._columns = parts, n_keys, columns

    @property
    def columns(self) -> int:
        """How many amounts an entry has."""
        return self._columns

    def upto(self, keys: Int64Array, known: Int64Array) -> Int64Array:
        """The sums (queries, columns) over the entries of each key that were known strictly before each instant."""
        if len(keys) > self._n_keys and known[0] == known.min() == known.max():  # one instant: ask once a key
            every = np.arange(self._n_keys)
            return np.take(self._added(every, np.broadcast_to(known[:1], len(every))), keys, axis=0)
        return self._added(keys, known)

    def _added(self, keys: Int64Array, at_us: Int64Array) -> Int64Array:
        if len(self._parts) == 1:
            sums, timeline, code_there, sign = self._parts[0]
            if sign == 1 and len(code_there) and code_there.min() >= 0:  # all keys are known to the one part
                return sums.upto(code_there[keys], timeline.before(at_us))
        totals = np.zeros((len(keys), self._columns), np.int64)
        for sums, timeline, code_there, sign in self._parts:
            there = code_there[keys]
            chosen = np.flatnonzero(there >= 0)
            totals[chosen] += sign * sums.upto(there[chosen], timeline.before(at_us[chosen]))
        return totals


def sums_below(
    values: Int64Array, weights: Int64Array, begins: Int64Array, ends: Int64Array, limits: Int64Array
) -> Int64Array:
    """For each query, the sum of `weights[i]` over begins <= i < ends with `values[i] < limit`; int64, one a query.

    A wavelet matrix that is built and asked level by level, so that it needs memory for one level only. Cost:
    (entries + queries) x log2(number of distinct values), without a loop over either. Method: Claude and Navarro,
    "The wavelet matrix", SPIRE 2012.
    """
    distinct = np.unique(values)
    ranks = np.searchsorted(distinct, values)
    limit_ranks = np.searchsorted(distinct, limits)
    above_all = limit_ranks == len(distinct)
    left, right = begins.astype(np.int64), ends.astype(np.int64)
    prefix = _prefix(weights)
    totals = np.where(above_all, prefix[right] - prefix[left], 0)
    for level in range(max(len(distinct) - 1, 0).bit_length() - 1, -1, -1):
        is_one = (ranks >> level & 1).astype(bool)
        zeros = _prefix(~is_one)
        partition = np.concatenate([np.flatnonzero(~is_one), np.flatnonzero(is_one)])
        ranks, weights = ranks[partition], weights[partition]
        prefix = _prefix(weights)
        left_zeros, right_zeros = zeros[left], zeros[right]
        goes_right = (limit_ranks >> level & 1).astype(bool)
        totals += np.where(goes_right & ~above_all, prefix[right_zeros] - prefix[left_zeros], 0)
        left = np.where(goes_right, zeros[-1] + left - left_zeros, left_zeros)
        right = np.where(goes_right, zeros[-1] + right - right_zeros, right_zeros)
    return totals


def _prefix(amounts: Int64Array | np.ndarray) -> Int64Array:
    sums = np.zeros(len(amounts) + 1, np.int64)
    np.cumsum(amounts, out=sums[1:])
    return sums


def _stored(
    amounts: Int64Array, entries: NDArray[np.int32], rows: Int64Array, heads: Int64Array
) -> list[tuple[Int64Array, NDArray[np.signedinteger[Any]]]]:
    """The sums of all columns, those that need as few bytes beside each other: places of columns, and their sums."""
    if len(rows) + len(heads) <= FEW:  # one pass over all columns costs less than a look at each
        return [(np.arange(amounts.shape[1]), _from_zero(amounts[entries], rows, heads))]
    sums = [_narrowed(_from_zero(column[entries], rows, heads)) for column in amounts.T]
    return [
        (np.array(places), np.stack([sums[place] for place in places], axis=1))
        for kind in _KINDS
        if (places := [place for place, one in enumerate(sums) if one.dtype == kind])
    ]


def _from_zero(amounts: Int64Array, rows: Int64Array, heads: Int64Array) -> Int64Array:
    """Sums that begin with a zero for each key: `heads` are the places of the zeros, `rows` those of the amounts' sums."""
    sums = np.zeros((len(rows) + len(heads), *amounts.shape[1:]), np.int64)
    if not len(heads):
        return sums
    sums[rows] = amounts
    # What the key before came to is taken away at the head, so that one running sum begins anew there.
    sums[heads[1:]] = -np.add.reduceat(sums, heads, axis=0)[:-1]
    return np.cumsum(sums, axis=0, out=sums)


def _narrowed(sums: Int64Array) -> NDArray[np.signedinteger[Any]]:
    """The sums in the fewest bytes that hold them: most amounts count something, and few entries need a quarter of the memory."""
    largest = max(int(sums.max(initial=0)), -int(sums.min(initial=0)))
    return sums.astype(next(kind for kind in _KINDS if largest <= np.iinfo(kind).max), copy=False)
