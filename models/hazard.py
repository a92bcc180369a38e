"""A discrete-time hazard model: in each interval ahead, how likely does the clock stop there, if it has not before?

The log odds of stopping are the sum of two boosted models: `time` trees read the interval and how the clock stands,
`risk` trees read every feature and say how fast this ticket is, whatever the interval. A promise is broken if the clock
outlives all intervals of its time left. Clocks that still run say that they outlived the intervals so far: they are
censored, never dropped (Cox 1972; Singer and Willett 1993, for discrete time).
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

from models.attribution import PathTable, path_table
from models.intervals import COUNT, IN_TIME, LEAST_HOURS, ends_hours, intervals_lived
from models.scales import Float64Array, sigmoid

KIND = "hazard"
WITHIN = len(IN_TIME)
REMAINING, TARGET, SHARE = "remaining_hours", "target_hours", "share_used"
NEEDED = (REMAINING, TARGET, SHARE)
"""Without these features there is no time axis, and no hazard model."""
TIME_FEATURES = (
    *NEEDED,
    "elapsed_hours",
    "is_clock_paused",
    "priority_place",
    "due_in_hours",
    "closed_hours_until_due",
    "hours_to_close",
    "hours_to_open",
    "is_new",
    "is_assigned",
    "is_waiting",
    "silence_hours",
    "hours_in_status",
)
"""Beside the interval itself, what may change the course of a clock over time and not only its pace."""
INTERVAL_COLUMNS = 4
QUADRATURE = np.polynomial.legendre.leggauss(6)


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
        time = self.time.predict(_time_rows(X, self.places, count), raw_score=True, num_threads=1)
        risk = self.risk.predict(X, raw_score=True, num_threads=1)
        return np.asarray(time, dtype=np.float64).reshape(len(X), count) + np.asarray(risk, dtype=np.float64)[:, None]

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
        rows = _time_rows(X, self.places, WITHIN)
        of_risk = _attributed(self.risk, X, self._risk_paths, is_exact)
        of_time = _attributed(self.time, rows, self._time_paths, is_exact).reshape(len(X), WITHIN, -1)
        away = self.scores(X, WITHIN) - self._usual_scores
        pull = _integrated_gradients(self._usual_scores, away)
        total = pull.sum(axis=1)[:, None] * of_risk
        timed = np.einsum("ij,ijc->ic", pull, of_time)
        for column, place in enumerate(self.places):
            if place >= 0:
                total[:, place] += timed[:, INTERVAL_COLUMNS + column]
        # What the interval itself says (its place, its length) is what the time left says; the rest of the sum as well.
        total[:, self.places[0]] += self.margin(X) - self.baseline - total.sum(axis=1)
        return np.asarray(total, dtype=np.float64)

    @cached_property
    def _usual_scores(self) -> Float64Array:
        return np.array(self.usual_time[:WITHIN]) + self._risk_paths.baseline

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
) -> HazardMember:
    """A hazard model of n clocks that ran on for `hours` and stopped then, or, where not `has_stopped`, at least so long.

    `directions` are those of the risk of breach: the pace of a clock goes the other way.
    """
    places = tuple(names.index(name) if name in names else -1 for name in TIME_FEATURES)
    lived, stops = intervals_lived(hours, has_stopped, ends_hours(X[:, places[0]], X[:, places[1]]))
    event = np.zeros(int(lived.sum()))
    last = np.cumsum(lived) - 1
    event[last[stops]] = 1.0
    row = np.repeat(np.arange(len(X)), lived)
    interval = np.arange(len(row)) - np.repeat(last + 1 - lived, lived)
    columns = _columns(X, places, row, interval)
    time = _fit_time(columns, event, weight[row], parameters, seed)
    given = np.asarray(time.predict(columns, raw_score=True, num_threads=1), dtype=np.float64)
    risk = _fit_risk(X, lived, event, given, weight, names, parameters, seed, directions or {})
    usual = np.bincount(interval, given, COUNT) / np.maximum(np.bincount(interval, minlength=COUNT), 1)
    return HazardMember.from_texts(
        str(risk.model_to_string()), str(time.model_to_string()), {"places": places, "usual_time": usual.tolist()}
    )


def _fit_time(
    columns: Float64Array, event: Float64Array, weight: Float64Array, parameters: HazardParameters, seed: int
) -> lgb.Booster:
    native = {
        "objective": "binary",
        "learning_rate": parameters.time_learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": parameters.intervals_per_leaf,
        "feature_fraction": parameters.time_feature_fraction,
        **_alike(parameters, seed),
    }
    every = -(-len(event) // parameters.most_intervals)
    data = lgb.Dataset(columns[::every], event[::every], weight=weight[::every], params={"verbosity": -1})
    return lgb.train(native, data, num_boost_round=parameters.time_rounds)


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
        **_alike(parameters, seed),
    }
    constraints = [-directions.get(name, 0) for name in names]
    if any(constraints):
        native["monotone_constraints"] = constraints
    data = lgb.Dataset(X, np.zeros(len(X)), feature_name=list(names), params={"verbosity": -1})
    return lgb.train(native, data, num_boost_round=parameters.rounds)


def _alike(parameters: HazardParameters, seed: int) -> dict[str, Any]:
    return {
        "lambda_l2": parameters.lambda_l2,
        "extra_trees": True,
        "num_threads": 1,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }


def _time_rows(X: Float64Array, places: Sequence[int], count: int) -> Float64Array:
    """The time trees' columns for the first `count` intervals of every row, row after row."""
    out = np.empty((len(X), count, INTERVAL_COLUMNS + len(places)))
    out[:, :, 0] = np.arange(count)
    out[:, :, 1:INTERVAL_COLUMNS] = _of_intervals(X, places, count).transpose(1, 2, 0)
    out[:, :, INTERVAL_COLUMNS:] = _of_rows(X, places)[:, None, :]
    return out.reshape(len(X) * count, -1)


