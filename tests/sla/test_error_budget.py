from __future__ import annotations

import math

import numpy as np
import pytest

from sla.instants import SECOND_US, Int64Array
from sla.services.error_budget import (
    bad_slices_until_missed,
    burn_rate_factor,
    burn_rates,
    counts_within,
    error_budget,
    proportional_rules,
    seconds_to_exhaustion,
    workbook_rules,
)
from sla.services.service_history import ServiceError

HOUR = 3600


def _us(*seconds: float) -> Int64Array:
    return np.array([round(second * SECOND_US) for second in seconds], np.int64)


def test_a_budget_tells_what_is_left_and_how_fast_it_goes() -> None:
    month = error_budget(0.999, total=30 * 86_400, lost=1296)
    assert month.allowed == pytest.approx(2592)
    assert month.remaining == pytest.approx(1296)
    assert month.used_share == pytest.approx(0.5)
    assert month.burn_rate == pytest.approx(0.5)
    assert month.attained == pytest.approx(0.9995)


@pytest.mark.parametrize(
    ("objective", "hint"), [(1.0, "no budget to burn"), (0.0, "no share"), (99.9, "write 0.999 for 99.9 %")]
)
def test_an_objective_that_is_no_share_is_refused(objective: float, hint: str) -> None:
    with pytest.raises(ServiceError, match=hint):
        error_budget(objective, 100)


def test_a_loss_larger_than_the_total_is_refused() -> None:
    with pytest.raises(ServiceError, match="5 lost of 4"):
        error_budget(0.9, total=4, lost=5)


def test_an_alert_needs_both_windows_and_enough_events() -> None:
    rule = workbook_rules(30 * 86_400)[0]
    assert rule.factor == pytest.approx(14.4)
    long = burn_rates([20, 20, 1, 1], [1000, 1000, 1000, 4], 0.999, minimum=10)
    short = burn_rates([2, 0, 2, 1], [100, 100, 100, 100], 0.999)
    assert rule.fires(long, short).tolist() == [True, False, False, False]
    assert math.isnan(long[3])


def test_events_are_counted_over_rolling_windows() -> None:
    events = _us(0, 10, 20, 30)
    assert counts_within(events, _us(10, 30, 100), 20).tolist() == [2, 2, 0]


def test_windows_of_alerts_are_known_for_common_periods_only() -> None:
    assert burn_rate_factor(30 * 86_400, 5, 6 * HOUR) == 6
    with pytest.raises(ServiceError, match="28 or 30 days, not 42"):
        workbook_rules(42 * 86_400)
    week = proportional_rules(7 * 86_400)
    assert [(rule.long_seconds, rule.short_seconds) for rule in week] == [
        (900, 60),
        (5400, 480),
        (21_600, 1800),
        (86_400, 5400),
    ]


def test_the_rest_of_a_budget_lasts_as_long_as_the_rate_allows() -> None:
    lasting = seconds_to_exhaustion(
        np.array([1.0, 0.5, 0.0, -0.2, 0.5, 0.5]), np.array([1.0, 10.0, 1.0, 1.0, 0.0, np.nan]), 1000
    )
    assert lasting[:5].tolist() == [1000, 50, 0, 0, math.inf]
    assert math.isnan(lasting[5])


def test_a_mean_over_slices_is_missed_after_so_many_bad_ones() -> None:
    assert bad_slices_until_missed(0.95, 1000, 1.0, 0.0) == pytest.approx(50)
    with pytest.raises(ServiceError, match="not below the usual"):
        bad_slices_until_missed(0.95, 1000, 0.5, 0.9)
