"""The challenger in the champion's shadow: it scores what the champion scores, is stored to be judged, and shown to no one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from models.bundle import BreachBundle
from serving.background import Trouble
from serving.queue import Queue
from serving.score_journal import ScoreJournal


class ScoredBy(Protocol):
    """What the shadow needs of the scorer."""

    def score_by(self, bundle: BreachBundle, at: datetime) -> Queue:
        """The queue as another bundle would have it."""


class Shadow:
    """Scores by the challenger, at most once in `seconds`: it costs as much as a tick does."""

    def __init__(
        self, scorer: ScoredBy, challenger: Callable[[], BreachBundle | None], journal: ScoreJournal, seconds: float
    ) -> None:
        self._scorer, self._challenger, self._journal = scorer, challenger, journal
        self._seconds, self._next = seconds, 0.0
        self._trouble = Trouble("The challenger cannot be asked")

    def forget(self) -> None:
        """As `ScoreJournal.forget`."""
        self._journal.forget()

    def store(self, queue: Queue, conditions: Sequence[Callable[[Any], None]]) -> int:
        """How many of the challenger's scores were stored, at the instant of the queue; none where it is not its turn."""
        bundle = self._challenger()
        if bundle is None or bundle.version == queue.bundle_version or time.monotonic() < self._next:
            return 0
        self._next = time.monotonic() + self._seconds
        try:
            scored = self._scorer.score_by(bundle, queue.as_of)
        except Exception as fault:  # made by others, it may fail in any way; nobody sees it, so nothing waits for it
            self._trouble.met(fault)
            return 0
        self._trouble.over()
        return self._journal.store(scored, conditions)
