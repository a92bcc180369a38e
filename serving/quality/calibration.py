"""Whether the probabilities that were shown came true: the first that was said of each ticket beside how its clock ended."""

from __future__ import annotations

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


def live_calibration(first: pd.DataFrame) -> list[Reliability]:
    """At most BINS parts of equal size by the first stored probability of each ended clock, the lowest first.

    `first` is that of serving.quality.statements. Fewer tickets give fewer parts, none below LEAST.
    """
    ended = first[first["is_ended"]].sort_values(["probability", "ticket_id"], kind="stable")
    count = min(BINS, len(ended) // LEAST)
    if not count:
        return []
    return [_bin(ended.iloc[rows]) for rows in np.array_split(np.arange(len(ended)), count)]


def _bin(part: pd.DataFrame) -> Reliability:
    missed = int(part["missed"].sum())
    return Reliability(float(part["probability"].mean()), missed, len(part))
