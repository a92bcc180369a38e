"""The straight line, on the log odds scale, between what a model says and what happens. By default none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from models.scales import Float64Array

MINIMAL_SLOPE = 0.05


@dataclass(frozen=True)
class Calibration:
    """Calibrated log odds are `slope * margin + shift`; slope 1, shift 0 changes nothing. Two numbers in the bundle.

    Slope is positive, so the order of tickets never changes.
    """

    kind: str = "identity"
    slope: float = 1.0
    shift: float = 0.0

    def apply(self, margin: Float64Array) -> Float64Array:
        """Calibrated log odds."""
        return self.slope * margin + self.shift


def fit_shift(margin: Float64Array, y: Float64Array, weight: Float64Array) -> Calibration:
    """The shift of all log odds that fits outcomes best (least log loss): for a base rate that moved."""
    found = minimize_scalar(lambda shift: _log_loss(margin + shift, y, weight), bounds=(-3.0, 3.0), method="bounded")
    return Calibration("shift", 1.0, float(found.x))


def fit_platt(margin: Float64Array, y: Float64Array, weight: Float64Array) -> Calibration:
    """Slope and shift that fit outcomes best (Platt 1999, without his smoothing: windows here are large)."""

    def loss(line: Float64Array) -> float:
        return _log_loss(line[0] * margin + line[1], y, weight)

    found = minimize(
        loss,
        x0=np.array([1.0, 0.0]),
        bounds=[(MINIMAL_SLOPE, 5.0), (-3.0, 3.0)],
        method="L-BFGS-B",
    )
    return Calibration("platt", float(found.x[0]), float(found.x[1]))


def _log_loss(margin: Float64Array, y: Float64Array, weight: Float64Array) -> float:
    loss = np.logaddexp(0.0, margin) - y * margin
    return float(np.average(loss, weights=weight))


def log_loss_each(margin: Float64Array, y: Float64Array) -> Float64Array:
    """The log loss of each row, from log odds."""
    return np.logaddexp(0.0, np.where(y > 0, -margin, margin))
