"""Made services whose outages follow signals that anybody can see: what a model could reach at best is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.outages.rows import OutageRows
from features.schema import conform_service_events
from sla.instants import DAY_US

BEGIN = pd.Timestamp("2025-01-06", tz="UTC")
SIGNALS = ("change", "alert", "latency", "weekday")
EFFECTS = {"change": 3.2, "alert": 3.0, "latency": 2.8, "weekday": 1.5}


@dataclass(frozen=True)
class Truth:
    """The true probability of each service and day."""

    names: tuple[str, ...]
    probability: NDArray[np.float64]  # services x days

    def of(self, names: tuple[str, ...], rows: OutageRows) -> NDArray[np.float64]:
        """The true probability of each row."""
        place = np.array([self.names.index(name) for name in names])
        found: NDArray[np.float64] = self.probability[
            place[rows.service], rows.at_us // DAY_US - BEGIN.value // 1000 // DAY_US
        ]
        return found


def planted(
    services: int, days: int, *, seed: int = 0, signals: tuple[str, ...] = SIGNALS
) -> tuple[pd.DataFrame, Truth]:
    """Events of services with changes announced, alerts raised and latency risen on a tenth of the days, and outages.

    Only the `signals` named raise the odds of an outage; the others are there and mean nothing.
    """
    rng = np.random.default_rng(seed)
    names = tuple(f"service {number:03d}" for number in range(services))
    seen = {name: rng.random((services, days)) < 0.1 for name in ("change", "alert", "latency")}
    seen["weekday"] = np.broadcast_to(np.arange(days) % 7 == 1, (services, days))
    own = rng.normal(0, 0.3, (services, 1))
    odds = -4.2 + own + sum(EFFECTS[name] * seen[name] for name in signals)
    probability = 1 / (1 + np.exp(-odds))
    comes = rng.random((services, days)) < probability
    records: list[tuple[str, str, str, float, float, float]] = []
    for place, day in np.ndindex(services, days):
        name = names[place]
        slow = 400.0 if seen["latency"][place, day] else 100.0
        records.append((name, "latency", "point", day - 0.1, day - 0.1, slow * rng.lognormal(0, 0.1)))
        if seen["change"][place, day]:
            records.append((name, "change", "start", day + 0.1, day - 0.5, np.nan))
        if seen["alert"][place, day]:
            records.append((name, "alert", "point", day - 0.2, day - 0.2, np.nan))
        if comes[place, day]:
            begin = day + rng.uniform(0.1, 0.8)
            records.append((name, "outage", "start", begin, begin, np.nan))
            records.append((name, "outage", "end", begin + 0.02, begin + 0.02, np.nan))
    return _events(records), Truth(names, probability)


def _events(records: list[tuple[str, str, str, float, float, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(records, columns=["service", "kind", "phase", "event_at", "recorded_at", "value"])
    for column in ("event_at", "recorded_at"):
        frame[column] = (BEGIN + pd.to_timedelta(frame[column], unit="D")).astype("datetime64[us, UTC]")
    frame["event_id"] = [f"e{number}" for number in range(len(frame))]
    return conform_service_events(frame)
