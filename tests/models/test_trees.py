"""Several boosted models as one: their mean in one text, and one model in parts that fit the processor's cache."""

from __future__ import annotations

from functools import cache

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.boosting import BoostingMember, BoostingParameters, fit_boosting
from models.scales import sigmoid
from models.trees import MANY_ROWS, MOST_KEPT, ROWS_AT_ONCE, TREES_AT_ONCE, LastAnswers, Trees, averaged, seeds_of

X = np.random.default_rng(0).normal(size=(1500, 4))
X[::7, 2] = np.nan
Y = (np.random.default_rng(1).random(1500) < sigmoid(X[:, 0] - 0.5 * X[:, 1] ** 2)).astype(np.float64)
NAMES = ["a", "b", "c", "d"]
QUICK = BoostingParameters(rounds=30, learning_rate=0.2, lambda_l2=1.0, feature_fraction=0.5)


def grown(seed: int, rounds: int = 30, repeats: int = 1) -> BoostingMember:
    parameters = QUICK.model_copy(update={"rounds": rounds})
    return fit_boosting(X, Y, np.ones(len(X)), NAMES, parameters, seed=seed, directions={"a": 1}, repeats=repeats)


def test_the_mean_of_models_is_one_model_of_all_their_trees() -> None:
    several = [grown(seed, rounds=20 + 10 * seed) for seed in range(3)]
    assert not np.allclose(several[0].margin(X), several[1].margin(X))
    text = averaged([one.booster for one in several])
    together = BoostingMember.from_text(text)
    assert together.booster.num_trees() == sum(one.booster.num_trees() for one in several) > 80
    wanted = np.mean([one.booster.predict(X, raw_score=True) for one in several], axis=0)
    np.testing.assert_allclose(together.margin(X), wanted, atol=1e-12)
    assert together.text() == text  # written again it has the same bytes


def test_reasons_of_the_mean_add_up_to_it() -> None:
    together = grown(0, repeats=3)
    np.testing.assert_allclose(together.attributions(X).sum(axis=1) + together.baseline, together.margin(X))
    exact, baseline = together.exact_attributions(X)
    np.testing.assert_allclose(exact.sum(axis=1) + baseline, together.margin(X))


def test_repeats_are_those_of_the_seeds_they_are_grown_from() -> None:
    apart = [grown(seed) for seed in seeds_of(2, 2)]
    assert [*seeds_of(2, 2)] == [4, 5]
    np.testing.assert_allclose(
        grown(2, repeats=2).margin(X), np.mean([one.margin(X) for one in apart], axis=0), atol=1e-12
    )
    assert grown(3, repeats=1).text() == grown(3).text()
    assert grown(2, repeats=2).text() == grown(2, repeats=2).text()


def test_a_direction_holds_for_the_mean() -> None:
    steps = np.zeros((60, 4))
    steps[:, 0] = np.linspace(-3, 3, 60)
    assert (np.diff(grown(1, repeats=3).margin(steps)) >= -1e-12).all()


def test_a_model_without_splits_can_be_averaged() -> None:
    flat = [
        fit_boosting(np.zeros((100, 2)), np.arange(100) % 4 / 3.0, np.ones(100), ["a", "b"], QUICK, seed=seed)
        for seed in (0, 1)
    ]
    together = BoostingMember.from_text(averaged([one.booster for one in flat]))
    np.testing.assert_allclose(together.margin(np.zeros((3, 2))), flat[0].margin(np.zeros((3, 2))))


