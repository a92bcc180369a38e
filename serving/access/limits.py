"""How much one caller may ask: token buckets, in the memory of this process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MOST_CALLERS = 10_000


@dataclass
class _Bucket:
    tokens: float
    seconds: float


class Buckets:
    """A bucket a caller: `burst` at once, then `rate_per_second`. Of many callers the longest silent are forgotten."""

    def __init__(self, rate_per_second: float, burst: float, steady: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._steady = rate_per_second, burst, steady
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, caller: str, cost: float = 1.0) -> float:
        """0.0 where the caller may go on, which takes `cost` tokens; else the seconds until it may. `cost` 0 only looks."""
        with self._lock:
            now = self._steady()
            bucket = self._buckets.pop(caller, None) or _Bucket(self._burst, now)
            bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.seconds) * self._rate)
            bucket.seconds = now
            self._buckets[caller] = bucket
            while len(self._buckets) > _MOST_CALLERS:
                self._buckets.popitem(last=False)
            needed = max(cost, 1.0)
            if bucket.tokens < needed:
                return (needed - bucket.tokens) / self._rate
            bucket.tokens -= cost
            return 0.0
