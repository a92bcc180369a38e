"""The spans of a tick: what was read, scored and stored of it, told around the parts that do it."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from serving.meanwhile import Meanwhile
from serving.queue import Queue
from serving.tracing import Note, Tracing

if TYPE_CHECKING:
    from opentelemetry.context import Context

Scored = TypeVar("Scored", Queue, Queue | None)
_MOST_KNOWN = 4  # the queue that is stored, and those that were scored since


class Scoring(Protocol):
    """What the ticker drives: the scorer."""

    def read_news(self) -> bool:
        """True where the store had events that were not known yet."""

    def score(self, at: datetime, meanwhile: Meanwhile | None = None) -> Queue:
        """The queue at an instant."""

    def refresh(self, at: datetime) -> Queue:
        """The same, of tickets without news as before."""

    def glance(self, at: datetime) -> Queue | None:
        """The same while all are scored."""


class Storing(Protocol):
    """What stores the scores of a queue: a journal."""

    def forget(self) -> None:
        """Another process may have stored more."""

    def store(self, queue: Queue, conditions: Sequence[Callable[[Any], None]]) -> int:
        """How many scores were stored."""


class TickSpans:
    """A scorer that tells each tick as a span `tick` with its parts `read news` and `score`; looks that find no news tell nothing.

    How its scores are stored afterwards, in another thread, is told as a part of it by a journal that was put `around`.
    """

    def __init__(self, scorer: Scoring, tracing: Tracing) -> None:
        self._scorer, self._tracing = scorer, tracing
        self._read: tuple[int, int] | None = None
        self._known: deque[tuple[weakref.ref[Queue], Context | None]] = deque(maxlen=_MOST_KNOWN)

    def read_news(self) -> bool:
        """As the scorer does."""
        began_ns = time.time_ns()
        try:
            has_news = self._scorer.read_news()
        except Exception as fault:  # caught to be told by its class, and raised on as it is
            self._tracing.past("read news", began_ns, failed_by=type(fault).__name__)
            raise
        if has_news:
            self._read = (began_ns, time.time_ns())
        return has_news

    def score(self, at: datetime, meanwhile: Meanwhile | None = None) -> Queue:
        """As the scorer does; a glance meanwhile is told as a tick within."""
        return self._ticked("all", lambda: self._scorer.score(at, meanwhile))

    def refresh(self, at: datetime) -> Queue:
        """As the scorer does."""
        return self._ticked("news", lambda: self._scorer.refresh(at))

    def glance(self, at: datetime) -> Queue | None:
        """As the scorer does."""
        return self._ticked("news", lambda: self._scorer.glance(at))

    def around(self, journal: Storing) -> StoringSpans:
        """The journal, telling how it stores."""
        return StoringSpans(journal, self._tracing, self)

    def of(self, queue: Queue) -> Context | None:
        """The tick that scored the queue, None where it is not known any more."""
        return next((context for known, context in reversed(self._known) if known() is queue), None)

    def _ticked(self, what: str, scored: Callable[[], Scored]) -> Scored:
        read, self._read = self._read, None
        began_ns = read[0] if read else None
        with self._tracing.span("tick", began_ns=began_ns, slacast__scored=what) as tick:
            if read:
                self._tracing.past("read news", *read)
            with self._tracing.span("score") as note:
                queue = scored()
                if queue is not None:
                    _tell_size(note, queue)
            if queue is not None:
                self._known.append((weakref.ref(queue), tick.context))
        return queue


class StoringSpans:
    """A journal that tells how it stores, as a part of the queue's tick."""

    def __init__(self, journal: Storing, tracing: Tracing, ticks: TickSpans) -> None:
        self._journal, self._tracing, self._ticks = journal, tracing, ticks

    def forget(self) -> None:
        """As the journal does."""
        self._journal.forget()

    def store(self, queue: Queue, conditions: Sequence[Callable[[Any], None]]) -> int:
        """As the journal does."""
        with self._tracing.span("store scores", parent=self._ticks.of(queue)) as note:
            stored = self._journal.store(queue, conditions)
            note.tell(slacast__scores=stored)
        return stored


def _tell_size(note: Note, queue: Queue) -> None:
    note.tell(slacast__open_tickets=len(queue.rows))
    if queue.bundle_version is not None:
        note.tell(slacast__bundle=queue.bundle_version)
