"""How many outages, and how long, a service is to expect: its own rate, shrunk towards that of all services."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.outages.columns import STRENGTH_DAYS
from features.outages.ledger import SECONDS_DOWN, Ledger
from features.outages.rows import FloatArray, OutageRows
from features.service_histories import BEGUN
from sla.instants import DAY_US, NEVER_US, SECOND_US, BoolArray

STRENGTH_OUTAGES = 5.0  # so many outages of the mean length of all are added to each service's own


@dataclass(frozen=True)
class Expectation:
    """Outages and minutes down within a span, one a row."""

    outages: FloatArray
    minutes: FloatArray


def expectation(ledger: Ledger, rows: OutageRows, days: float) -> Expectation:
    """What to expect of each row within so many days from its instant, as far as was known there; all rows at one instant."""
    at_us = int(rows.at_us[0]) if len(rows) else 0
    found = ledger.histories.sums
    before = found.timeline.before(rows.at_us)
    begun = found.sums.upto(rows.service + 1, before)[:, found.columns["outage", BEGUN]]
    watched = np.maximum(at_us - ledger.watch_since_us[rows.service], 0) / DAY_US
    of_all = ledger.of_all
    known = of_all.outages.known_us < at_us
    all_days = np.clip(at_us - of_all.watch_since_us, 0, None).sum(dtype=np.float64) / DAY_US
    a_day = known.sum() / max(all_days, 1.0)
    rate = (begun + STRENGTH_DAYS * a_day) / (watched + STRENGTH_DAYS)
    over = _over(ledger, at_us)
    ended = np.bincount(ledger.outages.service[over], minlength=len(ledger.names))
    minutes = ledger.summed(rows.service, rows.at_us)[:, SECONDS_DOWN] / 60.0
    usual = _mean_minutes(of_all, _over(of_all, at_us))
    length = (minutes + STRENGTH_OUTAGES * usual) / (ended[rows.service] + STRENGTH_OUTAGES)
    return Expectation(rate * days, rate * days * length)


def _over(ledger: Ledger, at_us: int) -> BoolArray:
    """The outages whose end was known."""
    over: BoolArray = (ledger.outages.end_us != NEVER_US) & (ledger.outages.end_known_us < at_us)
    return over & (ledger.outages.known_us < at_us)


def _mean_minutes(ledger: Ledger, over: BoolArray) -> float:
    lasted_us = (ledger.outages.end_us - ledger.outages.begin_us)[over]
    return float(np.minimum(lasted_us, 7 * DAY_US).mean() / SECOND_US / 60.0) if len(lasted_us) else 0.0
