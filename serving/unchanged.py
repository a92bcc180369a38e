"""Tickets of which nothing is new since the queue before: what was read of them then still holds, or follows from the time that passed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.live import LiveHistories
from features.snapshots import Snapshots
from serving.estimates import Estimates
from serving.facts import Facts
from serving.known_events import Touched
from serving.scored import Scored
from sla.clocks.later import verdicts_later
from sla.clocks.verdicts import VerdictArrays
from sla.instants import BoolArray, Int64Array, to_us


@dataclass(frozen=True)
class Unchanged:
    """The queue before, and beside m snapshots of one instant the places there: -1 where something is new of the ticket, or it is new.

    `stood` are the places of all that were there, also of those of which something is new.
    """

    before: Scored
    place: Int64Array
    stood: Int64Array
    histories: LiveHistories
    snapshots: Snapshots

    @classmethod
    def since(cls, before: Scored, histories: LiveHistories, snapshots: Snapshots, touched: Touched) -> Unchanged:
        """Which snapshots' tickets had no news (`touched`) after the queue before, and none that only now has become true."""
        place = histories.places_among(snapshots, before.histories, before.snapshots)
        had_news = np.isin(snapshots.ticket, histories.numbers(np.array(sorted(touched.tickets), object)))
        has_news = had_news | histories.learned(snapshots, to_us(before.reading.at))
        return cls(before, np.where(has_news, -1, place), place, histories, snapshots)

    @property
    def _kept(self) -> Int64Array:
        return np.flatnonzero(self.place >= 0)

    @property
    def _anew(self) -> Int64Array:
        return np.flatnonzero(self.place < 0)

    def facts(self) -> Facts:
        """The facts of all."""
        anew = self._anew
        return self.before.facts.moved(self.place, anew, Facts.of(self.histories, self.snapshots.take(anew)))

    def verdicts(self, target: str, then: VerdictArrays) -> VerdictArrays:
        """The verdicts on a target of all. `then`: those of the queue before."""
        if target not in self.histories.agreements.clocks or not len(self.place) or not len(then):
            return self.histories.verdicts(self.snapshots, target)
        since_us, at_us = to_us(self.before.reading.at), int(self.snapshots.at_us[0])
        moved = then.take(np.maximum(self.place, 0))  # those of -1 are told anew
        found, asks = verdicts_later(moved, self.histories.agreements, target, since_us, at_us)
        anew = np.flatnonzero(asks | (self.place < 0))
        if len(anew) == len(self.place):
            return self.histories.verdicts(self.snapshots, target)
        found.place(anew, self.histories.verdicts(self.snapshots.take(anew), target))
        return found

    def teams_with_news(self, facts: Facts, touched: Touched) -> frozenset[str]:
        """The teams of tickets that had news, were opened, ended or are asked about for their service's sake; where one was moved, both."""
        is_other = np.ones(len(self.before.facts.ticket_ids), np.bool_)
        is_other[self.place[self._kept]] = False
        then, now = self.before.facts.texts["team"], facts.texts["team"]
        return frozenset(then.different(is_other) | now.different((self.place < 0) | touched.by_service(facts)))

    def estimates(self, is_undecided: BoolArray, facts: Facts, touched: Touched) -> Estimates:
        """What the bundle said then of undecided tickets; nothing of those of services that had news."""
        return self.before.estimates.moved(np.where(is_undecided & ~touched.by_service(facts), self.place, -1))
