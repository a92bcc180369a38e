"""Long work in a thread of its own, while the thread that began it goes on looking at what happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

T = TypeVar("T")
FRESH_SECONDS = 1.0
"""So soon news should be shown, also when they came just after a look had read."""
RESTS = 8.0


def rest_after(took_seconds: float, least_seconds: float) -> float:
    """How many seconds looks at news rest after one that took so long: under a flood of news the processor belongs to those who bring it.

    RESTS times as long as the look, while news that just missed it are still shown in FRESH_SECONDS (the rest of that look, the rest,
    and the next look); in any case as long as the look, and at least `least_seconds`.
    """
    long = min(RESTS * took_seconds, FRESH_SECONDS - 2.0 * took_seconds)
    return max(least_seconds, took_seconds, long)


@dataclass(frozen=True)
class Meanwhile:
    """What is done while long work goes on: a `look` after every so many `seconds`, or as `rest_after` says. `now` tells the instant."""

    look: Callable[[], object]
    now: Callable[[], datetime]
    seconds: float = 0.25

    def during(self, work: Callable[[], T]) -> T:
        """What the work gave; it reads nothing that a look changes. Where either fails, the work is over before that is raised."""
        with ThreadPoolExecutor(1, thread_name_prefix="slacast-long-work") as pool:
            under_way = pool.submit(work)
            rest_seconds = self.seconds
            while not wait([under_way], timeout=rest_seconds).done:
                began = time.monotonic()
                self.look()
                rest_seconds = rest_after(time.monotonic() - began, self.seconds)
            return under_way.result()
