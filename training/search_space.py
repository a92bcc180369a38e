"""What tuning may change, how far, and how a point of that space becomes training settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from training.settings import TrainingSettings

if TYPE_CHECKING:
    import optuna

THINNINGS = (1, 2, 4)
"""How many times rarer than they were drawn the rows between events may become."""

Point = Mapping[str, Any]


INTEGERS = {"leaves": (4, 63), "rounds": (100, 800), "rows_per_leaf": (10, 200)}
FLOATS = {"learning_rate": (0.015, 0.15), "feature_fraction": (0.05, 0.8), "lambda_l2": (1.0, 200.0)}
"""Bounds, wide around what held on real logs but never so wide that trees learn a desk by heart. All are tried on a log scale."""


def suggested(trial: optuna.Trial) -> dict[str, Any]:
    """The point that a trial proposes."""
    return {
        **{name: trial.suggest_int(name, low, high, log=True) for name, (low, high) in INTEGERS.items()},
        **{name: trial.suggest_float(name, low, high, log=True) for name, (low, high) in FLOATS.items()},
        "extra_trees": trial.suggest_categorical("extra_trees", [True, False]),
        "later_count_less": trial.suggest_categorical("later_count_less", [True, False]),
        "thinning": trial.suggest_categorical("thinning", list(THINNINGS)),
    }


def inside(point: Point) -> dict[str, Any]:
    """The point of the space that is nearest."""
    bounds: dict[str, tuple[float, float]] = {**INTEGERS, **FLOATS}
    nearest = {name: type(point[name])(min(max(point[name], low), high)) for name, (low, high) in bounds.items()}
    return {**point, **nearest}


def point_of(settings: TrainingSettings) -> dict[str, Any]:
    """The point at which settings stand: the first that is tried."""
    boosting = settings.model.boosting
    return {
        "leaves": boosting.leaves,
        "learning_rate": boosting.learning_rate,
        "rounds": boosting.rounds,
        "rows_per_leaf": boosting.rows_per_leaf,
        "feature_fraction": boosting.feature_fraction,
        "lambda_l2": boosting.lambda_l2,
        "extra_trees": boosting.extra_trees,
        "later_count_less": settings.model.weighting.later_count_less,
        "thinning": 1,
    }


def settings_at(point: Point, start: TrainingSettings) -> TrainingSettings:
    """The settings at a point; everything that is not tuned is as it was at the start."""
    boosting = start.model.boosting.model_copy(
        update={name: point[name] for name in point if name in type(start.model.boosting).model_fields}
    )
    weighting = start.model.weighting.model_copy(update={"later_count_less": point["later_count_less"]})
    model = start.model.model_copy(update={"boosting": boosting, "weighting": weighting})
    return start.model_copy(update={"model": model, "grid_one_in": start.grid_one_in * point["thinning"]})
