"""The range of finishing times is right as often as it says, and agrees with the risk of breach."""

from __future__ import annotations

import numpy as np
import pytest

from models.finish import QUANTILES, FinishModel, conformal_levels, shift_to
from models.hazard import WITHIN
from models.intervals import stopped_by
from models.scales import sigmoid
from tests.models.hazard_builders import clocks, member


def finish(**changes: object) -> FinishModel:
    return FinishModel(member(), member(), **changes)  # type: ignore[arg-type]


def test_eight_of_ten_clocks_stop_within_the_range() -> None:
    held_out, fresh = clocks(seed=18), clocks(seed=11)
    said = stopped_by(held_out.hours, *finish().working_survival(held_out.X, member().margin(held_out.X)))
    levels = conformal_levels(said, held_out.has_stopped, np.ones(len(said)))
    low, middle, high = finish(levels=levels).working_hours(fresh.X, member().margin(fresh.X)).T
    assert ((fresh.true_hours >= low) & (fresh.true_hours <= high)).mean() == pytest.approx(0.8, abs=0.03)
    assert (fresh.true_hours <= middle).mean() == pytest.approx(0.5, abs=0.04)
    assert (low <= middle).all()
    assert (middle <= high).all()


def test_a_clock_that_breaks_as_likely_as_not_is_expected_to_stop_when_its_time_is_up() -> None:
    X = clocks(seed=12).X[:500]
    left, risk = X[:, 0], np.linspace(0.02, 0.98, 500)
    middle = finish().working_hours(X, np.log(risk / (1 - risk)))[:, 1]
    assert np.array_equal(middle > left * (1 + 1e-6), risk > 0.5 + 1e-9)


def test_with_other_levels_risk_and_range_agree_at_the_level_that_is_called_one_half() -> None:
    X = clocks(seed=12).X[:500]
    risk = np.linspace(0.02, 0.98, 500)
    middle = finish(levels=(0.1, 0.4, 0.9)).working_hours(X, np.log(risk / (1 - risk)))[:, 1]
    assert np.array_equal(middle > X[:, 0] * (1 + 1e-6), risk > 0.6 + 1e-9)


def test_no_quantile_lies_beyond_what_training_saw_or_the_time_left() -> None:
    X = clocks(seed=12).X[:500]
    risk = np.linspace(0.02, 0.98, 500)
    log_odds = np.log(risk / (1 - risk))
    free, bound = finish().working_hours(X, log_odds), finish(longest_hours=(12.0, 25.0))
    hours, most = bound.working_hours(X, log_odds), bound.most_hours(X)
    assert (free.max(axis=1) > 40.0).any()
    assert np.allclose(most, np.maximum(X[:, :1], (12.0, 25.0)), rtol=1e-5)
    assert np.array_equal(hours, np.minimum(free, most[:, :1]))
    assert np.array_equal(hours[:, 1] > X[:, 0], free[:, 1] > X[:, 0])  # in step with the risk, as before
    assert np.array_equal(bound.opening_hours(X), np.minimum(finish().opening_hours(X), most[:, 1:]))


def test_more_risk_means_a_later_finish() -> None:
    X = np.tile(clocks(seed=13).X[:1], (60, 1))
    hours = finish().working_hours(X, np.linspace(-6, 6, 60))
    assert (np.diff(hours, axis=0) >= 0).all()
    assert (np.diff(hours[:, 1]) > 0).all()


def test_the_shift_reaches_the_wanted_risk_wherever_it_can() -> None:
    rng = np.random.default_rng(0)
    scores, wanted = rng.normal(-2, 3, (500, WITHIN)), rng.normal(0, 4, 500)
    moved = scores + shift_to(scores, wanted)[:, None]
    outlives = np.exp(-np.logaddexp(0.0, moved).sum(axis=1))
    assert np.allclose(outlives, sigmoid(wanted), atol=1e-8)


def test_a_row_is_shifted_the_same_to_the_last_bit_in_any_company() -> None:
    """Near ones need fewer steps than far ones: a row that took a further step with those would differ in its last digits."""
    rng = np.random.default_rng(2)
    scores, wanted = rng.normal(-2.0, 2.0, (200, WITHIN)), rng.normal(0.0, 3.0, 200)
    together = shift_to(scores, wanted)
    alone = np.concatenate([shift_to(scores[[row]], wanted[[row]]) for row in range(len(scores))])
    np.testing.assert_array_equal(together, alone)


