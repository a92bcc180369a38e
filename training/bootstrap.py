"""Intervals by resampling whole days: tickets of one day share their fate, so rows are not independent.

A draw of days is a weight for each row (how often its day was drawn), so figures are prepared once (sorted, squared) and
then cost one pass a draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array

Prepared = Callable[[Float64Array], float]
"""A figure of fixed rows, as a function of their weights."""
Figure = Callable[[Float64Array, Float64Array], Prepared]
"""Prepares a figure for outcomes and scores."""


@dataclass(frozen=True)
class Interval:
    """A figure, or a difference of figures, with the middle 95 % of its resampled values."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def auc(y: Float64Array, score: Float64Array) -> Prepared:
    """The area under the ROC curve, ties counted half (Mann and Whitney 1947); NaN where one outcome has no weight."""
    order = np.argsort(score, kind="stable")
    positive = y[order] > 0
    starts = np.concatenate([[0], np.flatnonzero(np.diff(score[order])) + 1]) if len(y) else np.zeros(0, np.intp)

    def of(weight: Float64Array) -> float:
        sorted_weight = weight[order]
        ones = np.add.reduceat(np.where(positive, sorted_weight, 0.0), starts)
        zeros = np.add.reduceat(np.where(positive, 0.0, sorted_weight), starts)
        pairs = ones.sum() * zeros.sum()
        below = np.cumsum(zeros) - zeros
        return float((ones * (below + 0.5 * zeros)).sum() / pairs) if pairs > 0 else float("nan")

    return of


def brier_gain(y: Float64Array, probability: Float64Array) -> Prepared:
    """The Brier score with its sign turned, so that more is better."""
    loss = (probability - y) ** 2
    return lambda weight: -float(np.average(loss, weights=weight))


def paired_differences(
    y: Float64Array,
    scores: Mapping[str, Float64Array],
    reference: str,
    days: NDArray[np.int64],
    figure: Figure,
    *,
    draws: int = 200,
    seed: int = 0,
) -> dict[str, Interval]:
    """For each other model, `figure(reference) - figure(other)` on the same resampled days: positive favours the reference.

    `days` is the block of each row (the day its ticket opened). Draws with one outcome only are left out; with too few
    usable draws the interval is NaN, which no gate takes for clear of zero.
    """
    prepared = {name: figure(y, score) for name, score in scores.items()}
    _, block = np.unique(days, return_inverse=True)
    block, blocks = block.reshape(-1), int(block.max()) + 1 if len(block) else 0
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in scores if name != reference}
    for _ in range(draws):
        weight = np.bincount(rng.integers(0, blocks, blocks), minlength=blocks).astype(np.float64)[block]
        mine = prepared[reference](weight)
        for name, values in drawn.items():
            values.append(mine - prepared[name](weight))
    even = np.ones(len(y))
    whole = prepared[reference](even)
    return {name: _interval(whole - prepared[name](even), values) for name, values in drawn.items()}


def _interval(value: float, drawn: list[float]) -> Interval:
    usable = np.array([draw for draw in drawn if np.isfinite(draw)])
    if len(usable) < max(20, len(drawn) // 2):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(usable, [0.025, 0.975])
    return Interval(value, float(low), float(high))
