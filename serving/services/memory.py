"""The service events that are known, read once and then only what is new."""

from __future__ import annotations

from typing import Protocol

import pandas as pd

from features.schema import empty_service_events


class ServiceEvents(Protocol):
    """What is needed of the store."""

    def last_service_sequence(self) -> int:
        """The highest sequence number of the service events."""

    def service_events(self, since_sequence: int = 0, *, up_to_sequence: int | None = None) -> pd.DataFrame:
        """Canonical service events."""


class Memory:
    """All service events of a store, kept; belongs to one thread."""

    def __init__(self, store: ServiceEvents) -> None:
        self._store = store
        self._last = 0
        self.events = empty_service_events()

    def has_news(self) -> bool:
        """Whether the store holds events that are not known yet."""
        return self._store.last_service_sequence() != self._last

    def read_news(self) -> None:
        """Nothing; `events` are all there are now."""
        last = self._store.last_service_sequence()
        if last != self._last:
            fresh = self._store.service_events(self._last, up_to_sequence=last)
            self.events = pd.concat([self.events, fresh], ignore_index=True) if len(self.events) else fresh
            self._last = last
