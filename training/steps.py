"""Named steps of a long job: told as they begin, timed as they end."""

from __future__ import annotations

import time
from collections.abc import Callable

Progress = Callable[[str], None]


class Steps:
    """Tells each step to `progress` and keeps its seconds (of a monotonic clock)."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._name: str | None = None
        self._began_seconds = 0.0
        self.seconds: dict[str, float] = {}

    def begin(self, name: str) -> None:
        """Ends the step before and begins one; a name used again adds up."""
        self.end()
        self._name, self._began_seconds = name, time.perf_counter()
        self._progress(name)

    def end(self) -> None:
        """Ends the current step, if there is one."""
        if self._name is not None:
            took = time.perf_counter() - self._began_seconds
            self.seconds[self._name] = self.seconds.get(self._name, 0.0) + took
        self._name = None
