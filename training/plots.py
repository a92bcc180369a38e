"""Pictures of a judgement: reliability, ROC and precision-recall of the model beside its baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from models.scales import Float64Array
from training.evaluation import reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0b5394", "#b45f06", "#38761d", "#7f6000", "#741b47")
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)))  # readable without colour


def reliability_plot(y: Float64Array, probabilities: Mapping[str, Float64Array]) -> Figure:
    """What was said against what came, in 15 bins of equal mass; on the diagonal a probability means what it says."""
    figure, axes = _square()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, label="perfect")
    for index, (name, probability) in enumerate(probabilities.items()):
        bins = reliability(y, probability)
        axes.plot([b.said for b in bins], [b.came for b in bins], marker="o", markersize=4, **_look(index), label=name)
    axes.set(xlabel="probability said", ylabel="share that breached", title="Reliability", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left", frameon=False)
    return figure


def roc_plot(y: Float64Array, probabilities: Mapping[str, Float64Array]) -> Figure:
    """Breaches found against false alarms, over all thresholds."""
    figure, axes = _square()
    for index, (name, probability) in enumerate(probabilities.items()):
        false_rate, true_rate, _ = roc_curve(y, probability)
        axes.plot(*_thinned(false_rate, true_rate), **_look(index), label=name)
    axes.set(xlabel="false alarms among kept tickets", ylabel="breaches found", title="ROC", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="lower right", frameon=False)
    return figure


def precision_recall_plot(y: Float64Array, probabilities: Mapping[str, Float64Array]) -> Figure:
    """How many of the flagged breach against how many breaches are flagged."""
    figure, axes = _square()
    for index, (name, probability) in enumerate(probabilities.items()):
        precision, recall, _ = precision_recall_curve(y, probability)
        axes.plot(*_thinned(recall, precision), **_look(index), label=name)
    axes.axhline(float(y.mean()), color="#999999", linewidth=1, label="base rate")
    axes.set(
        xlabel="breaches found", ylabel="flagged that breach", title="Precision and recall", xlim=(0, 1), ylim=(0, 1)
    )
    axes.legend(loc="upper right", frameon=False)
    return figure


def _square() -> tuple[Figure, Any]:
    # Figure and canvas by hand: pyplot keeps global state and picks a backend from the environment.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _look(index: int) -> dict[str, Any]:
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": STYLES[index % len(STYLES)], "linewidth": 1.5}


def _thinned(x: Float64Array, y: Float64Array, points: int = 400) -> tuple[Float64Array, Float64Array]:
    keep = np.unique(np.linspace(0, len(x) - 1, min(points, len(x))).astype(np.int64))
    return x[keep], y[keep]