def test_extreme_risks_still_give_finite_hours() -> None:
    X = clocks(seed=14).X[:4]
    hours = finish().working_hours(X, np.array([-60.0, 60.0, 700.0, -700.0]))
    assert np.isfinite(hours).all()
    assert (hours >= 0).all()


def test_levels_undo_what_a_model_gets_wrong() -> None:
    fresh, log_odds = clocks(seed=15), member().margin(clocks(seed=15).X) + 0.8  # says "slower" than they are
    wrong = finish()
    said = stopped_by(fresh.true_hours, *wrong.working_survival(fresh.X, log_odds))
    levels = conformal_levels(said, np.ones(len(said), bool), np.ones(len(said)))
    held_out, other_odds = clocks(seed=16), member().margin(clocks(seed=16).X) + 0.8
    before = wrong.working_hours(held_out.X, other_odds)
    after = finish(levels=levels).working_hours(held_out.X, other_odds)
    inside = [((h[:, 0] <= held_out.true_hours) & (held_out.true_hours <= h[:, 2])).mean() for h in (before, after)]
    assert inside[1] == pytest.approx(0.8, abs=0.03)
    assert abs(inside[0] - 0.8) > 0.03


def test_clocks_that_still_run_do_not_make_the_levels_too_low() -> None:
    fresh = clocks(seed=17, censored=0.6)
    survival = finish().working_survival(fresh.X, member().margin(fresh.X))
    said = stopped_by(fresh.hours, *survival)
    weight = np.ones(len(said))
    whole = conformal_levels(stopped_by(fresh.true_hours, *survival), np.ones(len(said), bool), weight)
    cut_off = conformal_levels(said, fresh.has_stopped, weight)
    naive = conformal_levels(said[fresh.has_stopped], np.ones(int(fresh.has_stopped.sum()), bool), weight)
    assert np.allclose(cut_off, whole, atol=0.05)
    assert naive[1] < whole[1] - 0.05


def test_a_sound_model_keeps_its_median_where_many_clocks_stop_at_once() -> None:
    rng = np.random.default_rng(3)
    at_once, drawn = rng.uniform(0.0, 0.6, 20_000), rng.uniform(0.0, 1.0, 20_000)
    said, sooner = np.maximum(drawn, at_once), np.where(drawn <= at_once, 0.0, drawn)
    every, weight = np.ones(len(said), bool), np.ones(len(said))
    whole, found = conformal_levels(said, every, weight), conformal_levels(said, every, weight, sooner)
    assert found[1] == pytest.approx(0.5, abs=0.02)
    assert whole[1] > 0.53
    assert (found[0], found[2]) == (whole[0], whole[2])
    assert ((said >= found[0]) & (said <= found[2])).mean() == pytest.approx(0.8, abs=0.01)


def test_a_clock_that_still_runs_outlived_all_of_what_is_said_of_it() -> None:
    said, runs = np.linspace(0.01, 0.99, 99), np.arange(99) >= 50
    assert conformal_levels(said, ~runs, np.ones(99), np.where(runs, 0.0, said)) == conformal_levels(
        said, ~runs, np.ones(99)
    )


def test_of_clocks_at_one_value_those_that_stop_come_before_those_that_run_on() -> None:
    said, is_end = np.array([0.5, 0.5, 0.9]), np.array([False, True, True])
    found = conformal_levels(said, is_end, np.ones(3))  # one of three stops at .5, the last at .9
    assert found == pytest.approx((0.005, 0.6, 0.84))


def test_levels_stay_within_what_has_a_finite_time_and_in_order() -> None:
    every, weight = np.ones(100, bool), np.ones(100)
    assert conformal_levels(np.ones(100), every, weight) == (0.995, 0.995, 0.995)
    assert conformal_levels(np.full(100, 0.8), every, weight, np.zeros(100)) == (0.8, 0.8, 0.8)


def test_a_level_that_no_clock_was_seen_to_reach_stays_nominal() -> None:
    said, is_end = np.linspace(0.0, 0.75, 100), np.arange(100) < 70
    found = conformal_levels(said, is_end, np.ones(100))
    assert found[2] == QUANTILES[2]
    assert found[1] < 0.5


def test_without_evidence_levels_are_what_they_are_called() -> None:
    assert conformal_levels(np.zeros(0), np.zeros(0, bool), np.zeros(0)) == QUANTILES
