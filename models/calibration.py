"""What lies between the log odds a model says and what happens: a line, steeper above one half. By default none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.scales import Float64Array

MINIMAL_SLOPE = 0.05
LEAST_WAY = 1e-9  # shorter ways are rounding


@dataclass(frozen=True)
class Calibration:
    """Calibrated log odds are `slope * margin + shift`, where a margin above zero first counts `upper_slope` times.

    Slopes 1 and shift 0 change nothing. Three numbers in the bundle; slopes are positive, so the order of tickets never
    changes.
    """

    kind: str = "identity"
    slope: float = 1.0
    shift: float = 0.0
    upper_slope: float = 1.0

    def apply(self, margin: Float64Array) -> Float64Array:
        """Calibrated log odds."""
        return np.asarray(self.slope * np.where(margin > 0.0, self.upper_slope * margin, margin) + self.shift)

    def rises(self, baseline: float, margin: Float64Array) -> Float64Array:
        """Calibrated log odds for each one of a model's, on the way from a baseline to each margin.

        Contributions times this number, and the calibrated baseline, add up to calibrated log odds.
        """
        way = margin - baseline
        gained = self.apply(margin) - self.apply(np.array([baseline]))
        at_once = self.slope * (self.upper_slope if baseline > 0.0 else 1.0)
        rises: Float64Array = np.divide(gained, way, out=np.full(len(way), at_once), where=np.abs(way) > LEAST_WAY)
        return rises


def fit_shift(margin: Float64Array, y: Float64Array, weight: Float64Array, upper_slope: float = 1.0) -> Calibration:
    """The shift of all log odds that fits outcomes best (least log loss): for a base rate that moved."""
    from scipy.optimize import minimize_scalar  # 30 MiB: whoever only applies a calibration does without

    given = Calibration(upper_slope=upper_slope).apply(margin)
    found = minimize_scalar(lambda shift: _log_loss(given + shift, y, weight), bounds=(-3.0, 3.0), method="bounded")
    return Calibration("shift", 1.0, float(found.x), upper_slope)


def fit_platt(margin: Float64Array, y: Float64Array, weight: Float64Array, upper_slope: float = 1.0) -> Calibration:
    """Slope and shift that fit outcomes best (Platt 1999, without his smoothing: windows here are large)."""
    from scipy.optimize import minimize

    given = Calibration(upper_slope=upper_slope).apply(margin)

    def loss(line: Float64Array) -> float:
        return _log_loss(line[0] * given + line[1], y, weight)

    found = minimize(
        loss,
        x0=np.array([1.0, 0.0]),
        bounds=[(MINIMAL_SLOPE, 5.0), (-3.0, 3.0)],
        method="L-BFGS-B",
    )
    return Calibration("platt", float(found.x[0]), float(found.x[1]), upper_slope)


def _log_loss(margin: Float64Array, y: Float64Array, weight: Float64Array) -> float:
    loss = np.logaddexp(0.0, margin) - y * margin
    return float(np.average(loss, weights=weight))


def log_loss_each(margin: Float64Array, y: Float64Array) -> Float64Array:
    """The log loss of each row, from log odds."""
    return np.logaddexp(0.0, np.where(y > 0, -margin, margin))
