"""Weeks with and without the suggested order, team by team, so that what it is worth can be measured where it is used.

In each pair of weeks a team works one by the suggested order and one by due time; which comes first is a lot drawn from the team's name and
the number of the pair, the same on every replica. Both orders so meet the same team, the same season and the same staff.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from sla.instants import DAY_US, BoolArray, Int64Array, to_us

WEEK_US = 7 * DAY_US


@dataclass(frozen=True)
class Switchback:
    """When alternating began; None: it did not, and every team has the suggested order."""

    begins_at: datetime | None = None

    @property
    def is_on(self) -> bool:
        """Whether weeks alternate."""
        return self.begins_at is not None

    def week(self, at_us: Int64Array) -> Int64Array:
        """The number of the week in which each instant lies, from 0; below 0 before alternating began. ValueError where it never did."""
        if self.begins_at is None:
            raise ValueError("weeks do not alternate, so they have no numbers: set SLACAST_SWITCHBACK_FROM")
        return np.asarray((np.asarray(at_us, np.int64) - to_us(self.begins_at)) // WEEK_US)

    def is_suggested(self, team: str, at_us: int) -> bool:
        """Whether a team's queue is in the suggested order at an instant."""
        if self.begins_at is None or at_us < to_us(self.begins_at):
            return True
        return bool(self.arm(team, self.week(np.array([at_us])))[0])

    def arm(self, team: str, week: Int64Array) -> BoolArray:
        """Whether a team has the suggested order in each of some weeks, by their numbers from 0."""
        week = np.asarray(week, np.int64)
        firsts = {pair: zlib.crc32(f"{team}\n{pair}".encode()) % 2 == 0 for pair in set((week // 2).tolist())}
        begins = np.array([firsts[pair] for pair in (week // 2).tolist()], dtype=np.bool_)
        return np.asarray(begins ^ (week % 2 == 1))
