"""The background tick: takes in news, scores every open ticket, and keeps the last good queue when something fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pandas as pd

from serving.queue import Queue

log = logging.getLogger(__name__)
Now = Callable[[], datetime]


class Feed(Protocol):
    """A source of events that goes on by itself, such as the simulated desk of the demo."""

    def events_until(self, at: datetime) -> pd.DataFrame:
        """The canonical ticket events since the last call, up to and including `at`; possibly none."""


class QueueSource(Protocol):
    """What the ticker drives: the scorer."""

    def read_news(self) -> bool:
        """True where the store had events that were not known yet."""

    def score(self, at: datetime) -> Queue:
        """The queue at an instant."""


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
    """Scores on a tick, at once on news and on a new bundle. Errors are logged and shown, never the end of the service."""

    def __init__(
        self,
        source: QueueSource,
        clock: Now,
        *,
        feed: Feed | None = None,
        append: Callable[[pd.DataFrame], object] | None = None,
        poll_model: Callable[[], bool] | None = None,
        tick_seconds: float = 60.0,
        news_seconds: float = 1.0,
        model_poll_seconds: float = 30.0,
    ) -> None:
        self._source, self._clock = source, clock
        self._feed, self._append, self._poll_model = feed, append, poll_model
        self._tick_seconds, self._news_seconds, self._model_poll_seconds = (
            tick_seconds,
            news_seconds,
            model_poll_seconds,
        )
        self._pending: pd.DataFrame | None = None
        self._next_model_poll = self._next_tick = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.standing = Standing()

    def start(self) -> None:
        """Begin to tick in the background."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="slacast-ticker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the tick; waits for a scoring that is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._stop.is_set():
            self.step()
            self._stop.wait(self._news_seconds)

    def step(self) -> bool:
        """True where the queue was scored anew: one round of feed, news, model and, if any of them or the tick asks, scoring."""
        try:
            return self._step()
        except Exception as fault:  # whatever fails, the last good queue stays and the reason is shown
            log.exception("scoring failed")
            self.standing = Standing(
                self.standing.queue, self.standing.scored_seconds, f"{type(fault).__name__}: {fault}"
            )
            self._next_tick = 0.0
            return False

    def _step(self) -> bool:
        now = time.monotonic()
        self._take_feed()
        is_due = self._source.read_news() or now >= self._next_tick
        if self._poll_model is not None and now >= self._next_model_poll:
            self._next_model_poll = now + self._model_poll_seconds
            is_due = self._poll_model() or is_due
        if not is_due:
            return False
        self._next_tick = now + self._tick_seconds
        self.standing = Standing(self._source.score(self._clock()), time.monotonic())
        return True

    def _take_feed(self) -> None:
        """Store what the feed has; what could not be stored is kept and tried again."""
        if self._feed is None or self._append is None:
            return
        if self._pending is None:
            self._pending = self._feed.events_until(self._clock())
        if len(self._pending):
            self._append(self._pending)
        self._pending = None
