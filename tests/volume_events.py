"""Made events of a desk with a week, for the tests of forecasts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.schema import conform_ticket_events
from sla.instants import DAY_US

FIRST = pd.Timestamp("2026-01-05T00:00", tz="UTC")  # a Monday
WEEK = (1.3, 1.1, 1.0, 1.0, 0.9, 0.2, 0.1)


def volume_events(days: int, *, seed: int = 0, minutes: bool = True) -> pd.DataFrame:
    """Tickets of two teams and services, most resolved within two days; handling takes 30 minutes on average."""
    rng = np.random.default_rng(seed)
    per_day = rng.poisson(np.array([30.0 * WEEK[day % 7] for day in range(days)]))
    n = int(per_day.sum())
    day = np.repeat(np.arange(days), per_day)
    opened = FIRST + pd.to_timedelta(day * DAY_US + rng.integers(8 * 3600, 18 * 3600, n) * 1_000_000, unit="us")
    team = rng.choice(["Desk", "Network"], n, p=[0.7, 0.3])
    common = {
        "ticket_id": [f"T{number:05d}" for number in range(n)],
        "team": team,
        "priority": rng.choice(["1", "2", "3"], n),
    }
    created = pd.DataFrame(
        common
        | {"event_id": [f"c{number}" for number in range(n)], "event_at": opened, "kind": "created", "status": "new"}
    )
    created["service"] = np.where(team == "Desk", "Mail", "VPN")
    ended = opened + pd.to_timedelta(rng.exponential(20 * 3600, n) + 600, unit="s").round("us")
    resolved = pd.DataFrame(
        common
        | {"event_id": [f"r{number}" for number in range(n)], "event_at": ended, "kind": "status", "status": "resolved"}
    )
    if minutes:
        resolved["attributes.handling_minutes"] = [f"{value:.1f}" for value in rng.exponential(30.0, n)]
    events = pd.concat([created, resolved], ignore_index=True)
    end = FIRST + pd.Timedelta(days=days)
    return conform_ticket_events(events[events["event_at"] < end])
