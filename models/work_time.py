"""How much hands-on work a ticket still needs: a lognormal belief, learned from handled tickets and shrunk to category means.

The log of handling time is predicted by boosted trees. How much of the way from the category's mean to the trees' answer a belief
goes is measured on later tickets (`trust`, 0 to 1): noisy estimates a ticket hurt the most urgent most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
_SHRINKAGE_TICKETS = 10.0  # a group with so many tickets counts half


@dataclass(frozen=True)
class WorkBelief:
    """Lognormal hands-on minutes, n rows."""

    log_mean: Floats
    log_sd: Floats

    @property
    def expected(self) -> Floats:
        """Mean minutes, n."""
        return np.asarray(np.exp(self.log_mean + self.log_sd**2 / 2))


@dataclass(frozen=True)
class CategoryMeans:
    """Mean log minutes of each group of tickets that share the values of `columns`, shrunk to the mean of all where few."""

    columns: tuple[int, ...]
    means: dict[tuple[float, ...], float]
    overall: float
    log_sd: float

    def belief(self, X: Floats) -> WorkBelief:
        """Return the belief by group alone, n; groups never seen have the mean of all."""
        keys = X[:, list(self.columns)]
        groups, inverse = np.unique(keys, axis=0, return_inverse=True)
        means = np.array([self.means.get(tuple(group), self.overall) for group in groups.tolist()])
        return WorkBelief(means[inverse.ravel()], np.full(len(X), self.log_sd))


def category_means(X: Floats, logs: Floats, columns: Sequence[int]) -> CategoryMeans:
    """Return the mean log minutes by group of `columns`, those of few tickets drawn to the mean of all."""
    overall = float(logs.mean())
    groups, inverse = np.unique(X[:, list(columns)], axis=0, return_inverse=True)
    counts = np.bincount(inverse.ravel())
    sums = np.bincount(inverse.ravel(), weights=logs - overall)
    shrunk = overall + sums / (counts + _SHRINKAGE_TICKETS)
    spread = float(np.sqrt(np.mean((logs - shrunk[inverse.ravel()]) ** 2)))
    means = {tuple(group): float(mean) for group, mean in zip(groups.tolist(), shrunk, strict=True)}
    return CategoryMeans(tuple(columns), means, overall, spread)


def still_needed(belief: WorkBelief, spent: Floats) -> WorkBelief:
    """Return the belief about the minutes still to come of tickets on which some were spent, n.

    The mean is exact: that of a lognormal known to be larger than what was spent, less that. The shape is taken as lognormal
    again, with the same spread.
    """
    spread = np.maximum(belief.log_sd, 1e-9)
    reached = (np.log(np.maximum(spent, 1e-9)) - belief.log_mean) / spread
    beyond = np.maximum(ndtr(-reached), 1e-12)
    left = belief.expected * np.maximum(ndtr(spread - reached), 1e-12) / beyond - spent
    left = np.where(spent > 0, np.maximum(left, np.maximum(1.0, 0.05 * spent)), belief.expected)
    return WorkBelief(np.log(left) - belief.log_sd**2 / 2, belief.log_sd)


@dataclass(frozen=True)
class WorkTimeModel:
    """Trees on top of category means; `trust` 0 serves the means alone."""

    categories: CategoryMeans
    booster: lgb.Booster | None
    trust: float
    log_sd: float

    def belief(self, X: Floats) -> WorkBelief:
        """Return the belief about hands-on minutes, n rows of features in the order of training."""
        plain = self.categories.belief(X)
        if self.booster is None or self.trust == 0.0:
            return plain
        learned = np.asarray(self.booster.predict(X, num_threads=1), dtype=np.float64)
        return WorkBelief(plain.log_mean + self.trust * learned, np.full(len(X), self.log_sd))
