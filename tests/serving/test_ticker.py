"""The background tick."""

import logging
import threading
import time
from datetime import datetime, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.store.faults import StoreError
from serving.meanwhile import FRESH_SECONDS, RESTS, Meanwhile, rest_after
from serving.queue import Queue
from serving.ticker import Ticker
from tests.serving.builders import NOW, FixedSource, busy_desk

DESK = busy_desk(5)


class Counting(FixedSource):
    def __init__(self) -> None:
        super().__init__(DESK)
        self.scored_at: list[datetime] = []
        self.refreshed_at: list[datetime] = []
        self.was_scored = threading.Event()

    def score(self, at: datetime, meanwhile: Meanwhile | None = None) -> Queue:
        found = super().score(at, meanwhile)
        self.scored_at.append(at)
        self.was_scored.set()
        return found

    def refresh(self, at: datetime) -> Queue:
        self.refreshed_at.append(at)
        return super().score(at)


def test_it_scores_at_first_and_then_on_news_only_until_the_tick() -> None:
    source = Counting()
    ticker = Ticker(source, lambda: NOW, tick_seconds=3600)
    assert [ticker.step(), ticker.step()] == [True, False]
    source.has_news = True
    assert [ticker.step(), ticker.step()] == [True, False]
    assert (len(source.scored_at), len(source.refreshed_at)) == (1, 1)  # on news only tickets with news