@pytest.mark.parametrize("rounds", [1, TREES_AT_ONCE // 2, 2 * TREES_AT_ONCE + 50])
def test_parts_add_up_to_the_whole(rounds: int) -> None:
    booster = grown(0, rounds=rounds).booster
    trees, count = Trees(booster), booster.num_trees()  # LightGBM leaves out trees without a split
    assert sum(part.num_trees() for part in trees.parts) == count > 0.9 * rounds
    assert len(trees.parts) == -(-count // TREES_AT_ONCE)
    assert max(part.num_trees() for part in trees.parts) <= TREES_AT_ONCE
    assert len(X) >= MANY_ROWS
    whole = np.asarray(booster.predict(X, raw_score=True))
    np.testing.assert_allclose(trees.raw_score(X), whole, atol=1e-12)
    np.testing.assert_array_equal(trees.raw_score(X[:5]), whole[:5])


def test_parts_are_models_of_their_own_that_are_made_once_and_only_for_many_rows() -> None:
    """Threads ask them at once; parts of one booster would share where a prediction begins."""
    trees = Trees(grown(0, rounds=TREES_AT_ONCE + 20).booster)
    trees.raw_score(X[:10])
    assert "parts" not in vars(trees)
    trees.raw_score(X)
    assert trees.parts[0] is not trees.parts[1]
    assert trees.parts[0] is trees.parts[0]
    assert all(isinstance(part, lgb.Booster) for part in trees.parts)


@pytest.mark.parametrize("rows", [0, 1, ROWS_AT_ONCE + 1, MANY_ROWS - 1, MANY_ROWS, 1500])
def test_leaves_and_their_sum_are_those_of_lightgbm_to_the_last_bit(rows: int) -> None:
    booster, asked = grown(0, rounds=2 * TREES_AT_ONCE + 50).booster, X[:rows]
    trees = Trees(booster)
    leaves = trees.leaves(asked)
    assert leaves.shape == (rows, booster.num_trees())
    if rows:
        np.testing.assert_array_equal(leaves, booster.predict(asked, pred_leaf=True))
        np.testing.assert_array_equal(trees.score_of(leaves), booster.predict(asked, raw_score=True))
        assert len(np.unique(leaves)) > 4
    assert trees.score_of(leaves).shape == (rows,)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), min_size=4, max_size=4))
def test_the_sum_of_the_leaves_of_any_row_is_its_score(values: list[float]) -> None:
    trees, row = several(), np.array([values])
    assert trees.score_of(trees.leaves(row)) == trees.booster.predict(row, raw_score=True)


@cache
def several() -> Trees:
    return Trees(grown(0, repeats=3).booster)


def test_trees_without_a_split_have_one_leaf() -> None:
    flat = fit_boosting(np.zeros((100, 2)), np.arange(100) % 4 / 3.0, np.ones(100), ["a", "b"], QUICK, seed=0)
    np.testing.assert_array_equal(flat.margin(np.zeros((3, 2))), flat.booster.predict(np.zeros((3, 2)), raw_score=True))


def test_a_member_asks_its_trees_once_for_score_and_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    member, asked = grown(0), []
    predict = lgb.Booster.predict

    def counted(booster: lgb.Booster, data: np.ndarray, **how: object) -> np.ndarray:
        asked.append(len(data))
        return np.asarray(predict(booster, data, **how))

    monkeypatch.setattr(lgb.Booster, "predict", counted)
    told = [(member.margin(rows), member.attributions(rows)) for rows in (X[:3], X[:100], X[:3].copy())]
    assert asked == [3, 100]
    for scores, parts in told:
        np.testing.assert_allclose(parts.sum(axis=1) + member.baseline, scores)


def test_the_last_answers_about_few_rows_are_given_again_and_of_no_other_rows() -> None:
    asked: list[tuple[str, float]] = []
    answers = LastAnswers()

    def told(value: float, rows: int = 1, name: str = "double") -> list[float]:
        def answer() -> np.ndarray:
            asked.append((name, value))
            return np.full(rows, value + (value if name == "double" else 1.0))

        return answers.of(np.full((rows, 3), value), name, answer).tolist()

    assert [told(1.0), told(2.0), told(1.0), told(2.0)] == [[2.0], [4.0], [2.0], [4.0]]
    assert [told(2.0, name="next"), told(2.0), told(2.0, name="next")] == [[3.0], [4.0], [3.0]]
    assert asked == [("double", 1.0), ("double", 2.0), ("next", 2.0)]
    assert told(5.0, MOST_KEPT + 1) == told(5.0, MOST_KEPT + 1)  # many rows are asked about each time
    assert asked[3:] == [("double", 5.0)] * 2
    told(6.0, MOST_KEPT - 2)
    asked.clear()
    assert (told(1.0), asked) == ([2.0], [])
    told(7.0, 1)
    assert told(1.0) == [2.0]
    assert asked == [("double", 7.0), ("double", 1.0)]  # it was forgotten: only the last are kept


def test_an_answer_that_is_given_again_cannot_be_changed_by_who_got_it() -> None:
    answers, rows = LastAnswers(), np.zeros((2, 3))
    first = answers.of(rows, "ones", lambda: np.ones(2))
    with pytest.raises(ValueError, match="read-only"):
        first += 1.0
    assert answers.of(rows, "ones", lambda: np.zeros(2)).tolist() == [1.0, 1.0]
