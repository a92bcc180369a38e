"""The decided clocks of a running service, kept for some minutes: every view of the service levels reads the same count."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pandas as pd

from features.live import LiveHistories
from serving.decided_clocks import decided_clocks
from serving.queue import Queue
from serving.similar import FinishedClocks


class LevelsBook:
    """The decided clocks of a running service, worked out anew every few minutes."""

    def __init__(self, histories: Callable[[], LiveHistories], keep_seconds: float = 300.0) -> None:
        self._histories, self._keep_seconds = histories, keep_seconds
        self._held: tuple[float, str, pd.DataFrame] | None = None
        self._finished: tuple[pd.DataFrame, FinishedClocks] | None = None
        self._working = threading.Lock()

    def clocks(self, queue: Queue) -> pd.DataFrame:
        """The clocks decided up to the queue's instant; those of an earlier instant where that is only minutes ago."""
        found, is_fresh = self._known(queue)
        if found is not None and is_fresh:
            return found
        with self._working:
            found, is_fresh = self._known(queue)
            return found if found is not None and is_fresh else self._count(queue)

    def soon(self, queue: Queue) -> pd.DataFrame | None:
        """The clocks as they were last counted, None before the first time; whoever asks does not wait for a count."""
        found, is_fresh = self._known(queue)
        if not is_fresh and self._working.acquire(blocking=False):
            threading.Thread(target=self._count_and_release, args=(queue,), name="levels", daemon=True).start()
        return found

    def finished(self, queue: Queue) -> FinishedClocks | None:
        """The clocks of `soon` as what is asked for those like a ticket's; made once for each count."""
        clocks, held = self.soon(queue), self._finished
        if clocks is None:
            return None
        if held is None or held[0] is not clocks:
            held = self._finished = (clocks, FinishedClocks(clocks))
        return held[1]

    def _known(self, queue: Queue) -> tuple[pd.DataFrame | None, bool]:
        if self._held is None or self._held[1] != queue.zone:
            return None, False
        return self._held[2], 0 <= queue.as_of.timestamp() - self._held[0] < self._keep_seconds

    def _count_and_release(self, queue: Queue) -> None:
        try:
            self._count(queue)
        finally:
            self._working.release()

    def _count(self, queue: Queue) -> pd.DataFrame:
        clocks = decided_clocks(self._histories(), queue.as_of, queue.zone)
        self._held = (queue.as_of.timestamp(), queue.zone, clocks)
        return clocks
