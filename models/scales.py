"""Probabilities and log odds, one definition for every model."""

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]

_EDGE = 1e-12


def sigmoid(margin: Float64Array) -> Float64Array:
    """Probabilities in (0, 1) for log odds, without overflow at either end."""
    positive = 1.0 / (1.0 + np.exp(-np.abs(margin)))
    return np.where(margin >= 0, positive, 1.0 - positive)


def logit(probability: Float64Array) -> Float64Array:
    """Log odds; probabilities of exactly 0 or 1 are moved in by 1e-12."""
    inside = np.clip(probability, _EDGE, 1.0 - _EDGE)
    return np.log(inside) - np.log1p(-inside)
