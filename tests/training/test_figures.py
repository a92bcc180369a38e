"""Figures, intervals and the gate that reads them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from models.scales import sigmoid
from training.bootstrap import (
    Figure,
    Interval,
    auc,
    average_precision,
    brier_gain,
    interval,
    paired_differences,
    ratio,
)
from training.evaluation import calibration_error, evaluate, recall_at, reliability
from training.gate import GateSettings, judge


def outcomes(rows: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    margin = rng.normal(-1, 1, rows)
    return (rng.random(rows) < sigmoid(margin)).astype(float), sigmoid(margin), rng.integers(0, 40, rows)


def test_figures_agree_with_those_of_scikit_learn() -> None:
    y, p, _ = outcomes()
    found = evaluate(y, p)
    assert found.auc == pytest.approx(roc_auc_score(y, p))
    one_block = auc(y, np.round(p, 1), np.zeros(len(y), np.int64))
    assert one_block(np.ones((1, 1))) == pytest.approx([roc_auc_score(y, np.round(p, 1))])  # with ties
    assert found.log_loss == pytest.approx(log_loss(y, p))
    assert found.brier == pytest.approx(np.mean((y - p) ** 2))


@pytest.mark.parametrize(
    ("figure", "slow"),
    [
        (auc, roc_auc_score),
        (average_precision, average_precision_score),
        (brier_gain, lambda y, p: -np.mean((y - p) ** 2)),
    ],
)
def test_a_day_drawn_twice_counts_its_rows_twice(figure: Figure, slow: Callable[..., float]) -> None:
    y, p, days = outcomes(600)
    p, times = np.round(p, 2), np.random.default_rng(3).integers(0, 3, (5, 40))
    rows = [np.repeat(np.arange(600), one[days]) for one in times]
    assert figure(y, p, days)(times.astype(float)) == pytest.approx([slow(y[row], p[row]) for row in rows])


def test_a_share_found_and_its_interval_are_those_of_days() -> None:
    found, wanted, days = np.array([1.0, 0, 3]), np.array([2.0, 2, 4]), np.array([0, 0, 1])
    assert ratio(found, wanted, days)(np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 0.0]])) == pytest.approx(
        [0.5, 0.25, np.nan], nan_ok=True
    )
    y, p, days = outcomes()
    around = interval(y, p, days, auc)
    assert around.low < around.value < around.high
    assert around.value == pytest.approx(roc_auc_score(y, p))
    assert around.plain == f"{around.value:.3f} [{around.low:.3f}, {around.high:.3f}]"


def test_true_probabilities_have_almost_no_calibration_error_and_wrong_ones_have() -> None:
    y, p, _ = outcomes(20_000)
    assert calibration_error(y, p) < 0.015
    assert calibration_error(y, np.clip(p + 0.1, 0, 1)) == pytest.approx(0.1, abs=0.02)


def test_reliability_bins_have_equal_mass_in_rising_order() -> None:
    y, p, _ = outcomes(1500)
    bins = reliability(y, p)
    assert [b.rows for b in bins] == [100] * 15
    assert [b.said for b in bins] == sorted(b.said for b in bins)


def test_recall_counts_breaches_among_the_flagged() -> None:
    y = np.array([1.0, 0, 1, 0, 0, 0, 0, 0, 0, 1])
    p = np.array([0.9, 0.8, 0.7, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0])
    assert recall_at(y, p, 0.2) == pytest.approx(1 / 3)
    assert recall_at(y, p, 0.3) == pytest.approx(2 / 3)


def test_one_outcome_only_has_no_auc() -> None:
    found = evaluate(np.zeros(10), np.full(10, 0.1))
    assert np.isnan(found.auc)
    assert found.brier == pytest.approx(0.01)


def test_a_real_difference_is_clear_of_zero_and_none_is_not() -> None:
    y, p, days = outcomes()
    noise = np.random.default_rng(1).normal(0, 2, len(p))
    scores = {"model": p, "worse": p + 0.3 * noise, "same": p + 1e-9}
    found = paired_differences(y, scores, "model", days, auc, draws=80)
    assert found["worse"].low > 0
    assert found["same"].low <= 0 <= found["same"].high


def test_days_that_share_their_fate_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    days = np.repeat(np.arange(20), 50)
    y = (rng.random(20) < 0.4)[days].astype(float)  # all tickets of a day end alike
    scores = {"model": rng.random(20)[days] + 0.01 * rng.random(1000), "other": rng.random(1000)}
    by_day = paired_differences(y, scores, "model", days, auc, draws=80)["other"]
    by_row = paired_differences(y, scores, "model", np.arange(1000), auc, draws=80)["other"]
    assert by_day.high - by_day.low > 2 * (by_row.high - by_row.low)


def test_too_few_usable_draws_give_no_interval() -> None:
    y, p = np.zeros(100), np.linspace(0, 1, 100)
    y[0] = 1.0  # one breach: most draws of one of a hundred days have it not
    found = paired_differences(y, {"model": p, "other": -p}, "model", np.arange(100) // 50, auc, draws=30)
    assert np.isnan(found["other"].low) or found["other"].low <= found["other"].high
    alone = paired_differences(np.zeros(10), {"model": p[:10], "other": p[:10]}, "model", np.arange(10), auc, draws=30)
    assert np.isnan(alone["other"].low)


CLEAR = Interval(0.1, 0.05, 0.15)


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        ({"rules": Interval(0.02, -0.01, 0.05)}, "not clearly better than rules"),
        ({"rules": Interval(0.02, float("nan"), float("nan"))}, "not clearly better than rules"),
        ({"rules": CLEAR, "linear": Interval(-0.03, -0.05, -0.02)}, "worse than linear"),
    ],
)
def test_the_gate_says_why_it_keeps_a_model_out(gains: dict[str, Interval], words: str) -> None:
    y, p, _ = outcomes()
    verdict = judge(evaluate(y, p), 1000, {"linear": CLEAR, **gains}, ("rules",), GateSettings(), "linear")
    assert not verdict.is_passed
    assert words in verdict.why


def test_the_gate_keeps_out_bad_probabilities_and_thin_evidence() -> None:
    y, p, _ = outcomes()
    gains = {"rules": CLEAR}
    assert judge(evaluate(y, p), 1000, gains, ("rules",), GateSettings()).is_passed
    off = judge(evaluate(y, np.clip(p + 0.3, 0, 1)), 1000, gains, ("rules",), GateSettings())
    assert "probabilities are off by 0.29" in off.why
    assert "only 5 tickets" in judge(evaluate(y, p), 5, gains, ("rules",), GateSettings()).why
    few = judge(evaluate(y[:40], p[:40]), 1000, gains, ("rules",), GateSettings(least_breaches=1000))
    assert "snapshots that end in breach" in few.why


def test_gate_thresholds_are_configuration() -> None:
    y, p, _ = outcomes()
    strict = GateSettings(least_auc_gain=0.06)
    assert not judge(evaluate(y, p), 1000, {"rules": CLEAR}, ("rules",), strict).is_passed
