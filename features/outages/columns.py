"""What was known of a service at an instant, as numbers: its own rates, what happened lately, what is planned.

Everything counts from its record on, strictly before the instant, by differences of integer sums. The rates are those a
person would write down; models get them as log odds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from features.outages import signals
from features.outages.ledger import ON_WEEKDAY, OUTAGE_DAY, SECONDS_DOWN, Ledger, weekday_of
from features.outages.rows import FloatArray, OutageRows, rows_at
from features.outages.similar import SimilarWindows
from features.outages.view import HOUR_US, OutageView
from features.schema import empty_service_events
from features.service_histories import BEGUN, LAST_BEGUN, LAST_ENDED
from sla.instants import DAY_US, BoolArray, Int64Array

STRENGTH_DAYS = 20.0  # so many days of the rate of all services are added to each service's own
WEEKDAY_STRENGTH_DAYS = 10.0  # ... and so many days of its own rate to each weekday's
STEPS = {1: 0.15, 7: 0.3, 30: 0.35, 90: 0.2}  # an exponentially falling weight, in steps: days and shares
RULES = ("service rate", "last 30 days", "rate x weekday", "EWMA")
LONGEST_DAYS = 60.0


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
    view = OutageView(ledger, rows, horizon_us)
    rates = _rates(view)
    columns = {f"log odds by {name}": _log_odds(rates[:, place]) for place, name in enumerate(RULES)}
    for family in _FAMILIES:
        columns |= family(view)
    return OutageColumns(
        tuple(columns), np.stack([np.asarray(one, np.float64) for one in columns.values()], axis=1), rates
    )


@cache
def column_names() -> tuple[str, ...]:
    """The names of all columns, in order."""
    nothing = Ledger.of(empty_service_events())
    return outage_columns(nothing, rows_at(nothing, 0)).names


def _rates(view: OutageView) -> FloatArray:
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


def _everywhere(view: OutageView) -> FloatArray:
    """The share of days with an outage over all services so far, with a little added so that it is never zero."""
    ledger, at_us = view.ledger.of_all, view.rows.at_us
    distinct, place = np.unique(at_us, return_inverse=True)
    since_hours = np.sort(ledger.watch_since_us // HOUR_US)
    begun = np.searchsorted(since_hours, distinct // HOUR_US)
    sums = np.append(0, np.cumsum(since_hours))
    days = (begun * (distinct // HOUR_US) - sums[begun]) / 24.0
    outage_days = np.searchsorted(ledger.outage_day_known_us, distinct, side="left")
    rate: FloatArray = (outage_days + 0.5) / (days + 25.0)
    return rate[place.reshape(-1)]


def _days_ahead(view: OutageView) -> list[tuple[Int64Array, FloatArray]]:
    """The weekdays that the horizon touches, with the share of it that falls on each."""
    at_us, end_us = view.rows.at_us, view.rows.at_us + view.horizon_us
    found = []
    for ahead in range(view.horizon_us // DAY_US + 2):
        begin = (at_us // DAY_US + ahead) * DAY_US
        part_us = np.clip(np.minimum(end_us, begin + DAY_US) - np.maximum(at_us, begin), 0, None)
        found.append((weekday_of(begin), part_us / view.horizon_us))
    return found


def _recent(view: OutageView) -> dict[str, FloatArray]:
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


def _calendar(view: OutageView) -> dict[str, FloatArray]:
    weekday = weekday_of(view.rows.at_us)
    hour = (view.rows.at_us % DAY_US) / HOUR_US
    return {
        "weekday": weekday.astype(float),
        "weekend": (weekday >= 5).astype(float),
        "hour": np.asarray(hour, np.float64),
        "days watched": np.log1p(view.watched_days),
    }


def _similar(view: OutageView) -> dict[str, FloatArray]:
    """How often earlier days that looked like this one, of any service, saw an outage."""
    found = SimilarWindows.upto(view.ledger.of_all, view.horizon_us, int(view.rows.at_us.max(initial=0)))
    share, count = found.seen(view.ledger, view.rows.service, view.rows.at_us)
    return {"log odds by similar days": _log_odds(share), "similar days": np.log1p(count)}


def _log_odds(probability: FloatArray) -> FloatArray:
    found: FloatArray = np.log(probability) - np.log1p(-probability)
    return found


_FAMILIES = (
    _recent,
    signals.planned,
    signals.checks,
    signals.tickets,
    signals.around,
    signals.needed,
    _similar,
    _calendar,
)
