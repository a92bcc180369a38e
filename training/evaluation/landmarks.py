"""Tickets at the same point of their clock: what a model knows beyond how much time is used.

A pooled figure flatters whatever shows the clock, for a ticket late in its time is more likely to breach than a fresh one. At
the instant at which a ticket passes a share of its target that no longer helps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.scales import Float64Array
from sla.instants import BoolArray, Int64Array
from training.bootstrap import Interval, auc, blocks_of, interval_of, paired_differences

SHARES = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9)
LEAST_ROWS = 30


@dataclass(frozen=True)
class Landmark:
    """Tickets whose clock passes one share of its target, and how well each model tells them apart."""

    group: str
    share: float
    tickets: int
    base_rate: float
    said: float  # the model's mean probability
    auc: Mapping[str, Interval]
    gain: Mapping[str, Interval]  # of the model over each other one


def landmarks(
    share: Float64Array,
    y: Float64Array,
    day: Int64Array,
    probabilities: Mapping[str, Float64Array],
    groups: Mapping[str, BoolArray],
    model: str,
    *,
    shares: Sequence[float] = SHARES,
    draws: int = 200,
) -> list[Landmark]:
    """A landmark for each group and share that has enough rows of both outcomes. `share`: what each row's clock just passed."""
    found = []
    for group, mask in groups.items():
        for wanted in shares:
            rows = np.flatnonzero(mask & np.isclose(share, wanted))
            if len(rows) < LEAST_ROWS or not 0 < y[rows].sum() < len(rows):
                continue
            part = {name: values[rows] for name, values in probabilities.items()}
            block, blocks = blocks_of(day[rows])
            found.append(
                Landmark(
                    group,
                    wanted,
                    len(rows),
                    float(y[rows].mean()),
                    float(part[model].mean()),
                    {n: interval_of(auc(y[rows], values, block), blocks, draws=draws) for n, values in part.items()},
                    paired_differences(y[rows], part, model, day[rows], auc, draws=draws),
                )
            )
    return found
