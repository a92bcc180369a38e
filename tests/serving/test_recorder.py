"""What is stored of scores, and that of several scorers one stores: over real stores of both kinds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.store import Store, open_store
from features.store.faults import StoreError
from features.store.leases import Lease, Leases
from models.bundle import BreachBundle
from serving.lease import ScorerLease
from serving.queue import Queue
from serving.recorder import Recorder
from serving.score_history import score_history
from serving.score_journal import Said, ScoreJournal
from serving.scorer import Scorer
from serving.shadow import Shadow
from tests.features.conftest import url  # noqa: F401
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AT, agreements, fitted_bundle, frame_of, random_events
from tests.serving.stored_desk import Desk

EVENTS = random_events(60)
BUNDLE = fitted_bundle(EVENTS, "breach v1")


@pytest.fixture
def store(url: str) -> Iterator[Store]:  # noqa: F811
    with open_store(url) as opened:
        opened.append_ticket_events(EVENTS, "test")
        yield opened


@dataclass
class SetClock:
    """The database's clock, set by hand."""

    seconds: float = 1_000.0

    def __call__(self, _connection: Any) -> int:
        return round(self.seconds * 1_000_000)


class Process:
    """A process that scores a store, with its own queue, lease and journals."""

    def __init__(self, store: Store, name: str, clock: SetClock, challenger: BreachBundle | None = None) -> None:
        self.scorer = Scorer(store, agreements(), BUNDLE)
        self.lease = ScorerLease(Leases(store._engine, clock), 30, name)
        shadow = Shadow(self.scorer, lambda: challenger, ScoreJournal(store.predictions, 0.01, is_shadow=True), 0)
        self.acted: list[tuple[Queue, Lease]] = []
        self.recorder = Recorder(
            self.lease,
            [ScoreJournal(store.predictions, 0.01), shadow],
            [lambda queue, lease: self.acted.append((queue, lease))],
        )

    def tick(self, at: datetime = AT) -> Queue:
        self.scorer.read_news()
        queue = self.scorer.score(at)
        self.recorder._asked_seconds = float("-inf")  # as if a third of the lease had passed
        self.recorder.publish(queue)
        self.recorder.step()
        return queue


def stored(store: Store) -> pd.DataFrame:
    return pd.concat(store.predictions.chunks()).reset_index(drop=True)


def test_every_open_ticket_is_stored_as_it_is_shown(store: Store) -> None:
    queue = Process(store, "a", SetClock()).tick()
    found, rows = stored(store).set_index("ticket_id"), by_ticket(queue)
    assert set(found.index) == set(rows)
    for ticket_id, row in rows.items():
        kept = found.loc[ticket_id]
        assert (kept.state, kept.scored_at, kept.snapshot_at) == (row.clock.state, AT, AT)
        assert kept.probability == row.probability if row.probability is not None else pd.isna(kept.probability)
        assert kept.bundle_version == row.bundle_version if row.bundle_version else pd.isna(kept.bundle_version)
        is_known = row.clock.state in ("running", "breached")
        assert kept.due_at == row.clock.due_at if is_known else pd.isna(kept.due_at)
    history = score_history(store.predictions, next(iter(rows)), AT)
    assert [point.state for point in history] == [next(iter(rows.values())).clock.state]


def test_only_what_says_something_new_is_stored_and_what_moves_slowly_adds_up(store: Store) -> None:
    process = Process(store, "a", SetClock())
    process.tick()
    first = stored(store)
    process.tick()
    assert len(stored(store)) == len(first)
    for minute in range(2, 122, 8):
        process.tick(AT + timedelta(minutes=minute))
    later = stored(store).iloc[len(first) :]
    assert 0 < len(later) < 10 * len(first)  # 15 ticks
    for _ticket, told in stored(store).groupby("ticket_id"):
        same = (told.state == told.state.shift()) & (told.bundle_version == told.bundle_version.shift())
        is_same_due = (told.due_at == told.due_at.shift()) | (told.due_at.isna() & told.due_at.shift().isna())
        assert (told.probability.diff().abs()[same & is_same_due] > 0.01).all()
    now = by_ticket(process.scorer.score(AT + timedelta(minutes=114)))
    last = store.predictions.in_force(AT + timedelta(minutes=114), target="resolution").set_index("ticket_id")
    for ticket_id, row in now.items():
        if row.probability is not None:
            assert abs(last.loc[ticket_id].probability - row.probability) <= 0.01


