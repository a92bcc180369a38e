"""Whether live rows look like those that a bundle was trained on, from what the bundle keeps: each feature's range and median."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.bundle import BreachBundle

LEAST_ROWS = 50
DRIFTS, MOVES, MOVED_INDEX = 0.05, 0.01, 0.25


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
        """`drifts` where 5 % of the live values lie beyond all of training, `moves` from 1 % or a PSI of 0.25, else `steady`."""
        if self.outside >= DRIFTS:
            return "drifts"
        return "moves" if self.outside >= MOVES or self.psi >= MOVED_INDEX else "steady"


def drifted(bundle: BreachBundle, live: pd.DataFrame) -> list[Drifted]:
    """Every feature of the bundle in live rows that have its features as columns, the most drifted first.

    Left out are those that no live row knows and those that had one value or none in training.
    """
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
        is_of_the_instant = feature.family == "calendar" or known.min() == known.max()  # one hour is no distribution
        psi = 0.0 if is_of_the_instant else stability_index(above)
        found.append(Drifted(feature.name, feature.meaning, len(known), missing, above, outside, psi))
    return sorted(found, key=lambda one: (-one.outside, -one.psi, one.name))


def stability_index(above: float) -> float:
    """The population stability index of a share above the training median: (above - 1/2) ln(above / below), halves of training being equal."""
    share = min(max(above, 1e-3), 1 - 1e-3)
    return (share - 0.5) * math.log(share / (1 - share))
