"""A view: snapshots of histories with what every feature family needs of them, looked up once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.declaration import Settings
from features.histories import Histories
from features.keys import are_alone
from features.prefix_sums import MOST_SMALL, KeyedSums, Timeline
from features.snapshots import Snapshots
from features.text import TextEncoder
from sla.clocks.replay import VerdictArrays
from sla.instants import SECOND_US, Int64Array
from sla.working_time.business_time import BusinessTime

FloatArray = NDArray[np.float64]
Codes = NDArray[np.signedinteger[Any]]
HOUR_US = 3_600_000_000.0
FEW_ROWS = 100
"""Of so few snapshots all spans are asked for at once; of many at one instant each span alone, once a key."""


class AnySpells(Protocol):
    """Spells in memory, of a desk or in files; see membership.Spells."""

    def older(
        self, keys: Int64Array, before_us: Int64Array, opened_us: Int64Array, limits_us: Int64Array, /
    ) -> Int64Array:
        """How many tickets each key holds just before an instant that were opened before a limit."""


class ViewError(ValueError):
    """Snapshots that cannot be looked at."""


@dataclass(frozen=True)
class View:
    """m snapshots of histories, for one target. Arrays are in the order of the snapshots."""

    histories: Histories
    snapshots: Snapshots
    settings: Settings
    target: str
    text: TextEncoder | None = None

    @property
    def ticket(self) -> Int64Array:
        """The ticket of each snapshot."""
        return self.snapshots.ticket

    @property
    def at_us(self) -> Int64Array:
        """The instant of each snapshot."""
        return self.snapshots.at_us

    @cached_property
    def step(self) -> Int64Array:
        """The step in force at each snapshot. Raises ViewError if a ticket was not known yet."""
        step = self.histories.search.at(self.ticket, self.at_us)
        if (step < 0).any():
            row = int(np.argmin(step))
            raise ViewError(
                f"snapshot {row} looks at ticket {self.histories.ticket_ids[self.ticket[row]]!r} before anything was known of it; "
                "take snapshots from features.snapshots"
            )
        return step

    @cached_property
    def others_us(self) -> Int64Array:
        """Until when other tickets count, exclusive: the second in which each snapshot lies.

        Not the snapshot's own instant, because records that bear the same second came in an order nobody knows.
        """
        return self.at_us - self.at_us % SECOND_US

    @cached_property
    def step_before(self) -> Int64Array:
        """The ticket's step in force just before `others_us`, -1 if it was not known then."""
        return self.histories.search.before(self.ticket, self.others_us)

    @cached_property
    def verdicts(self) -> VerdictArrays:
        """The verdict on the target at each snapshot."""
        return self.histories.verdicts(self.target, self.ticket, self.at_us)

    @cached_property
    def is_each_alone(self) -> bool:
        """Whether no ticket here has others beside it: then no other is open, comes first or has ended."""
        histories = self.histories
        is_own = not histories.desk or (len(histories.desk) == 1 and histories.is_same(histories.desk[0][0]))
        return is_own and are_alone(histories)

    def sums(self, sums: KeyedSums, timeline: Timeline, keys: Codes, *back_us: int) -> list[Int64Array]:
        """The sums of each snapshot's key as known just before `others_us` less each of the spans; (m, columns) each."""
        keys = keys.astype(np.int64, copy=False)
        if self._is_one_instant and len(keys) <= FEW_ROWS:
            instants = (self.others_us - np.array(back_us)[:, None]).ravel()
            found = sums.upto(np.concatenate([keys] * len(back_us)), timeline.before(instants))
            return list(found.reshape(len(back_us), len(keys), found.shape[1]))
        if self._is_one_instant:
            return [sums.upto(keys, timeline.before(self.others_us - back)) for back in back_us]
        order = self._order(keys)
        keys, until_us = keys[order], self.others_us[order]
        return [_put(order, sums.upto(keys, timeline.before(until_us - back))) for back in back_us]

    def older(self, spells: AnySpells, keys: Codes, opened_us: Int64Array, limits_us: Int64Array) -> Int64Array:
        """How many tickets of each snapshot's key are below a limit just before `others_us`; see membership.Spells."""
        keys = keys.astype(np.int64, copy=False)
        if self._is_one_instant:
            return spells.older(keys, self.others_us, opened_us, limits_us)
        order = self._order(keys)
        return _put(order, spells.older(keys[order], self.others_us[order], opened_us, limits_us[order]))

    def _order(self, keys: Int64Array) -> Int64Array:
        """The snapshots by key and then by instant, so that neighbours look up neighbours: several times as fast."""
        in_time = self._in_time
        by_key = keys[in_time]
        return in_time[
            np.argsort(by_key.astype(np.uint16) if by_key.max(initial=0) < MOST_SMALL else by_key, kind="stable")
        ]

    @cached_property
    def _is_one_instant(self) -> bool:
        return not len(self.others_us) or bool(self.others_us.min() == self.others_us.max())

    @cached_property
    def _in_time(self) -> Int64Array:
        return np.argsort(self.others_us, kind="stable")

    def rows_of_calendars(self) -> Iterator[tuple[BusinessTime, Int64Array]]:
        """Each calendar that governs a clock here, with the rows of its snapshots."""
        calendars = self.histories.agreements.business_times
        for index in np.unique(self.verdicts.calendar).tolist():
            if index >= 0:
                yield calendars[index], np.flatnonzero(self.verdicts.calendar == index)

    def hours_since(self, then_us: Int64Array) -> FloatArray:
        """Wall-clock hours from an instant to each snapshot."""
        hours: FloatArray = (self.at_us - then_us) / HOUR_US
        return hours


def _put(order: Int64Array, found: Int64Array) -> Int64Array:
    """What was found in an order of the snapshots, in their own order."""
    placed = np.empty_like(found)
    placed[order] = found
    return placed
