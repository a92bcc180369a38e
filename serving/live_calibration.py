"""Whether the probabilities that were shown came true: the first that was said of each ticket beside how its clock ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

BINS = 8
LEAST = 10
"""A bin holds at least so many tickets."""


@dataclass(frozen=True)
class Reliability:
    """Tickets of about the same probability: what was said of them on average, how many missed, of how many."""

    said: float
    missed: int
    count: int

    @property
    def seen(self) -> float:
        """The share that missed."""
        return self.missed / self.count


def live_calibration(
    predictions: Iterable[pd.DataFrame], clocks: pd.DataFrame, target: str = "resolution"
) -> list[Reliability]:
    """At most BINS parts of equal size by the first stored probability of each decided ticket, the lowest first.

    `predictions` are chunks of the store's, `clocks` the frame of serving.levels. Fewer tickets give fewer parts, none below LEAST.
    """  # fmt: skip
    wanted = ["ticket_id", "scored_at", "probability"]
    parts = [
        chunk.loc[~chunk["is_shadow"].astype(bool) & chunk["probability"].notna(), wanted] for chunk in predictions
    ]
    parts = [part for part in parts if len(part)]
    if not parts or clocks.empty:
        return []
    said = pd.concat(parts, ignore_index=True).sort_values("scored_at", kind="stable").drop_duplicates("ticket_id")
    ended = clocks[clocks["target"] == target].drop_duplicates("ticket_id", keep="last")[
        ["ticket_id", "is_met", "decided_at"]
    ]
    joined = said.merge(ended, on="ticket_id")
    joined = joined[joined["decided_at"] > joined["scored_at"]].sort_values(["probability", "ticket_id"], kind="stable")
    count = min(BINS, len(joined) // LEAST)
    if not count:
        return []
    return [_bin(joined.iloc[rows]) for rows in np.array_split(np.arange(len(joined)), count)]


def _bin(part: pd.DataFrame) -> Reliability:
    missed = int((~part["is_met"].to_numpy(dtype=bool)).sum())
    return Reliability(float(part["probability"].astype(float).mean()), missed, len(part))
