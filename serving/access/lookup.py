"""What the store said a moment ago: asked anew every second, and kept while the store cannot be asked."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from features.store.faults import StoreError
from serving.problems import ProblemError

T = TypeVar("T")
FRESH_SECONDS, STALE_SECONDS = 1.0, 300.0
MARGIN_SECONDS = 0.1
"""What is said to be at hand stays so for this long."""
_MOST = 4_096


class Lookup(Generic[T]):
    """Finds by a name. What was found is good for a second; while the store is gone, for five minutes. Nothing found is not kept."""

    def __init__(self, find: Callable[[str], T | None], steady: Callable[[], float] = time.monotonic) -> None:
        self._find, self._steady = find, steady
        self._found: OrderedDict[str, tuple[T, float]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> T | None:
        """What the store has under the name; ProblemError 503 where it cannot be asked and was not lately."""
        now = self._steady()
        with self._lock:
            kept = self._found.get(name)
        if kept is not None and now - kept[1] < FRESH_SECONDS:
            return kept[0]
        try:
            found = self._find(name)
        except StoreError as error:
            if kept is not None and now - kept[1] < STALE_SECONDS:
                return kept[0]
            detail = "Who you are cannot be checked at present: the store does not answer. Try again in a moment."
            raise ProblemError(503, detail, headers={"Retry-After": "5"}) from error
        with self._lock:
            self._found.pop(name, None)
            if found is not None:
                self._found[name] = (found, now)
            while len(self._found) > _MOST:
                self._found.popitem(last=False)
        return found

    def at_hand(self, name: str) -> T | None:
        """What `get` gives without asking the store, and will for a moment; None where it would ask."""
        with self._lock:
            kept = self._found.get(name)
        is_fresh = kept is not None and self._steady() - kept[1] < FRESH_SECONDS - MARGIN_SECONDS
        return kept[0] if kept is not None and is_fresh else None

    def forget(self, name: str) -> None:
        """Nothing; the store is asked next time."""
        with self._lock:
            self._found.pop(name, None)
