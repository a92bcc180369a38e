"""Whether the open tickets look like those that the served bundle was trained on."""

from __future__ import annotations

import pandas as pd

from models.drift import LEAST_ROWS, Drifted, drifted
from serving.queue import Queue
from serving.scored_rows import ScoredRows


def drift_of(queue: Queue) -> list[Drifted]:
    """Every feature of the served bundle, the most drifted first; nothing without a bundle or with fewer than LEAST_ROWS live rows."""
    if not isinstance(queue.rows, ScoredRows):
        return []
    estimates = queue.rows.scored.estimates
    if estimates.bundle is None or sum(len(part) for part in estimates.features) < LEAST_ROWS:
        return []
    return drifted(estimates.bundle, pd.concat([rows.frame() for rows in estimates.features], ignore_index=True))