def test_a_process_that_starts_anew_stores_nothing_that_is_stored(store: Store) -> None:
    clock = SetClock()
    Process(store, "a", clock).tick()
    before = len(stored(store))
    clock.seconds += 60
    second = Process(store, "b", clock)
    second.tick()
    assert second.recorder.is_acting
    assert len(stored(store)) == before


def test_what_is_stored_is_remembered_with_one_text_for_each_bundle(store: Store) -> None:
    Process(store, "a", SetClock()).tick()
    found = store.predictions.in_force(AT, target="resolution")
    versions = Said.stored(found).version.tolist()
    assert versions == found["bundle_version"].fillna("").tolist()
    assert len(versions) > len(set(versions)) == len({id(text) for text in versions})


def test_of_two_scorers_one_acts_both_show_and_the_other_takes_over(store: Store) -> None:
    clock = SetClock()
    first, second = Process(store, "a", clock), Process(store, "b", clock)
    shown = [first.tick(), second.tick()]
    assert shown[0].fingerprint == shown[1].fingerprint
    assert [first.recorder.is_acting, second.recorder.is_acting] == [True, False]
    assert [len(first.acted), len(second.acted)] == [1, 0]
    assert second.recorder.holder == "a"
    clock.seconds += 31  # the first is silent: killed, or suspended
    second.tick(AT + timedelta(hours=2))
    assert second.recorder.is_acting
    assert second.acted[-1][1].turn == 2
    first.tick(AT + timedelta(hours=3))  # and wakes
    assert not first.recorder.is_acting
    assert len(first.acted) == 1
    assert stored(store).scored_at.max() == AT + timedelta(hours=2)


def test_a_scorer_that_wakes_in_the_middle_of_its_turn_stores_nothing(store: Store) -> None:
    clock = SetClock()
    first, second = Process(store, "a", clock), Process(store, "b", clock)
    first.tick()
    clock.seconds += 31
    second.tick()
    before = len(stored(store))
    queue = first.scorer.score(AT + timedelta(hours=5))
    first.recorder.publish(queue)
    first.recorder.step()  # it believes that its lease still runs, so it does not ask
    assert len(stored(store)) == before
    assert len(first.acted) == 1
    assert "no longer holds the lease" in str(first.recorder.problem)
    first.tick()
    assert first.recorder.problem is None


def test_a_graceful_stop_stores_what_is_left_and_hands_over_at_once(store: Store) -> None:
    clock = SetClock()
    first, second = Process(store, "a", clock), Process(store, "b", clock)
    first.tick()
    second.tick()
    first.recorder.start()
    first.recorder.publish(first.scorer.score(AT + timedelta(days=30)))
    first.recorder.stop()
    assert stored(store).scored_at.max() == AT + timedelta(days=30)
    second.tick(AT + timedelta(days=31))
    assert second.recorder.is_acting


def test_the_challenger_is_stored_beside_the_champion_and_shown_to_no_one(store: Store) -> None:
    challenger = replace(fitted_bundle(random_events(30, seed=5)), version="breach v2")
    process = Process(store, "a", SetClock(), challenger)
    queue = process.tick()
    assert queue.bundle_version == "breach v1"
    assert {row.bundle_version for row in queue.rows} == {"breach v1", None}
    found = stored(store)
    expected = by_ticket(Scorer(store, agreements(), challenger).score(AT))
    mine = found[found.is_shadow].set_index("ticket_id")
    assert set(mine.bundle_version.dropna()) == {"breach v2"}
    assert set(mine.index) == set(expected)
    for ticket_id, row in expected.items():
        if row.probability is not None:
            assert mine.loc[ticket_id].probability == pytest.approx(row.probability, abs=1e-12)
    history = score_history(store.predictions, next(t for t, row in expected.items() if row.probability), AT)
    assert {point.bundle_version for point in history} == {"breach v1"}
    assert history[0].reasons


