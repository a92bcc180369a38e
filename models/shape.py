"""The course of a clock over time: where in its future it will stop, once the risk says how likely that is before it is due.

The range is read from hazards that are shifted row by row until they say the risk of breach. Whatever a model adds alike to
all intervals of a row is lost in that shift, so the risk trees of the hazard model have no say in the range. These trees
are grown for it: over intervals, with the record and the load of teams and people beside how the clock stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.hazard_columns import NEEDED, TIME_FEATURES, interval_columns, time_rows
from models.interval_trees import grown_over_intervals, interval_rows
from models.intervals import COUNT, ends_hours, intervals_lived
from models.scales import Float64Array
from models.trees import Trees

RECORDS = ("log_hours", "breach_logit")
PEOPLE = ("team_", "assignee_")
"""Beside the time features the trees read every record of how long tickets took, and the load of teams and people."""


class ShapeParameters(BaseModel):
    """How the trees are grown. Few tickets end late, and each has many intervals: hence the strong regularisation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = 100
    learning_rate: float = 0.1
    leaves: int = 15
    intervals_per_leaf: int = 200
    feature_fraction: float = 0.4
    lambda_l2: float = 500.0
    most_intervals: int = 300_000  # of more, every nth is taken


@dataclass(frozen=True)
class ShapeModel:
    """Trees over intervals. `places`: of the features they read among those of a row, NEEDED first, -1 where one is absent."""

    trees: lgb.Booster
    places: tuple[int, ...]

    def scores(self, X: Float64Array) -> Float64Array:
        """n x COUNT log odds of stopping in each interval, up to what is the same in all intervals of a row."""
        if len(X) == 0:
            return np.zeros((0, COUNT))
        return np.asarray(self._fast_trees.raw_score(time_rows(X, self.places, COUNT)).reshape(len(X), COUNT))

    @cached_property
    def _fast_trees(self) -> Trees:
        return Trees(self.trees)

    def to_json(self) -> dict[str, Any]:
        """What is needed beside the text of the trees."""
        return {"places": list(self.places)}

    def text(self) -> str:
        """The trees in LightGBM's text format."""
        return str(self.trees.model_to_string())

    @classmethod
    def from_text(cls, trees: str, data: Mapping[str, Any]) -> ShapeModel:
        """The model written by `text` and `to_json`; it says the same bit for bit."""
        return cls(lgb.Booster(model_str=trees), tuple(int(one) for one in data["places"]))


def shape_features(names: Sequence[str]) -> list[str]:
    """The features that the trees read, of those a row has: the time features first, absent ones included."""
    read = [name for name in names if name.startswith(PEOPLE) or any(word in name for word in RECORDS)]
    return [*TIME_FEATURES, *(name for name in read if name not in TIME_FEATURES)]


def fit_shape(
    X: Float64Array,
    hours: Float64Array,
    has_stopped: NDArray[np.bool_],
    weight: Float64Array,
    names: Sequence[str],
    parameters: ShapeParameters,
    *,
    seed: int,
) -> ShapeModel:
    """A model of n clocks that ran on for `hours` and stopped then, or, where not `has_stopped`, at least so long."""
    places = [names.index(name) if name in names else -1 for name in shape_features(names)]
    remaining, target = (X[:, names.index(name)] for name in NEEDED[:2])
    lived, stops = intervals_lived(hours, has_stopped, ends_hours(remaining, target))
    rows = interval_rows(lived, stops)
    taken = slice(None, None, max(-(-len(rows.event) // parameters.most_intervals), 1))
    clock = rows.clock[taken]
    trees = grown_over_intervals(
        interval_columns(X, places, clock, rows.interval[taken]),
        rows.event[taken],
        weight[clock],
        rounds=parameters.rounds,
        learning_rate=parameters.learning_rate,
        leaves=parameters.leaves,
        intervals_per_leaf=parameters.intervals_per_leaf,
        feature_fraction=parameters.feature_fraction,
        lambda_l2=parameters.lambda_l2,
        seed=seed,
    )
    return ShapeModel.from_text(str(trees.model_to_string()), {"places": places})
