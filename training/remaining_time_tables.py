"""What a desk could say without a model about when a ticket will end: tables that a model must beat."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.histories import Histories
from models.scales import Float64Array
from training.remaining_time_rows import RemainingRows

LEAST_ROWS = 20


def mean_by_length(learned: RemainingRows, asked: RemainingRows) -> Float64Array:
    """Hours left of the asked rows: the mean of the learned rows with as many records, or of all where there are none."""
    hours = pd.Series(learned.hours)
    means = hours.groupby(learned.length).mean()
    return np.asarray(pd.Series(asked.length).map(means).fillna(hours.mean()), np.float64)


def median_by_group(histories: Histories, learned: RemainingRows, asked: RemainingRows) -> Float64Array:
    """Hours left of the asked rows: the median of the learned rows with the same team and priority.

    Of all rows where the group has fewer than 20.
    """
    team, priority = histories.codes("team"), histories.codes("priority")

    def keys(rows: RemainingRows) -> pd.Series:
        step = histories.search.at(rows.snapshots.ticket, rows.snapshots.at_us)
        return pd.Series(team[step].astype(np.int64) * 1_000_003 + priority[step])

    hours = pd.Series(learned.hours)
    groups = hours.groupby(keys(learned))
    medians = groups.median()[groups.size() >= LEAST_ROWS]
    return np.asarray(keys(asked).map(medians).fillna(hours.median()), np.float64)
