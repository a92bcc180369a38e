"""Finished tickets like one that is open, and how they ended: what a person remembers of such tickets, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

ALIKE_BY = ("category", "service", "team", "priority")
"""What two tickets are compared by; each counts the same."""
LEAST_ALIKE = 2
LISTED, COUNTED = 6, 100


@dataclass(frozen=True)
class Finished:
    """A finished ticket. `alike_by`: what it shares with the one looked at."""

    ticket_id: str
    is_met: bool
    decided_at: datetime
    share_used: float
    alike_by: tuple[str, ...]


@dataclass(frozen=True)
class Similar:
    """The tickets most like one, the latest first among equals, and of how many of them how many missed their target."""

    tickets: tuple[Finished, ...]
    count: int
    missed: int


def similar(clocks: pd.DataFrame, facts: Mapping[str, str], ticket_id: str, target: str = "resolution") -> Similar:
    """The decided clocks of a target (a frame of serving.levels) most like a ticket with these facts; none that share too little."""
    known = [name for name in ALIKE_BY if facts.get(name)]
    if len(known) < LEAST_ALIKE or clocks.empty:
        return Similar((), 0, 0)
    score = np.zeros(len(clocks), np.int8)
    for name in known:
        score += (clocks[name] == facts[name]).to_numpy(dtype=bool)
    score[(clocks["target"] != target).to_numpy(dtype=bool)] = 0
    score[(clocks["ticket_id"] == ticket_id).to_numpy(dtype=bool)] = 0
    if score.max() < LEAST_ALIKE:
        return Similar((), 0, 0)
    most = clocks.iloc[np.flatnonzero(score == score.max())]
    decided = most["decided_at"].astype("int64").to_numpy()
    if len(most) > COUNTED:  # few of many: only these are put in order
        recent = decided >= np.partition(decided, -COUNTED)[-COUNTED]
        most, decided = most.iloc[np.flatnonzero(recent)], decided[recent]
    best = most.iloc[np.lexsort((most["ticket_id"].to_numpy(dtype=str), -decided))[:COUNTED]]
    found = tuple(
        Finished(
            row["ticket_id"],
            bool(row["is_met"]),
            row["decided_at"].to_pydatetime(),
            float(row["share_used"]),
            tuple(name for name in known if row[name] == facts[name]),
        )
        for _, row in best.iloc[:LISTED].iterrows()
    )
    missed = int((~best["is_met"].to_numpy(dtype=bool)).sum())
    return Similar(found, len(best), missed)
