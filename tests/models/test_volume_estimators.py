from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from features.volumes.counts import Series
from features.volumes.day_columns import day_columns
from features.volumes.openings import weekdays
from features.volumes.planned import Outlook, PlannedEvent, day_number
from models.volumes.hierarchy import daily_variance, reconcile
from models.volumes.intervals import QUANTILES, Intervals, bucket_of, calibrate
from models.volumes.means import same_weekdays, share_of_whole
from models.volumes.plans import learned_factors, planned_factors
from models.volumes.regression import RegressionParameters, regression
from models.volumes.shape import day_shapes, half_hours_of, last_four_shapes
from models.volumes.smoothing import State, ahead, first_state, smooth, smoothing
from models.volumes.trees import VolumeTrees, fit_trees

WORKING = np.array([True] * 5 + [False] * 2)
FIRST = day_number(date(2024, 1, 1))  # a Monday


@pytest.mark.parametrize(("beta", "phi"), [(0.0, 1.0), (0.2, 0.9)])
def test_smoothing_says_what_statsmodels_says_with_the_same_parameters(beta, phi):
    rng = np.random.default_rng(1)
    y = rng.poisson(np.tile([30, 28, 25, 24, 20, 5, 3], 20)).astype(np.float64)
    start = first_state(y[None, :])
    one = [np.array([value]) for value in (0.2, beta, phi, 0.1)]
    state, _ = smooth(y[None, :], start, *one)
    ours = ahead(state, one[2], len(y), 21)[0]
    model = ETSModel(y, error="add", trend="add", damped_trend=True, seasonal="add", seasonal_periods=7)
    first = [start.level[0], 0.0, *start.season[0][::-1]]  # theirs is in the order in which it is looked back at
    theirs = model.smooth([0.2, 0.2 * beta, 0.1, phi, *first]).forecast(21)
    np.testing.assert_allclose(ours, np.maximum(theirs, 0.0), rtol=1e-9)


def test_smoothing_many_series_is_smoothing_each():
    rng = np.random.default_rng(2)
    values = rng.poisson(np.array([[3.0], [40.0], [0.2]]), (3, 150)).astype(np.float64)
    values[1, 60:64] = np.nan
    together = smoothing(values, 14)
    for row in range(3):
        np.testing.assert_allclose(smoothing(values[row : row + 1], 14)[0], together[row])
    assert isinstance(first_state(values), State)


def test_regression_finds_planted_weeks_years_and_holidays():
    n, horizon = 900, 60
    at = np.arange(FIRST, FIRST + n + horizon)
    free = {int(day): "feast" for day in at[40::60]}
    outlook = Outlook(free)
    week = np.array([1.2, 1.1, 1.0, 1.0, 0.9, 0.3, 0.2])[weekdays(FIRST, n + horizon)]
    year = np.exp(0.2 * np.sin(2 * np.pi * at / 365.2425))
    truth = 200.0 * week * year * np.where(outlook.is_holiday(FIRST, n + horizon), 0.3, 1.0)
    counts = np.random.default_rng(3).poisson(truth).astype(np.float64)
    columns = day_columns(FIRST, n + horizon, FIRST + n, outlook, WORKING)
    calm, carried = regression(counts[None, :n], columns, horizon, RegressionParameters(half_life_days=2000))
    assert np.abs(calm[0] - truth[n:]).sum() / truth[n:].sum() < 0.03
    assert np.abs(carried[0] - truth[n:]).sum() / truth[n:].sum() < 0.04


def test_a_sparse_part_takes_the_week_of_the_whole():
    n, horizon = 120, 14
    weekday = weekdays(FIRST, n + horizon)
    mean = np.where(weekday < 5, 100.0, 10.0)
    rng = np.random.default_rng(4)
    counts = np.stack([rng.poisson(mean[:n]), rng.poisson(0.004 * mean[:n])]).astype(np.float64)
    columns = day_columns(FIRST, n + horizon, FIRST + n, Outlook(), WORKING)
    part = regression(counts, columns, horizon, RegressionParameters())[0][1]
    assert part[weekday[n:] >= 5].mean() < 0.4 * part[weekday[n:] < 5].mean()


def test_the_mean_of_four_takes_the_last_four_that_were_counted():
    values = np.full((1, 56), 5.0)
    values[0, 0::7] = [1, 2, 3, 4, 5, 6, 7, np.nan]
    assert same_weekdays(values, 8, 4)[0].tolist() == [5.5, 5, 5, 5, 5, 5, 5, 5.5]
    assert same_weekdays(values, 8, 1)[0, 0] == 7.0


def test_a_new_series_is_a_share_of_the_whole():
    values = np.vstack([np.full(60, 100.0), np.concatenate([np.full(50, np.nan), np.full(10, 8.0)])])
    said, share = share_of_whole(values, np.array([120.0, 50.0]))
    assert share[1] == pytest.approx(0.08, abs=0.001)
    assert said[1] == pytest.approx([120.0 * share[1], 50.0 * share[1]])


def general_mint(said, variance, levels):
    """The textbook's matrices: y = S (S' W^-1 S)^-1 S' W^-1 said, with constraints written out and solved."""
    k = len(said)
    rows = []
    for places in levels:
        row = np.zeros(k)
        row[0], row[places] = 1.0, -1.0
        rows.append(row)
    C, W = np.array(rows), np.diag(variance)
    return said - W @ C.T @ np.linalg.solve(C @ W @ C.T, C @ said)


