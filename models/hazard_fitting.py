"""Growing a hazard model: trees of the intervals first, then trees of the rows on top of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.hazard import HazardMember
from models.hazard_columns import TIME_FEATURES, interval_columns
from models.interval_trees import grown_over_intervals, interval_rows, repeatable
from models.intervals import COUNT, ends_hours, intervals_lived
from models.scales import Float64Array
from models.trees import averaged, seeds_of


class HazardParameters(BaseModel):
    """How both models are grown. Few interval columns need most features a tree, many ticket features few."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = 300
    learning_rate: float = 0.06
    leaves: int = 15
    rows_per_leaf: int = 40
    feature_fraction: float = 0.15
    lambda_l2: float = 50.0
    time_rounds: int = 60
    time_learning_rate: float = 0.15
    time_feature_fraction: float = 0.6
    intervals_per_leaf: int = 200
    most_intervals: int = 150_000  # more rows teach the few time trees nothing: every nth ticket's are taken


def fit_hazard(
    X: Float64Array,
    hours: Float64Array,
    has_stopped: NDArray[np.bool_],
    weight: Float64Array,
    names: Sequence[str],
    parameters: HazardParameters,
    *,
    seed: int,
    directions: Mapping[str, int] | None = None,
    repeats: int = 1,
) -> HazardMember:
    """A hazard model of n clocks that ran on for `hours` and stopped then, or, where not `has_stopped`, at least so long.

    `directions` are those of the risk of breach: the pace of a clock goes the other way. With `repeats` the risk trees are
    grown so often, from other seeds, and their scores averaged; the few time trees once.
    """
    places = tuple(names.index(name) if name in names else -1 for name in TIME_FEATURES)
    lived, stops = intervals_lived(hours, has_stopped, ends_hours(X[:, places[0]], X[:, places[1]]))
    row, interval, event = interval_rows(lived, stops)
    columns = interval_columns(X, places, row, interval)
    time = _fit_time(columns, event, weight[row], parameters, seed)
    given = np.asarray(time.predict(columns, raw_score=True, num_threads=1), dtype=np.float64)
    grown = [
        _fit_risk(X, lived, event, given, weight, names, parameters, own, directions or {})
        for own in seeds_of(seed, repeats)
    ]
    usual = np.bincount(interval, given, COUNT) / np.maximum(np.bincount(interval, minlength=COUNT), 1)
    return HazardMember.from_texts(
        averaged(grown), str(time.model_to_string()), {"places": places, "usual_time": usual.tolist()}
    )


def _fit_time(
    columns: Float64Array, event: Float64Array, weight: Float64Array, parameters: HazardParameters, seed: int
) -> lgb.Booster:
    every = -(-len(event) // parameters.most_intervals)
    return grown_over_intervals(
        columns[::every],
        event[::every],
        weight[::every],
        rounds=parameters.time_rounds,
        learning_rate=parameters.time_learning_rate,
        leaves=parameters.leaves,
        intervals_per_leaf=parameters.intervals_per_leaf,
        feature_fraction=parameters.time_feature_fraction,
        lambda_l2=parameters.lambda_l2,
        seed=seed,
    )


def _fit_risk(
    X: Float64Array,
    lived: NDArray[np.int64],
    event: Float64Array,
    given: Float64Array,
    weight: Float64Array,
    names: Sequence[str],
    parameters: HazardParameters,
    seed: int,
    directions: Mapping[str, int],
) -> lgb.Booster:
    """Trees over rows, not over intervals: a row's gradient is the sum over the intervals its clock lived through."""
    has_any = lived > 0
    starts = (np.cumsum(lived) - lived)[has_any]
    of_rows = weight[has_any]

    def gradients(score: Float64Array, _data: lgb.Dataset) -> tuple[Float64Array, Float64Array]:
        chance = np.repeat(score, lived)
        chance += given
        np.clip(chance, -500.0, 500.0, out=chance)
        chance = 1.0 / (1.0 + np.exp(-chance))  # half the cost of `sigmoid`, which keeps its digits at both ends
        gradient, curvature = np.zeros(len(lived)), np.full(len(lived), 1e-6)
        gradient[has_any] = of_rows * np.add.reduceat(chance - event, starts)
        curvature[has_any] += of_rows * np.add.reduceat(chance * (1.0 - chance), starts)
        return gradient, curvature

    native: dict[str, Any] = {
        "objective": gradients,
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": parameters.rows_per_leaf,
        "feature_fraction": parameters.feature_fraction,
        **repeatable(parameters.lambda_l2, seed),
    }
    constraints = [-directions.get(name, 0) for name in names]
    if any(constraints):
        native["monotone_constraints"] = constraints
    data = lgb.Dataset(X, np.zeros(len(X)), feature_name=list(names), params={"verbosity": -1})
    return lgb.train(native, data, num_boost_round=parameters.rounds)
