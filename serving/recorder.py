"""What one of several services does besides showing its queue: it stores scores and lets others act on them, under a lease."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from features.store.faults import StoreError
from features.store.leases import Lease, LeaseLostError, holding
from serving.background import Loop, Trouble
from serving.champion import NOT_YET
from serving.lease import ScorerLease
from serving.queue import Queue

log = logging.getLogger(__name__)
Act = Callable[[Queue, Lease], object]
SOON_SECONDS = 0.5
"""So soon it looks again whether the registry has answered."""


class ScoreStore(Protocol):
    """A journal of scores, or the shadow's."""

    def forget(self) -> None:
        """Another process may have stored more."""

    def store(self, queue: Queue, conditions: Sequence[Callable[[Any], None]]) -> int:
        """How many scores were stored."""


@dataclass(frozen=True)
class Recorded:
    """What was stored last: of which queue, how many scores, and when (seconds of the process's steady clock)."""

    queue: Queue
    scores: int
    at_seconds: float


class Recorder:
    """Takes queues as they come, the newest only, in a thread of its own: a slow database makes no queue late.

    Acts while it holds the lease: each journal stores, then each of `acts` (alerts) is called with the queue and the lease.
    """

    def __init__(
        self,
        lease: ScorerLease,
        journals: Sequence[ScoreStore],
        acts: Sequence[Act] = (),
        says_of: Callable[[str | None], bool | None] | None = None,
    ) -> None:
        """`says_of`: see Champion; a queue of a version that is not served is let go, and waits while that is not known. None: all are."""
        self._lease, self._journals, self._acts, self._says_of = lease, journals, acts, says_of
        self._newest: Queue | None = None
        self._waits = False
        self._turn = threading.Lock()
        self._loop = Loop("recorder", self.step, self._rest_seconds, begins_waiting=True)
        self.trouble = Trouble("Scores are not stored")
        self._asked_seconds = float("-inf")
        self._knows = False
        self.recorded: Recorded | None = None

    @property
    def problem(self) -> str | None:
        """Why scores are not stored now."""
        return self.trouble.words

    @property
    def is_acting(self) -> bool:
        """Whether this process held the lease when it asked last."""
        return self._lease.is_held

    @property
    def holder(self) -> str | None:
        """Who acts, as far as known."""
        return self._lease.lease.holder if self._lease.lease else None

    def publish(self, queue: Queue) -> None:
        """Hand over a queue; returns at once. What the rules say until it is known whether there is a model is not acted on."""
        if queue.rules_only_reason == NOT_YET:
            return
        self._newest = queue
        self._loop.wake()

    def start(self) -> None:
        """Begin to act in the background."""
        self._loop.start()

    def stop(self) -> None:
        """Store what was handed over last, and give the lease back, so that another acts at once."""
        if self._loop.stop():
            self.step()
        try:
            self._lease.release()
        except StoreError:  # stopping goes on, and what is not given back expires
            log.exception("the lease could not be given back; it runs out by itself")

    def step(self) -> bool:
        """True where this process acted on a queue: one round of lease and, if it is held and there is a queue, storing."""
        with self._turn:
            queue = self._served()
            try:
                acted = self._act(queue)
            except Exception as fault:  # reasons are a bundle's, which may fail in any way: said, and tried again
                self._failed(fault)
                self._newest = self._newest or queue
                return False
            self.trouble.over()
            return acted

    def _served(self) -> Queue | None:
        """The newest queue, once, if it is of what is served."""
        queue, self._newest = self._newest, None
        said = True if queue is None or self._says_of is None else self._says_of(queue.bundle_version)
        self._waits = said is None
        if self._waits:
            self._newest = self._newest or queue
        return queue if said else None

    def _rest_seconds(self) -> float:
        return SOON_SECONDS if self._waits else self._lease.seconds / 3

    def _act(self, queue: Queue | None) -> bool:
        lease = self._held()
        if lease is None:
            self._knows = False
            return False
        if not self._knows:
            for journal in self._journals:
                journal.forget()
            self._knows = True
        if queue is None:
            return False
        stored = [journal.store(queue, [holding(lease)]) for journal in self._journals]
        self.recorded = Recorded(queue, sum(stored), time.monotonic())
        for act in self._acts:
            act(queue, lease)
        return True

    def _held(self) -> Lease | None:
        """The lease; asked for again when a third of it has passed."""
        now = time.monotonic()
        if now - self._asked_seconds >= self._lease.seconds / 3 or self._lease.lease is None:
            self._lease.take()
            self._asked_seconds = now
        return self._lease.lease if self._lease.is_held else None

    def _failed(self, fault: Exception) -> None:
        self.trouble.met(fault)
        self._knows = False
        if isinstance(fault, LeaseLostError):
            self._lease.lease = None
