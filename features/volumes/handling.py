"""How long tickets of each series were worked on, where the log says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.hands_on import BOOKED
from features.volumes.counts import ALL, Series

LEAST_TICKETS = 20
EVIDENCE = 20.0  # tickets' worth of "as all tickets"


@dataclass(frozen=True)
class Handling:
    """Minutes of work a ticket: their mean, the standard error of the mean, and the standard deviation among tickets."""

    minutes: float
    error: float
    deviation: float
    tickets: int  # that it was learned from; 0: it was stated

    @classmethod
    def stated(cls, minutes: float) -> Handling:
        """As somebody said; single tickets are taken to vary as exponential ones do."""
        return cls(minutes, 0.0, minutes, 0)


def handling_times(events: pd.DataFrame, series: Sequence[Series]) -> dict[str, Handling] | None:
    """By name of series, from canonical events; means of few tickets are drawn to that of all. None where fewer than 20 tickets tell.

    What is booked is a running total, so a ticket took what its last event says.
    """
    if BOOKED not in events:
        return None
    ordered = events.sort_values(["event_at", "recorded_at", "event_id"], kind="stable")
    minutes = pd.to_numeric(ordered[BOOKED], errors="coerce")
    told = ordered.assign(minutes=minutes)[minutes > 0].groupby("ticket_id")["minutes"].last()
    if len(told) < LEAST_TICKETS:
        return None
    levels = [one for one in dict.fromkeys(one.level for one in series) if one != ALL]
    words = ordered[["ticket_id", *levels]].replace("", None).groupby("ticket_id", sort=False).first().loc[told.index]
    whole = _of(told.to_numpy(np.float64), None)
    found = {}
    for one in series:
        own = told if one.level == ALL else told[(words[one.level] == one.subject).to_numpy()]
        found[one.name] = _of(own.to_numpy(np.float64), whole)
    return found


def _of(minutes: np.ndarray[tuple[int], np.dtype[np.float64]], whole: Handling | None) -> Handling:
    if whole is None:
        spread = float(minutes.std(ddof=1))
        return Handling(float(minutes.mean()), spread / len(minutes) ** 0.5, spread, len(minutes))
    n = len(minutes)
    mean = (float(minutes.sum()) + EVIDENCE * whole.minutes) / (n + EVIDENCE)
    spread = float(minutes.std(ddof=1)) if n >= LEAST_TICKETS else whole.deviation
    return Handling(mean, spread / (n + EVIDENCE) ** 0.5, spread, n)