def test_reconciling_is_trace_minimisation_with_a_diagonal_matrix():
    rng = np.random.default_rng(5)
    levels = [np.array([1, 2, 3]), np.array([4, 5])]
    for _ in range(20):
        said, variance = rng.uniform(50, 100, 6), rng.uniform(0.5, 5, 6)
        said[0] = said[1:4].sum() + rng.normal(0, 3)
        said[4:] = said[0] / 2 + rng.normal(0, 3, 2)
        ours = reconcile(said[:, None], variance[:, None], levels)[:, 0]
        np.testing.assert_allclose(ours, general_mint(said, variance, levels), atol=0.004)  # the grid


@settings(max_examples=80, deadline=None)
@given(
    said=hnp.arrays(np.float64, (7, 3), elements=st.floats(0, 1e5)),
    variance=hnp.arrays(np.float64, 7, elements=st.floats(0, 1e8)),
)
def test_parts_add_up_to_the_whole_exactly_and_none_is_negative(said, variance):
    levels = [np.array([1, 2, 3]), np.array([4, 5, 6])]
    found = reconcile(said, daily_variance(variance, said), levels)
    for places in levels:
        assert (found[places].sum(axis=0) == found[0]).all()
    assert (found >= 0).all()


def test_half_hours_add_up_to_their_day_exactly():
    rng = np.random.default_rng(6)
    half_hours = rng.poisson(np.linspace(0, 4, 48), (2, 60, 48)).astype(np.uint16)
    half_hours[1] = half_hours[1] // 4
    for shapes in (day_shapes(half_hours, FIRST), last_four_shapes(half_hours, FIRST)):
        np.testing.assert_allclose(shapes.sum(axis=2), 1.0)
        days = np.round(rng.uniform(0, 300, 21) * 1024) / 1024
        found = half_hours_of(days, shapes[1], FIRST + 60)
        assert (found.sum(axis=1) == days).all()
        assert (found >= 0).all()


def test_conformal_quantiles_are_the_next_error_out():
    errors = np.arange(1.0, 40.0).reshape(1, 1, 39) - 20.0  # of 39 errors the 4th and the 36th, the 1st and the 39th
    said = np.zeros((1, 1, 39))
    found = calibrate(errors, said, {"all": np.array([0])}, np.zeros(39, np.int64))
    low, lower, upper, high = (round(value * float(found.scales[0])) for value in found.quantiles["all"][0])
    assert (low, lower, upper, high) == (-19, -16, 16, 19)


def test_intervals_cover_what_they_promise_and_survive_json():
    rng = np.random.default_rng(7)
    truth = rng.uniform(2, 60, (12, 30, 28))
    came = rng.poisson(truth * rng.gamma(20, 1 / 20, truth.shape)).astype(np.float64)
    levels, buckets = {"team": np.arange(30)}, bucket_of(28)
    found = calibrate((came - truth)[:8], truth[:8], levels, buckets)
    again = Intervals.from_json(found.to_json())
    bounds = np.stack([[again.around(truth[o, s], "team", s, buckets) for s in range(30)] for o in range(8, 12)])
    inside80 = (came[8:] >= bounds[:, :, 1]) & (came[8:] <= bounds[:, :, 2])
    inside95 = (came[8:] >= bounds[:, :, 0]) & (came[8:] <= bounds[:, :, 3])
    assert 0.78 < inside80.mean() < 0.84
    assert 0.94 < inside95.mean() < 0.97
    assert len(bounds[0, 0]) == len(QUANTILES)
    assert np.isnan(again.around(truth[0, 0], "service", 0, buckets)).all()


def test_what_a_release_does_is_learned_from_earlier_ones_and_a_stated_factor_counts_as_stated():
    values = np.full((2, 100), 50.0)
    values[1, 70:72] = 100.0
    series = (Series("all", ""), Series("service", "Mail"))

    def release(first, **more):
        at = date.fromordinal(date(2024, 1, 1).toordinal() + first)
        last = date.fromordinal(at.toordinal() + 1)
        return PlannedEvent(name="r", kind="release", first=at, last=last, level="service", subject="Mail", **more)

    outlook = Outlook(events=(release(70), release(103), release(106, factor=3.0)))
    learned = learned_factors(values, series, FIRST, outlook)
    assert learned["release"] == pytest.approx((200 + 20) / (100 + 20))
    factors = planned_factors(outlook, series, FIRST + 100, 10, learned)
    assert factors[0].tolist() == [1.0] * 10
    assert factors[1].tolist() == [1, 1, 1, learned["release"], learned["release"], 1, 3, 3, 1, 1]


def test_trees_learn_what_follows_a_holiday_and_are_the_same_after_their_text():
    n, horizon, s = 500, 14, 40
    outlook = Outlook({int(day): "feast" for day in range(FIRST + 26, FIRST + n + horizon, 30)})
    special = outlook.is_holiday(FIRST, n + horizon)
    rng = np.random.default_rng(8)
    mean = rng.uniform(5, 40, s)[:, None] * np.where(special, 0.2, 1.0)[None, :]
    counts = rng.poisson(mean).astype(np.float64)
    columns = day_columns(FIRST, n + horizon, FIRST + n, outlook, WORKING)
    trees = fit_trees(counts[:, :n], columns, horizon, rounds=60)
    assert trees is not None
    said = trees.forecast(counts[:, :n], columns, horizon)
    assert said[:, special[n:]].sum() < 0.5 * mean[:, ~special].mean() * s * special[n:].sum()
    assert (VolumeTrees.from_text(trees.text()).forecast(counts[:, :n], columns, horizon) == said).all()
    assert fit_trees(counts[:2, :n], columns, horizon) is None  # too few rows to learn from
