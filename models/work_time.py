"""How much hands-on work a ticket still needs: a lognormal belief, learned from handled tickets and shrunk to category means.

The log of handling time is predicted by boosted trees. How much of the way from the category's mean to the trees' answer a belief
goes is measured on later tickets (`trust`, 0 to 1): noisy estimates a ticket hurt the most urgent most.
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
