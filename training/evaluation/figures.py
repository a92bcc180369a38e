"""How good probabilities are, in figures with fixed definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from models.scales import Float64Array

ECE_BINS = 15
RECALL_SHARES = (0.1, 0.2)


@dataclass(frozen=True)
class Scores:
    """Figures of one model on one set of snapshots. AUC and AP are NaN where only one outcome occurs."""

    rows: int
    base_rate: float
    auc: float
    ap: float
    brier: float
    log_loss: float
    ece: float
    recall: Mapping[float, float]  # share flagged -> share of breaches found

    def named(self) -> dict[str, float]:
        """Flat figures by name, as they go to MLflow."""
        figures = {name: getattr(self, name) for name in ("auc", "ap", "brier", "log_loss", "ece", "base_rate")}
        return {**figures, **{f"recall_at_{share * 100:.0f}": value for share, value in self.recall.items()}}


def evaluate(y: Float64Array, probability: Float64Array) -> Scores:
    """The figures for outcomes (0 or 1) and the probabilities given to them."""
    two_sided = 0 < y.sum() < len(y)
    return Scores(
        rows=len(y),
        base_rate=float(y.mean()) if len(y) else float("nan"),
        auc=float(roc_auc_score(y, probability)) if two_sided else float("nan"),
        ap=float(average_precision_score(y, probability)) if two_sided else float("nan"),
        brier=brier(y, probability),
        log_loss=log_loss(y, probability),
        ece=calibration_error(y, probability),
        recall={share: recall_at(y, probability, share) for share in RECALL_SHARES},
    )


def brier(y: Float64Array, probability: Float64Array) -> float:
    """The mean squared distance of probability from outcome."""
    return float(np.mean((probability - y) ** 2)) if len(y) else float("nan")


def log_loss(y: Float64Array, probability: Float64Array) -> float:
    """The mean negative log likelihood, natural logarithm; probabilities are kept 1e-9 away from 0 and 1."""
    inside = np.clip(probability, 1e-9, 1 - 1e-9)
    return float(-np.mean(y * np.log(inside) + (1 - y) * np.log1p(-inside))) if len(y) else float("nan")


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of like probability: what was said, what came."""

    rows: int
    said: float
    came: float


def reliability(y: Float64Array, probability: Float64Array, bins: int = ECE_BINS) -> list[ReliabilityBin]:
    """Equal-mass bins in rising order of probability; ties are cut, as every definition with equal masses must."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [ReliabilityBin(len(part), float(probability[part].mean()), float(y[part].mean())) for part in parts]


def calibration_error(y: Float64Array, probability: Float64Array, bins: int = ECE_BINS) -> float:
    """Expected calibration error: the mean distance of said from came over equal-mass bins, weighted by rows.

    Below about .015 on some thousand tickets it cannot be told from zero: a perfect model has that by chance.
    """
    found = reliability(y, probability, bins)
    return float(sum(b.rows * abs(b.said - b.came) for b in found) / max(len(y), 1))


def recall_at(y: Float64Array, probability: Float64Array, share: float) -> float:
    """The share of breaches among the `share` of rows with the highest probability."""
    breaches = y.sum()
    if breaches == 0:
        return float("nan")
    flagged = np.argsort(-probability, kind="stable")[: max(1, round(share * len(y)))]
    return float(y[flagged].sum() / breaches)
