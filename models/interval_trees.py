"""Trees over the intervals that clocks lived through: their rows, and how the trees are grown, the same each time."""

from __future__ import annotations

from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array


class IntervalRows(NamedTuple):
    """A row for each interval that a clock entered: of which clock, which interval, and whether the clock stopped in it."""

    clock: NDArray[np.int64]
    interval: NDArray[np.int64]
    event: Float64Array


def interval_rows(lived: NDArray[np.int64], stops: NDArray[np.bool_]) -> IntervalRows:
    """The rows of n clocks in their order; see `models.intervals.intervals_lived`."""
    ends = np.cumsum(lived)
    event = np.zeros(int(lived.sum()))
    event[ends[stops] - 1] = 1.0
    clock = np.repeat(np.arange(len(lived)), lived)
    return IntervalRows(clock, np.arange(len(clock)) - np.repeat(ends - lived, lived), event)


def grown_over_intervals(
    columns: Float64Array,
    event: Float64Array,
    weight: Float64Array,
    *,
    rounds: int,
    learning_rate: float,
    leaves: int,
    intervals_per_leaf: int,
    feature_fraction: float,
    lambda_l2: float,
    seed: int,
) -> lgb.Booster:
    """Trees that give the log odds of stopping in an interval."""
    native = {
        "objective": "binary",
        "learning_rate": learning_rate,
        "num_leaves": leaves,
        "min_data_in_leaf": intervals_per_leaf,
        "feature_fraction": feature_fraction,
        **repeatable(lambda_l2, seed),
    }
    return lgb.train(
        native, lgb.Dataset(columns, event, weight=weight, params={"verbosity": -1}), num_boost_round=rounds
    )


def repeatable(lambda_l2: float, seed: int) -> dict[str, Any]:
    """LightGBM's parameters under which the same rows grow the same trees."""
    return {
        "lambda_l2": lambda_l2,
        "extra_trees": True,
        "num_threads": 1,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
