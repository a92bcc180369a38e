"""Long work in a thread of its own, while the thread that began it goes on looking at what happens."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Meanwhile:
    """What is done while long work goes on: a `look` after every so many `seconds`. `now` tells the instant."""

    look: Callable[[], object]
    now: Callable[[], datetime]
    seconds: float = 0.25

    def during(self, work: Callable[[], T]) -> T:
        """What the work gave; it reads nothing that a look changes. Where either fails, the work is over before that is raised."""
        with ThreadPoolExecutor(1, thread_name_prefix="slacast-long-work") as pool:
            under_way = pool.submit(work)
            while not wait([under_way], timeout=self.seconds).done:
                self.look()
            return under_way.result()
