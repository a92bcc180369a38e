"""Earlier days of any service that looked like this one, and how many of them saw an outage.

Two days look alike where the same of the last seven days saw outages, the services fail about equally often, and the same of
four signs were there: a change, an alert, failed checks or slow answers, many tickets. Where few days look exactly alike those
count that look alike but for which of the seven days they were. A day counts a day after its horizon ends, as one without an
outage until one of its outages is recorded, so deleting the future changes no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.outages.ledger import CHECK, FAILED_CHECK, LOG_MS, OUTAGE_DAY, TICKET, TIMED, Ledger
from features.outages.rows import SETTLING_US, FloatArray, acted_between, asked_days, outages_between
from features.prefix_sums import KeyedSums, Timeline
from features.service_histories import AHEAD, BEGUN
from sla.instants import DAY_US, NEVER_US, BoolArray, Int64Array

DAYS_BACK = 7
MOST_DAYS = 3  # more days with an outage among the seven look alike where few days look exactly alike
RATES = (
    0.01,
    0.03,
    0.1,
    0.3,
)  # shares of days with an outage: the borders between services that fail about equally often
SLOWER = np.log(1.5)  # times the mean of four weeks
MORE_TICKETS = np.log(2.0)
STRENGTHS = 20.0, 10.0  # so many days of all, and of those that look roughly alike, are added
SIGNS = 4
MOST_A_DAY = 500  # services of which each day is remembered: thousands tell no more, and take long


@dataclass(frozen=True)
class SimilarWindows:
    """Past days by how they looked, as sums along time: how many there were, and how many saw an outage."""

    timeline: Timeline
    levels: tuple[KeyedSums, KeyedSums, KeyedSums]  # all, roughly alike, alike

    @classmethod
    def upto(cls, ledger: Ledger, horizon_us: int, until_us: int) -> SimilarWindows:
        """The days of all services whose horizon was over by an instant."""
        over_us = horizon_us + SETTLING_US
        service, at_us = asked_days(ledger, until_us - over_us, most_a_day=MOST_A_DAY)
        watched = ~ledger.watching.has_checks[service] | ledger.watching.just_before(service, at_us + over_us)
        service, at_us = service[watched], at_us[watched]
        row, known_us, amounts = _arrivals(ledger, service, at_us, horizon_us)
        rough, alike = _looks(ledger, service, at_us)
        timeline = Timeline.of(known_us)
        sums = [
            KeyedSums(timeline, keys[row], count, amounts)
            for keys, count in ((np.zeros_like(rough), 1), (rough, ROUGH), (alike, ALIKE))
        ]
        return cls(timeline, (sums[0], sums[1], sums[2]))

    def seen(self, ledger: Ledger, service: Int64Array, at_us: Int64Array) -> tuple[FloatArray, FloatArray]:
        """The share of the days like each of these, of a ledger, that saw an outage, and how many days were alike; both n."""
        rough, alike = _looks(ledger, service, at_us)
        known = self.timeline.before(at_us)
        every, some, few = (
            sums.upto(keys, known) for sums, keys in zip(self.levels, (np.zeros_like(rough), rough, alike), strict=True)
        )
        share: FloatArray = (every[:, 1] + 0.5) / (every[:, 0] + 25.0)
        for found, strength in zip((some, few), STRENGTHS, strict=True):
            share = (found[:, 1] + strength * share) / (found[:, 0] + strength)
        return np.clip(share, 1e-5, 0.999), few[:, 0].astype(np.float64)


ROUGH = (len(RATES) + 1) * (MOST_DAYS + 1) * 2**SIGNS
ALIKE = (len(RATES) + 1) * 2 ** (DAYS_BACK + SIGNS)


def _looks(ledger: Ledger, service: Int64Array, at_us: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Codes of what each service looked like just before each instant: roughly, and with the days of its outages."""
    begun = [ledger.outages_known(service, at_us - days * DAY_US) for days in range(DAYS_BACK + 1)]
    had_outage = np.stack([now > then for now, then in pairwise(begun)], axis=1)
    signs = _coded(_signs(ledger, service, at_us))
    days = ledger.summed(service, at_us)[:, OUTAGE_DAY]
    watched = np.maximum(at_us - ledger.watch_since_us[service], 0) / DAY_US
    rate = np.searchsorted(RATES, (days + 0.5) / (watched + 25.0)).astype(np.int64)
    rough = (rate * (MOST_DAYS + 1) + np.minimum(had_outage.sum(axis=1), MOST_DAYS)) * 2**SIGNS + signs
    return rough, (rate * 2**DAYS_BACK + _coded(had_outage)) * 2**SIGNS + signs


def _signs(ledger: Ledger, service: Int64Array, at_us: Int64Array) -> BoolArray:
    """n x SIGNS: a change made or ahead, an alert, failed checks or slow answers, many tickets; all of the last day."""
    found, key = ledger.histories.sums, service + 1
    now, day = (found.sums.upto(key, found.timeline.before(at_us - back)) for back in (0, DAY_US))
    total = ledger.summed(service, at_us)
    today, weeks = (total - ledger.summed(service, at_us - days * DAY_US) for days in (1, 28))

    def fresh(kind: str) -> Int64Array:
        column = found.columns[kind, BEGUN]
        count: Int64Array = (now - day)[:, column]
        return count

    changed = (fresh("change") > 0) | (now[:, found.columns["change", AHEAD]] > 0)
    is_slow = (today[:, TIMED] > 0) & (_mean_log(today) - _mean_log(weeks) > SLOWER)
    has_failed = (today[:, CHECK] > 0) & (today[:, FAILED_CHECK] > 0)
    many = np.log((today[:, TICKET] + 1.0) / (weeks[:, TICKET] / 28.0 + 1.0)) > MORE_TICKETS
    return np.stack([changed, fresh("alert") > 0, has_failed | is_slow, many], axis=1)


def _mean_log(sums: NDArray[np.int64]) -> FloatArray:
    mean: FloatArray = sums[:, LOG_MS] / (1000.0 * np.maximum(sums[:, TIMED], 1))
    return mean


def _coded(marks: BoolArray) -> Int64Array:
    codes: Int64Array = marks @ (1 << np.arange(marks.shape[1], dtype=np.int64))
    return codes


def _arrivals(
    ledger: Ledger, service: Int64Array, at_us: Int64Array, horizon_us: int
) -> tuple[Int64Array, Int64Array, NDArray[np.int64]]:
    """Places of the days, when something of each became known, and what it adds: to the days, and to those with an outage.

    A day on which an alert was acted on does not count: what would have come without is not known.
    """
    over_us = at_us + horizon_us + SETTLING_US
    outage_us = np.maximum(outages_between(ledger, service, at_us, horizon_us), over_us)
    acted_us = np.maximum(acted_between(ledger, service, at_us, horizon_us), over_us)
    came, acted = outage_us != NEVER_US, acted_us != NEVER_US
    both = came & acted
    parts = (
        (np.arange(len(service)), over_us, (1, 0)),
        (np.flatnonzero(came), outage_us[came], (0, 1)),
        (np.flatnonzero(acted), acted_us[acted], (-1, 0)),
        (np.flatnonzero(both), np.maximum(outage_us, acted_us)[both], (0, -1)),
    )
    amounts = np.concatenate([np.tile(np.array(one, np.int64), (len(rows), 1)) for rows, _, one in parts])
    return np.concatenate([rows for rows, _, _ in parts]), np.concatenate([at for _, at, _ in parts]), amounts
