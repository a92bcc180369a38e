"""Looks in the background at what may change beside the events: the models, the agreements."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)
Look = Callable[[], bool]


class Watch:
    """Looks again and again, in a thread of its own: a registry that does not answer must not hold up the tick.

    Where no thread runs (a report, a single step), `take` looks itself.
    """

    def __init__(self, looks: Sequence[Look], seconds: float) -> None:
        self._looks, self._seconds = looks, seconds
        self._changed, self._stop, self._wanted = threading.Event(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._next_look = 0.0

    def start(self) -> None:
        """Begin to look in the background, at once."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="slacast-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the looking; does not wait for an answer from elsewhere."""
        self._stop.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)
            self._thread = None

    def hasten(self) -> None:
        """Look soon instead of when it is time: something is likely to have changed."""
        self._next_look = 0.0
        self._wanted.set()

    def take(self) -> bool:
        """True where something changed since it was last taken."""
        now = time.monotonic()
        if self._thread is None and now >= self._next_look:
            self._next_look = now + self._seconds
            self.look()
        found = self._changed.is_set()
        self._changed.clear()
        return found

    def look(self) -> None:
        """Look at everything once; what fails is logged and does not hide the rest."""
        for look in self._looks:
            try:
                if look():
                    self._changed.set()
            except (
                Exception
            ):  # MLflow's, the database's, the disk's: one that is gone must not hide what the others found
                log.exception("a look at what may have changed failed")

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._wanted.wait(self._seconds)
            self._wanted.clear()
