"""What acting costs: a ticket is acted upon once its probability first passes a threshold. In time, that saves the promise.

That acting helps is assumed, not measured, and so is that it helps as long as a tenth of the target is left: a flag raised
in the last minutes costs its action and the breach as well. How much a missed breach costs in actions is the reader's to
say, so six ratios stand beside each other. The threshold of a ratio is chosen on earlier data, never on the data it is
judged on; where there are none, it is one in the ratio, what a single true probability would ask for.
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


IN_TIME_SHARE = 0.9
"""Acting helps while no more of the target than this is used."""


@dataclass(frozen=True)
class TicketPeaks:
    """Of t tickets: the highest probability over all looks and over those in time, whether the promise was broken, and the block.

    `in_time` is -1 for a ticket that was never looked at in time.
    """

    highest: Float64Array
    in_time: Float64Array
    is_breach: Float64Array
    day: Int64Array

    @classmethod
    def of(
        cls,
        ticket: Int64Array,
        y: Float64Array,
        probability: Float64Array,
        share_used: Float64Array,
        opened_day: Int64Array,
    ) -> TicketPeaks:
        """The peaks of n looks."""
        order = np.argsort(ticket, kind="stable")
        begins = np.ones(len(order), np.bool_)
        begins[1:] = ticket[order][1:] != ticket[order][:-1]
        start = np.flatnonzero(begins)
        if not len(start):
            return cls(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
        timely = np.where(share_used > IN_TIME_SHARE, -1.0, probability)
        highest, in_time = (np.maximum.reduceat(values[order], start) for values in (probability, timely))
        return cls(highest, in_time, y[order[start]], opened_day[order[start]])


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
    """The cost of each ticket in actions: one where acted upon, and that of a miss where it breached and no flag came in time."""
    missed = peaks.is_breach * (peaks.in_time <= threshold)
    return np.asarray((peaks.highest > threshold) + miss_costs * missed, dtype=np.float64)


def best_threshold(peaks: TicketPeaks, miss_costs: float) -> float:
    """The threshold with the least cost on these tickets; of equally good ones the highest. 1: never act; -2: always."""
    breached = np.sort(peaks.in_time[peaks.is_breach > 0])
    highest = np.sort(peaks.highest)
    values = np.unique(np.concatenate([breached, highest]))
    middles = (values[1:] + values[:-1]) / 2
    candidates = np.concatenate([[1.0], middles[::-1], [-2.0]])
    acted = len(highest) - np.searchsorted(highest, candidates, side="right")
    missed = np.searchsorted(breached, candidates, side="right")
    return float(candidates[np.argmin(acted + miss_costs * missed)])


def cost_table(
    peaks: TicketPeaks, earlier: TicketPeaks | None, ratios: Sequence[int] = RATIOS, *, draws: int = 200
) -> tuple[CostFigure, ...]:
    """The cost of each ratio on `peaks`, with thresholds chosen on `earlier` tickets, or one in the ratio where there are none."""
    block, blocks = blocks_of(peaks.day)
    found = []
    for miss_costs in ratios:
        is_learned = earlier is not None and len(earlier.highest) > 0
        threshold = best_threshold(earlier, miss_costs) if earlier is not None and is_learned else 1.0 / miss_costs
        cost, ones = cost_each(peaks, threshold, miss_costs), np.ones(len(peaks.day))
        around = interval_of(ratio(cost, ones, block, blocks), blocks, draws=draws)
        acted = float((peaks.highest > threshold).mean()) if len(cost) else float("nan")
        never, always = (float(cost_each(peaks, cut, miss_costs).mean()) for cut in (1.0, -2.0))
        found.append(CostFigure(miss_costs, threshold, is_learned, acted, around, never, always))
    return tuple(found)


def cost_tables(
    peaks: Mapping[str, TicketPeaks], earlier: Mapping[str, TicketPeaks], *, draws: int = 200
) -> dict[str, tuple[CostFigure, ...]]:
    """The table of each model; a model without earlier predictions acts above one in the ratio."""
    return {name: cost_table(one, earlier.get(name), draws=draws) for name, one in peaks.items()}
