"""Reasons are told of each row once, whichever queue asks for them, and are those that the bundle gives when asked alone."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

import serving.estimates as estimates_module
from features.live import LiveHistories
from models.boosting import BoostingParameters, fit_boosting
from models.bundle import BreachBundle
from models.reasons import Reason, reasons
from serving.estimates import Estimates
from sla.instants import to_us
from tests.serving.real_desk import AT, agreements, fitted_bundle, random_events


@pytest.fixture(scope="module")
def bundle() -> BreachBundle:
    return fitted_bundle(random_events(60))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows the bundle was asked to give reasons for, call by call."""
    counted: list[int] = []

    def counting(bundle: BreachBundle, rows: pd.DataFrame, top: int) -> list[list[Reason]]:
        counted.append(len(rows))
        return reasons(bundle, rows, top)

    monkeypatch.setattr(estimates_module, "reasons", counting)
    return counted


def words(told: list[list[Reason]]) -> list[list[str]]:
    """The last bits of a contribution depend on which rows are asked about together."""
    return [[reason.text for reason in one] for one in told]


def test_a_row_is_given_its_reasons_once_and_they_move_with_it(bundle: BreachBundle, asked: list[int]) -> None:
    live = LiveHistories.of(random_events(60), agreements())
    snapshots = live.open_snapshots(to_us(AT))
    everyone = np.ones(len(snapshots), np.bool_)
    first = Estimates.by(bundle, live, snapshots, everyone)
    every = np.arange(len(snapshots))
    alone = words([reasons(bundle, first.features[0].take(np.array([place])), 3)[0] for place in every.tolist()])
    assert len({text for told in alone for text in told}) > 3
    asked.clear()

    assert words(first.reasons(every[:5])) == alone[:5]
    assert words(first.reasons(every[3:9])) == alone[3:9]
    assert asked == [5, 4]

    back = first.moved(every[::-1].copy())
    assert words(back.reasons(every)) == alone[::-1]
    assert asked == [5, 4, len(every) - 9]

    later = live.open_snapshots(to_us(AT + timedelta(hours=3)))
    again = back.asked(bundle, live, later.take(every[::-1].copy()), every == 2)
    (fresh,) = words(reasons(bundle, again.features[1].frame(), 3))
    assert fresh != alone[::-1][2]
    assert words(again.reasons(every)) == [*alone[::-1][:2], fresh, *alone[::-1][3:]]
    assert asked[-1] == 1


def test_who_was_not_asked_about_has_no_reasons(bundle: BreachBundle, asked: list[int]) -> None:
    live = LiveHistories.of(random_events(60), agreements())
    snapshots = live.open_snapshots(to_us(AT))
    some = np.arange(len(snapshots)) % 2 == 0
    told = Estimates.by(bundle, live, snapshots, some).reasons(np.arange(len(snapshots)))
    assert [bool(one) for one in told] == some.tolist()
    assert Estimates.none(3).reasons(np.arange(3)) == [[], [], []]
    assert asked == [int(some.sum())]


def test_no_more_is_kept_than_a_few_pages_need(
    bundle: BreachBundle, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimates_module, "MOST_TOLD", 4)
    live = LiveHistories.of(random_events(60), agreements())
    snapshots = live.open_snapshots(to_us(AT))
    found = Estimates.by(bundle, live, snapshots, np.ones(len(snapshots), np.bool_))
    every = np.arange(len(snapshots))
    assert words(found.reasons(every)) == words(found.reasons(every))
    assert asked == [len(every), len(every) - 4]
    assert len(found.told) == 4


