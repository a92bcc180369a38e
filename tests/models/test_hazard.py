"""A hazard model knows when clocks stop, learns from those that still run, and explains itself."""

from __future__ import annotations

import json
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.hazard import FEW_ROWS, WITHIN, HazardMember
from models.hazard_columns import time_rows
from models.hazard_fitting import fit_hazard
from models.intervals import COUNT, IN_TIME, ends_hours, intervals_lived, quantiles_hours, stopped_by
from models.scales import sigmoid
from models.trees import MOST_KEPT
from tests.models.hazard_builders import NAMES, QUICK, clocks, member, true_risk


@settings(max_examples=60, deadline=None)
@given(left=st.floats(0.01, 500.0), target=st.floats(0.25, 500.0), hours=st.floats(0.0, 10_000.0))
def test_a_clock_outlives_exactly_the_intervals_that_end_before_it_stops(
    left: float, target: float, hours: float
) -> None:
    ends = ends_hours(np.array([left]), np.array([target]))
    assert (np.diff(ends[0]) > 0).all()
    assert ends[0, WITHIN - 1] == left  # a promise breaks at a border
    lived, stops = intervals_lived(np.array([hours]), np.array([True]), ends)
    slow = sum(1 for end in ends[0] if hours > end)
    assert (int(lived[0]), bool(stops[0])) == ((slow + 1, True) if slow < COUNT else (COUNT, False))
    running, _ = intervals_lived(np.array([hours]), np.array([False]), ends)
    assert running[0] == slow  # one that still runs says nothing about the interval it is in


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 0.99), st.floats(-6.0, 2.0))
def test_a_quantile_is_the_time_by_which_so_many_have_stopped(level: float, score: float) -> None:
    ends = ends_hours(np.array([10.0]), np.array([24.0]))
    survival_log = -np.cumsum(np.full((1, COUNT), np.logaddexp(0.0, score)), axis=1)
    hours = quantiles_hours(survival_log, ends, [level])[:, 0]
    assert hours[0] >= 0
    if hours[0] > 0:
        assert stopped_by(hours, survival_log, ends)[0] == pytest.approx(level, abs=1e-6)
    else:  # so many stop at once
        assert stopped_by(hours, survival_log, ends)[0] >= level - 1e-9


def test_each_clock_has_its_quantile_at_each_level_whatever_else_is_asked() -> None:
    chance = np.random.default_rng(0)
    ends = ends_hours(chance.uniform(-1.0, 50.0, 40), chance.uniform(0.2, 90.0, 40))
    survival_log = -np.cumsum(np.logaddexp(0.0, chance.normal(-3.0, 3.0, (40, COUNT))), axis=1)
    levels = (0.9, 0.005, 0.5, 0.1)
    together = quantiles_hours(survival_log, ends, levels)
    assert together.shape == (40, 4)
    assert (together[:, [1, 3, 2]] <= together[:, [3, 2, 0]]).all()
    for row in range(40):
        mine = slice(row, row + 1)
        alone = [float(quantiles_hours(survival_log[mine], ends[mine], [one])[0, 0]) for one in levels]
        assert together[row].tolist() == alone


def test_the_risk_is_that_of_the_process_that_made_the_clocks() -> None:
    fresh = clocks(seed=1)
    said, truth = sigmoid(member().margin(fresh.X)), true_risk(fresh.X)
    assert np.abs(said - truth).mean() < 0.06
    assert np.corrcoef(said, truth)[0, 1] > 0.95


def test_clocks_that_still_run_are_learned_from_and_not_dropped() -> None:
    fresh, many = clocks(seed=2), clocks(censored=0.7)
    truth = true_risk(fresh.X).mean()

    def fitted(rows: np.ndarray) -> float:
        found = fit_hazard(
            many.X[rows],
            many.hours[rows],
            many.has_stopped[rows],
            np.ones(rows.sum()),
            list(NAMES),
            QUICK,
            seed=0,
        )
        return float(sigmoid(found.margin(fresh.X)).mean())

    everything, finished_only = fitted(np.ones(len(many.X), bool)), fitted(many.has_stopped)
    assert abs(everything - truth) < 0.05
    assert finished_only < truth - 0.08  # those that are finished are the fast ones


def test_less_time_left_never_lowers_the_risk_all_else_equal() -> None:
    X = np.tile(clocks(seed=3).X[:200], (1, 1))
    shorter = X.copy()
    shorter[:, 0] *= 0.5
    assert (member().margin(shorter) >= member().margin(X) - 0.25).mean() > 0.99


def test_the_same_rows_and_seed_give_the_same_text() -> None:
    assert member().texts() == fit_again(0).texts()
    assert member().texts() != fit_again(1).texts()


def fit_again(seed: int) -> HazardMember:
    made = clocks()
    return fit_hazard(
        made.X,
        made.hours,
        made.has_stopped,
        np.ones(len(made.X)),
        list(NAMES),
        QUICK,
        seed=seed,
        directions={"remaining_hours": -1},
    )