def _columns(
    X: Float64Array, places: Sequence[int], row: NDArray[np.int64], interval: NDArray[np.int64]
) -> Float64Array:
    """The same columns for any pairs of a row and an interval.

    The interval's number, where it begins and how long it is in hours, the share of the target used at its beginning;
    then the time features, missing where the model has them not.
    """
    out = np.empty((len(row), INTERVAL_COLUMNS + len(places)))
    out[:, 0] = interval
    for column, values in enumerate(_of_intervals(X, places, COUNT), start=1):
        out[:, column] = values[row, interval]
    for column, values in enumerate(_of_rows(X, places).T, start=INTERVAL_COLUMNS):
        out[:, column] = values[row]
    return out


def _of_intervals(X: Float64Array, places: Sequence[int], count: int) -> Float64Array:
    """3 x n x count: where each interval begins, how long it is, and the share of the target used at its beginning."""
    ends = ends_hours(X[:, places[0]], X[:, places[1]])[:, :count]
    out = np.zeros((3, *ends.shape))
    out[0, :, 1:] = ends[:, :-1]
    out[1] = ends - out[0]
    out[2] = X[:, [places[2]]] + out[0] / np.maximum(X[:, [places[1]]], LEAST_HOURS)
    return out


def _of_rows(X: Float64Array, places: Sequence[int]) -> Float64Array:
    """The time features of each row, NaN where the model has them not."""
    found = X[:, places]
    found[:, np.less(places, 0)] = np.nan
    return found


def _attributed(booster: lgb.Booster, X: Float64Array, paths: PathTable, is_exact: bool) -> Float64Array:
    if is_exact:
        return np.asarray(booster.predict(X, pred_contrib=True, num_threads=1), dtype=np.float64)[:, :-1]
    leaves = np.asarray(booster.predict(X, pred_leaf=True, num_threads=1)).astype(np.int64).reshape(len(X), -1)
    return paths.attributions(leaves)


def _breach_margin(scores: Float64Array) -> Float64Array:
    """Log odds of outliving all intervals, for n x intervals log odds of stopping in each."""
    outlives = -np.logaddexp(0.0, scores).sum(axis=1)
    return np.asarray(outlives - np.log(-np.expm1(np.minimum(outlives, -1e-12))), dtype=np.float64)


def _integrated_gradients(start: Float64Array, away: Float64Array) -> Float64Array:
    """n x intervals: the mean gradient of the margin along the line from `start` to `start + away`."""
    nodes, weights = QUADRATURE
    total = np.zeros_like(away)
    for node, share in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
        scores = start + node * away
        outlives = -np.logaddexp(0.0, scores).sum(axis=1)
        total -= share * sigmoid(scores) / np.maximum(-np.expm1(outlives), 1e-12)[:, None]
    return total
