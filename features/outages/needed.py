"""Outages of the services that a service needs, as sums along time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.outages.spans import Spans
from features.prefix_sums import KeyedSums, Timeline
from sla.instants import NEVER_US, Int64Array

Needs = Mapping[str, Sequence[str]]
"""The services that each service needs by itself, by name."""


class NeededOutages:
    """For each service what is known of the outages of all that it needs, directly or through others.

    The services of `outages` are places among the names; those that are asked about places among `asking` (default: the same).
    """

    def __init__(self, outages: Spans, names: Sequence[str], needs: Needs, asking: Sequence[str] | None = None) -> None:
        asking = names if asking is None else asking
        dependents = _dependents(names, needs, asking)
        over = outages.end_us != NEVER_US
        parts = [
            _arrivals(outages.service, outages.known_us, dependents, [1, 1]),
            _arrivals(
                outages.service[over], np.maximum(outages.end_known_us, outages.known_us)[over], dependents, [0, -1]
            ),
        ]
        keys, at_us, amounts = (np.concatenate([part[number] for part in parts]) for number in range(3))
        self._timeline = Timeline.of(at_us)
        self._sums = KeyedSums(self._timeline, keys, max(len(asking), 1), amounts)

    def known(self, service: Int64Array, at_us: Int64Array) -> NDArray[np.int64]:
        """n x 2: outages begun and outages going on of what each service needs, as known strictly before each instant."""
        return self._sums.upto(service, self._timeline.before(at_us))


def _dependents(names: Sequence[str], needs: Needs, asking: Sequence[str]) -> dict[int, list[int]]:
    """For each service those that need it; circles do no harm."""
    place = {name: number for number, name in enumerate(names)}
    found: dict[int, list[int]] = {}
    for number, name in enumerate(asking):
        seen, ahead = {name}, list(needs.get(name, ()))
        while ahead:
            needed = ahead.pop()
            if needed not in seen:
                seen.add(needed)
                ahead += needs.get(needed, ())
                if needed in place:
                    found.setdefault(place[needed], []).append(number)
    return found


def _arrivals(
    service: Int64Array, at_us: Int64Array, dependents: dict[int, list[int]], amount: list[int]
) -> tuple[Int64Array, Int64Array, NDArray[np.int64]]:
    keys = [np.array(dependents.get(one, ()), np.int64) for one in service.tolist()]
    counts = np.array([len(key) for key in keys], np.int64)
    whole = np.concatenate([np.zeros(0, np.int64), *keys])
    return whole, np.repeat(at_us, counts), np.tile(np.array(amount, np.int64), (len(whole), 1))
