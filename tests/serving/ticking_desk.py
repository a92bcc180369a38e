"""A desk whose events become known one by one while it ticks, and a bundle that can be held up in the middle of a tick."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import pandas as pd

from serving.meanwhile import Meanwhile
from serving.queue import Queue, QueueRow
from serving.scorer import Scorer
from serving.ticker import Ticker
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AT, ListStore, agreements, fitted_bundle, frame_of, random_events

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
