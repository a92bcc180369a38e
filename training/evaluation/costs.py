"""What acting costs: a ticket is acted upon once its probability first passes a threshold, and acting saves the promise.

That acting helps is assumed, not measured; how much a missed breach costs in actions is the reader's to say, so six
ratios stand beside each other. The threshold of a ratio is chosen on earlier data, never on the data it is judged on. A
probability that means what it says needs no choice: acting pays once it is above one in the ratio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.scales import Float64Array
from sla.instants import Int64Array
from training.bootstrap import Interval, blocks_of, interval_of, ratio

RATIOS = (1, 2, 3, 5, 10, 20)
"""What a missed breach costs, in actions."""


@dataclass(frozen=True)
class TicketPeaks:
    """Of t tickets: the highest probability over its looks, whether the promise was broken, and the block it belongs to."""

    highest: Float64Array
    is_breach: Float64Array
    day: Int64Array

    @classmethod
    def of(cls, ticket: Int64Array, y: Float64Array, probability: Float64Array, opened_day: Int64Array) -> TicketPeaks:
        """The peaks of n looks."""
        order = np.argsort(ticket, kind="stable")
        begins = np.ones(len(order), np.bool_)
        begins[1:] = ticket[order][1:] != ticket[order][:-1]
        start = np.flatnonzero(begins)
        if not len(start):
            return cls(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
        first = order[start]
        return cls(np.maximum.reduceat(probability[order], start), y[first], opened_day[first])


@dataclass(frozen=True)
class CostFigure:
    """Of one ratio: the threshold and where it came from, the cost of a ticket in actions, and what the two simple policies cost."""

    miss_costs: int
    threshold: float
    is_learned: bool  # on earlier data; else one in the ratio
    acted_share: float
    cost: Interval
    never: float
    always: float

    @property
    def saving(self) -> float:
        """The share of the cheaper simple policy's cost that is saved; negative if it costs more."""
        least = min(self.never, self.always)
        return 1.0 - self.cost.value / least if least > 0 else 0.0


def cost_each(peaks: TicketPeaks, threshold: float, miss_costs: float) -> Float64Array:
    """The cost of each ticket in actions: one where acted upon, else that of a miss if it breached."""
    return np.where(peaks.highest > threshold, 1.0, miss_costs * peaks.is_breach)


def best_threshold(peaks: TicketPeaks, miss_costs: float) -> float:
    """The threshold with the least cost on these tickets; of equally good ones the highest. Above all peaks: never act."""
    order = np.argsort(-peaks.highest, kind="stable")
    highest, breach = peaks.highest[order], peaks.is_breach[order]
    acted = np.arange(len(highest) + 1)
    missed = breach.sum() - np.concatenate([[0.0], np.cumsum(breach)])
    cost = acted + miss_costs * missed
    can_cut = np.ones(len(cost), np.bool_)
    can_cut[1:-1] = highest[1:] < highest[:-1]  # no threshold parts equal peaks
    best = int(np.flatnonzero(can_cut)[np.argmin(cost[can_cut])])
    if best == len(highest):
        return -1.0
    return 1.0 if best == 0 else float((highest[best - 1] + highest[best]) / 2)


def cost_table(
    peaks: TicketPeaks, earlier: TicketPeaks | None, ratios: Sequence[int] = RATIOS, *, draws: int = 200
) -> tuple[CostFigure, ...]:
    """The cost of each ratio on `peaks`, with thresholds chosen on `earlier` tickets, or one in the ratio where there are none."""
    block, blocks = blocks_of(peaks.day)
    found = []
    for miss_costs in ratios:
        is_learned = earlier is not None and len(earlier.highest) > 0
        threshold = best_threshold(earlier, miss_costs) if earlier is not None and is_learned else 1.0 / miss_costs
        cost = cost_each(peaks, threshold, miss_costs)
        around = interval_of(ratio(cost, np.ones(len(cost)), block, blocks), blocks, draws=draws)
        acted = float((peaks.highest > threshold).mean()) if len(cost) else float("nan")
        found.append(
            CostFigure(
                miss_costs, threshold, is_learned, acted, around, miss_costs * float(peaks.is_breach.mean()), 1.0
            )
        )
    return tuple(found)


def cost_tables(
    peaks: Mapping[str, TicketPeaks], earlier: Mapping[str, TicketPeaks], *, draws: int = 200
) -> dict[str, tuple[CostFigure, ...]]:
    """The table of each model; a model without earlier predictions acts above one in the ratio."""
    return {name: cost_table(one, earlier.get(name), draws=draws) for name, one in peaks.items()}
