"""Whether live rows look like those that a bundle was trained on, from what the bundle keeps: each feature's range and median."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.bundle import BreachBundle
from serving.queue import Queue
from serving.scored import ScoredRows

LEAST_ROWS = 50
DRIFTS, MOVES = (0.25, 0.05), (0.1, 0.01)  # of the index, of the share outside


@dataclass(frozen=True)
class Drifted:
    """One feature. `psi`: population stability index over the two halves at the training median; `outside`: share beyond the range."""

    name: str
    meaning: str
    rows: int
    missing: float
    above: float
    outside: float
    psi: float

    @property
    def word(self) -> str:
        """`drifts` from a PSI of 0.25 or 5 % outside, `moves` from 0.1 or 1 %, else `steady`: the usual reading of a PSI."""
        if self.psi >= DRIFTS[0] or self.outside >= DRIFTS[1]:
            return "drifts"
        return "moves" if self.psi >= MOVES[0] or self.outside >= MOVES[1] else "steady"


def drift_of(queue: Queue) -> list[Drifted]:
    """Every feature of the served bundle, the most drifted first; nothing without a bundle or with fewer than LEAST_ROWS live rows."""
    if not isinstance(queue.rows, ScoredRows):
        return []
    estimates = queue.rows.scored.estimates
    if estimates.bundle is None or sum(len(part) for part in estimates.features) < LEAST_ROWS:
        return []
    return drifted(estimates.bundle, pd.concat(estimates.features, ignore_index=True))


def drifted(bundle: BreachBundle, live: pd.DataFrame) -> list[Drifted]:
    """The same for live rows with the bundle's features as columns."""
    values = live[bundle.spec.names].to_numpy(dtype=np.float64)
    found = []
    for place, feature in enumerate(bundle.spec.features):
        column = values[:, place]
        known = column[np.isfinite(column)]
        low, usual, high = bundle.range.low[place], bundle.range.usual[place], bundle.range.high[place]
        if not len(known) or math.isnan(usual) or low == high:
            continue
        above = float(((known > usual).sum() + 0.5 * (known == usual).sum()) / len(known))
        outside = float(((known < low) | (known > high)).mean())
        missing = 1.0 - len(known) / len(column)
        found.append(
            Drifted(feature.name, feature.meaning, len(known), missing, above, outside, stability_index(above))
        )
    return sorted(found, key=lambda one: (-max(one.psi / DRIFTS[0], one.outside / DRIFTS[1]), one.name))


def stability_index(above: float) -> float:
    """The population stability index of a share above the training median: (above - 1/2) ln(above / below), halves of training being equal."""
    share = min(max(above, 1e-3), 1 - 1e-3)
    return (share - 0.5) * math.log(share / (1 - share))
