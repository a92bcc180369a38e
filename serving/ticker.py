"""The background tick: takes in news, scores open tickets, and keeps the last good queue when something fails.

The tick is counted by the process's steady clock, so a clock that is set back or forward changes what is scored, not when.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import pandas as pd

from serving.background import Loop
from serving.meanwhile import Meanwhile, rest_after
from serving.queue import Queue
from serving.spare_memory import give_back

log = logging.getLogger(__name__)
Now = Callable[[], datetime]
PATIENCE_SECONDS = 5.0
"""At least this often it tries again what fails."""


class Feed(Protocol):
    """A source of events that goes on by itself, such as the simulated desk of the demo."""

    def events_until(self, at: datetime) -> pd.DataFrame:
        """The canonical ticket events since the last call, up to and including `at`; possibly none."""


class QueueSource(Protocol):
    """What the ticker drives: the scorer."""

    def read_news(self) -> bool:
        """True where the store had events that were not known yet."""

    def score(self, at: datetime, meanwhile: Meanwhile | None = None) -> Queue:
        """The queue at an instant, or where news came `meanwhile` at a later one."""

    def refresh(self, at: datetime) -> Queue:
        """The queue at an instant, tickets without news as the bundle saw them at the last `score`."""

    def glance(self, at: datetime) -> Queue | None:
        """As `refresh` while `score` is under way; None where there is nothing to begin from."""


@dataclass(frozen=True)
class Standing:
    """What is known now: the last good queue, when it was scored (seconds of the process's steady clock), and what is wrong."""

    queue: Queue | None = None
    scored_seconds: float = 0.0
    problem: str | None = None

    def age_seconds(self) -> float:
        """How long ago the queue was scored, in real time, whatever the desk's own clock does."""
        return time.monotonic() - self.scored_seconds


class Ticker:
    """Scores everything on a tick and on a change of model or agreements, and what has news at once, also while all is scored.

    Errors are logged and shown, never the end of the service. While the store cannot be read, what is known is scored on.
    `first` gives what to show before the first scoring, None where that is quick.
    """

    def __init__(
        self,
        source: QueueSource,
        clock: Now,
        *,
        feed: Feed | None = None,
        append: Callable[[pd.DataFrame], object] | None = None,
        take_changes: Callable[[], bool] = lambda: False,
        publish: Callable[[Queue], None] = lambda _queue: None,
        first: Callable[[datetime], Queue | None] = lambda _at: None,
        tick_seconds: float = 60.0,
        news_seconds: float = 0.25,
    ) -> None:
        self._source, self._clock = source, clock
        self._feed, self._append = feed, append
        self._take_changes, self._publish, self._first = take_changes, publish, first
        self._tick_seconds, self._news_seconds = tick_seconds, news_seconds
        self._pending: pd.DataFrame | None = None
        self._missed: str | None = None
        self._next_tick, self._failures, self._is_first = 0.0, 0, False
        self._took_seconds = 0.0  # the last look at news
        self._meanwhile = Meanwhile(self._look, clock, news_seconds)
        self._loop = Loop("ticker", self.step, self.rest_seconds)
        self.standing = Standing()

    def start(self) -> None:
        """Begin to tick in the background."""
        self._loop.start()

    def stop(self) -> None:
        """End the tick; waits for a scoring that is under way."""
        self._loop.stop()

    def rest_seconds(self) -> float:
        """How long it waits until the next step: a flood of news must not take the processor from those who bring it."""
        waits = min(self._news_seconds * 2.0 ** min(self._failures, 10), max(PATIENCE_SECONDS, self._news_seconds))
        return rest_after(self._took_seconds, waits)

    def step(self) -> bool:
        """True where the queue was scored anew: one round of feed, news, changes and, if any of them or the tick asks, scoring."""
        began, self._took_seconds = time.monotonic(), 0.0
        has_news, self._missed = self._take_news()
        try:
            is_new = self._score(has_news, began)
            problem = self._missed  # of the last look
        except Exception as fault:  # a bundle made by others may fail in any way: the last queue stays, with the reason
            problem = self._said("scoring failed", fault)
            self._next_tick, is_new = 0.0, False
        self._failures = self._failures + 1 if problem else 0
        self._tell(problem)
        return is_new

    def _tell(self, problem: str | None) -> None:
        if problem != self.standing.problem:
            self.standing = replace(self.standing, problem=problem)

    def _take_news(self) -> tuple[bool, str | None]:
        """Whether there is news, and why none can be had."""
        try:
            self._take_feed()
            return self._source.read_news(), None
        except Exception as fault:  # the store's, a feed's of any kind: what is known is scored on, the reason is shown
            return False, self._said("news cannot be read, so the queue does not know of it", fault)

    def _score(self, has_news: bool, began: float) -> bool:
        now = time.monotonic()
        is_due = self._take_changes() or now >= self._next_tick
        if self._missed is not None and self.standing.queue is None:
            return False
        if not is_due and not has_news:
            return False
        at = self._clock()
        if not is_due:
            self._show(self._source.refresh(at))
            self._took_seconds = time.monotonic() - began
            return True
        self._is_first = self.standing.queue is None
        if self._is_first:
            self._show_first(at)
        self._show(self._source.score(at, self._meanwhile))
        self._is_first = False
        self._next_tick = now + self._tick_seconds
        give_back()  # what the scoring before held
        return True

    def _look(self) -> None:
        """Take in what happened while all is scored, and show it at once."""
        has_news, self._missed = self._take_news()
        self._tell(self._missed)
        if not has_news:
            return
        at = self._clock()
        queue = self._source.glance(at)
        if queue is not None:
            self._show(queue)
        elif self._is_first:
            self._show_first(at)

    def _show(self, queue: Queue) -> None:
        self.standing = Standing(queue, time.monotonic(), self._missed)
        self._publish(queue)

    def _show_first(self, at: datetime) -> None:
        """Show what can be said at once while the first scoring goes on. It is not published: nobody stores it or acts on it."""
        queue = self._first(at)
        if queue is not None:
            self.standing = Standing(queue, time.monotonic(), self._missed)

    def _said(self, what: str, fault: Exception) -> str:
        """The fault in words; in the log once, not at every try."""
        words = f"{type(fault).__name__}: {fault}"
        if words != self.standing.problem:
            log.exception("%s", what)
        return words

    def _take_feed(self) -> None:
        """Store what the feed has; what could not be stored is kept and tried again."""
        if self._feed is None or self._append is None:
            return
        if self._pending is None:
            self._pending = self._feed.events_until(self._clock())
        if len(self._pending):
            self._append(self._pending)
        self._pending = None