class Slow(Counting):
    """Looks and long work that take so many seconds of a clock that stands still otherwise."""

    def __init__(self, clock: list[float], seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def read_news(self) -> bool:
        self.clock[0] += 0.25 * self.seconds
        return super().read_news()

    def refresh(self, at: datetime) -> Queue:
        self.clock[0] += 0.75 * self.seconds
        return super().refresh(at)


@pytest.mark.parametrize(("took", "rest"), [(0.02, 0.25), (0.05, 0.4), (0.2, 0.6), (0.3, 0.4), (2.0, 2.0)])
def test_looks_at_a_flood_of_news_rest_as_long_at_least(
    took: float, rest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("serving.ticker.time", SimpleNamespace(monotonic=lambda: clock[0]))
    source = Slow(clock, took)
    ticker = Ticker(source, lambda: NOW, tick_seconds=3600, news_seconds=0.25)
    ticker.step()
    assert ticker.rest_seconds() == 0.25  # scoring everything brings no rest
    source.has_news = True
    assert ticker.step()
    assert ticker.rest_seconds() == pytest.approx(rest)
    ticker.step()
    assert ticker.rest_seconds() == 0.25  # nothing new: the next news is looked at as soon as ever


@given(st.floats(0.0, 5.0), st.sampled_from([0.01, 0.25, 2.0]))
def test_looks_leave_most_of_the_time_while_news_are_fresh_and_half_of_it_always(took: float, least: float) -> None:
    rest = rest_after(took, least)
    assert rest >= max(least, took)
    assert rest <= max(least, RESTS * took)
    if least <= took <= FRESH_SECONDS / (RESTS + 2):
        assert rest == pytest.approx(RESTS * took)
    if max(took, least) <= FRESH_SECONDS / 3:  # else no rest is short enough
        assert took + rest + took <= FRESH_SECONDS + 1e-9


def test_looks_while_all_is_scored_rest_by_what_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, looks, rests = [1000.0], [0.1, 0.2, 2.0, 0.0], list[float]()

    def look() -> None:
        clock[0] += looks.pop(0)

    def waited(_work: object, timeout: float) -> SimpleNamespace:
        rests.append(timeout)
        return SimpleNamespace(done=not looks)

    monkeypatch.setattr("serving.meanwhile.time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr("serving.meanwhile.wait", waited)
    assert Meanwhile(look, lambda: NOW, 0.25).during(lambda: "done") == "done"
    assert rests == pytest.approx([0.25, 0.8, 0.6, 2.0, 0.25])


def test_it_scores_again_when_the_tick_is_due_though_nothing_happened() -> None:
    source = Counting()
    ticker = Ticker(source, lambda: NOW, tick_seconds=0)
    assert [ticker.step(), ticker.step(), ticker.step()] == [True] * 3


def test_another_bundle_is_scored_with_at_once() -> None:
    source, changes = Counting(), [False, True, False]
    ticker = Ticker(source, lambda: NOW, take_changes=lambda: changes.pop(0), tick_seconds=3600)
    assert [ticker.step(), ticker.step(), ticker.step()] == [True, True, False]


class Feed:
    def __init__(self) -> None:
        self.asked: list[datetime] = []

    def events_until(self, at: datetime) -> pd.DataFrame:
        self.asked.append(at)
        return pd.DataFrame({"event_id": [str(len(self.asked))]})


def test_events_of_a_feed_that_could_not_be_stored_are_stored_later_and_none_twice() -> None:
    source, feed, stored, fails = Counting(), Feed(), [], [True, False, False]

    def append(frame: pd.DataFrame) -> None:
        if fails.pop(0):
            raise OSError("database is locked")
        stored.extend(frame["event_id"])

    ticker = Ticker(source, lambda: NOW, feed=feed, append=append, tick_seconds=3600)
    assert ticker.step() is False
    assert ticker.standing.problem == "OSError: database is locked"
    assert ticker.step() is True
    assert ticker.standing.problem is None
    ticker.step()
    assert stored == ["1", "2"]


def test_a_failure_keeps_the_last_queue_and_is_tried_again_at_the_next_step(caplog: pytest.LogCaptureFixture) -> None:
    source = Counting()
    ticker = Ticker(source, lambda: NOW, tick_seconds=3600)
    ticker.step()
    source.failure, source.has_news = "boom", True
    assert ticker.step() is False
    assert ticker.standing.queue is DESK
    assert "scoring failed" in caplog.text
    source.failure = ""
    assert ticker.step() is True  # without waiting for the tick, though there is no further news


def test_it_runs_in_the_background_with_the_clock_it_was_given_until_it_is_stopped() -> None:
    source, others = Counting(), set(threading.enumerate())  # a service of another test may still be ending
    start = time.monotonic()
    ticker = Ticker(
        source, lambda: NOW + timedelta(hours=time.monotonic() - start), tick_seconds=0.001, news_seconds=0.001
    )
    ticker.start()
    try:
        for _ in range(3):
            source.was_scored.clear()
            assert source.was_scored.wait(30)
    finally:
        ticker.stop()
    scored = list(source.scored_at)
    assert scored == sorted(scored)
    assert len(scored) >= 3
    assert not any(thread.name == "slacast-ticker" for thread in set(threading.enumerate()) - others)


class Gone(Counting):
    """A scorer whose store can be gone."""

    is_gone = False

    def read_news(self) -> bool:
        if self.is_gone:
            raise StoreError("no connection; check that the server runs")
        return super().read_news()


def test_while_the_database_is_gone_the_tick_goes_on_with_what_is_known_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Gone()
    ticker = Ticker(source, lambda: NOW, tick_seconds=0)
    ticker.step()
    source.is_gone = True
    assert [ticker.step(), ticker.step()] == [True, True]
    assert ticker.standing.problem == "StoreError: no connection; check that the server runs"
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
    source.is_gone = False
    assert ticker.step() is True
    assert ticker.standing.problem is None


def test_a_problem_is_gone_from_the_page_as_soon_as_the_database_is_back_though_nothing_is_due() -> None:
    source = Gone()
    ticker = Ticker(source, lambda: NOW, tick_seconds=3600)
    ticker.step()
    source.is_gone = True
    assert ticker.step() is False
    assert ticker.standing.problem is not None
    source.is_gone = False
    assert ticker.step() is False
    assert ticker.standing.problem is None


def test_a_clock_that_is_set_back_or_forward_changes_what_is_scored_and_not_when() -> None:
    source, clock = Counting(), [NOW]
    ticker = Ticker(source, lambda: clock[0], tick_seconds=3600)
    ticker.step()
    for jump in (timedelta(days=-3), timedelta(days=3)):
        clock[0] = NOW + jump
        assert ticker.step() is False
        source.has_news = True
        assert ticker.step() is True
    assert source.refreshed_at == [NOW - timedelta(days=3), NOW + timedelta(days=3)]


def test_every_new_queue_is_handed_on() -> None:
    handed: list[Queue] = []
    ticker = Ticker(Counting(), lambda: NOW, publish=handed.append, tick_seconds=3600)
    ticker.step()
    ticker.step()
    assert handed == [DESK]


def test_what_can_be_said_at_once_is_shown_until_the_first_scoring_but_not_acted_on() -> None:
    published: list[Queue] = []
    shown: list[Queue | None] = []
    by_rules = FixedSource(busy_desk(4)).score(NOW)

    class Watching(Counting):
        def score(self, at: datetime, meanwhile: Meanwhile | None = None) -> Queue:
            shown.append(ticker.standing.queue)
            return super().score(at, meanwhile)

    source = Watching()
    ticker = Ticker(source, lambda: NOW, tick_seconds=0, publish=published.append, first=lambda _at: by_rules)
    assert ticker.step()
    scored = ticker.standing.queue
    assert shown[0] is by_rules
    assert scored is not by_rules
    assert ticker.step()
    assert shown[1] is scored  # only before the first scoring
    assert [queue is by_rules for queue in published] == [False, False]


def test_what_is_said_at_once_stays_while_the_first_scoring_fails() -> None:
    by_rules = FixedSource(busy_desk(4)).score(NOW)

    class Broken(Counting):
        def score(self, at: datetime, meanwhile: Meanwhile | None = None) -> Queue:
            raise RuntimeError("the bundle is odd")

    ticker = Ticker(Broken(), lambda: NOW, tick_seconds=0, first=lambda _at: by_rules)
    assert not ticker.step()
    assert ticker.standing.queue is by_rules
    assert ticker.standing.problem == "RuntimeError: the bundle is odd"
