"""A tick asks the bundle about tickets that crossed one of its thresholds, and repeats itself on the others: nobody sees a difference."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import serving.estimates as estimates_module
from features.live import LiveHistories
from models.boosting import BoostingParameters, fit_boosting
from models.bundle import BreachBundle
from serving.estimates import Earlier, Estimates
from serving.scorer import Scorer
from sla.instants import to_us
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AT, ListStore, agreements, fitted_bundle, frame_of, random_events
from tests.serving.test_refresh import event

EVENTS = random_events(160, seed=3)
MINUTE = timedelta(minutes=1)


@cache
def trees(seed: int = 0) -> BreachBundle:
    """A bundle of nothing but trees, grown on how much time tickets have used."""
    bundle = fitted_bundle(EVENTS)
    live = LiveHistories.of(EVENTS, agreements())
    frames = [live.matrix(live.open_snapshots(to_us(AT - timedelta(hours=h))), bundle.spec) for h in range(0, 60, 6)]
    rows = pd.concat(frames, ignore_index=True)
    late = (rows["share_used"] + rows["started_hours_ago"] / 300 > 0.5).to_numpy(np.float64)
    parameters = BoostingParameters(rounds=40, rows_per_leaf=5, lambda_l2=1.0, learning_rate=0.2, feature_fraction=0.5)
    grown = fit_boosting(bundle.inputs(rows), late, np.ones(len(rows)), bundle.spec.names, parameters, seed=seed)
    return replace(bundle, members=((grown, 1.0),))


class Counted:
    """A bundle that counts the rows it is asked about."""

    def __init__(self, bundle: BreachBundle) -> None:
        self.bundle, self.rows = bundle, list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bundle, name)

    def predict(self, rows: pd.DataFrame) -> Any:
        self.rows.append(len(rows))
        return self.bundle.predict(rows)


@pytest.fixture(autouse=True)
def remembers_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates_module, "LEAST_REMEMBERED", 1)
    monkeypatch.setattr(
        estimates_module, "ROWS_AT_ONCE", 9
    )  # several parts, which begin elsewhere when tickets come and go
    monkeypatch.setattr(estimates_module, "BLOCK_ROWS", 4)


def scorer_of(bundle: Any, events: pd.DataFrame = EVENTS) -> tuple[Scorer, ListStore]:
    store = ListStore(events)
    return Scorer(store, agreements(), bundle), store


def said(scorer: Scorer, at: datetime) -> dict[str, tuple[Any, ...]]:
    rows = by_ticket(scorer.score(at))
    return {name: (row.probability, row.risk, row.group, row.reasons) for name, row in rows.items()}


@pytest.mark.parametrize("gap", [timedelta(0), timedelta(seconds=10), MINUTE, timedelta(hours=1), timedelta(days=3)])
def test_a_tick_says_what_one_says_that_asks_about_everything(gap: timedelta) -> None:
    scorer, _store = scorer_of(trees())
    for number in range(4):
        fresh, _store = scorer_of(trees())
        assert said(scorer, AT + number * gap) == said(fresh, AT + number * gap)


def test_only_tickets_that_crossed_a_threshold_are_asked_about() -> None:
    bundle = Counted(trees())
    scorer, _store = scorer_of(bundle)
    scorer.score(AT)
    everyone = sum(bundle.rows)
    assert everyone > 20
    counts = []
    for at in (AT, AT + timedelta(seconds=1), AT + timedelta(hours=1)):
        bundle.rows.clear()
        scorer.score(at)
        counts.append(sum(bundle.rows))
    assert counts[0] == 0
    assert counts[1] < everyone / 4
    assert 0 < counts[2] < everyone


def test_news_between_two_ticks_and_tickets_that_come_and_go_change_nothing_of_that() -> None:
    at, news = AT, []
    open_then = sorted(by_ticket(scorer_of(trees())[0].score(AT)))
    for number, name in enumerate(open_then[::7]):
        kinds = [{"kind": "status", "status": "resolved"}, {"kind": "priority", "priority": "1"}]
        news.append(event(name, AT + number * MINUTE, **kinds[number % 2]))
        news.append(event(f"A{number}", AT + number * MINUTE, status="new", priority="2"))
    store = ListStore(EVENTS, frame_of(news))
    store.visible = len(EVENTS)
    scorer, bundle = Scorer(store, agreements(), trees()), trees()
    scorer.score(at)
    for number in range(len(news) // 2):
        store.visible = len(EVENTS) + 2 * number + 2
        scorer.read_news()
        at = AT + number * MINUTE
        scorer.refresh(at)
        fresh = Scorer(ListStore(EVENTS, frame_of(news[: 2 * number + 2])), agreements(), bundle)
        assert said(scorer, at + timedelta(seconds=20)) == said(fresh, at + timedelta(seconds=20))


def test_what_another_bundle_said_is_not_repeated() -> None:
    scorer, _store = scorer_of(trees())
    first = said(scorer, AT)
    scorer.use(trees(seed=1))
    fresh, _store = scorer_of(trees(seed=1))
    assert said(scorer, AT) == said(fresh, AT)
    assert said(fresh, AT) != first


def test_a_bundle_whose_answers_move_with_every_value_is_asked_about_everything() -> None:
    bundle = Counted(fitted_bundle(EVENTS))
    assert bundle.sides is None
    scorer, _store = scorer_of(bundle)
    scorer.score(AT)
    everyone = sum(bundle.rows)
    scorer.score(AT + timedelta(seconds=1))
    assert sum(bundle.rows) == 2 * everyone


def test_few_rows_are_not_kept_for_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates_module, "LEAST_REMEMBERED", 1_000)
    bundle = Counted(trees())
    scorer, _store = scorer_of(bundle)
    scorer.score(AT)
    everyone = sum(bundle.rows)
    scorer.score(AT)
    assert sum(bundle.rows) == 2 * everyone > 0


def test_tickets_are_known_again_where_others_came_and_went_before_them() -> None:
    first = sorted(by_ticket(scorer_of(trees())[0].score(AT)))[0]
    news = frame_of([event("Z", AT, status="new", priority="2"), event(first, AT, kind="status", status="closed")])
    store, bundle = ListStore(EVENTS, news), Counted(trees())
    store.visible = len(EVENTS)
    scorer = Scorer(store, agreements(), bundle)
    scorer.score(AT)
    store.visible += 2
    scorer.read_news()
    bundle.rows.clear()
    scorer.score(AT)
    assert bundle.rows == [1]


def test_nothing_is_known_of_a_ticket_that_was_not_there_nor_of_one_whose_sides_were_not_kept() -> None:
    live, bundle = LiveHistories.of(EVENTS, agreements()), trees()
    snapshots = live.open_snapshots(to_us(AT))
    everyone = np.ones(len(snapshots), np.bool_)
    then = Estimates.by(bundle, live, snapshots, everyone)
    place = np.arange(len(snapshots))
    place[[2, 5]] = -1
    known = Earlier(then, place).said_of(np.arange(7), bundle)
    assert known is not None
    assert known.is_known.tolist() == [True, True, False, True, True, False, True]
    assert (known.probability[known.is_known] == then.probability[:7][known.is_known]).all()
    assert Earlier(then, np.full(len(snapshots), -1)).said_of(np.arange(7), bundle) is None
    assert Earlier(replace(then, sides=tuple(None for _ in then.sides)), place).said_of(np.arange(7), bundle) is None
    assert Earlier(Estimates.none(0), np.full(7, -1)).said_of(np.arange(7), bundle) is None
