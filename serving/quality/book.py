"""The quality of a running service's estimates, worked out anew in the background every few minutes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from features.store.faults import StoreError
from features.store.repository import Store
from serving.quality.calibration import Reliability, live_calibration
from serving.quality.contest import Contest, contest, mornings_of
from serving.quality.estimated import Span, estimated_quality
from serving.quality.statements import first_said
from serving.queue import Queue

log = logging.getLogger(__name__)
OVER = timedelta(days=28)
MOST_ROWS = 300_000
"""About so many stored scores are read; where there are more, those of every n-th ticket."""
KEEP_SECONDS = 600.0


@dataclass(frozen=True)
class Quality:
    """Of the scores since an instant, of one ticket in `one_in`: what came true, what is to be expected, and who caught more."""

    since: datetime
    until: datetime
    one_in: int
    calibration: list[Reliability]
    spans: list[Span]
    contest: Contest | None


def quality_of(store: Store, queue: Queue, clocks: pd.DataFrame) -> Quality:
    """The quality at the instant of a queue. `clocks` is the frame of serving.levels. Raises StoreError."""
    since = queue.as_of - OVER
    some = store.predictions.said_of_some(since, queue.target, MOST_ROWS)
    first = first_said(some.frame, clocks, queue.target)
    mornings = mornings_of(since, queue.as_of, queue.zone)
    return Quality(
        since=since,
        until=queue.as_of,
        one_in=some.one_in,
        calibration=live_calibration(first),
        spans=estimated_quality(first, since, queue.as_of),
        contest=contest(some.frame, clocks, queue.target, queue.bundle_version or "", mornings),
    )


class QualityBook:
    """The quality as it was last worked out; whoever asks does not wait."""

    def __init__(self, store: Store | None, clocks: Callable[[Queue], pd.DataFrame]) -> None:
        self._store, self._clocks = store, clocks
        self._held: tuple[tuple[str | None, str], Quality] | None = None
        self._working = threading.Lock()

    def soon(self, queue: Queue) -> Quality | None:
        """The quality of the queue's bundle, None before it was first worked out; begins to work it out anew where it is old."""
        found, is_fresh = self._known(queue)
        if self._store is not None and not is_fresh and self._working.acquire(blocking=False):
            threading.Thread(target=self._work, args=(self._store, queue), name="quality", daemon=True).start()
        return found

    def _known(self, queue: Queue) -> tuple[Quality | None, bool]:
        held = self._held
        if held is None or held[0] != (queue.bundle_version, queue.zone):
            return None, False
        return held[1], 0 <= (queue.as_of - held[1].until).total_seconds() < KEEP_SECONDS

    def _work(self, store: Store, queue: Queue) -> None:
        try:
            self._held = ((queue.bundle_version, queue.zone), quality_of(store, queue, self._clocks(queue)))
        except StoreError as fault:
            log.warning("the quality of the estimates cannot be worked out at present: %s", fault)
        finally:
            self._working.release()
