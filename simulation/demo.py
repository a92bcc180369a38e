"""The demo desk at work: its history, its live feed, and a clock that runs faster than ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from simulation.demo_world import MONITORED, ZONE, demo_world
from simulation.desk import Desk
from simulation.monitoring import Monitoring
from sla.instants import from_us, to_us

HISTORY_START = datetime(2026, 1, 5, tzinfo=ZoneInfo(ZONE))  # a Monday
WATCHED_FROM = datetime(
    2025, 7, 7, tzinfo=ZoneInfo(ZONE)
)  # monitoring is older than the ticket system: a model needs outages to learn from
LIVE_START = datetime(2026, 7, 6, 8, 30, tzinfo=ZoneInfo(ZONE))  # a Monday, half an hour after opening
SEED = 16


def demo_desk(seed: int = SEED) -> Desk:
    """Return the demo desk on the morning of its first day, with nothing happened yet."""
    return Desk(demo_world(), seed, HISTORY_START)


def demo_monitoring(seed: int = SEED) -> Monitoring:
    """Return what watches the services of the demo desk, with nothing happened yet."""
    return Monitoring(demo_world(), MONITORED, seed, WATCHED_FROM)


def demo_history(seed: int = SEED, months: int = 6) -> pd.DataFrame:
    """Return the canonical ticket events of the demo desk's first months (4 weeks and 2 or 3 days each); 6 reach the live start."""
    return demo_desk(seed).events_until(history_end(months))


def history_end(months: int) -> datetime:
    """Return the end of a history of so many months: 08:30 on the last Monday of them; 6 months end at LIVE_START."""
    month = HISTORY_START.month - 1 + months
    day = date(HISTORY_START.year + month // 12, month % 12 + 1, LIVE_START.day)
    monday = day - timedelta(days=day.weekday())
    return datetime.combine(monday, LIVE_START.time(), LIVE_START.tzinfo)


class DemoFeed:
    """The demo desk as a source of events, one step after another; what monitoring recorded meanwhile goes to `keep`."""

    def __init__(
        self, desk: Desk, monitoring: Monitoring | None = None, keep: Callable[[pd.DataFrame], object] = len
    ) -> None:
        self._desk, self._monitoring, self._keep = desk, monitoring, keep

    def events_until(self, at: datetime) -> pd.DataFrame:
        """Return what the desk has recorded since the last call and up to `at`; an empty frame if that is nothing."""
        if self._monitoring is not None:
            watched = self._monitoring.events_until(at)
            if len(watched):
                self._keep(watched)
        return self._desk.events_until(at)


class DemoClock:
    """Simulated time: begins at `start_at` and runs `speed` times as fast as `monotonic`, a clock in seconds."""

    def __init__(self, start_at: datetime, speed: float, monotonic: Callable[[], float]) -> None:
        if speed <= 0:
            raise ValueError(
                f"the speed of the demo's clock is {speed}; it must be above 0 (60 = a minute passes every second)"
            )
        self._start_us = to_us(start_at)
        self._speed = speed
        self._monotonic = monotonic
        self._began_seconds = monotonic()

    def now(self) -> datetime:
        """Return the simulated instant, aware, in UTC."""
        return from_us(self._start_us + int((self._monotonic() - self._began_seconds) * self._speed * 1_000_000))

    __call__ = now
