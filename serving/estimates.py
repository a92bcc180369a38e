"""What the served bundle says about open tickets: probabilities and reasons."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.live import LiveHistories
from features.snapshots import Snapshots
from models.bundle import BreachBundle
from models.reasons import Reason, reasons

TOP = 3


@dataclass(frozen=True)
class Estimates:
    """Probabilities and reasons by place in the snapshots; tickets that are already decided have none."""

    probability: dict[int, float] = field(default_factory=dict)
    reasons: dict[int, list[Reason]] = field(default_factory=dict)

    @classmethod
    def by(
        cls,
        bundle: BreachBundle,
        histories: LiveHistories,
        snapshots: Snapshots,
        is_undecided: NDArray[np.bool_],
    ) -> Estimates:
        """The bundle's estimates for the undecided snapshots."""
        places = np.flatnonzero(is_undecided)
        if not len(places):
            return cls()
        rows = histories.matrix(snapshots.take(places), bundle.spec, bundle.target)
        at = places.tolist()
        return cls(
            dict(zip(at, bundle.predict(rows).tolist(), strict=True)),
            dict(zip(at, reasons(bundle, rows, TOP), strict=True)),
        )
