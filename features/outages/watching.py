"""When each target was watched: the spans in which its checks followed each other closely enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sla.instants import NEVER_US, SECOND_US, BoolArray, Int64Array


@dataclass(frozen=True)
class Watching:
    """Spans of checks by service, in whole seconds from the first to the last check of each; a check proves `silent` seconds."""

    services: int
    service: Int64Array  # sorted, and within each by beginning
    begin: Int64Array
    end: Int64Array
    silent: int

    @classmethod
    def of(cls, service: Int64Array, at_us: Int64Array, services: int, silent_us: int) -> Watching:
        """The spans of checks sorted by service and instant."""
        at, silent = at_us // SECOND_US, silent_us // SECOND_US
        breaks = (np.diff(service) != 0) | (np.diff(at) > silent)
        first = np.flatnonzero(np.append(True, breaks)[: len(at)])
        last = np.flatnonzero(np.append(breaks, True)[: len(at)])
        return cls(services, service[first], at[first], at[last], silent)

    @property
    def has_checks(self) -> BoolArray:
        """Which services are checked at all."""
        has = np.zeros(self.services, np.bool_)
        has[self.service] = True
        return has

    @property
    def first_us(self) -> Int64Array:
        """The first check of each service, to the second; NEVER_US where there is none."""
        first = np.full(self.services, NEVER_US)
        np.minimum.at(first, self.service, self.begin * SECOND_US)
        return first

    def just_before(self, service: Int64Array, at_us: Int64Array) -> BoolArray:
        """Whether a check came within the silence allowed before each instant (whole seconds), the instant itself left out."""
        at = at_us // SECOND_US
        return self._among(service, at, self.begin, self.end + self.silent)

    def from_on(self, service: Int64Array, at_us: Int64Array) -> BoolArray:
        """Whether a check came at each instant or within the silence allowed after it."""
        at = at_us // SECOND_US
        return self._among(service, at, self.begin - self.silent, self.end)

    def _among(self, service: Int64Array, at: Int64Array, after: Int64Array, until: Int64Array) -> BoolArray:
        """Whether each instant lies in a span `(after, until]` of its service; those of one service do not overlap."""
        if not len(self.service):
            return np.zeros(len(service), np.bool_)
        low = min(int(after.min()), int(at.min(initial=0)))
        width = max(int(until.max()), int(at.max(initial=0))) - low + 2
        asked = service * width + (at - low)
        opened = np.searchsorted(self.service * width + (after - low), asked, side="left")
        closed = np.searchsorted(self.service * width + (until - low), asked, side="left")
        found: BoolArray = opened > closed
        return found
