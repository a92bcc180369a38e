"""The forest behind the remaining-time model: leaves, what they are asked, and medians, beside slow and obvious versions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.remaining_time_forest import (
    AT_ONCE,
    MOST_IN_A_LEAF,
    UNKNOWN,
    Nodes,
    RemainingTimeForest,
    Tree,
    grow_forest,
    weighted_medians,
)


def _rows(count: int = 400, seed: int = 0):
    """Half of the tickets end 300 hours after they were opened, half 50 hours after the record; some values are missing."""
    rng = np.random.default_rng(seed)
    values = rng.random((count, 4)) * 100
    values[:, 1] = np.arange(count) % 2
    values[rng.random(count) < 0.2, 2] = np.nan
    age = values[:, 0].copy()
    return values, age, np.where(values[:, 1] > 0, 300.0 - age, 50.0) + rng.integers(0, 2, count) * 15.0


@pytest.fixture(scope="module")
def forest() -> RemainingTimeForest:
    return grow_forest(*_rows(), trees=12, rows_per_leaf=7, seed=3)


def _slow_median(answers: np.ndarray, weights: np.ndarray) -> float:
    """The smallest answer with half of the weight at it or below."""
    return min(one for one in answers if weights[answers <= one].sum() >= weights.sum() / 2 - 1e-9)


def _slow_leaf(tree, row: np.ndarray) -> int:
    node = 0
    while tree.feature[node] >= 0:
        value = np.float32(UNKNOWN if np.isnan(row[tree.feature[node]]) else row[tree.feature[node]])
        node = tree.left[node] if value <= tree.threshold[node] else tree.right[node]
    return int(node)


def _slow_answer(forest: RemainingTimeForest, row: np.ndarray, age: float) -> float:
    answers, weights = [], []
    for place, tree in enumerate(forest.trees):
        met = np.flatnonzero(forest.leaves[:, place] == _slow_leaf(tree, row))
        assert len(met) <= MOST_IN_A_LEAF
        life, left = forest.life_hours[met], forest.left_hours[met]
        apart = [np.abs(one - np.sort(one)[(len(one) - 1) // 2]).sum() for one in (life, left)]
        for whole, rest in zip(life, left, strict=True):
            answers.append(whole - age if apart[0] <= apart[1] and whole >= age else rest)
            weights.append(1 / len(met))
    return _slow_median(np.array(answers), np.array(weights))


def test_answers_are_those_of_the_slow_version(forest):
    values, age, _ = _rows(60, seed=5)
    age[::5] = 320.0  # older than many a remembered ticket ever was
    slow = [_slow_answer(forest, row, old) for row, old in zip(values, age, strict=True)]
    assert forest.predict(values, age).tolist() == pytest.approx(slow, abs=1e-9)


def test_leaves_are_those_in_which_the_trees_were_grown():
    from sklearn.ensemble import ExtraTreesRegressor

    values, age, left = _rows(300, seed=1)
    known = np.nan_to_num(values, nan=UNKNOWN).astype(np.float32)
    grown = ExtraTreesRegressor(12, min_samples_leaf=7, random_state=3).fit(known, age + left)
    forest = grow_forest(values, age, left, trees=12, rows_per_leaf=7, seed=3)
    asked, _, _ = _rows(AT_ONCE + 80, seed=2)
    assert np.array_equal(Nodes.of(forest.trees).leaves(asked), grown.apply(np.nan_to_num(asked, nan=UNKNOWN)))
    assert np.array_equal(forest.leaves, grown.apply(known))
    assert np.bincount(forest.leaves[:, 0])[np.unique(forest.leaves[:, 0])].min() >= 7


def test_a_value_at_the_threshold_goes_left_and_a_missing_one_below_all():
    asks, ends = np.array([0, -1, -1]), np.array([0.0, 0.0])
    low, high = (Tree(asks, np.array([at, *ends]), np.array([1, -1, -1]), np.array([2, -1, -1])) for at in (0.0, 3.0))
    told = Nodes.of([low, high]).leaves(np.array([[3.0], [3.5], [np.nan], [0.0]]))
    assert told.tolist() == [[2, 1], [2, 2], [1, 1], [1, 1]]


def test_each_leaf_counts_from_where_its_rows_agree():
    values, age, _ = _rows(1000)
    forest = grow_forest(values, age, np.where(values[:, 1] > 0, 300.0 - age, 50.0), trees=6, rows_per_leaf=20, seed=0)
    told = forest.is_counted_from_opening()
    for place in range(6):
        for leaf in np.unique(forest.leaves[:, place]):
            kinds = values[forest.leaves[:, place] == leaf, 1]
            if kinds.min() == kinds.max():
                assert told[place, leaf] == (kinds[0] > 0)
    # so both kinds are told to the hour, at ages between those that are remembered
    asked, old, _ = _rows(50, seed=9)
    right = np.where(asked[:, 1] > 0, 300.0 - old, 50.0)
    assert np.abs(forest.predict(asked, old) - right).max() < 1e-6


def test_a_leaf_as_large_as_the_log_answers_as_its_rows_do_and_soon():
    values, age, left = _rows(4000)
    left = np.random.default_rng(1).exponential(50, 4000)
    forest = grow_forest(values, age, left, trees=5, rows_per_leaf=4000, seed=0)
    assert (forest.leaves == 0).all()
    assert not forest.is_counted_from_opening().any()
    assert forest.predict(values[:1], age[:1])[0] == pytest.approx(np.median(left), rel=0.2)
    assert len(forest._memory.rows) == 5 * MOST_IN_A_LEAF
    assert sorted(set(forest._memory.sizes)) == [MOST_IN_A_LEAF]


def test_rows_are_answered_alone_as_in_a_crowd(forest):
    values, age, _ = _rows(450, seed=6)
    together = forest.predict(values, age)
    assert together[[0, 199, 200, 449]].tolist() == [
        forest.predict(values[[at]], age[[at]])[0] for at in (0, 199, 200, 449)
    ]
    assert forest.predict(values[:0], age[:0]).shape == (0,)


def test_it_survives_its_text(forest):
    read = RemainingTimeForest.from_json(forest.to_json())
    values, age, _ = _rows(50, seed=7)
    assert np.array_equal(read.predict(values, age), forest.predict(values, age))
    assert read.to_json() == forest.to_json()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0.125, 0.5, 1.0])), min_size=1, max_size=9),
        min_size=1,
        max_size=5,
    )
)
def test_weighted_medians_are_those_of_the_slow_version(groups):
    flat = [(answer, weight, place) for place, group in enumerate(groups) for answer, weight in group]
    flat = flat[::-1]  # groups need not come in order
    answers, weights, group = (np.array(column) for column in zip(*flat, strict=True))
    found = weighted_medians(answers.astype(float), weights.astype(float), group)
    for place in range(len(groups)):
        own = group == place
        assert found[place] == _slow_median(answers[own].astype(float), weights[own])
