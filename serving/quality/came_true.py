"""How stored probabilities came true: what was said of tickets in a closed window, beside what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.live import LiveHistories
from features.snapshots import SnapshotKind, Snapshots
from sla.clocks.verdicts import VerdictState
from sla.instants import to_us

BINS = 10
TARGET = "resolution"
Floats = NDArray[np.float64]


class StoredScores(Protocol):
    """What is needed of features.store.predictions.Predictions."""

    def chunks(
        self, *, since: datetime | None = None, until: datetime | None = None, target: str | None = None
    ) -> Iterable[pd.DataFrame]:
        """Predictions stored between two instants."""


@dataclass(frozen=True)
class CameTrue:
    """How one bundle's probabilities came true: the first that it said of each ticket in a window.

    More of what was said would count those tickets more of which much was said before they ended, and so know the future:
    a model that is right would look wrong (docs/decisions/0014-row-weights.md). `expected`: the mean probability; `observed`: the share that breached; `calibration_error`: the mean distance of both
    over ten bins of as many tickets; `brier`: the mean squared distance of probability from outcome. Open clocks are `undecided`
    and do not count.
    """

    bundle_version: str
    is_shadow: bool
    since: datetime
    until: datetime
    tickets: int
    undecided: int
    expected: float
    observed: float
    brier: float
    calibration_error: float


def came_true(
    scores: StoredScores, histories: LiveHistories, now: datetime, *, window: timedelta, delay: timedelta
) -> list[CameTrue]:
    """The figures of each bundle that said something from `now - delay - window` to `now - delay`: a window whose outcomes are mostly known."""
    until = now - delay
    since = until - window
    columns = ["ticket_id", "bundle_version", "is_shadow", "scored_at", "probability"]
    parts = [
        part.loc[part["probability"].notna() & part["bundle_version"].notna(), columns]
        for part in scores.chunks(since=since, until=until, target=TARGET)
    ]
    said = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    if said.empty:
        return []
    said = said.sort_values("scored_at", kind="stable").drop_duplicates(["bundle_version", "is_shadow", "ticket_id"])
    outcome = said["ticket_id"].map(_outcomes(histories, said["ticket_id"].unique().tolist(), to_us(now)))
    said = said.assign(outcome=outcome.astype(np.float64))
    return [
        _figures(str(version), bool(shadow), since, until, one)
        for (version, shadow), one in said.groupby(["bundle_version", "is_shadow"], sort=True)
    ]


def _outcomes(histories: LiveHistories, ticket_ids: list[str], now_us: int) -> dict[str, float]:
    """1 for a ticket whose clock is known to be broken, 0 for one that was met; others are left out."""
    numbers = {ticket_id: histories.number(ticket_id) for ticket_id in ticket_ids}
    known = {ticket_id: number for ticket_id, number in numbers.items() if number is not None}
    if not known:
        return {}
    places = np.array(list(known.values()), np.int64)
    kind = np.full(len(places), SnapshotKind.LIVE, np.int8)
    verdicts = histories.verdicts(Snapshots(places, np.full(len(places), now_us), kind), TARGET)
    is_known = verdicts.is_in(VerdictState.MET) | verdicts.is_breached
    broken = verdicts.is_breached.astype(np.float64)
    return {ticket_id: float(broken[row]) for row, ticket_id in enumerate(known) if is_known[row]}


def _figures(version: str, is_shadow: bool, since: datetime, until: datetime, said: pd.DataFrame) -> CameTrue:
    decided = said[said["outcome"].notna()]
    p, y = decided["probability"].to_numpy(np.float64), decided["outcome"].to_numpy(np.float64)
    undecided = len(said) - len(decided)
    if not len(decided):
        nothing = float("nan")
        return CameTrue(version, is_shadow, since, until, 0, undecided, nothing, nothing, nothing, nothing)
    figures = (float(p.mean()), float(y.mean()), float(np.mean((p - y) ** 2)), calibration_error(p, y))
    return CameTrue(version, is_shadow, since, until, len(decided), undecided, *figures)


def calibration_error(probability: Floats, outcome: Floats, bins: int = BINS) -> float:
    """The mean distance of what was expected from what was observed, over bins of (nearly) as many tickets."""
    order = np.argsort(probability, kind="stable")
    gap = (probability - outcome)[order]
    number = np.arange(len(gap)) * bins // len(gap)
    return float(np.abs(np.bincount(number, gap, bins)).sum() / len(gap))
