"""Services made of others: when the whole was down, from the outages of its parts, each told when that could be known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from features.outages.spans import Spans
from sla.instants import NEVER_US, BoolArray, Int64Array

Groups = Mapping[str, tuple[int, tuple[str, ...]]]
"""Of each service made of others: how many of its parts must work, and which they are; groups among them."""
NOWHERE = -1


@dataclass(frozen=True)
class Whole:
    """What a group is made of: places of services in a ledger (NOWHERE: nothing is recorded of it), or groups."""

    own: int  # of what was recorded of the group by itself
    needed: int
    parts: tuple[int | Whole, ...]

    @classmethod
    def of(cls, name: str, groups: Groups, place: Mapping[str, int]) -> Whole:
        """The group of that name."""
        needed, parts = groups[name]
        inner = tuple(cls.of(one, groups, place) if one in groups else place.get(one, NOWHERE) for one in parts)
        return cls(place.get(name, NOWHERE), needed, inner)

    def places(self) -> frozenset[int]:
        """Every service whose outages count."""
        inner = (one.places() if isinstance(one, Whole) else frozenset((one,)) for one in self.parts)
        return frozenset((self.own,)).union(*inner) - {NOWHERE}

    def is_down(self, down: frozenset[int]) -> bool:
        """Whether it is down while these are: by itself, or because too few of its parts work."""
        if self.own in down:
            return True
        working = sum(not (one.is_down(down) if isinstance(one, Whole) else one in down) for one in self.parts)
        return working < self.needed

    def has_enough(self, holds: Callable[[int], BoolArray]) -> BoolArray:
        """Where something holds of enough parts; `holds` tells it of a service, row by row, and of NOWHERE too."""
        found = [one.has_enough(holds) if isinstance(one, Whole) else holds(one) for one in self.parts]
        enough: BoolArray = np.sum(found, axis=0) >= self.needed
        return enough

    def since_us(self, since_us: Int64Array) -> int:
        """Since when enough of its parts are known of, by when each service is; NEVER_US: they are not."""
        found = [
            one.since_us(since_us) if isinstance(one, Whole) else NEVER_US if one == NOWHERE else int(since_us[one])
            for one in self.parts
        ]
        return sorted(found)[self.needed - 1]


@dataclass
class Told:
    """An outage of a whole and when its beginning and its end were known; one that took no time was taken back."""

    begin_us: int
    end_us: int
    known_us: int
    end_known_us: int


def outages_of_whole(whole: Whole, outages: Spans, maintenance: Spans, wait_us: int) -> list[Told]:
    """The outages of a group as they became known: what is recorded later never changes what was told by an instant.

    A part is down during its outages outside its planned maintenance. The records are taken in the order in which they
    arrived. A beginning is told after `wait_us` if it still stands then, because ends are told later than beginnings and a
    part that is up again may not be known to be. One that lasts and stands no more later on is taken back: it ends where it
    began. One that was told to be over stays as it was told.
    """
    return _Fold.of(whole, outages, maintenance, wait_us).told()


@dataclass
class _Fold:
    whole: Whole
    wait_us: int
    leaf: list[int]
    is_maintenance: list[bool]
    begin_us: Int64Array
    over_us: Int64Array  # the end of each span, whenever it is known
    arrivals: list[tuple[int, bool, int]]  # when, whether it is the end, of which span
    end_us: Int64Array = field(init=False)  # the ends known so far
    is_known: BoolArray = field(init=False)
    out: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.end_us = np.full(len(self.leaf), NEVER_US)
        self.is_known = np.zeros(len(self.leaf), np.bool_)

    @classmethod
    def of(cls, whole: Whole, outages: Spans, maintenance: Spans, wait_us: int) -> _Fold:
        """The spans of the parts alone."""
        places = sorted(whole.places())
        parts = [one.where(np.isin(one.service, places)) for one in (outages, maintenance)]
        leaf, begin_us, over_us, known_us, over_known_us = (
            np.concatenate([getattr(one, name) for one in parts]) for name in Spans.__dataclass_fields__
        )
        is_over = over_us != NEVER_US
        arrivals = [(at, False, row) for row, at in enumerate(known_us.tolist())]
        arrivals += [(int(over_known_us[row]), True, row) for row in np.flatnonzero(is_over).tolist()]
        kinds = [False] * len(parts[0].service) + [True] * len(parts[1].service)
        return cls(whole, wait_us, leaf.tolist(), kinds, begin_us, over_us, sorted(arrivals))

    def told(self) -> list[Told]:
        """All that is told, in the end in order of beginning."""
        for at_us, news in groupby(self.arrivals, key=lambda one: one[0]):
            since_us = NEVER_US
            for _, is_end, row in news:
                since_us = min(since_us, self._learned(row, is_end=is_end))
            self._tell(self._down_from(since_us), since_us, at_us)
        return sorted(self.out, key=lambda one: (one.begin_us, one.end_us))

    def _learned(self, row: int, *, is_end: bool) -> int:
        """From when on the state may be another now."""
        if is_end:
            self.end_us[row] = self.over_us[row]
            return int(self.over_us[row])
        self.is_known[row] = True
        return int(self.begin_us[row])

    def _down_from(self, since_us: int) -> list[tuple[int, int]]:
        """When the whole is down from an instant on, by what is known so far."""
        edges = []
        for row in np.flatnonzero(self.is_known & (self.end_us > since_us)).tolist():
            edges.append((max(int(self.begin_us[row]), since_us), 1, row))
            edges.append((int(self.end_us[row]), -1, row))
        counts: dict[tuple[int, bool], int] = {}
        found: list[tuple[int, int]] = []
        began_us: int | None = None
        for at_us, some in groupby(sorted(edges), key=lambda one: one[0]):
            for _, step, row in some:
                key = self.leaf[row], self.is_maintenance[row]
                counts[key] = counts.get(key, 0) + step
            down = frozenset(
                leaf
                for (leaf, planned), count in counts.items()
                if count and not planned and not counts.get((leaf, True))
            )
            is_down = at_us != NEVER_US and self.whole.is_down(down)
            if is_down and began_us is None:
                began_us = at_us
            elif not is_down and began_us is not None:
                found.append((began_us, at_us))
                began_us = None
        return found

    def _tell(self, down: list[tuple[int, int]], since_us: int, at_us: int) -> None:
        """What changes by news that arrived at an instant; `down` is the state from `since_us` on."""
        lasting = next((one for one in self.out if one.end_us == NEVER_US), None)
        if lasting is not None:
            begin_us = lasting.begin_us
            held = next((one for one in down if one[0] <= max(begin_us, since_us) < one[1]), None)
            if held is not None:
                down = [one for one in down if one is not held]
                self._end(lasting, held[1], at_us)
            elif since_us > begin_us:
                self._end(lasting, since_us, at_us)
            elif lasting.known_us > at_us:
                self.out.remove(lasting)
            else:
                lasting.end_us, lasting.end_known_us = begin_us, at_us
        for begin_us, end_us in down:
            self._begin(begin_us, end_us, at_us)

    def _end(self, one: Told, end_us: int, at_us: int) -> None:
        if end_us != NEVER_US:
            one.end_us, one.end_known_us, one.known_us = end_us, at_us, min(one.known_us, at_us)

    def _begin(self, begin_us: int, end_us: int, at_us: int) -> None:
        """An outage that was not told, or what of it comes after one that was."""
        before = [one.end_us for one in self.out if one.begin_us < end_us and one.end_us > begin_us]
        begin_us = max(begin_us, *before) if before else begin_us
        if begin_us >= end_us:
            return
        if end_us == NEVER_US:
            self.out.append(Told(begin_us, NEVER_US, at_us + self.wait_us, NEVER_US))
        else:
            self.out.append(Told(begin_us, end_us, at_us, at_us))
