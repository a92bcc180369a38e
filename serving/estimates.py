"""What the served bundle says about open tickets: probabilities at once, reasons when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.live import LiveHistories
from features.snapshots import Snapshots
from models.bundle import BreachBundle
from models.reasons import Reason, reasons
from sla.instants import Int64Array

TOP = 3


@dataclass(frozen=True)
class Estimates:
    """What a bundle says of m snapshots; tickets that are already decided are not asked about.

    `probability` is NaN for them. `features` holds the rows of the others, `row` the row of each snapshot, -1 for none.
    """

    probability: NDArray[np.float64]
    row: Int64Array
    bundle: BreachBundle | None = None
    features: pd.DataFrame | None = None

    @classmethod
    def none(cls, snapshots: int) -> Estimates:
        """Nothing said about so many snapshots."""
        return cls(np.full(snapshots, np.nan), np.full(snapshots, -1))

    @classmethod
    def by(
        cls,
        bundle: BreachBundle,
        histories: LiveHistories,
        snapshots: Snapshots,
        is_undecided: NDArray[np.bool_],
    ) -> Estimates:
        """The bundle's estimates for the undecided snapshots."""
        places, found = np.flatnonzero(is_undecided), cls.none(len(snapshots))
        if not len(places):
            return found
        rows = histories.matrix(snapshots.take(places), bundle.spec, bundle.target, text=bundle.text)
        found.probability[places] = bundle.predict(rows)
        found.row[places] = np.arange(len(places))
        return cls(found.probability, found.row, bundle, rows)

    @property
    def version(self) -> str | None:
        """The bundle that was asked."""
        return None if self.bundle is None else self.bundle.version

    def reasons(self, places: Int64Array) -> list[list[Reason]]:
        """The bundle's reasons for the snapshots at some places, the weightiest first; none where it was not asked.

        They cost far more than probabilities, and few rows are ever read.
        """
        told: list[list[Reason]] = [[] for _ in range(len(places))]
        if self.bundle is None or self.features is None:
            return told
        asked = np.flatnonzero(self.row[places] >= 0)
        found = reasons(self.bundle, self.features.iloc[self.row[places[asked]]], TOP)
        for place, one in zip(asked.tolist(), found, strict=True):
            told[place] = one
        return told
