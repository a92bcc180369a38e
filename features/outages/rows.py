"""Which services are asked about when, and whether a new outage began within the horizon, as far as that is known.

A service is asked about once a day from a day after it is first known of. Left out are rows where it is down as far as is
known, where nobody watches it any more, and where it was down for most of the last four weeks: such a target is dead.
A label is known a day after the horizon ends (records may be late), and later if the outage was recorded later.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.outages.ledger import SECONDS_DOWN, Ledger
from features.outages.wholes import NOWHERE
from features.service_histories import ON_NOW
from sla.instants import DAY_US, NEVER_US, SECOND_US, BoolArray, Int64Array

FloatArray = NDArray[np.float64]
_Holds: TypeAlias = Callable[[Ledger, Int64Array, Int64Array], BoolArray]
SETTLING_US = DAY_US
DEAD_US = 28 * DAY_US
DEAD_SHARE = 0.5


@dataclass(frozen=True)
class OutageRows:
    """Rows in order of instant and service: `service` is a place in the ledger's names, `label` 0, 1 or NaN (never known).

    `known_us` is when the label is known; NEVER_US where it is not.
    """

    service: Int64Array
    at_us: Int64Array
    label: FloatArray
    known_us: Int64Array

    def __len__(self) -> int:
        return len(self.at_us)

    def where(self, chosen: BoolArray) -> OutageRows:
        """The chosen rows."""
        return OutageRows(self.service[chosen], self.at_us[chosen], self.label[chosen], self.known_us[chosen])


def outage_rows(ledger: Ledger, horizon_us: int = DAY_US, *, until_us: int | None = None, hour: int = 0) -> OutageRows:
    """Every service on every day at an hour, UTC, up to an instant (default: the ledger's last record), labelled."""
    until_us = ledger.until_us if until_us is None else until_us
    service, day_us = asked_days(ledger, until_us)
    if not hour:
        return labelled(ledger, service, day_us, horizon_us)
    at_us = day_us + hour * 3600 * SECOND_US
    kept = (at_us <= until_us) & is_asked(ledger, service, at_us)
    return labelled(ledger, service[kept], at_us[kept], horizon_us)


def asked_days(ledger: Ledger, until_us: int, *, most_a_day: int | None = None) -> tuple[Int64Array, Int64Array]:
    """Services and UTC midnights up to an instant that are asked about, in order of instant and service.

    With `most_a_day` only about so many services of each day, others on other days; which ones is told by names and by how
    many services were known that day, so nothing that comes later changes it.
    """
    first_day = -(-(ledger.watch_since_us + DAY_US) // DAY_US)
    counts = np.maximum(until_us // DAY_US - first_day + 1, 0)
    service = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(service)) - np.repeat(np.cumsum(counts) - counts, counts)
    day = np.repeat(first_day, counts) + within
    if most_a_day is not None:
        known = np.searchsorted(np.sort(ledger.watch_since_us), day * DAY_US)
        turn = np.array([zlib.crc32(name.encode()) for name in ledger.names], np.int64)
        kept = (turn[service] + day) % -(-known // most_a_day) == 0
        service, day = service[kept], day[kept]
    order = np.lexsort((service, day))
    service, at_us = service[order], day[order] * DAY_US
    kept = is_asked(ledger, service, at_us)
    return service[kept], at_us[kept]


def rows_at(ledger: Ledger, at_us: int) -> OutageRows:
    """The services that can be asked about at one instant; no label is known."""
    service = np.flatnonzero(ledger.watch_since_us < at_us)
    at = np.full(len(service), at_us // SECOND_US * SECOND_US, np.int64)
    kept = is_asked(ledger, service, at)
    n = int(kept.sum())
    return OutageRows(service[kept], at[kept], np.full(n, np.nan), np.full(n, NEVER_US))


def is_asked(ledger: Ledger, service: Int64Array, at_us: Int64Array) -> BoolArray:
    """Which rows are asked about, by what was known just before each instant."""
    found = ledger.histories.sums
    is_down = found.sums.upto(service + 1, found.timeline.before(at_us))[:, found.columns["outage", ON_NOW]] > 0
    now, then = (ledger.summed(service, at_us - back) for back in (0, DEAD_US))
    is_dead = (now - then)[:, SECONDS_DOWN] * SECOND_US > DEAD_SHARE * DEAD_US
    asked: BoolArray = ~is_down & ~is_dead & _is_watched(ledger, service, at_us)
    return asked


def labelled(ledger: Ledger, service: Int64Array, at_us: Int64Array, horizon_us: int) -> OutageRows:
    """The rows with their labels: does an outage begin at or after the instant and before the horizon ends.

    Never known: rows where the service was down after all, was not watched to the end, or where an alert was acted on within
    the horizon before any outage came. Not even where one came all the same: were these kept and the others left out, every
    day that somebody acted on would seem to end in an outage.
    """
    outages, over_us = ledger.outages, at_us + horizon_us + SETTLING_US
    if ledger.population is not None:  # outages that were taken back never came: known once they were
        is_real = outages.end_us > outages.begin_us
        gone = outages.where(~is_real)
        taken_us = -_first_of(ledger, (gone.service, gone.begin_us, -gone.end_known_us), service, at_us, horizon_us)
        outages, over_us = outages.where(is_real), np.maximum(over_us, taken_us)
    recorded_us = _first_of(ledger, (outages.service, outages.begin_us, outages.known_us), service, at_us, horizon_us)
    has_outage = recorded_us != NEVER_US
    known_us = np.where(has_outage, np.maximum(over_us, recorded_us), over_us)
    keyed = _Keyed(ledger)
    before = np.searchsorted(keyed.of(outages.service, outages.begin_us), keyed.of(service, at_us)) - 1
    is_own = (before >= 0) & (np.append(outages.service, -1)[before] == service)
    was_down = is_own & (np.append(outages.end_us, 0)[before] > at_us)
    # Whether an outage before was over by then is known once its end is.
    known_us = np.where(is_own, np.maximum(known_us, np.append(outages.end_known_us, 0)[before]), known_us)
    acted = ledger.acted
    began_us = _first_of(ledger, (outages.service, outages.begin_us, outages.begin_us), service, at_us, horizon_us)
    acted_us = _first_of(ledger, (acted.service, acted.at_us, acted.at_us), service, at_us, horizon_us)
    unknown = was_down | (acted_us < began_us) | ~_was_watched(ledger, service, at_us + horizon_us)
    label = np.where(unknown, np.nan, has_outage.astype(np.float64))
    return OutageRows(service, at_us, label, np.where(unknown, NEVER_US, known_us))


def outages_between(ledger: Ledger, service: Int64Array, at_us: Int64Array, horizon_us: int) -> Int64Array:
    """When the first record of an outage that begins within the horizon of each row arrived; NEVER_US where none begins."""
    outages = ledger.outages
    return _first_of(ledger, (outages.service, outages.begin_us, outages.known_us), service, at_us, horizon_us)


def acted_between(ledger: Ledger, service: Int64Array, at_us: Int64Array, horizon_us: int) -> Int64Array:
    """The same for alerts within the horizon that were acted on."""
    acted = ledger.acted
    return _first_of(ledger, (acted.service, acted.at_us, acted.known_us), service, at_us, horizon_us)


@dataclass(frozen=True)
class _Keyed:
    """Services and instants as one number that sorts like the pair: whole seconds, because microseconds would overflow.

    Asked about are whole seconds only, so that an event of the second before is before, and one of the same second is not.
    """

    ledger: Ledger

    def of(self, service: Int64Array, at_us: Int64Array) -> Int64Array:
        low = int(self.ledger.outages.begin_us.min(initial=self.ledger.watch_since_us.min(initial=0))) - 400 * DAY_US
        span = (self.ledger.until_us - low + 400 * DAY_US) // SECOND_US
        inside = np.clip((at_us - low) // SECOND_US, 0, span - 1)
        ranks: Int64Array = service * span + inside
        return ranks


def _first_of(
    ledger: Ledger,
    marks: tuple[Int64Array, Int64Array, Int64Array],
    service: Int64Array,
    at_us: Int64Array,
    horizon_us: int,
) -> Int64Array:
    """The least value of the marks (service, instant, value; by service and instant) in `[at, at + horizon)` of each row."""
    keyed = _Keyed(ledger)
    keys = keyed.of(marks[0], marks[1])
    first, until = (np.searchsorted(keys, keyed.of(service, at)) for at in (at_us, at_us + horizon_us))
    found, some = np.full(len(service), NEVER_US), np.flatnonzero(until > first)
    if len(some):
        edges = np.stack([first[some], until[some]], axis=1).reshape(-1)
        found[some] = np.minimum.reduceat(np.append(marks[2], NEVER_US), edges)[::2]
    return found


def _is_watched(ledger: Ledger, service: Int64Array, at_us: Int64Array) -> BoolArray:
    """A target of checks is watched while they come; any other service from its first record on."""
    if ledger.population is not None:
        return _of_enough_parts(ledger, service, at_us, _is_watched)
    found: BoolArray = ledger.watching.just_before(service, at_us) | (ledger.watching.first_us[service] >= at_us)
    return found


def _was_watched(ledger: Ledger, service: Int64Array, end_us: Int64Array) -> BoolArray:
    """Whether checks went on until the horizon's end; of other services, whether the log does."""
    if ledger.population is not None:
        return _of_enough_parts(ledger, service, end_us, _was_watched)
    watched = ledger.watching.from_on(service, end_us)
    found: BoolArray = np.where(ledger.watching.has_checks[service], watched, end_us <= ledger.until_us)
    return found


def _of_enough_parts(ledger: Ledger, group: Int64Array, at_us: Int64Array, holds: _Holds) -> BoolArray:
    """Whether something holds of so many parts of each group as it needs, of those known of by each instant."""
    population, out = ledger.of_all, np.zeros(len(group), np.bool_)

    def of_part(service: int, at_us: Int64Array) -> BoolArray:
        if service == NOWHERE:
            return np.zeros(len(at_us), np.bool_)
        is_known = population.watch_since_us[service] < at_us
        held: BoolArray = is_known & holds(population, np.full(len(at_us), service), at_us)
        return held

    for one in np.unique(group).tolist():
        mine = group == one
        out[mine] = ledger.wholes[one].has_enough(partial(of_part, at_us=at_us[mine]))
    return out
