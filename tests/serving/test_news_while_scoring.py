"""While all tickets are scored news is taken in, scored and shown; what is newer stays."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest

import serving.estimates
from serving.queue import Queue
from serving.scored_rows import ScoredRows
from serving.scorer import FIRST_WORD, Scorer
from sla.agreements.loading import parse_agreements
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AGREEMENTS, AT, ListStore, agreements, fitted_bundle
from tests.serving.ticking_desk import BUNDLE, EVENTS, PATIENCE_SECONDS, Desk, Held, Scripted, event

SOON = AT + timedelta(minutes=5)
NEW = event("NEW", SOON, status="new", priority="2")


def test_news_is_scored_and_shown_before_the_tick_ends() -> None:
    bundle = Held()
    desk = Desk(NEW, bundle=bundle)
    desk.ticker.step()
    at_first = desk.shown()

    def while_held() -> None:
        desk.learns(SOON)
        shown, row = desk.shown(), by_ticket(desk.shown())["NEW"]
        assert (shown.as_of, shown.asked_at, shown.last_sequence) == (SOON, AT, desk.store.visible)
        assert row.probability == pytest.approx(desk.all_asked(SOON)["NEW"].probability, abs=1e-12)
        assert row.reasons
        desk.now = SOON + timedelta(minutes=1)

    desk.tick_held_up(bundle, while_held)
    assert [queue.as_of for queue in desk.published] == [AT, SOON, SOON + timedelta(minutes=1)]
    assert desk.published[0] is at_first
    assert desk.shown().asked_at == AT  # when the tick began
    assert by_ticket(desk.shown())["NEW"].probability is not None


def test_a_ticket_with_news_during_the_tick_keeps_the_newer_score() -> None:
    before = by_ticket(Scorer(ListStore(EVENTS), agreements(), BUNDLE).score(AT))
    touched = next(name for name, row in before.items() if row.clock.state == "running" and row.priority == "3")
    bundle, later = Held(), AT + timedelta(minutes=20)
    desk = Desk(event(touched, SOON, kind="priority", priority="1"), bundle=bundle)
    desk.ticker.step()

    def while_held() -> None:
        desk.learns(SOON)
        desk.now = later

    desk.tick_held_up(bundle, while_held)
    rows, after = by_ticket(desk.shown()), desk.all_asked(later)
    assert rows[touched].priority == "1"
    assert rows[touched].probability == pytest.approx(after[touched].probability, abs=1e-12)
    assert rows[touched].probability != pytest.approx(before[touched].probability, abs=1e-3)
    for name, row in rows.items():
        assert row.clock == after[name].clock
        if name != touched and row.probability is not None:
            assert row.probability == pytest.approx(before[name].probability, abs=1e-12)


def test_a_queue_of_the_same_instant_and_events_by_a_newer_tick_has_another_fingerprint() -> None:
    bundle = Held()
    desk = Desk(NEW, bundle=bundle)
    desk.ticker.step()
    desk.now = AT + timedelta(minutes=1)
    desk.tick_held_up(bundle, lambda: desk.learns(SOON))
    glanced, ticked = desk.published[1:]
    assert (glanced.as_of, glanced.last_sequence) == (ticked.as_of, ticked.last_sequence)
    assert glanced.asked_at != ticked.asked_at
    assert glanced.fingerprint != ticked.fingerprint


def test_a_tick_that_fails_in_the_middle_leaves_what_was_shown_with_its_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.estimates, "BLOCK_ROWS", 5)
    bundle = Held()
    desk = Desk(NEW, bundle=bundle)
    desk.ticker.step()

    def while_held() -> None:
        desk.learns(SOON)
        desk.now, bundle.fails = SOON + timedelta(hours=3), True

    desk.tick_held_up(bundle, while_held)
    assert desk.shown() is desk.published[1]
    assert desk.ticker.standing.problem == "RuntimeError: the trees are gone"
    at_first, rows = by_ticket(desk.published[0]), by_ticket(desk.shown())
    assert all(row.probability == at_first[name].probability for name, row in rows.items() if name != "NEW")
    bundle.fails = False
    assert desk.ticker.step()
    assert desk.shown().rows == Scorer(desk.store, agreements(), BUNDLE).score(desk.now).rows


def test_many_rows_asked_in_blocks_by_two_threads_are_answered_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = Scorer(ListStore(EVENTS), agreements(), BUNDLE).score(AT)
    monkeypatch.setattr(serving.estimates, "BLOCK_ROWS", 2)
    threads: set[str] = set()

    class Watched(Held):
        def predict(self, rows: pd.DataFrame) -> Any:
            assert len(rows) <= 2
            threads.add(threading.current_thread().name)
            return BUNDLE.predict(rows)

    in_blocks = Scorer(ListStore(EVENTS), agreements(), Watched()).score(AT)
    assert in_blocks.rows == at_once.rows
    assert threading.current_thread().name not in threads
    assert isinstance(in_blocks.rows, ScoredRows)
    places = in_blocks.rows.places
    told = in_blocks.rows.scored.estimates.reason_texts(places).tolist()
    one_by_one = [[reason.text for reason in of] for of in in_blocks.rows.scored.estimates.reasons(places)]
    assert [[text for text in row if text is not None] for row in told] == one_by_one
    assert sum(map(bool, one_by_one)) > 5


def test_during_the_first_scoring_news_is_shown_by_the_rules_alone() -> None:
    bundle = Held()
    desk = Desk(NEW, bundle=bundle)
    shown: list[Queue] = []
    rules = Scorer(desk.store, agreements())

    def first(at: datetime) -> Queue:
        rules.read_news()
        shown.append(rules.score(at))
        return shown[-1]

    desk.ticker._first = first

    def while_held() -> None:
        desk.now, desk.store.visible = SOON, desk.store.visible + 1
        for _ in range(PATIENCE_SECONDS * 100):
            if "NEW" in by_ticket(desk.shown()):
                return
            threading.Event().wait(0.01)
        pytest.fail("news is not shown")

    desk.tick_held_up(bundle, while_held)
    assert [queue.as_of for queue in shown] == [AT, SOON]
    assert [queue.bundle_version for queue in desk.published] == ["breach v1"]  # what the rules said is not acted on
    assert by_ticket(desk.shown())["NEW"].probability is not None


def test_while_another_bundle_is_asked_for_the_first_time_the_one_before_scores_the_news() -> None:
    desk = Desk(NEW, event("OTHER", SOON, status="new", priority="2"))
    desk.ticker.step()
    other = fitted_bundle(EVENTS, "breach v2")
    desk.scorer.use(other)
    seen: list[Queue | None] = []

    def look() -> None:
        desk.store.visible += 1
        desk.scorer.read_news()
        seen.append(desk.scorer.glance(SOON))

    queue = desk.scorer.score(SOON, Scripted([look], [look], lambda: SOON))
    assert [found.bundle_version for found in seen if found] == ["breach v1"] * 2
    assert queue.bundle_version == "breach v2"
    assert {row.bundle_version for row in queue.rows if row.probability is not None} == {"breach v2"}
    desk.scorer.use(None)
    desk.scorer.score(SOON)
    desk.scorer.use(BUNDLE)
    glanced = desk.scorer.glance(SOON)
    assert glanced is not None
    assert (glanced.bundle_version, glanced.rules_only_reason) == (None, FIRST_WORD)


def test_after_other_agreements_nothing_judged_by_those_before_is_shown() -> None:
    desk = Desk(NEW)
    desk.ticker.step()
    desk.scorer.use_agreements(parse_agreements(AGREEMENTS.replace("within: 16 h", "within: 17 h")))
    assert desk.scorer.glance(SOON) is None


def test_a_clock_set_back_during_a_tick_scores_the_desk_as_it_was_then() -> None:
    desk, back = Desk(NEW), AT - timedelta(hours=2)
    desk.ticker.step()
    seen: list[Queue | None] = []

    def look() -> None:
        desk.store.visible += 1
        desk.scorer.read_news()
        seen.append(desk.scorer.glance(back))

    queue = desk.scorer.score(SOON, Scripted([], [look], lambda: back))
    assert seen == [None]
    assert (queue.as_of, queue.asked_at) == (back, back)
    assert queue.rows == Scorer(desk.store, agreements(), BUNDLE).score(back).rows
