"""How well scores tell chances apart and hit them, where the chances are what is believed (0 to 1) or what came (0 or 1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def roc_auc(score: Floats, chance: Floats) -> float | None:
    """The share of pairs in which the one that misses has the higher score, ties counting half; None where no pair can be expected.

    With chances of 0 and 1 it is the ROC-AUC of what came. With probabilities it is what is to be expected of them: each pair
    counts by the chance that the one misses and the other does not (confidence-based estimation; independent tickets).
    """
    _values, group = np.unique(score, return_inverse=True)
    both = chance * (1.0 - chance)  # a ticket is no pair with itself
    misses, keeps, alone = (np.bincount(group, weights) for weights in (chance, 1.0 - chance, both))
    pairs = chance.sum() * (1.0 - chance).sum() - both.sum()
    below = np.cumsum(keeps) - keeps
    return float(((misses * below).sum() + (misses * keeps - alone).sum() / 2.0) / pairs) if pairs > 1e-9 else None


def brier(score: Floats, chance: Floats) -> float:
    """The mean squared distance of scores from outcomes, expected where the chances are no outcomes."""
    return float((chance * (1.0 - score) ** 2 + (1.0 - chance) * score**2).mean())


def brier_spread(chance: Floats) -> float:
    """The standard deviation of the Brier score of probabilities that are right, by chance alone."""
    return float(np.sqrt((chance * (1.0 - chance) * (1.0 - 2.0 * chance) ** 2).sum()) / len(chance))


def count_spread(chance: Floats) -> float:
    """The standard deviation of how many miss, by chance alone."""
    return float(np.sqrt((chance * (1.0 - chance)).sum()))
