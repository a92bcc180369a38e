"""Rows that crossed no threshold of a model's trees have the answer they had, to the last bit; crossing any is told."""

from __future__ import annotations

import dataclasses

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.boosting import BoostingMember, BoostingParameters, fit_boosting
from models.bundle import BreachBundle
from models.scales import sigmoid
from models.sides import Sides, thresholds_of, united
from tests.models.builders import small_bundle, small_matrix
from tests.models.hazard_builders import clocks, member

X = np.random.default_rng(0).normal(size=(1500, 4))
X[::7, 2] = np.nan
Y = (np.random.default_rng(1).random(1500) < sigmoid(X[:, 0] - 0.5 * X[:, 1] ** 2)).astype(np.float64)
TREES = fit_boosting(
    X, Y, np.ones(1500), list("abcd"), BoostingParameters(rounds=25, learning_rate=0.2, lambda_l2=1.0), seed=0
)
SIDES = Sides(TREES.thresholds)
EDGES = sorted({*TREES.thresholds[0].tolist(), *TREES.thresholds[2].tolist()})
NEAR = st.sampled_from([other for edge in EDGES for other in (np.nextafter(edge, -9), edge, np.nextafter(edge, 9))])
VALUE = NEAR | st.floats(-3, 3) | st.just(np.nan)
ROWS = st.lists(st.tuples(*[VALUE] * 4), min_size=1, max_size=6)


def leaves(booster: lgb.Booster, rows: np.ndarray) -> np.ndarray:
    return np.asarray(booster.predict(rows, pred_leaf=True))


def booster_of_one_split(threshold: float) -> lgb.Booster:
    """One tree that asks whether a value lies above a threshold."""
    text = TREES.booster.model_to_string(num_iteration=1)
    tree = {"num_leaves": "2", "num_cat": "0", "split_feature": "1", "split_gain": "1", "threshold": repr(threshold), "decision_type": "2", "left_child": "-1", "right_child": "-2", "leaf_value": "-1 1", "leaf_weight": "9 9", "leaf_count": "9 9", "internal_value": "0", "internal_weight": "9", "internal_count": "18"}  # fmt: skip
    lines = []
    for line in text.split("\n"):
        name = line.partition("=")[0]
        lines.append(f"{name}={tree[name]}" if name in tree else "tree_sizes=" if name == "tree_sizes" else line)
    return lgb.Booster(model_str="\n".join(line for line in lines if not line.startswith("tree_sizes")))


@given(ROWS, ROWS)
@settings(deadline=None, max_examples=300)
def test_rows_that_hold_end_in_the_same_leaves_and_only_rows_that_crossed_a_threshold_do_not_hold(
    before: list[tuple[float, ...]], after: list[tuple[float, ...]]
) -> None:
    count = min(len(before), len(after))
    then, now = np.array(before[:count]), np.array(after[:count])
    codes = SIDES.of(then)
    held = SIDES.hold(now, codes)
    assert held.tolist() == (SIDES.of(now) == codes).all(axis=0).tolist()
    same = (leaves(TREES.booster, then) == leaves(TREES.booster, now)).all(axis=1)
    assert not (held & ~same).any()
    assert SIDES.hold(then, codes).all()


@pytest.mark.parametrize("threshold", [0.25, -1.5, 1e-12])
def test_a_value_at_a_threshold_lies_below_it_as_lightgbm_has_it(threshold: float) -> None:
    booster = booster_of_one_split(threshold)
    sides = Sides(thresholds_of(booster))
    row = np.zeros((3, 4))
    row[:, 1] = np.nextafter(threshold, -9), threshold, np.nextafter(threshold, 9)
    codes = sides.of(row)
    assert codes.tolist() == [[0, 0, 1]]
    assert sides.hold(row[[1, 0, 1]], codes).tolist() == [True, True, False]
    apart = leaves(booster, row).ravel()
    assert apart[0] == apart[1] != apart[2]


def test_what_is_missing_lies_on_a_side_of_its_own() -> None:
    last = float(TREES.thresholds[2][-1])
    rows = np.zeros((3, 4))
    rows[:, 2] = np.nan, last + 1.0, np.nan
    codes = SIDES.of(rows)
    assert SIDES.hold(rows[[1, 0, 2]], codes).tolist() == [False, False, True]


def test_columns_that_no_tree_reads_say_nothing() -> None:
    booster = booster_of_one_split(0.5)
    sides = Sides(thresholds_of(booster))
    rows = np.array([[9.0, 0.1, np.nan, -9.0]])
    assert sides.hold(np.array([[np.nan, 0.2, 4.0, 4.0]]), sides.of(rows)).tolist() == [True]


def test_more_thresholds_than_a_byte_can_count_are_told_apart() -> None:
    edges = np.arange(400) / 400
    sides = Sides({0: edges})
    codes = sides.of(edges[:, None])
    assert codes.dtype == np.uint16
    assert codes[0].tolist() == list(range(400))
    assert sides.hold(edges[:, None], codes).all()
    assert not sides.hold(edges[:, None] + 1 / 800, codes).any()


def test_thresholds_of_several_models_are_told_once() -> None:
    both = united([{0: np.array([0.1, 0.5])}, {0: np.array([0.5, 0.7]), 3: np.array([1.0])}])
    assert {place: values.tolist() for place, values in both.items()} == {0: [0.1, 0.5, 0.7], 3: [1.0]}


def test_trees_that_split_by_categories_have_no_sides() -> None:
    rows = np.column_stack([np.arange(600) % 6, *np.zeros((5, 600))]).astype(np.float64)
    data = lgb.Dataset(rows, np.isin(rows[:, 0], (1, 4)).astype(float), categorical_feature=[0])
    booster = lgb.train({"verbosity": -1, "min_data_per_group": 1, "min_data_in_leaf": 1}, data, 2)
    with pytest.raises(ValueError, match="categories"):
        thresholds_of(booster)
    assert dataclasses.replace(small_bundle(), members=((BoostingMember(booster, 6), 1.0),)).sides is None


@pytest.mark.parametrize("moved_hours", [0.001, 0.02, 0.1])
def test_a_clock_that_crossed_nothing_has_the_risk_it_had(moved_hours: float) -> None:
    hazard, rows = member(), clocks(count=3000, seed=5).X
    sides = Sides(hazard.thresholds, hazard.interval_values, hazard.interval_thresholds)
    later = rows.copy()
    later[:, 0] -= moved_hours
    later[:, 2] = 1.0 - later[:, 0] / later[:, 1]
    held = sides.hold(later, sides.of(rows))
    assert 0 < held.sum() < len(rows)
    margins = hazard.margin(rows), hazard.margin(later)
    assert (margins[0][held] == margins[1][held]).all()
    assert (margins[0][~held] != margins[1][~held]).mean() > 0.5


def test_a_bundle_of_trees_has_the_sides_of_all_its_members_and_one_with_a_linear_share_none() -> None:
    bundle = small_bundle()
    assert bundle.sides is None
    trees = next(one for one, _share in bundle.members if isinstance(one, BoostingMember))
    alone: BreachBundle = dataclasses.replace(bundle, members=((trees, 1.0),))
    assert alone.sides is not None
    frame = small_matrix(rows=300, seed=9)
    moved = frame.assign(share_used=frame["share_used"] + 0.004)
    held = alone.sides.hold(alone.inputs(moved), alone.sides.of(alone.inputs(frame)))
    assert 0 < held.sum() < len(frame)
    assert (alone.predict(frame)[held] == alone.predict(moved)[held]).all()