def test_a_member_survives_its_texts_bit_for_bit() -> None:
    X = clocks(seed=4).X[:300]
    data = json.loads(json.dumps(member().to_json()))
    again = HazardMember.from_texts(*member().texts(), data)
    assert np.array_equal(again.margin(X), member().margin(X))
    assert np.array_equal(again.scores(X), member().scores(X))


@pytest.mark.parametrize("exact", [False, True])
def test_contributions_add_up_and_go_to_what_makes_clocks_slow(exact: bool) -> None:
    X = clocks(seed=5).X[:300]
    parts = member().exact_attributions(X)[0] if exact else member().attributions(X)
    assert np.allclose(parts.sum(axis=1) + member().baseline, member().margin(X), atol=1e-9)
    speed, noise = NAMES.index("speed"), NAMES.index("noise")
    assert np.corrcoef(parts[:, speed], X[:, speed])[0, 1] < -0.9  # fast clocks are safe
    assert np.abs(parts[:, noise]).mean() < 0.2 * np.abs(parts[:, speed]).mean()


def test_what_remains_for_the_time_left_is_what_intervals_say() -> None:
    """Nothing that belongs to another feature is booked on the time left to make the sum right."""
    X = clocks(seed=6).X[:200]
    usual = replace(member())
    moved = X.copy()
    moved[:, NAMES.index("speed")] += 1.0
    before, after = usual.attributions(X), usual.attributions(moved)
    change = after - before
    assert np.abs(change[:, NAMES.index("speed")]).mean() > 2 * np.abs(change[:, 0]).mean()


def test_missing_values_and_no_rows_are_scored() -> None:
    X = clocks(seed=7).X[:3].copy()
    X[0, 3] = np.nan
    assert np.isfinite(member().margin(X)).all()
    assert member().margin(X[:0]).shape == (0,)
    assert member().scores_alone(X[:0]).shape == member().scores(X[:0]).shape == (0, COUNT)
    assert member().attributions(X[:0]).shape == (0, len(NAMES))


def test_a_row_alone_scores_as_in_a_batch() -> None:
    X = clocks(seed=8).X[:40]
    assert np.array_equal(member().margin(X), np.concatenate([member().margin(X[i : i + 1]) for i in range(40)]))


@pytest.mark.parametrize("rows", [1, FEW_ROWS, FEW_ROWS + 1, 300, MOST_KEPT + 1])
@pytest.mark.parametrize("order", ["risk first", "range first", "reasons first"])
def test_scores_and_reasons_are_those_of_the_trees_whatever_was_asked_before(rows: int, order: str) -> None:
    hazard, X = HazardMember.from_texts(*member().texts(), member().to_json()), clocks(seed=9).X[:rows]
    if order == "reasons first":
        hazard.attributions(X)
    for count in (COUNT, WITHIN) if order == "range first" else (WITHIN, COUNT):
        time = [
            hazard.time.predict(time_rows(X[[row]], hazard.places, count), raw_score=True)
            for row in range(min(rows, 9))
        ]
        slow = np.array(time) + np.asarray(hazard.risk.predict(X[:9], raw_score=True))[:, None]
        np.testing.assert_allclose(hazard.scores(X, count)[:9], slow, atol=1e-12)
        assert hazard.scores(X, count).shape == (rows, count)
    parts, alone = (
        hazard.attributions(X),
        np.concatenate([member().attributions(X[[row]]) for row in range(min(rows, 9))]),
    )
    np.testing.assert_allclose(parts[:9], alone, atol=1e-12)


def test_the_range_asks_only_for_the_intervals_that_the_risk_did_not(monkeypatch: pytest.MonkeyPatch) -> None:
    hazard, X, asked = HazardMember.from_texts(*member().texts(), member().to_json()), clocks(seed=9).X[:100], []
    predict = lgb.Booster.predict

    def counted(booster: lgb.Booster, data: np.ndarray, **how: object) -> np.ndarray:
        asked.append(len(data))
        return np.asarray(predict(booster, data, **how))

    monkeypatch.setattr(lgb.Booster, "predict", counted)
    for answer in (hazard.margin, hazard.attributions, hazard.scores, hazard.scores, hazard.margin):
        answer(X)
    assert sorted(asked) == [100, 100 * WITHIN, 100 * (COUNT - WITHIN)]
    asked.clear()
    for answer in (hazard.margin, hazard.attributions, hazard.scores):
        answer(X[:2])
    assert sorted(asked) == [2, 2 * COUNT]


def test_rows_of_some_intervals_are_those_of_all() -> None:
    X = clocks(seed=10).X[:5]
    whole = time_rows(X, member().places, COUNT).reshape(5, COUNT, -1)
    np.testing.assert_array_equal(time_rows(X, member().places, WITHIN).reshape(5, WITHIN, -1), whole[:, :WITHIN])
    np.testing.assert_array_equal(
        time_rows(X, member().places, COUNT, WITHIN).reshape(5, COUNT - WITHIN, -1), whole[:, WITHIN:]
    )


def test_the_time_left_is_cut_from_now_to_the_target() -> None:
    assert IN_TIME[0] == 0.0
    assert IN_TIME[-1] == 1.0
    assert len(IN_TIME) == WITHIN
