"""A discrete-time hazard model: in each interval ahead, how likely does the clock stop there, if it has not before?

The log odds of stopping are the sum of two boosted models: `time` trees read the interval and how the clock stands,
`risk` trees read every feature and say how fast this ticket is, whatever the interval. A promise is broken if the clock
outlives all intervals of its time left. Clocks that still run say that they outlived the intervals so far: they are
censored, never dropped (Cox 1972; Singer and Willett 1993, for discrete time).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np

from models.attribution import PathTable, path_table
from models.hazard_columns import INTERVAL_COLUMNS, INTERVALS, interval_values, time_rows
from models.intervals import COUNT, IN_TIME, ends_hours
from models.scales import Float64Array
from models.sides import Thresholds, thresholds_of, united
from models.trees import MOST_KEPT, LastAnswers, Leaves, Trees

KIND = "hazard"
WITHIN = len(IN_TIME)
FEW_ROWS = 16
"""Of so few rows all intervals cost hardly more than some: asking at all does."""
QUADRATURE = np.polynomial.legendre.leggauss(6)


@dataclass(frozen=True)
class HazardMember:
    """A trained hazard model that answers in log odds of breach. `places`: of TIME_FEATURES among the k features, -1 if absent."""

    risk: lgb.Booster
    time: lgb.Booster
    places: tuple[int, ...]
    usual_time: tuple[float, ...]  # per interval, the mean of the time trees in training

    kind = KIND

    @property
    def feature_count(self) -> int:
        """How many features a row has."""
        return int(self.risk.num_feature())

    def margin(self, X: Float64Array) -> Float64Array:
        """Log odds that the clock outlives its time left, n."""
        return _breach_margin(self.scores(X, WITHIN))

    def scores(self, X: Float64Array, count: int = COUNT) -> Float64Array:
        """n x count log odds of stopping in each of the first intervals, if the clock has not stopped before."""
        if len(X) == 0:
            return np.zeros((0, count))
        if len(X) > MOST_KEPT:
            return self._asked_scores(X, 0, count)
        if len(X) <= FEW_ROWS:  # the range asks for all intervals of the rows that the probability asks for some of
            return self._answers.of(X, "all", lambda: self._kept_scores(X, COUNT))[:, :count]
        within = self._answers.of(X, "within", lambda: self._kept_scores(X, WITHIN))
        if count <= WITHIN:
            return within[:, :count]
        late = self._answers.of(X, "late", lambda: self._asked_scores(X, WITHIN, COUNT))
        return np.concatenate([within, late], axis=1)[:, :count]

    def scores_alone(self, X: Float64Array) -> Float64Array:
        """The same in all intervals of rows of which nothing else is asked: no leaf is kept for reasons."""
        if len(X) == 0:
            return np.zeros((0, COUNT))
        time = self._time_trees.raw_score(time_rows(X, self.places, COUNT))
        return np.asarray(time.reshape(len(X), COUNT) + self._risk_trees.raw_score(X)[:, None])

    def _asked_scores(self, X: Float64Array, first: int, last: int) -> Float64Array:
        time = self._time_trees.raw_score(time_rows(X, self.places, last, first))
        return np.asarray(time.reshape(len(X), last - first) + self._risk_scores(X)[:, None])

    def _kept_scores(self, X: Float64Array, count: int) -> Float64Array:
        """The same of the first intervals by the leaves, which reasons ask for, too."""
        leaves = self._time_leaves(X, count)
        time = self._time_trees.score_of(leaves.reshape(len(X) * count, -1))
        return np.asarray(time.reshape(len(X), count) + self._risk_scores(X)[:, None])

    def _risk_scores(self, X: Float64Array) -> Float64Array:
        if len(X) > MOST_KEPT:
            return self._risk_trees.raw_score(X)
        return self._answers.of(X, "risk", lambda: self._risk_trees.score_of(self._risk_leaves(X)))

    def _risk_leaves(self, X: Float64Array) -> Leaves:
        return self._answers.of(X, "risk leaves", lambda: self._risk_trees.leaves(X))

    def _time_leaves(self, X: Float64Array, count: int) -> Leaves:
        """The leaves of the time trees in the first intervals, n x count x trees."""

        def asked() -> Leaves:
            return self._time_trees.leaves(time_rows(X, self.places, count)).reshape(len(X), count, -1)

        return self._answers.of(X, f"time leaves of {count}", asked)

    @cached_property
    def thresholds(self) -> Thresholds:
        """Where the margin may change with one of the k features."""
        time = thresholds_of(self.time)
        own = {place: time.get(INTERVAL_COLUMNS + column) for column, place in enumerate(self.places)}
        return united(
            [
                thresholds_of(self.risk),
                {place: values for place, values in own.items() if place >= 0 and values is not None},
            ]
        )

    @cached_property
    def interval_thresholds(self) -> list[Float64Array]:
        """Where it may change with one of the `interval_values`."""
        time = thresholds_of(self.time)
        return [
            time.get(column, np.empty(0)) for column in range(INTERVALS.start, INTERVALS.stop) for _ in range(WITHIN)
        ]

    def interval_values(self, X: Float64Array) -> Float64Array:
        """What the time trees read of the intervals of n rows until their time is over, columns x n."""
        return interval_values(X, self.places, WITHIN)

    def ends_hours(self, X: Float64Array) -> Float64Array:
        """n x COUNT: where the intervals end, in hours ahead."""
        return ends_hours(X[:, self.places[0]], X[:, self.places[1]])

    def attributions(self, X: Float64Array) -> Float64Array:
        """n x k path attributions; with `baseline` they add up to the margin."""
        return self._shared(X, is_exact=False)

    def exact_attributions(self, X: Float64Array) -> tuple[Float64Array, float]:
        """n x k from Shapley values of both models' scores, and the baseline."""
        return self._shared(X, is_exact=True), self.baseline

    @property
    def baseline(self) -> float:
        """Log odds of a clock on which every interval is as usual."""
        return float(_breach_margin(self._usual_scores[None, :])[0])

    def _shared(self, X: Float64Array, *, is_exact: bool) -> Float64Array:
        """The difference of the margin from its baseline, shared among features.

        The margin is a curved function of the intervals' scores, and each score a sum over features. Integrated gradients
        (Sundararajan et al. 2017) along the straight line from the usual scores to the row's give each score its share of
        the difference, exactly; the score's own attributions divide that among features.
        """
        if len(X) == 0:
            return np.zeros((0, self.feature_count))
        of_risk, of_time = self._exact_parts(X) if is_exact else self._path_parts(X)
        scores = self.scores(X, WITHIN)
        away = scores - self._usual_scores
        pull = _integrated_gradients(self._usual_scores, away)
        total = pull.sum(axis=1)[:, None] * of_risk
        timed = np.einsum("ij,ijc->ic", pull, of_time)
        for column, place in enumerate(self.places):
            if place >= 0:
                total[:, place] += timed[:, INTERVAL_COLUMNS + column]
        # What the interval itself says (its place, its length) is what the time left says; the rest of the sum as well.
        total[:, self.places[0]] += _breach_margin(scores) - self.baseline - total.sum(axis=1)
        return np.asarray(total, dtype=np.float64)

    def _path_parts(self, X: Float64Array) -> tuple[Float64Array, Float64Array]:
        """What features add to the risk trees' score, n x k, and to the time trees' in each interval, n x WITHIN x columns."""
        leaves = self._time_leaves(X, COUNT if len(X) <= FEW_ROWS else WITHIN)[:, :WITHIN]
        of_time = self._time_paths.attributions(leaves.reshape(len(X) * WITHIN, -1))
        return self._risk_paths.attributions(self._risk_leaves(X)), of_time.reshape(len(X), WITHIN, -1)

    def _exact_parts(self, X: Float64Array) -> tuple[Float64Array, Float64Array]:
        """The same as Shapley values."""
        of_time = _shapley(self.time, time_rows(X, self.places, WITHIN))
        return _shapley(self.risk, X), of_time.reshape(len(X), WITHIN, -1)

    @cached_property
    def _answers(self) -> LastAnswers:
        return LastAnswers()

    @cached_property
    def _usual_scores(self) -> Float64Array:
        return np.array(self.usual_time[:WITHIN]) + self._risk_paths.baseline

    @cached_property
    def _risk_trees(self) -> Trees:
        return Trees(self.risk)

    @cached_property
    def _time_trees(self) -> Trees:
        return Trees(self.time)

    @cached_property
    def _risk_paths(self) -> PathTable:
        return path_table(self.risk.dump_model()["tree_info"], self.feature_count)

    @cached_property
    def _time_paths(self) -> PathTable:
        return path_table(self.time.dump_model()["tree_info"], int(self.time.num_feature()))

    def to_json(self) -> dict[str, Any]:
        """What is needed beside the two texts of trees."""
        return {"places": list(self.places), "usual_time": list(self.usual_time)}

    def texts(self) -> tuple[str, str]:
        """The risk and the time trees in LightGBM's text format."""
        return str(self.risk.model_to_string()), str(self.time.model_to_string())

    @classmethod
    def from_texts(cls, risk: str, time: str, data: Mapping[str, Any]) -> HazardMember:
        """The member written by `texts` and `to_json`; predictions are bit for bit the same."""
        places, usual = tuple(int(one) for one in data["places"]), tuple(float(one) for one in data["usual_time"])
        return cls(lgb.Booster(model_str=risk), lgb.Booster(model_str=time), places, usual)


def _shapley(booster: lgb.Booster, X: Float64Array) -> Float64Array:
    return np.asarray(booster.predict(X, pred_contrib=True, num_threads=1), dtype=np.float64)[:, :-1]


def _breach_margin(scores: Float64Array) -> Float64Array:
    """Log odds of outliving all intervals, for n x intervals log odds of stopping in each."""
    outlives = -np.logaddexp(0.0, scores).sum(axis=1)
    return np.asarray(outlives - np.log(-np.expm1(np.minimum(outlives, -1e-12))), dtype=np.float64)


def _integrated_gradients(start: Float64Array, away: Float64Array) -> Float64Array:
    """n x intervals: the mean gradient of the margin along the line from `start` to `start + away`."""
    nodes, weights = (one[:, None, None] for one in QUADRATURE)
    hazards = np.logaddexp(0.0, start + (nodes + 1.0) / 2.0 * away)
    reaches = np.maximum(-np.expm1(-hazards.sum(axis=2, keepdims=True)), 1e-12)
    return np.asarray((weights / 2.0 * np.expm1(-hazards) / reaches).sum(axis=0), dtype=np.float64)
