"""A few rows with what the model said of them when it was saved: loaded elsewhere, it must say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.clipping import TrainingRange
from models.scales import Float64Array

ROWS = 24
TOLERANCE = 1e-9
"""Probabilities may differ by rounding alone: another processor adds up in another order."""


@dataclass(frozen=True)
class Reference:
    """n rows of k features, and the probability of each."""

    values: Float64Array
    probability: Float64Array

    def to_json(self) -> dict[str, Any]:
        """Plain values: the same numbers when read again, null for a missing one."""
        rows = [[None if np.isnan(value) else value for value in row] for row in self.values.tolist()]
        return {"values": rows, "probability": self.probability.tolist()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reference:
        """The way back."""
        values = [[np.nan if value is None else value for value in row] for row in data["values"]]
        return cls(np.array(values, np.float64), np.array(data["probability"], np.float64))

    def difference(self, probability: Float64Array) -> float:
        """By how much another answer to the same rows differs at most; infinite where it is no answer."""
        if probability.shape != self.probability.shape or not np.isfinite(probability).all():
            return float("inf")
        return float(np.abs(probability - self.probability).max(initial=0.0))


def reference_rows(limits: TrainingRange) -> Float64Array:
    """Rows to be asked about: every feature at its smallest, usual and largest value in training, between them, and missing.

    Mixed by a fixed chance, so that the same model gets the same rows; no person's data is in them.
    """
    known = np.array([limits.low, limits.usual, limits.high], np.float64)
    between = (known[:2] + known[1:]) / 2
    choices = np.vstack([known, between, np.full((1, known.shape[1]), np.nan)])
    pick = np.random.default_rng(0).integers(0, len(choices), (ROWS - len(choices), known.shape[1]))
    return np.vstack([choices, np.take_along_axis(choices, pick, axis=0)])
