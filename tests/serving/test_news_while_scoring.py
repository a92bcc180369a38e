"""While all tickets are scored news is taken in, scored and shown; what is newer stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import serving.estimates
from serving.meanwhile import Meanwhile
from serving.queue import Queue, QueueRow
from serving.scored_rows import ScoredRows
from serving.scorer import FIRST_WORD, Scorer
from serving.ticker import Ticker
from sla.agreements.loading import parse_agreements
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AGREEMENTS, AT, ListStore, agreements, fitted_bundle, frame_of, random_events

EVENTS = random_events(60)
BUNDLE = fitted_bundle(EVENTS)
PATIENCE_SECONDS = 30
T = TypeVar("T")


class Held:
    """A bundle that can be held up, or fail, in the middle of what it is asked about many tickets."""

    def __init__(self) -> None:
        self.is_asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()
        self.fails = False

    def __getattr__(self, name: str) -> Any:
        return getattr(BUNDLE, name)

    def predict(self, rows: pd.DataFrame) -> Any:
        if len(rows) > 3:
            self.is_asked.set()
            assert self.may_answer.wait(PATIENCE_SECONDS)
            if self.fails:
                raise RuntimeError("the trees are gone")
        return BUNDLE.predict(rows)


def event(ticket_id: str, at: datetime, **values: Any) -> dict[str, Any]:
    return {
        "event_id": f"{ticket_id}/{at:%d%H%M%S}/x", "ticket_id": ticket_id, "event_at": at, "recorded_at": at,
        "kind": "created", "actor_kind": "customer", **values,
    }  # fmt: skip


class Desk:
    """A ticker over a scorer whose events become known one by one, and all queues it handed on."""

    def __init__(self, *news: dict[str, Any], bundle: Any = BUNDLE) -> None:
        self.store = ListStore(EVENTS, *([frame_of(list(news))] if news else []))
        self.store.visible = len(EVENTS)
        self.now = AT
        self.scorer = Scorer(self.store, agreements(), bundle)
        self.published: list[Queue] = []
        self.was_published = threading.Event()
        self.ticker = Ticker(
            self.scorer, lambda: self.now, publish=self._publish, first=self.scorer.first, tick_seconds=0, news_seconds=0.005
        )  # fmt: skip

    def _publish(self, queue: Queue) -> None:
        self.published.append(queue)
        self.was_published.set()

    def shown(self) -> Queue:
        queue = self.ticker.standing.queue
        assert queue is not None
        return queue

    def all_asked(self, at: datetime) -> dict[str, QueueRow]:
        """What is said by who reads the same events and asks about every ticket."""
        return by_ticket(Scorer(self.store, agreements(), BUNDLE).score(at))

    def tick_held_up(self, bundle: Held, then: Callable[[], None]) -> None:
        """A tick that waits in the middle while something is done."""
        bundle.is_asked.clear()
        bundle.may_answer.clear()
        ticking = threading.Thread(target=self.ticker.step)
        ticking.start()
        try:
            assert bundle.is_asked.wait(PATIENCE_SECONDS)
            then()
        finally:
            bundle.may_answer.set()
            ticking.join()

    def learns(self, at: datetime) -> None:
        """One more event is in the store; returns when a queue was handed on."""
        self.was_published.clear()
        self.now, self.store.visible = at, self.store.visible + 1
        assert self.was_published.wait(PATIENCE_SECONDS)


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


class Scripted(Meanwhile):
    """Looks at set places: before the work is done, and after it."""

    def __init__(
        self, before: list[Callable[[], None]], after: list[Callable[[], None]], now: Callable[[], datetime]
    ) -> None:
        super().__init__(lambda: None, now)
        object.__setattr__(self, "looks", (before, after))

    def during(self, work: Callable[[], T]) -> T:
        before, after = self.looks  # type: ignore[attr-defined]
        for look in before:
            look()
        done = work()
        for look in after:
            look()
        return done


# ---- any order of ticks, looks and news, against what a simple record of them says

NAMES = list(by_ticket(Scorer(ListStore(EVENTS), agreements(), BUNDLE).score(AT)))
CHANGES: list[tuple[str, dict[str, str]]] = [
    (NAMES[0], {"kind": "priority", "priority": "1"}),
    (NAMES[1], {"kind": "status", "status": "waiting", "waiting_on": "customer"}),
    (NAMES[2], {"kind": "status", "status": "resolved"}),
    ("N1", {"status": "new", "priority": "3"}),
    (NAMES[3], {"kind": "commented"}),
    ("N1", {"kind": "priority", "priority": "2"}),
    (NAMES[2], {"kind": "status", "status": "open"}),
    (NAMES[0], {"kind": "priority", "priority": "2"}),
]
NEWS = [event(name, AT + timedelta(minutes=7 * place), **values) for place, (name, values) in enumerate(CHANGES)]
ALL = pd.concat([EVENTS, frame_of(NEWS)], ignore_index=True)
LOOKS = st.lists(st.integers(0, 2), max_size=3)  # how many events each look finds
Said = dict[str, float | None]


@cache
def said_by_all(known: int, at: datetime) -> dict[str, QueueRow]:
    """What is said at an instant by who reads so many events and asks about everything."""
    return by_ticket(Scorer(ListStore(ALL.iloc[:known]), agreements(), BUNDLE).score(at))


class Record:
    """What must be shown: every probability is that of when its ticket was asked about last."""

    def __init__(self) -> None:
        self.said: Said = {}
        self.news: set[str] = set()

    def brought_up(self, known: int, at: datetime) -> Said:
        found = said_by_all(known, at)
        repeated = {name for name in self.said if self.said[name] is not None} - self.news
        self.said = {name: self.said[name] if name in repeated and row.probability is not None else row.probability for name, row in found.items()}  # fmt: skip
        self.news = set()
        return self.said

    def ticked(self, begun: tuple[int, datetime], since: set[str], known: int, at: datetime) -> Said:
        self.said, self.news = {name: row.probability for name, row in said_by_all(*begun).items()}, since
        return self.said if begun[0] == known else self.brought_up(known, at)


@settings(max_examples=15, deadline=None)
@given(ticks=st.lists(st.tuples(LOOKS, LOOKS, st.integers(0, 2)), min_size=1, max_size=2))
def test_whatever_the_order_every_ticket_shows_what_was_said_of_it_last(
    ticks: list[tuple[list[int], list[int], int]],
) -> None:
    store = ListStore(ALL)
    store.visible = len(EVENTS)
    scorer, record, now = Scorer(store, agreements(), BUNDLE), Record(), [AT + timedelta(hours=2)]
    since: set[str] = set()
    queues: list[Queue] = []

    def news(count: int) -> bool:
        now[0] += timedelta(minutes=9)
        fresh = set(ALL["ticket_id"].iloc[store.visible : store.visible + count])
        store.visible = min(store.visible + count, len(ALL))
        record.news |= fresh
        since.update(fresh)
        return scorer.read_news()

    def check(queue: Queue | None, expected: Said) -> None:
        if queue is None:  # nothing was scored so far
            return
        queues.append(queue)
        rows, known = by_ticket(queue), said_by_all(store.visible, queue.as_of)
        assert {name: row.probability for name, row in rows.items()} == pytest.approx(expected, abs=1e-12)
        assert {name: row.clock for name, row in rows.items()} == {name: row.clock for name, row in known.items()}

    def look(count: int) -> Callable[[], None]:
        def do() -> None:
            if news(count):
                queue = scorer.glance(now[0])
                if queue is not None:
                    check(queue, record.brought_up(store.visible, now[0]))

        return do

    for before, after, between in ticks:
        since.clear()
        scorer.read_news()
        begun, looks = (store.visible, now[0]), [[look(count) for count in part] for part in (before, after)]
        queue = scorer.score(now[0], Scripted(*looks, lambda: now[0]))
        check(queue, record.ticked(begun, set(since), store.visible, now[0]))
        if news(between):
            check(scorer.refresh(now[0]), record.brought_up(store.visible, now[0]))
    assert [queue.as_of for queue in queues] == sorted(queue.as_of for queue in queues)
    assert len({queue.fingerprint for queue in queues}) == len(queues)
