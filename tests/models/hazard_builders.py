"""Clocks whose pace is known: a clock stops at a constant rate, faster where `speed` is high; some are still running."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from models.hazard import HazardMember
from models.hazard_fitting import HazardParameters, fit_hazard

NAMES = ("remaining_hours", "target_hours", "share_used", "speed", "noise")
QUICK = HazardParameters(
    rounds=60, learning_rate=0.2, lambda_l2=1.0, feature_fraction=0.8, time_rounds=30, intervals_per_leaf=100
)


@dataclass(frozen=True)
class Clocks:
    X: np.ndarray
    hours: np.ndarray  # until it stopped, or as far as is known
    has_stopped: np.ndarray
    true_hours: np.ndarray


def clocks(count: int = 6000, seed: int = 0, *, censored: float = 0.3) -> Clocks:
    """A third of them are looked at before they have stopped."""
    rng = np.random.default_rng(seed)
    target = rng.choice([8.0, 24.0, 40.0], count)
    share = rng.random(count) * 0.9
    speed = rng.normal(0, 1, count)
    X = np.column_stack([target * (1 - share), target, share, speed, rng.normal(0, 1, count)])
    true_hours = rng.exponential(20.0 * np.exp(-0.8 * speed))
    seen = np.where(rng.random(count) < censored, rng.uniform(0, 30, count), np.inf)
    return Clocks(X, np.minimum(true_hours, seen), true_hours <= seen, true_hours)


def true_risk(X: np.ndarray) -> np.ndarray:
    """The probability that a clock outlives its time left."""
    return np.exp(-X[:, 0] / (20.0 * np.exp(-0.8 * X[:, 3])))


@cache
def member(censored: float = 0.3, seed: int = 0) -> HazardMember:
    made = clocks(censored=censored)
    return fit_hazard(
        made.X,
        made.hours,
        made.has_stopped,
        np.ones(len(made.X)),
        list(NAMES),
        QUICK,
        seed=seed,
        directions={"remaining_hours": -1},
    )
