"""Looks in the background at what may change beside the events: the models, the agreements."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from serving.background import Loop, Trouble

Look = Callable[[], bool]
GRACE_SECONDS = 10.0
"""So long the first look waits after `begin` gave something to go on with: importing MLflow takes seconds of the processor that the first scoring needs."""


class Watch:
    """Looks again and again, in a thread of its own: a registry that does not answer must not hold up the tick.

    Where no thread runs (a report, a single step), `take` looks itself.
    """

    def __init__(self, looks: Sequence[Look], seconds: float, begin: Look | None = None) -> None:
        """`begin`: called once by the thread, before it looks; where it says True, the first look may wait a little."""
        self._looks = [(look, Trouble("A look at what may have changed failed")) for look in looks]
        self._seconds, self._begin, self._has_begun, self._has_looked = seconds, begin, False, False
        self._changed = threading.Event()
        self._loop = Loop("watch", self._turn, self._rest_seconds)
        self._next_look = 0.0

    def start(self) -> None:
        """Begin to look in the background, at once."""
        self._loop.start()

    def stop(self) -> None:
        """End the looking; does not wait for an answer from elsewhere."""
        self._loop.stop(timeout_seconds=1.0)

    def hasten(self) -> None:
        """Look soon instead of when it is time: something is likely to have changed."""
        self._next_look = 0.0
        self._loop.wake()

    def take(self) -> bool:
        """True where something changed since it was last taken."""
        now = time.monotonic()
        if not self._loop.is_running and now >= self._next_look:
            self._next_look = now + self._seconds
            self.look()
        found = self._changed.is_set()
        self._changed.clear()
        return found

    def _turn(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            if self._begin is not None and self._begin():
                self._changed.set()
                return
        self.look()

    def _rest_seconds(self) -> float:
        return self._seconds if self._has_looked else min(self._seconds, GRACE_SECONDS)

    def look(self) -> None:
        """Look at everything once; what fails is logged and does not hide the rest."""
        self._has_looked = True
        for look, trouble in self._looks:
            try:
                if look():
                    self._changed.set()
                trouble.over()
            except Exception as fault:  # one that fails, in whatever way, must not hide what the others found
                trouble.met(fault)
