"""Long work in a thread of its own, while the thread that began it goes on looking at what happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Meanwhile:
    """What is done while long work goes on: a `look` after every so many `seconds`, or as many as the look before took. `now` tells the instant."""

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
                rest_seconds = max(self.seconds, time.monotonic() - began)
            return under_way.result()
