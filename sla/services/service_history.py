"""What state a service was in, when: changes of state and planned maintenance as sorted arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sla.instants import NEVER_US, Int64Array
from sla.working_time.interval_sets import Intervals, no_intervals, union

StateArray: TypeAlias = NDArray[np.int8]
FAR_PAST_US = -NEVER_US


class ServiceError(ValueError):
    """The history of a service, or what is asked of it, makes no sense; the text says why and what to do."""


class ServiceState(IntEnum):
    """The state of a service; a larger number is worse for whoever depends on it."""

    AVAILABLE = 0
    DEGRADED = 1
    MAINTENANCE = 2  # only the result of a composition: planned maintenance of a part that is needed
    UNKNOWN = 3
    DOWN = 4


@dataclass(frozen=True)
class ServiceHistory:
    """The state of a service from each change until the next, and its planned maintenance.

    `states[0]` holds before `changes_us[0]`, `states[i + 1]` from `changes_us[i]` on.
    """

    changes_us: Int64Array  # ascending, n
    states: StateArray  # n + 1
    maintenance: Intervals = field(default_factory=no_intervals)

    @classmethod
    def from_changes(
        cls,
        at_us: Int64Array,
        states: StateArray,
        previous: StateArray | None = None,
        *,
        current: ServiceState | None = None,
        maintenance: Intervals | None = None,
    ) -> Self:
        """Return the history told by changes of state, in any order; of two at one instant the later row counts.

        The state before the first change is what that change names as `previous`; without it, available. A history
        without changes is in the `current` state throughout, or available. A change whose `previous` is UNKNOWN says that
        nothing was known since the change before it: that stretch becomes unknown.
        """
        at_us, states = np.asarray(at_us, np.int64), np.asarray(states, np.int8)
        begin, end = maintenance or no_intervals()
        planned = union(np.asarray(begin, np.int64), np.asarray(end, np.int64))
        if len(at_us) == 0:
            only = ServiceState.AVAILABLE if current is None else current
            return cls(at_us, np.array([only], np.int8), planned)
        order = np.argsort(at_us, kind="stable")
        at_us, states = at_us[order], states[order]
        before = np.full(len(at_us), -1, np.int8) if previous is None else np.asarray(previous, np.int8)[order]
        first = before[0] if before[0] >= 0 else ServiceState.AVAILABLE
        sequence = np.concatenate((np.array([first], np.int8), states))
        sequence[:-1][before == ServiceState.UNKNOWN] = ServiceState.UNKNOWN
        last = np.append(at_us[1:] != at_us[:-1], True)
        return cls(at_us[last], np.concatenate((sequence[:1], sequence[1:][last])), planned)

    @classmethod
    def from_periods(
        cls,
        start_us: Int64Array,
        end_us: Int64Array,
        states: StateArray,
        maintenance: Intervals | None = None,
    ) -> Self:
        """Return the history told by periods (outages, degradations, unknown); available otherwise.

        Where periods overlap the worst state holds. A period that has not ended has NEVER_US as its end.
        """
        start_us, end_us = np.asarray(start_us, np.int64), np.asarray(end_us, np.int64)
        states = np.asarray(states, np.int8)
        if (end_us < start_us).any():
            place = int(np.flatnonzero(end_us < start_us)[0])
            raise ServiceError(
                f"period {place} ends at {end_us[place]} before it starts at {start_us[place]}: swap them"
            )
        begin, end = maintenance or no_intervals()
        planned = union(np.asarray(begin, np.int64), np.asarray(end, np.int64))
        edges = np.unique(np.concatenate((start_us, end_us)))
        worst = np.zeros(len(edges), np.int8)
        for state in (ServiceState.DEGRADED, ServiceState.UNKNOWN, ServiceState.DOWN):
            opens, closes = union(start_us[states == state], end_us[states == state])
            inside = np.searchsorted(opens, edges, side="right") > np.searchsorted(closes, edges, side="right")
            worst[inside] = state
        return cls(edges, np.concatenate((np.zeros(1, np.int8), worst)), planned)

    def state_at(self, at_us: Int64Array) -> StateArray:
        """Return the state at each instant, planned maintenance not considered."""
        return np.asarray(self.states[np.searchsorted(self.changes_us, at_us, side="right")], np.int8)

    def periods(self, state: ServiceState) -> Intervals:
        """Return the periods in a state, as intervals that reach from -NEVER_US to NEVER_US where there is no end."""
        edges = np.concatenate(([FAR_PAST_US], self.changes_us, [NEVER_US]))
        held = self.states == state
        return union(edges[:-1][held], edges[1:][held])
