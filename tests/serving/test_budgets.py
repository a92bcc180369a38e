"""Budget, burn and how long the rest lasts, by hand, for a period of ten days and for the one of the workbook."""

from __future__ import annotations

import numpy as np
import pytest

from serving.services.budgets import Measured, measured
from sla.agreements.loading import parse_agreements
from sla.instants import DAY_US, SECOND_US
from sla.services.service_history import ServiceHistory, ServiceState

AT_US = 20_000 * DAY_US
MINUTE_US = 60 * SECOND_US
CATALOGUE = """
slacast: 1
calendars: {always: {time_zone: UTC, always_open: true}}
services: {Mail: {availability_percent: 99, availability_days: DAYS}}
agreements:
  - {name: desk, owner: someone, calendar: always, targets: [{metric: resolution, goals: [{default: true, within: 8 h}]}]}
"""


def standing(days: int, *outages: tuple[float, float]) -> Measured:
    """Mail, promised 99 % of so many days, with outages from and until so many minutes ago."""
    agreements = parse_agreements(CATALOGUE.replace("DAYS", str(days)), source="test")
    begins, ends = (np.array([AT_US - int(one[place] * MINUTE_US) for one in outages]) for place in (0, 1))
    history = ServiceHistory.from_periods(begins, ends, np.full(len(outages), ServiceState.DOWN, np.int8))
    return measured(history, agreements.services["Mail"], agreements, AT_US)


def test_the_rest_lasts_as_long_as_the_rate_of_the_last_day_allows():
    found = standing(10, (30, 0), (5 * 1440 + 60, 5 * 1440)).budget
    assert found is not None
    allowed, lost = 144.0, 90.0  # minutes
    assert (found.allowed_seconds, found.lost_seconds) == (pytest.approx(allowed * 60), pytest.approx(lost * 60))
    rate = (30 / 1440) / 0.01
    assert found.burn_rate == pytest.approx(rate)
    assert found.exhausted_in_seconds == pytest.approx((allowed - lost) / allowed * 10 * 86_400 / rate)


def test_a_quiet_last_day_burns_nothing_and_an_overspent_budget_is_gone():
    quiet, gone = standing(10, (5 * 1440 + 60, 5 * 1440)).budget, standing(10, (300, 0)).budget
    assert quiet is not None
    assert gone is not None
    assert (quiet.burn_rate, quiet.exhausted_in_seconds) == (0, None)
    assert (gone.is_kept, gone.exhausted_in_seconds) == (False, 0)


@pytest.mark.parametrize(
    ("days", "windows"),
    [
        (30, [(14.4, 60, 5), (6, 360, 30), (3, 1440, 120), (1, 4320, 360)]),
        (28, [(13.44, 60, 5), (5.6, 360, 30), (2.8, 1440, 120), (2.8 / 3, 4320, 360)]),
        (7, [(14, 15, 1), (7, 90, 8), (2, 360, 30), (1, 1440, 90)]),
        (84, [(14, 180, 15), (7, 1080, 90), (2, 4320, 360), (1, 17280, 1080)]),
    ],
)
def test_windows_are_those_of_the_workbook_or_in_proportion_to_the_period(days, windows):
    found = standing(days).budget
    assert found is not None
    told = [(burn.factor, burn.long_seconds / 60, burn.short_seconds / 60) for burn in found.burns]
    assert told == [(pytest.approx(factor), long, short) for factor, long, short in windows]
    assert [burn.severity for burn in found.burns] == ["page", "page", "ticket", "ticket"]


def test_a_rule_fires_while_both_windows_burn_and_ends_with_the_trouble():
    going_on, over = standing(30, (20, 0)).budget, standing(30, (26, 6)).budget
    assert going_on is not None
    assert over is not None
    quick, ended = going_on.burns[0], over.burns[0]
    assert (quick.long_rate, quick.short_rate) == (pytest.approx(20 / 60 / 0.01), pytest.approx(100))
    assert quick.is_firing
    assert (ended.long_rate, ended.short_rate) == (pytest.approx(20 / 60 / 0.01), 0)
    assert not ended.is_firing
