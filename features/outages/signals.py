"""What surrounds a service, as numbers: its checks and answers, its tickets, what is planned, what fails around it and under it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.outages.ledger import (
    CHECK,
    FAILED_CHECK,
    LOG_MS,
    MAJOR,
    OF_SAMPLES,
    REOPENED,
    TICKET,
    TIMED,
    Ledger,
)
from features.outages.rows import FloatArray
from features.outages.view import HOUR_US, OutageView
from features.service_histories import AHEAD, BEGUN
from sla.instants import DAY_US, Int64Array

WEEKS = 4  # of which the same hours say how many tickets to expect
MINUTES = {"15 minutes": 15, "60 minutes": 60, "6 hours": 360}
"""Windows of checks and answers that are shorter than a day."""
FEWEST = 3  # checks or answers in such a window, for it to say anything
MINUTE_US = HOUR_US // 60
Columns = dict[str, FloatArray]


def planned(view: OutageView) -> Columns:
    """Changes made and announced, maintenance announced, alerts."""
    return {
        "changes in 1 days": np.log1p(view.count("change", BEGUN, 1)),
        "changes in 7 days": np.log1p(view.count("change", BEGUN, 7)),
        "change ahead": (view.count("change", AHEAD) > 0).astype(float),
        "maintenance ahead": (view.count("maintenance", AHEAD) > 0).astype(float),
        "alerts in 1 days": np.log1p(view.count("alert", BEGUN, 1)),
        "alerts in 7 days": np.log1p(view.count("alert", BEGUN, 7)),
    }


def checks(view: OutageView) -> Columns:
    """Share of failed checks, and how long answers take against four weeks, over days; of minutes and hours against the day.

    Zero where nothing was measured, and for windows of minutes and hours where fewer than FEWEST were: one check among two
    says little of a trend.
    """
    days = {count: view.windows[count][:, OF_SAMPLES] for count in (1, 3, 7, 28, 30)}
    shorter = {name: view.total[:, OF_SAMPLES] - _samples(view, minutes) for name, minutes in MINUTES.items()}
    failed, latency = _share_failed(days[1]), _mean_log_ms(days[1])
    out = {}
    for name, sums in shorter.items():
        has_enough = sums[:, OF_SAMPLES.index(CHECK)] >= FEWEST
        out[f"failed checks of {name} against the day"] = np.where(has_enough, _share_failed(sums) - failed, 0.0)
    for count in (1, 7, 30):
        out[f"share of failed checks in {count} days"] = _share_failed(days[count])
    usual = _mean_log_ms(days[28])
    for name, sums in shorter.items():
        has_enough = sums[:, OF_SAMPLES.index(TIMED)] >= FEWEST
        out[f"latency of {name} against the day"] = np.where(has_enough, _mean_log_ms(sums) - latency, 0.0)
    for count in (1, 3, 7):
        out[f"latency in {count} days"] = np.nan_to_num(_mean_log_ms(days[count]) - usual)
    out["usual latency"] = usual
    return out


def _samples(view: OutageView, minutes: int) -> NDArray[np.int64]:
    return view.ledger.sampled(view.rows.service, view.rows.at_us - minutes * MINUTE_US)


def _share_failed(sums: NDArray[np.int64]) -> FloatArray:
    found: FloatArray = sums[:, OF_SAMPLES.index(FAILED_CHECK)] / np.maximum(sums[:, OF_SAMPLES.index(CHECK)], 1)
    return found


def _mean_log_ms(sums: NDArray[np.int64]) -> FloatArray:
    count = sums[:, OF_SAMPLES.index(TIMED)]
    total = sums[:, OF_SAMPLES.index(LOG_MS)]
    mean: FloatArray = np.where(count > 0, total / (1000.0 * np.maximum(count, 1)), np.nan)
    return mean


def tickets(view: OutageView) -> Columns:
    """Tickets that name the service, against what the same hours of the last four weeks make one expect, and the daily mean.

    Reopened ones and major incidents are counted.
    """
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
    for days in (1, 7):
        out[f"major incidents in {days} days"] = np.log1p(view.windows[days][:, MAJOR])
        out[f"tickets reopened in {days} days"] = np.log1p(view.windows[days][:, REOPENED])
    return out


def _tickets_within(ledger: Ledger, service: Int64Array, until_us: Int64Array, hours: int) -> FloatArray:
    now, then = (ledger.tickets_before(service, at_us) for at_us in (until_us, until_us - hours * HOUR_US))
    found: FloatArray = (now - then).astype(np.float64)
    return found


def needed(view: OutageView) -> Columns:
    """Outages of what the service needs, as the catalogue has it."""
    ledger, rows = view.ledger, view.rows
    now = ledger.needed.known(rows.service, rows.at_us)
    out = {"what it needs is down": (now[:, 1] > 0).astype(float)}
    for days in (1, 7):
        then = ledger.needed.known(rows.service, rows.at_us - days * DAY_US)
        out[f"outages of what it needs in {days} days"] = np.log1p(now[:, 0] - then[:, 0])
    return out


def around(view: OutageView) -> Columns:
    """Outages of the services of the same group, its own left out; of services made of others those of their parts count."""
    rows, key = view.rows, view.ledger.group[view.rows.service]
    ledger, is_own = view.ledger.of_all, view.ledger.population is None
    now = ledger.around.upto(key, ledger.around_timeline.before(rows.at_us))[:, 0]
    out = {}
    for days in (1, 7, 30):
        then = ledger.around.upto(key, ledger.around_timeline.before(rows.at_us - days * DAY_US))[:, 0]
        own = view.count("outage", BEGUN, days) if is_own else np.zeros_like(now)
        out[f"outages around in {days} days"] = np.log1p(np.maximum(now - then - own, 0))
    return out
