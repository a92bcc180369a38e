"""Looks in the background at what may change beside the events: the models, the agreements."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from serving.background import Loop, Trouble

Look = Callable[[], bool]


class Watch:
    """Looks again and again, in a thread of its own: a registry that does not answer must not hold up the tick.

    Where no thread runs (a report, a single step), `take` looks itself.
    """

    def __init__(self, looks: Sequence[Look], seconds: float) -> None:
        self._looks = [(look, Trouble("A look at what may have changed failed")) for look in looks]
        self._seconds = seconds
        self._changed = threading.Event()
        self._loop = Loop("watch", self.look, lambda: seconds)
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

    def look(self) -> None:
        """Look at everything once; what fails is logged and does not hide the rest."""
        for look, trouble in self._looks:
            try:
                if look():
                    self._changed.set()
                trouble.over()
            except Exception as fault:  # one that fails, in whatever way, must not hide what the others found
                trouble.met(fault)
