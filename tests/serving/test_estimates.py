"""Reasons are told of each row once, whichever queue asks for them, and are those that the bundle gives when asked alone."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

import serving.estimates as estimates_module
from features.live import LiveHistories
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
    alone = words([reasons(bundle, first.features[0].iloc[[place]], 3)[0] for place in every.tolist()])
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
    (fresh,) = words(reasons(bundle, again.features[1], 3))
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
