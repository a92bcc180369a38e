"""What the suggested order is worth by switchback: tickets late in weeks with it against weeks without it, of the same teams.

A ticket counts in the week, and for the team, in which it was opened. Weeks come in pairs, one of each kind, and whole pairs are drawn for the
interval (block bootstrap): what happens to all teams of a desk at once, such as an outage, is one event and not many. Tickets opened in the first
day of a week are left out: what the week before left behind still waits in front of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from serving.switchback import Switchback
from sla.instants import DAY_US

FEWEST_PAIRS = 4
DRAWS, SEED = 4000, 8
WASHED_OUT_US = DAY_US
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """Tickets of weeks of one kind."""

    tickets: int
    late: int
    cost: float

    @property
    def late_share(self) -> float:
        """The share that was late; nan without tickets."""
        return self.late / self.tickets if self.tickets else float("nan")


@dataclass(frozen=True)
class Effect:
    """What the suggested order changed. `late_points`: percentage points late; `relative`: the late, as a share of those without it (-0.5: half
    as many); each with its 95 % interval, None where fewer than FEWEST_PAIRS whole pairs of weeks are over.
    """

    pairs: int
    suggested: Arm
    by_due_time: Arm
    late_points: float
    late_points_interval: tuple[float, float] | None
    relative: float
    relative_interval: tuple[float, float] | None
    cost_relative: float
    cost_relative_interval: tuple[float, float] | None


def weekly(tickets: pd.DataFrame, switchback: Switchback, until_us: int) -> pd.DataFrame:
    """Sums by team and week of whole pairs of weeks that were over at an instant: team, week, pair, is_suggested, tickets, late, cost.

    `tickets`: team, opened_us, is_late, cost (of a breach), one row each; those of a week's first day are left out.
    """
    opened_us = tickets["opened_us"].to_numpy(np.int64)
    week = switchback.week(opened_us)
    over = int(switchback.week(np.array([until_us], np.int64))[0]) // 2 * 2
    is_washed = switchback.week(opened_us - WASHED_OUT_US) < week
    is_in = (week >= 0) & (week < over) & ~is_washed
    mine = tickets.assign(week=week, cost=tickets["cost"] * tickets["is_late"])[is_in & (tickets["team"] != "")]
    sums = mine.groupby(["team", "week"], as_index=False).agg(
        tickets=("is_late", "size"), late=("is_late", "sum"), cost=("cost", "sum")
    )
    arms = [
        bool(switchback.arm(team, np.array([number]))[0])
        for team, number in zip(sums["team"], sums["week"], strict=True)
    ]
    return sums.assign(pair=sums["week"] // 2, is_suggested=np.array(arms, dtype=np.bool_))


def effect(sums: pd.DataFrame) -> Effect | None:
    """The effect told by weekly sums; None where not both kinds of weeks have tickets."""
    pairs = np.sort(sums["pair"].unique())
    cells = np.zeros((len(pairs), 2, 3))
    place = np.searchsorted(pairs, sums["pair"].to_numpy())
    np.add.at(
        cells, (place, sums["is_suggested"].to_numpy(np.int64)), sums[["tickets", "late", "cost"]].to_numpy(np.float64)
    )
    total = cells.sum(axis=0)
    if not (total[:, 0] > 0).all():
        return None
    drawn = np.random.default_rng(SEED).integers(0, len(pairs), (DRAWS, len(pairs)))
    found, draws = _changes(total[None]), _changes(cells[drawn].sum(axis=1))
    is_told = len(pairs) >= FEWEST_PAIRS
    low, high = np.nanquantile(draws, [0.025, 0.975], axis=0) if is_told else (np.zeros(3), np.zeros(3))
    intervals = [(float(a), float(b)) if is_told else None for a, b in zip(low, high, strict=True)]
    off, on = (Arm(int(one[0]), int(one[1]), float(one[2])) for one in total)
    points, relative, cost = found[0].tolist()
    return Effect(len(pairs), on, off, points, intervals[0], relative, intervals[1], cost, intervals[2])


def _changes(total: Floats) -> Floats:
    """Percentage points late, late relative and cost relative, of n sums (without, with) x (tickets, late, cost): n x 3."""
    with np.errstate(divide="ignore", invalid="ignore"):
        late, cost = total[:, :, 1] / total[:, :, 0], total[:, :, 2] / total[:, :, 0]
        return np.column_stack(
            [100 * (late[:, 1] - late[:, 0]), late[:, 1] / late[:, 0] - 1, cost[:, 1] / cost[:, 0] - 1]
        )
