"""Strongly regularised boosted trees on snapshots: the member of the breach model that finds what interacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
from pydantic import BaseModel, ConfigDict

from models.attribution import PathTable, path_table
from models.scales import Float64Array
from models.sides import Thresholds, thresholds_of
from models.trees import MOST_KEPT, LastAnswers, Leaves, Trees, averaged, seeds_of

KIND = "boosting"


class BoostingParameters(BaseModel):
    """How trees are grown. The defaults are those that held on two cuts of a real log; they are not tuned to one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = 500
    learning_rate: float = 0.04
    leaves: int = 15
    rows_per_leaf: int = 40
    feature_fraction: float = 0.15
    lambda_l2: float = 50.0
    extra_trees: bool = True
    threads: int = 1  # seconds are enough; two threads on shared cores were seen to spin for minutes


@dataclass(frozen=True)
class BoostingMember:
    """A trained booster that answers in log odds."""

    booster: lgb.Booster
    feature_count: int

    kind = KIND

    def margin(self, X: Float64Array) -> Float64Array:
        """Log odds, n."""
        if len(X) > MOST_KEPT:
            return self._trees.raw_score(X)
        return self._answers.of(X, "margin", lambda: self._trees.score_of(self._leaves(X)))

    @cached_property
    def thresholds(self) -> Thresholds:
        """Where the margin may change."""
        return thresholds_of(self.booster)

    def attributions(self, X: Float64Array) -> Float64Array:
        """n x k path attributions; with `baseline` they add up to the margin."""
        if len(X) == 0:
            return np.zeros((0, self.feature_count))
        return self._paths.attributions(self._leaves(X))

    def exact_attributions(self, X: Float64Array) -> tuple[Float64Array, float]:
        """n x k Shapley values and their baseline, about 20 times the cost: for the detail of one ticket."""
        values = np.asarray(self.booster.predict(X, pred_contrib=True, num_threads=1), dtype=np.float64)
        return values[:, :-1], float(values[0, -1]) if len(values) else 0.0

    @property
    def baseline(self) -> float:
        """Log odds before any feature is looked at."""
        return self._paths.baseline

    def _leaves(self, X: Float64Array) -> Leaves:
        return self._answers.of(X, "leaves", lambda: self._trees.leaves(X))

    @cached_property
    def _answers(self) -> LastAnswers:
        return LastAnswers()

    @cached_property
    def _trees(self) -> Trees:
        return Trees(self.booster)

    @cached_property
    def _paths(self) -> PathTable:
        return path_table(self.booster.dump_model()["tree_info"], self.feature_count)

    def text(self) -> str:
        """LightGBM's own text format."""
        return str(self.booster.model_to_string())

    @classmethod
    def from_text(cls, text: str) -> BoostingMember:
        """The member written by `text`; predictions are bit for bit the same."""
        booster = lgb.Booster(model_str=text)
        return cls(booster, booster.num_feature())


def fit_boosting(
    X: Float64Array,
    y: Float64Array,
    weight: Float64Array,
    names: Sequence[str],
    parameters: BoostingParameters,
    *,
    seed: int,
    directions: Mapping[str, int] | None = None,
    repeats: int = 1,
) -> BoostingMember:
    """A booster fitted to n x k values; same rows, same seed and same threads give the same text.

    `y` may be an expectation between 0 and 1. `directions` names features whose rise may only raise (+1) or only lower (-1) the risk.
    With `repeats` the trees are grown so often, from other seeds, and their scores averaged.
    """
    data = lgb.Dataset(X, y, weight=weight, feature_name=list(names), params={"verbosity": -1}, free_raw_data=True)
    grown = []
    for own in seeds_of(seed, repeats):
        native = _native(parameters, names, directions or {}, own)
        if ((y > 0) & (y < 1)).any():
            native["objective"] = "cross_entropy"  # the same loss, for outcomes that are not decided
        grown.append(lgb.train(native, data, num_boost_round=parameters.rounds))
    return BoostingMember.from_text(averaged(grown))


def _native(
    parameters: BoostingParameters, names: Sequence[str], directions: Mapping[str, int], seed: int
) -> dict[str, Any]:
    native: dict[str, Any] = {
        "objective": "binary",
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": parameters.rows_per_leaf,
        "feature_fraction": parameters.feature_fraction,
        "lambda_l2": parameters.lambda_l2,
        "extra_trees": parameters.extra_trees,
        "num_threads": parameters.threads,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,  # 15 % of the columns per tree: row by row would count them all, at three times the time
        "verbosity": -1,
    }
    constraints = [directions.get(name, 0) for name in names]
    if any(constraints):
        native["monotone_constraints"] = constraints
    return native
