"""What models said of tickets and how their clocks ended, as frames for the tests of quality."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pandas as pd

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def said_of(rows: list[tuple[str, float, float, str, bool, float | None]]) -> pd.DataFrame:
    """Ticket, hours before now, probability, bundle, whether in the shadow, hours until due (None: nobody knows)."""
    frame = pd.DataFrame(rows, columns=["ticket_id", "ago", "probability", "bundle_version", "is_shadow", "due"])
    frame["scored_at"] = pd.to_datetime([NOW - timedelta(hours=ago) for ago in frame["ago"]], utc=True)
    due = [None if pd.isna(hours) else NOW + timedelta(hours=float(hours)) for hours in frame["due"]]
    frame["due_at"] = pd.to_datetime(pd.Series(due, dtype=object), utc=True)
    return frame.drop(columns=["ago", "due"])


def clocks_of(ends: dict[str, tuple[float, bool]], target: str = "resolution") -> pd.DataFrame:
    """How many hours before now each was decided, and whether it was met."""
    rows = [(ticket, target, is_met, NOW - timedelta(hours=ago)) for ticket, (ago, is_met) in ends.items()]
    return pd.DataFrame(rows, columns=["ticket_id", "target", "is_met", "decided_at"])


def a_month(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two hundred tickets as three bundles spoke of them, and how most of their clocks ended."""
    chance = random.Random(seed)
    rows: list[tuple[str, float, float, str, bool, float | None]] = []
    ends = {}
    for number in range(200):
        ticket, opened = f"T{number}", chance.uniform(20, 300)
        due = None if chance.random() < 0.2 else -opened + chance.uniform(5, 80)
        for version, is_shadow in (("v1", False), ("v2", True), ("v0", False)):
            rows += [
                (ticket, opened - chance.uniform(0, 15), chance.random(), version, is_shadow, due)
                for _ in range(chance.randrange(4))
            ]
        if chance.random() < 0.8:
            ends[ticket] = (opened - chance.uniform(0, 60), chance.random() < 0.6)
    return said_of(rows), clocks_of(ends)
