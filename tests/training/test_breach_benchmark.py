"""What the breach benchmark reports of two cuts and of a range."""

import numpy as np
import pytest

from benchmarks._range import coverage, pinball
from benchmarks.breach import _worse


def test_of_two_cuts_the_worse_counts_whichever_way_is_better():
    one = {
        "first.auc": 0.82,
        "first.brier": 0.11,
        "range.coverage80": 0.83,
        "train_seconds": 9.0,
        "first.group_auc": 0.7,
    }
    two = {
        "first.auc": 0.81,
        "first.brier": 0.12,
        "range.coverage80": 0.75,
        "train_seconds": 8.0,
        "first.group_auc": 0.6,
    }
    assert _worse([one, two]) == {
        "first.auc": 0.81,
        "first.brier": 0.12,
        "range.coverage80": 0.75,
        "train_seconds": 9.0,
    }


def test_a_figure_that_one_cut_lacks_is_not_reported():
    assert _worse([{"landmark.auc10": 0.7}, {}]) == {}


def test_pinball_loss_punishes_each_side_by_its_level():
    quantiles = np.array([[1.0, 2.0, 3.0]])
    assert pinball(quantiles, np.array([2.0])) == pytest.approx((0.1 * 1 + 0 + 0.1 * 1) / 3)
    assert pinball(quantiles, np.array([5.0])) == pytest.approx((0.1 * 4 + 0.5 * 3 + 0.9 * 2) / 3)
    rng = np.random.default_rng(0)
    truth = rng.exponential(5, 4000)
    right = np.tile(np.quantile(truth, [0.1, 0.5, 0.9]), (4000, 1))
    assert pinball(right, truth) < min(pinball(right * 1.3, truth), pinball(right * 0.7, truth))
    assert coverage(right, truth) == pytest.approx(0.8, abs=0.01)
