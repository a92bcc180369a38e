"""The parts of a model: ranges, trees, logistic regression, calibration, tables of rates."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.boosting import BoostingMember, BoostingParameters, fit_boosting
from models.calibration import Calibration, fit_platt, fit_shift, log_loss_each
from models.clipping import TrainingRange, fit_range
from models.linear import LinearMember, fit_linear
from models.rules import fit_rate_table, share_cells
from models.scales import logit, sigmoid

rng = np.random.default_rng


def test_sigmoid_and_log_odds_undo_each_other_without_overflow() -> None:
    margin = np.array([-800.0, -5.0, 0.0, 5.0, 20.0])
    assert np.allclose(logit(sigmoid(margin[1:])), margin[1:], atol=1e-6)
    assert sigmoid(margin)[0] == 0.0


def test_clipping_keeps_missing_values_and_moves_only_what_is_outside() -> None:
    limits = fit_range(np.array([[0.0, np.nan], [10.0, np.nan]]))
    clipped = limits.clip(np.array([[-5.0, 1.0], [np.nan, 2.0], [3.0, np.nan], [11.0, 0.0]]))
    assert np.array_equal(clipped[:, 0], [0.0, np.nan, 3.0, 10.0], equal_nan=True)
    assert np.isnan(clipped[:, 1]).all()  # never filled in training: unknown to the model
    assert limits.outside(np.array([[-5.0, 1.0], [3.0, 1.0]]))[0] == 0.5


def test_a_range_survives_json() -> None:
    limits = fit_range(rng(0).normal(size=(50, 3)))
    again = TrainingRange.from_json(json.loads(json.dumps(limits.to_json())))
    assert np.array_equal(again.low, limits.low)
    assert np.array_equal(again.usual, limits.usual)


def test_a_monotone_direction_holds_everywhere() -> None:
    X = rng(1).normal(size=(1500, 3))
    y = (rng(2).random(1500) < sigmoid(-X[:, 0])).astype(float)  # the data say "falls"
    parameters = BoostingParameters(rounds=40, learning_rate=0.2, lambda_l2=1.0, feature_fraction=1.0, threads=1)
    names = ["a", "b", "c"]
    member = fit_boosting(X, y, np.ones(1500), names, parameters, seed=0, directions={"a": 1})
    steps = np.column_stack([np.linspace(-3, 3, 50), np.zeros(50), np.zeros(50)])
    assert (np.diff(member.margin(steps)) >= 0).all()


def test_trees_survive_their_text() -> None:
    X = rng(1).normal(size=(500, 2))
    y = (X[:, 0] > 0).astype(float)
    member = fit_boosting(X, y, np.ones(500), ["a", "b"], BoostingParameters(rounds=5, threads=1), seed=0)
    assert np.array_equal(BoostingMember.from_text(member.text()).margin(X), member.margin(X))


def test_trees_that_found_no_split_still_answer_and_explain() -> None:
    X = np.zeros((100, 2))
    y = (np.arange(100) % 4 == 0).astype(float)
    member = fit_boosting(X, y, np.ones(100), ["a", "b"], BoostingParameters(rounds=3, threads=1), seed=0)
    assert np.allclose(member.attributions(X).sum(axis=1) + member.baseline, member.margin(X))


def test_logistic_regression_recovers_what_made_the_data() -> None:
    X = rng(3).normal(size=(4000, 2))
    y = (rng(4).random(4000) < sigmoid(1.5 * X[:, 0])).astype(float)
    member = fit_linear(X, y, np.ones(4000), evidence=4000.0)
    assert member.coefficient[0] / member.scale[0] == pytest.approx(1.5, abs=0.2)
    assert abs(member.coefficient[1]) < 0.15
    again = LinearMember.from_json(json.loads(json.dumps(member.to_json())))
    assert np.array_equal(again.margin(X), member.margin(X))


def test_a_missing_value_has_its_own_say_in_logistic_regression() -> None:
    X = rng(5).normal(size=(2000, 2))
    absent = rng(6).random(2000) < 0.5
    X[absent, 1] = np.nan
    y = (rng(7).random(2000) < np.where(absent, 0.8, 0.2)).astype(float)
    member = fit_linear(X, y, np.ones(2000), evidence=4000.0)
    assert member.missing[1] > 1.0
    assert member.missing[0] == 0.0


def test_an_outcome_between_counts_as_both_with_shares_of_its_weight() -> None:
    X = rng(12).normal(size=(600, 2))
    p = sigmoid(1.5 * X[:, 0])
    twice, both = np.concatenate([X, X]), np.repeat([1.0, 0.0], 600)
    shares = np.concatenate([p, 1.0 - p])
    apart = fit_linear(twice, both, shares, evidence=600.0).margin(X)
    assert np.allclose(fit_linear(X, p, np.ones(600), evidence=600.0).margin(X), apart, atol=0.02)
    parameters = BoostingParameters(rounds=60, learning_rate=0.2, lambda_l2=1.0, feature_fraction=1.0)
    trees = fit_boosting(X, p, np.ones(600), ["a", "b"], parameters, seed=0)
    assert np.abs(sigmoid(trees.margin(X)) - p).mean() < 0.05
    assert np.allclose(trees.attributions(X).sum(axis=1) + trees.baseline, trees.margin(X))
    assert np.array_equal(BoostingMember.from_text(trees.text()).margin(X), trees.margin(X))


def test_logarithms_let_logistic_regression_read_counts_with_long_tails() -> None:
    X = np.concatenate([rng(13).lognormal(1.0, 1.5, size=(4000, 1)), rng(14).normal(size=(4000, 1))], axis=1)
    y = (rng(15).random(4000) < sigmoid(1.5 * (np.log1p(X[:, 0]) - 1.5))).astype(float)
    plain, logged = (fit_linear(X, y, np.ones(4000), evidence=4000.0, is_logged=one) for one in (False, True))
    assert log_loss_each(logged.margin(X), y).mean() < log_loss_each(plain.margin(X), y).mean() - 0.01
    assert np.allclose(logged.attributions(X).sum(axis=1) + logged.baseline, logged.margin(X))
    again = LinearMember.from_json(json.loads(json.dumps(logged.to_json())))
    assert np.array_equal(again.margin(X), logged.margin(X))
    as_before = {name: value for name, value in plain.to_json().items() if name != "is_logged"}
    assert np.array_equal(LinearMember.from_json(as_before).margin(X), plain.margin(X))  # bundles written before


def test_a_shift_corrects_a_moved_base_rate() -> None:
    margin = rng(8).normal(size=20_000)
    y = (rng(9).random(20_000) < sigmoid(margin + 0.7)).astype(float)
    found = fit_shift(margin, y, np.ones(len(y)))
    assert found.shift == pytest.approx(0.7, abs=0.06)
    assert found.slope == 1.0


def test_platt_corrects_overconfidence_and_never_reverses_an_order() -> None:
    margin = rng(10).normal(size=20_000)
    y = (rng(11).random(20_000) < sigmoid(0.5 * margin)).astype(float)
    assert fit_platt(margin, y, np.ones(len(y))).slope == pytest.approx(0.5, abs=0.06)
    assert fit_platt(margin, 1.0 - y, np.ones(len(y))).slope > 0


def test_a_correction_scales_first_and_shifts_then() -> None:
    assert np.allclose(Calibration("platt", 0.5, 0.25).apply(np.array([-2.0, 0.0, 4.0])), [-0.75, 0.25, 2.25])
    assert np.array_equal(Calibration().apply(np.array([-2.0, 3.0])), [-2.0, 3.0])


def test_log_odds_above_zero_count_more_and_keep_their_order() -> None:
    steep = Calibration("platt", 0.5, 0.25, upper_slope=2.0)
    assert np.allclose(steep.apply(np.array([-2.0, 0.0, 4.0])), [-0.75, 0.25, 4.25])
    margin = np.sort(rng(18).normal(size=500))
    assert (np.diff(steep.apply(margin)) > 0).all()


@pytest.mark.parametrize("baseline", [-1.3, 0.0, 0.8])
def test_contributions_that_are_scaled_by_their_rise_add_up(baseline: float) -> None:
    steep, margin = Calibration("platt", 0.5, 0.25, upper_slope=2.0), np.append(rng(19).normal(size=50), baseline)
    rises = steep.rises(baseline, margin)
    calibrated = steep.apply(np.array([baseline])) + rises * (margin - baseline)
    assert np.allclose(calibrated, steep.apply(margin), atol=1e-12)
    assert (
        (rises >= 0.5 - 1e-12) & (rises <= 1.0 + 1e-12)
    ).all()  # between the slopes of the two sides: no reason changes sign
    assert rises[-1] == (1.0 if baseline > 0 else 0.5)


def test_a_line_is_fitted_to_log_odds_that_already_count_more_above_zero() -> None:
    margin = rng(20).normal(0.0, 2.0, size=20_000)
    steep = Calibration("platt", 0.7, 0.4, upper_slope=1.5)
    y = (rng(21).random(20_000) < sigmoid(steep.apply(margin))).astype(float)
    found = fit_platt(margin, y, np.ones(len(y)), 1.5)
    assert (found.slope, found.shift, found.upper_slope) == (
        pytest.approx(0.7, abs=0.05),
        pytest.approx(0.4, abs=0.08),
        1.5,
    )
    moved = fit_shift(margin, y, np.ones(len(y)), 1.5)
    assert (moved.slope, moved.upper_slope) == (1.0, 1.5)


def test_a_row_that_counts_three_times_corrects_as_three_rows_would() -> None:
    margin = rng(16).normal(size=3_000)
    y = (rng(17).random(3_000) < sigmoid(0.6 * margin - 0.5)).astype(float)
    weight = np.where(y > 0, 3.0, 1.0)
    times = weight.astype(int)
    for fit in (fit_shift, fit_platt):
        weighted = fit(margin, y, weight)
        repeated = fit(np.repeat(margin, times), np.repeat(y, times), np.ones(times.sum()))
        assert (weighted.slope, weighted.shift) == pytest.approx((repeated.slope, repeated.shift), abs=1e-3)
        assert weighted.shift > fit(margin, y, np.ones(3_000)).shift + 0.5


def test_small_cells_of_a_table_lean_on_their_parent() -> None:
    coarse = np.array([0] * 500 + [1] * 500)
    fine = np.array([0] * 499 + [7] + [0] * 500)
    y = np.array([0.0] * 400 + [1.0] * 99 + [1.0] + [1.0] * 400 + [0.0] * 100)
    table = fit_rate_table(coarse, fine, y, np.ones(1000))
    lone, parent = table.predict(np.array([0, 0]), np.array([7, 0]))
    assert parent < lone < 0.3  # one breach of one ticket is not a rate of 1
    assert table.predict(np.array([1]), np.array([99]))[0] == pytest.approx(0.8, abs=0.02)  # unseen cell: the parent's
    assert table.predict(np.array([42]), np.array([99]))[0] == pytest.approx(0.5)  # unseen parent: the base rate


def test_an_unknown_share_has_its_own_cell() -> None:
    assert share_cells(np.array([np.nan, 0.0, 0.99, 1.5])).tolist() == [-1, 0, 11, 12]


def test_the_linear_member_says_the_same_of_a_row_to_the_last_bit_in_any_company_and_order_of_memory() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(0.0, 2.0, (60, 76))
    member = fit_linear(X, (rng.random(60) < 0.5).astype(np.float64), np.ones(60))
    alone = np.concatenate([member.margin(X[[row]]) for row in range(len(X))])
    np.testing.assert_array_equal(member.margin(X), alone)
    np.testing.assert_array_equal(member.margin(np.asfortranarray(X)), alone)
