"""Intervals by resampling whole days: tickets of one day share their fate, so rows are not independent.

A draw of days is a weight for each day (how often it was drawn). Every figure here is a ratio of sums over days, or over
pairs of days, so that after one pass over the rows a draw costs a product of small matrices: 200 draws on 80,000 rows
take as long as one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array

Int64Array = NDArray[np.int64]
Prepared = Callable[[Float64Array], Float64Array]
"""A figure of fixed rows: draws x blocks weights in, one value a draw out."""
Figure = Callable[[Float64Array, Float64Array, Int64Array], Prepared]
"""Prepares a figure for outcomes, scores and the block of each row (0, 1, ... without gaps)."""


@dataclass(frozen=True)
class Interval:
    """A figure, or a difference of figures, with the middle 95 % of its resampled values."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    @property
    def plain(self) -> str:
        """The same without signs, for a figure that is no difference."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def blocks_of(days: Int64Array) -> tuple[Int64Array, int]:
    """The block of each row, counted from 0 without gaps, and how many there are."""
    names, block = np.unique(days, return_inverse=True)
    return block.reshape(-1).astype(np.int64), len(names)


def auc(y: Float64Array, score: Float64Array, block: Int64Array) -> Prepared:
    """The area under the ROC curve, ties counted half (Mann and Whitney 1947); NaN where one outcome has no weight.

    Pairs of a breach and a kept ticket are counted by the pair of their blocks; a draw weighs these counts.
    """
    order = np.argsort(score, kind="stable")
    begins = np.ones(len(y), np.bool_)
    begins[1:] = np.diff(score[order]) != 0
    starts = np.flatnonzero(begins)
    group = np.cumsum(begins) - 1
    ends = np.append(starts[1:], len(y))
    is_breach, block = y[order] > 0, block[order]
    blocks = int(block.max()) + 1 if len(block) else 0
    first, last, of = starts[group[is_breach]], ends[group[is_breach]], block[is_breach]
    won = np.zeros((blocks, blocks))
    for kept in range(blocks):
        below = np.concatenate([[0], np.cumsum(~is_breach & (block == kept))])
        won[:, kept] = np.bincount(of, 0.5 * (below[first] + below[last]), blocks)
    breaches, others = np.bincount(of, minlength=blocks), np.bincount(block[~is_breach], minlength=blocks)
    return lambda weight: _ratio(((weight @ won) * weight).sum(axis=1), (weight @ breaches) * (weight @ others))


def brier_gain(y: Float64Array, probability: Float64Array, block: Int64Array) -> Prepared:
    """The Brier score with its sign turned, so that more is better."""
    return ratio(-((probability - y) ** 2), np.ones(len(y)), block)


def average_precision(y: Float64Array, score: Float64Array, block: Int64Array) -> Prepared:
    """The mean precision over breaches, tied rows taken together as scikit-learn does; one pass over the rows a draw."""
    order = np.argsort(-score, kind="stable")
    is_last = np.ones(len(y), np.bool_)
    is_last[:-1] = np.diff(score[order]) != 0
    breach, block = y[order], block[order]

    def of(weight: Float64Array) -> float:
        drawn = weight[block]
        found, flagged = np.cumsum(drawn * breach)[is_last], np.cumsum(drawn)[is_last]
        if not len(found) or found[-1] <= 0:
            return float("nan")
        return float((np.diff(found, prepend=0.0) * found / np.maximum(flagged, 1e-12)).sum() / found[-1])

    return lambda weight: np.array([of(one) for one in weight])


def ratio(part: Float64Array, whole: Float64Array, block: Int64Array, blocks: int | None = None) -> Prepared:
    """The sum of `part` over the sum of `whole`: a mean, a share found, a rate. `blocks`: how many there are, if rows miss the last."""
    if blocks is None:
        blocks = int(block.max()) + 1 if len(block) else 0
    parts, wholes = np.bincount(block, part, blocks), np.bincount(block, whole, blocks)
    return lambda weight: _ratio(weight @ parts, weight @ wholes)


def paired_differences(
    y: Float64Array,
    scores: Mapping[str, Float64Array],
    reference: str,
    days: Int64Array,
    figure: Figure,
    *,
    draws: int = 200,
    seed: int = 0,
) -> dict[str, Interval]:
    """For each other model, `figure(reference) - figure(other)` on the same resampled days: positive favours the reference.

    `days` is the block of each row (the day its ticket opened). Draws with one outcome only are left out; with too few
    usable draws the interval is NaN, which no gate takes for clear of zero.
    """
    block, blocks = blocks_of(days)
    prepared = {name: figure(y, score, block) for name, score in scores.items()}
    return differences(prepared, reference, blocks, draws=draws, seed=seed)


def differences(
    prepared: Mapping[str, Prepared], reference: str, blocks: int, *, draws: int = 200, seed: int = 0
) -> dict[str, Interval]:
    """The same for figures that are prepared already, all over the same `blocks`."""
    weight, even = _drawn(blocks, draws, seed), np.ones((1, blocks))
    mine, whole = prepared[reference](weight), prepared[reference](even)[0]
    return {
        name: _interval(float(whole - other(even)[0]), mine - other(weight))
        for name, other in prepared.items()
        if name != reference
    }


def interval(
    y: Float64Array, score: Float64Array, days: Int64Array, figure: Figure, *, draws: int = 200, seed: int = 0
) -> Interval:
    """One figure with its interval over resampled days."""
    block, blocks = blocks_of(days)
    return interval_of(figure(y, score, block), blocks, draws=draws, seed=seed)


def interval_of(prepared: Prepared, blocks: int, *, draws: int = 200, seed: int = 0) -> Interval:
    """The interval of a figure that is prepared already."""
    return _interval(float(prepared(np.ones((1, blocks)))[0]), prepared(_drawn(blocks, draws, seed)))


def _drawn(blocks: int, draws: int, seed: int) -> Float64Array:
    """How often each block is drawn: draws x blocks."""
    if not blocks:
        return np.zeros((draws, 0))
    rng = np.random.default_rng(seed)
    return rng.multinomial(blocks, np.full(blocks, 1.0 / blocks), draws).astype(np.float64)


def _ratio(part: Float64Array, whole: Float64Array) -> Float64Array:
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def _interval(value: float, drawn: Float64Array) -> Interval:
    usable = drawn[np.isfinite(drawn)]
    if len(usable) < max(20, len(drawn) // 2):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(usable, [0.025, 0.975])
    return Interval(value, float(low), float(high))