def test_a_clock_that_jumps_ahead_and_back_leaves_a_history_that_reads_in_order(store: Store) -> None:
    process = Process(store, "a", SetClock())
    process.tick()
    first = len(stored(store))
    process.tick(AT + timedelta(days=400))
    process.tick(AT)  # the same as at first: nothing new as of then
    jumped = stored(store)
    assert not (jumped.scored_at.iloc[first:] == AT).any()
    queue = process.tick(AT + timedelta(hours=2))
    last = store.predictions.in_force(AT + timedelta(hours=2), target="resolution").set_index("ticket_id")
    for row in queue.rows:
        assert last.loc[row.ticket_id].state == row.clock.state


class Flaky:
    """A table of predictions over a database that can be gone."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.is_gone = inner, False

    def append(self, *given: Any, **named: Any) -> Any:
        if self.is_gone:
            raise StoreError("no connection; check that the server runs")
        return self.inner.append(*given, **named)

    def in_force(self, *given: Any, **named: Any) -> Any:
        return self.inner.in_force(*given, **named)


def test_a_database_that_is_gone_is_said_once_and_nothing_is_lost_when_it_is_back(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    table = Flaky(store.predictions)
    scorer = Scorer(store, agreements(), BUNDLE)
    recorder = Recorder(ScorerLease(store.leases, 30), [ScoreJournal(table, 0.01)])
    table.is_gone = True
    for _ in range(3):
        recorder.publish(scorer.score(AT))
        assert recorder.step() is False
    assert recorder.problem == "Scores are not stored: StoreError: no connection; check that the server runs"
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    table.is_gone = False
    assert recorder.step() is True  # the queue that could not be stored
    assert recorder.problem is None
    assert len(stored(store)) == len(scorer.score(AT).rows)


def test_a_challenger_that_fails_keeps_no_score_and_no_alert_back(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(store, "a", SetClock(), replace(BUNDLE, version="breach v2"))

    def fails(*_given: Any) -> Any:
        raise KeyError("no such tree")

    monkeypatch.setattr(process.scorer, "score_by", fails)
    for minute in (0, 1):
        process.tick(AT + timedelta(minutes=minute))
    assert process.recorder.problem is None
    assert len(process.acted) == 2
    assert not stored(store).is_shadow.any()
    assert caplog.text.count("The challenger cannot be asked: KeyError: 'no such tree'\n") == 1


def test_hostile_texts_in_ids_and_reasons_come_back_as_they_were(store: Store) -> None:
    name = "<script>\u202eabc\U0001f4a5'; DROP TABLE predictions; --"
    event = {
        "event_id": "X", "ticket_id": name, "event_at": AT, "recorded_at": AT, "kind": "created", "status": "open", "priority": "1",
    }  # fmt: skip
    store.append_ticket_events(frame_of([event]), "test")
    Process(store, "a", SetClock()).tick()
    assert [point.state for point in score_history(store.predictions, name, AT)] == ["running"]


def test_page_and_probe_say_that_scores_are_not_stored_and_that_a_bundle_was_refused(
    tmp_path: Path, prepared_desk: Path
) -> None:
    desk = Desk(prepared_desk, tmp_path)
    recorder = desk.service.recorder
    assert recorder is not None
    client = desk.client()
    assert "Scores are not stored" not in client.get("/queue").text
    recorder.trouble.met(StoreError("the disk is full"))
    degraded = replace(desk.service, model_problem=lambda: "breach v2 was refused: <b>boosting.txt</b> is missing")
    desk.app.state.service = degraded
    for path in ("/queue", "/readyz"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "the disk is full" in answer.text
        assert "breach v2 was refused" in answer.text
    assert "<b>boosting" not in client.get("/queue").text
    desk.close()
