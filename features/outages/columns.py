"""What was known of a service at an instant, as numbers: its own rates, what happened lately, what is planned.

Everything counts from its record on, strictly before the instant, by differences of integer sums. The rates are those a
person would write down; models get them as log odds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.outages.ledger import (
    CHECK,
    FAILED_CHECK,
    LOG_MS,
    ON_WEEKDAY,
    OUTAGE_DAY,
    SECONDS_DOWN,
    TICKET,
    TIMED,
    Ledger,
    weekday_of,
)
from features.outages.rows import FloatArray, OutageRows
from features.service_histories import AHEAD, BEGUN, LAST_BEGUN, LAST_ENDED
from sla.instants import DAY_US, BoolArray, Int64Array

WINDOWS = (1, 3, 7, 14, 28, 30, 90)  # days
STRENGTH_DAYS = 20.0  # so many days of the rate of all services are added to each service's own
WEEKDAY_STRENGTH_DAYS = 10.0  # ... and so many days of its own rate to each weekday's
STEPS = {1: 0.15, 7: 0.3, 30: 0.35, 90: 0.2}  # an exponentially falling weight, in steps: days and shares
RULES = ("service rate", "last 30 days", "rate x weekday", "EWMA")
LONGEST_DAYS = 60.0
WEEKS = 4  # of which the same hours say how many tickets to expect
HOUR_US = DAY_US // 24


@dataclass(frozen=True)
class OutageColumns:
    """`rates` (n x 4) are probabilities of the RULES for the horizon, `values` (n x k) the columns of `names`."""

    names: tuple[str, ...]
    values: FloatArray
    rates: FloatArray

    def where(self, chosen: BoolArray) -> OutageColumns:
        """The chosen rows."""
        return OutageColumns(self.names, self.values[chosen], self.rates[chosen])


def outage_columns(ledger: Ledger, rows: OutageRows, horizon_us: int = DAY_US) -> OutageColumns:
    """What was known at each row."""
    view = _View(ledger, rows, horizon_us)
    rates = _rates(view)
    columns = {f"log odds by {name}": _log_odds(rates[:, place]) for place, name in enumerate(RULES)}
    for family in (_recent, _planned, _checks, _tickets, _around, _needed, _calendar):
        columns |= family(view)
    return OutageColumns(
        tuple(columns), np.stack([np.asarray(one, np.float64) for one in columns.values()], axis=1), rates
    )


@dataclass(frozen=True)
class _View:
    ledger: Ledger
    rows: OutageRows
    horizon_us: int

    @cached_property
    def total(self) -> NDArray[np.int64]:
        return self._sums(0)

    @cached_property
    def windows(self) -> dict[int, NDArray[np.int64]]:
        """What was summed of each service in the last so many days."""
        return {days: self.total - self._sums(days) for days in WINDOWS}

    @cached_property
    def happened(self) -> dict[int, NDArray[np.int64]]:
        """The same of ServiceHistories.sums; 0: since ever."""
        found, key = self.ledger.histories.sums, self.rows.service + 1
        at = {
            days: found.sums.upto(key, found.timeline.before(self.rows.at_us - days * DAY_US)) for days in (0, 1, 7, 30)
        }
        return {days: at[0] - sums if days else sums for days, sums in at.items()}

    @cached_property
    def watched_days(self) -> FloatArray:
        """How long each service is known of."""
        days: FloatArray = (self.rows.at_us - self.ledger.watch_since_us[self.rows.service]) / DAY_US
        return np.maximum(days, 0.0)

    def count(self, kind: str, what: str, days: int = 0) -> Int64Array:
        found: Int64Array = self.happened[days][:, self.ledger.histories.sums.columns[kind, what]]
        return found

    def _sums(self, days: int) -> NDArray[np.int64]:
        return self.ledger.summed(self.rows.service, self.rows.at_us - days * DAY_US)


def _rates(view: _View) -> FloatArray:
    """The probability of an outage within the horizon by each of the RULES."""
    everywhere, watched = _everywhere(view), view.watched_days
    rate = (view.total[:, OUTAGE_DAY] + STRENGTH_DAYS * everywhere) / (watched + STRENGTH_DAYS)
    seen = {days: np.minimum(watched, days) for days in (*STEPS, 30)}
    lately = (view.windows[30][:, OUTAGE_DAY] + 5.0 * everywhere) / (seen[30] + 5.0)
    weekday = np.zeros(len(rate))
    for day, share in _days_ahead(view):
        of_day = view.total[np.arange(len(rate)), ON_WEEKDAY + day]
        weekday += share * (of_day + WEEKDAY_STRENGTH_DAYS * rate) / (watched / 7.0 + WEEKDAY_STRENGTH_DAYS)
    ewma = sum(
        share * (view.windows[days][:, OUTAGE_DAY] + 3.0 * rate) / (seen[days] + 3.0) for days, share in STEPS.items()
    )
    a_day = np.clip(np.stack([rate, lately, weekday, np.asarray(ewma)], axis=1), 1e-5, 0.999)
    found: FloatArray = -np.expm1(np.log1p(-a_day) * (view.horizon_us / DAY_US))
    return found


def _everywhere(view: _View) -> FloatArray:
    """The share of days with an outage over all services so far, with a little added so that it is never zero."""
    ledger, at_us = view.ledger, view.rows.at_us
    distinct, place = np.unique(at_us, return_inverse=True)
    since_hours = np.sort(ledger.watch_since_us // HOUR_US)
    begun = np.searchsorted(since_hours, distinct // HOUR_US)
    sums = np.append(0, np.cumsum(since_hours))
    days = (begun * (distinct // HOUR_US) - sums[begun]) / 24.0
    outage_days = np.searchsorted(ledger.outage_day_known_us, distinct, side="left")
    rate: FloatArray = (outage_days + 0.5) / (days + 25.0)
    return rate[place.reshape(-1)]


def _days_ahead(view: _View) -> list[tuple[Int64Array, FloatArray]]:
    """The weekdays that the horizon touches, with the share of it that falls on each."""
    at_us, end_us = view.rows.at_us, view.rows.at_us + view.horizon_us
    found = []
    for ahead in range(view.horizon_us // DAY_US + 2):
        begin = (at_us // DAY_US + ahead) * DAY_US
        part_us = np.clip(np.minimum(end_us, begin + DAY_US) - np.maximum(at_us, begin), 0, None)
        found.append((weekday_of(begin), part_us / view.horizon_us))
    return found


def _recent(view: _View) -> dict[str, FloatArray]:
    out = {
        f"days with an outage in {days} days": view.windows[days][:, OUTAGE_DAY].astype(float)
        for days in (1, 3, 7, 14, 30, 90)
    }
    out |= {f"minutes down in {days} days": np.log1p(view.windows[days][:, SECONDS_DOWN] / 60) for days in (1, 7, 30)}
    out |= {f"outages in {days} days": np.log1p(view.count("outage", BEGUN, days)) for days in (1, 7, 30)}
    out |= {f"degradations in {days} days": np.log1p(view.count("degradation", BEGUN, days)) for days in (1, 7, 30)}
    for word, what in (("began", LAST_BEGUN), ("ended", LAST_ENDED)):
        days_since = (view.rows.at_us - view.count("outage", what)) / DAY_US
        out[f"days since the last outage {word}"] = np.log1p(np.clip(days_since, 0, LONGEST_DAYS))
    return out


def _planned(view: _View) -> dict[str, FloatArray]:
    return {
        "changes in 1 days": np.log1p(view.count("change", BEGUN, 1)),
        "changes in 7 days": np.log1p(view.count("change", BEGUN, 7)),
        "change ahead": (view.count("change", AHEAD) > 0).astype(float),
        "maintenance ahead": (view.count("maintenance", AHEAD) > 0).astype(float),
        "alerts in 1 days": np.log1p(view.count("alert", BEGUN, 1)),
        "alerts in 7 days": np.log1p(view.count("alert", BEGUN, 7)),
    }


def _checks(view: _View) -> dict[str, FloatArray]:
    out = {}
    for days in (1, 7, 30):
        sums = view.windows[days]
        out[f"share of failed checks in {days} days"] = sums[:, FAILED_CHECK] / np.maximum(sums[:, CHECK], 1)
    usual = _mean_log_ms(view.windows[28])
    for days in (1, 3, 7):
        lately = _mean_log_ms(view.windows[days])
        out[f"latency in {days} days"] = np.nan_to_num(lately - usual)
    out["usual latency"] = usual
    return out


def _mean_log_ms(sums: NDArray[np.int64]) -> FloatArray:
    count = sums[:, TIMED]
    mean: FloatArray = np.where(count > 0, sums[:, LOG_MS] / (1000.0 * np.maximum(count, 1)), np.nan)
    return mean


def _tickets(view: _View) -> dict[str, FloatArray]:
    """Tickets that name the service, against what the same hours of the last four weeks make one expect, and the daily mean."""
    service, at_us = view.rows.service, view.rows.at_us
    weeks = np.clip(view.watched_days // 7, 1, WEEKS)
    out = {}
    for hours in (6, 24):
        begun = [_tickets_within(view.ledger, service, at_us - 7 * week * DAY_US, hours) for week in range(WEEKS + 1)]
        expected = np.sum(begun[1:], axis=0) / weeks
        out[f"tickets in {hours} hours against the same hours of weeks before"] = np.log(
            (begun[0] + 1) / (expected + 1)
        )
    usual = view.windows[28][:, TICKET] / 28.0
    out["tickets in 7 days"] = np.log((view.windows[7][:, TICKET] / 7 + 1.0) / (usual + 1.0))
    return out


def _tickets_within(ledger: Ledger, service: Int64Array, until_us: Int64Array, hours: int) -> FloatArray:
    now, then = (ledger.tickets_before(service, at_us) for at_us in (until_us, until_us - hours * HOUR_US))
    found: FloatArray = (now - then).astype(np.float64)
    return found


def _needed(view: _View) -> dict[str, FloatArray]:
    """Outages of what the service needs, as the catalogue has it."""
    ledger, rows = view.ledger, view.rows
    now = ledger.needed.known(rows.service, rows.at_us)
    out = {"what it needs is down": (now[:, 1] > 0).astype(float)}
    for days in (1, 7):
        then = ledger.needed.known(rows.service, rows.at_us - days * DAY_US)
        out[f"outages of what it needs in {days} days"] = np.log1p(now[:, 0] - then[:, 0])
    return out


def _around(view: _View) -> dict[str, FloatArray]:
    """Outages of the services of the same group, its own left out."""
    ledger, rows = view.ledger, view.rows
    key = ledger.group[rows.service]
    now = ledger.around.upto(key, ledger.around_timeline.before(rows.at_us))[:, 0]
    out = {}
    for days in (1, 7, 30):
        then = ledger.around.upto(key, ledger.around_timeline.before(rows.at_us - days * DAY_US))[:, 0]
        own = view.count("outage", BEGUN, days)
        out[f"outages around in {days} days"] = np.log1p(np.maximum(now - then - own, 0))
    return out


def _calendar(view: _View) -> dict[str, FloatArray]:
    weekday = weekday_of(view.rows.at_us)
    hour = (view.rows.at_us % DAY_US) / HOUR_US
    return {
        "weekday": weekday.astype(float),
        "weekend": (weekday >= 5).astype(float),
        "hour": np.asarray(hour, np.float64),
        "days watched": np.log1p(view.watched_days),
    }


def _log_odds(probability: FloatArray) -> FloatArray:
    found: FloatArray = np.log(probability) - np.log1p(-probability)
    return found