@pytest.mark.parametrize("least_shared", [2, 1_000])
def test_trees_are_not_asked_again_about_rows_in_another_order(
    bundle: BreachBundle, monkeypatch: pytest.MonkeyPatch, least_shared: int
) -> None:
    monkeypatch.setattr(estimates_module, "LEAST_SHARED", least_shared)  # asked by two threads, or by one
    live = LiveHistories.of(random_events(60), agreements())
    snapshots = live.open_snapshots(to_us(AT))
    rows = live.matrix(snapshots, bundle.spec)
    used = rows["share_used"].to_numpy()
    risky, weight = (used > np.median(used)).astype(np.float64), np.ones(len(rows))
    parameters = BoostingParameters(rounds=20, rows_per_leaf=2, lambda_l2=0.1)
    trees = fit_boosting(rows.to_numpy(), risky, weight, bundle.spec.names, parameters, seed=0)
    bundle = replace(bundle, members=((trees, 1.0),))
    told = Estimates.by(bundle, live, snapshots, np.ones(len(snapshots), np.bool_))
    alone = [reasons(bundle, told.features[0].take(np.array([place])), 3)[0] for place in range(len(snapshots))]
    assert told.probability.tolist() == bundle.predict(told.features[0].frame()).tolist()
    Estimates.by(
        bundle, live, snapshots, np.ones(len(snapshots), np.bool_)
    )  # the last that is asked: its answers are kept
    asked: list[int] = []
    predict = lgb.Booster.predict

    def counted(booster: lgb.Booster, data: np.ndarray, **how: object) -> np.ndarray:
        asked.append(len(data))
        return np.asarray(predict(booster, data, **how))

    monkeypatch.setattr(lgb.Booster, "predict", counted)
    order = np.random.default_rng(0).permutation(len(snapshots))
    assert words(told.reasons(order)) == words([alone[place] for place in order.tolist()])
    assert not asked
    bundle.predict(told.features[0].frame().iloc[:-1])
    assert asked  # otherwise nothing was counted


def test_a_row_that_is_asked_for_twice_is_told_twice(bundle: BreachBundle) -> None:
    live = LiveHistories.of(random_events(60), agreements())
    snapshots = live.open_snapshots(to_us(AT))
    told = Estimates.by(bundle, live, snapshots, np.ones(len(snapshots), np.bool_))
    alone = told.reason_texts(np.arange(len(snapshots)))
    twice = np.repeat(np.arange(len(snapshots)), 2)[: len(snapshots)]  # as many as there are rows
    assert told.reason_texts(twice).tolist() == alone[twice].tolist()


class ToldMeanwhile(dict[int, list[Reason]]):
    """What other threads tell of a row between a look for it and the next."""

    def get(self, row: int, default: Any = None) -> Any:
        found = super().get(row, default)
        self[row] = [Reason("told by another thread", 1.0, ())]
        return found


def test_a_row_that_another_thread_tells_of_meanwhile_is_not_left_without_reasons(bundle: BreachBundle) -> None:
    live = LiveHistories.of(random_events(60), agreements())
    snapshots = live.open_snapshots(to_us(AT))
    asked = Estimates.by(bundle, live, snapshots, np.ones(len(snapshots), np.bool_))
    racing = replace(asked, told=ToldMeanwhile())
    assert words(racing.reasons(np.arange(4))) == words(asked.reasons(np.arange(4)))
    assert all(asked.reasons(np.arange(4)))


@pytest.mark.parametrize("size", [0, 1, 399, 400, 401, 1_000, 9_999, 10_000, 10_001, 30_000])
def test_blocks_are_all_rows_in_order_and_those_of_two_threads_are_of_a_size(size: int) -> None:
    told = estimates_module._in_blocks(lambda part: (threading.get_ident(), range(size)[part]), size)
    assert [row for _thread, rows in told for row in rows] == list(range(size))
    sizes = [len(rows) for _thread, rows in told]
    assert max(sizes) <= estimates_module.BLOCK_ROWS
    is_shared = size >= estimates_module.LEAST_SHARED
    assert (len(sizes) > 1) == is_shared
    assert (threading.get_ident() in {thread for thread, _rows in told}) == (not is_shared)
    assert not is_shared or len(sizes) > 2 or sizes[0] - sizes[1] in (0, 1)


class Ranged:
    """A bundle whose range says of each row how much of its time is used."""

    finish = "something"

    def __init__(self, bundle: BreachBundle) -> None:
        self.bundle = bundle

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bundle, name)

    def finish_values(self, rows: pd.DataFrame) -> np.ndarray:
        return np.repeat(rows[["share_used"]].to_numpy(), 8, axis=1)


@pytest.mark.parametrize("least_shared", [2, 1_000])
def test_each_row_has_its_own_range_whoever_asks_for_it(
    bundle: BreachBundle, monkeypatch: pytest.MonkeyPatch, least_shared: int
) -> None:
    monkeypatch.setattr(estimates_module, "LEAST_SHARED", least_shared)
    live = LiveHistories.of(random_events(60), agreements())
    snapshots = live.open_snapshots(to_us(AT))
    told = Estimates.by(cast(BreachBundle, Ranged(bundle)), live, snapshots, np.ones(len(snapshots), np.bool_))
    order = np.random.default_rng(0).permutation(len(snapshots))
    used = told.features[0].frame()["share_used"].to_numpy()
    assert len(set(used.tolist())) > 3
    np.testing.assert_array_equal(told.finish_hours(order), np.repeat(used[order][:, None], 8, axis=1))
