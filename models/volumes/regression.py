"""Poisson regressions of all series on the calendar at once; each series leans on what the whole does where it says little itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.volumes.day_columns import HOLIDAYS, MONTH, WEEKDAYS, YEAR
from models.scales import Float64Array
from sla.instants import BoolArray, Int64Array

STEPS = 12
LEAST_MEAN = 1e-3
MOST_EFFECT = 12.0


@dataclass(frozen=True)
class RegressionParameters:
    """Prior standard deviations of effects (in logs), for the whole and for how a part differs from it; and memory in days."""

    whole: tuple[float, float, float, float] = (1.5, 0.3, 0.5, 0.15)  # weekday, year, holidays, month
    parts: tuple[float, float, float, float] = (0.5, 0.2, 0.3, 0.05)
    trend: float = 0.2
    half_life_days: float = 240.0
    slow_days: float = 14.0  # half-life of the level that residuals tell, in days with counts
    fast_days: float = 2.0
    fast_share: float = 0.5  # how much of the latest residuals is carried on to the next day ...
    fast_decay: float = 0.85  # ... and how much of that to each day after


def regression(
    values: Float64Array, columns: Float64Array, horizon: int, parameters: RegressionParameters
) -> tuple[Float64Array, Float64Array]:
    """s x horizon expected counts, twice: at the level of the latest weeks, and with the latest days' residuals carried on, fading.

    `values` is s x n with NaN for days to leave out, the first series the whole; `columns` (n + horizon) x p.
    Quasi-Poisson likelihood with a normal prior, by Newton's steps; overdispersion is that of the residuals.
    """
    n = values.shape[1]
    age = np.arange(n)[::-1]
    weight = np.where(np.isfinite(values), 0.5 ** (age / parameters.half_life_days), 0.0)
    counts = np.where(np.isfinite(values), values, 0.0)
    X, ahead = columns[:n], columns[n:]
    nothing = np.zeros((1, columns.shape[1]))
    whole = _fit(counts[:1], weight[:1], X, nothing, _prior(parameters.whole, parameters))
    effects = whole
    if len(values) > 1:
        prior = whole.copy()
        prior[:, 0] = 0.0
        parts = _fit(counts[1:], weight[1:], X, prior, _prior(parameters.parts, parameters))
        effects = np.concatenate([whole, parts])
    fitted, expected = np.exp(_log_mean(effects, X)), np.exp(_log_mean(effects, ahead))
    slow, fast = _latest_ratios(counts, weight > 0, fitted, parameters)
    calm = expected * slow[:, None]
    power = parameters.fast_share * parameters.fast_decay ** np.arange(horizon)
    return calm, calm * fast[:, None] ** power[None, :]


def _prior(deviations: tuple[float, float, float, float], parameters: RegressionParameters) -> Float64Array:
    sizes = (len(WEEKDAYS), len(YEAR), len(HOLIDAYS), len(MONTH))
    inner = np.repeat(deviations, sizes)
    found = np.concatenate([[30.0], inner, [parameters.trend]])  # in the order of COLUMNS: level first, trend last
    return 1.0 / found**2


def _log_mean(effects: Float64Array, X: Float64Array) -> Float64Array:
    found: Float64Array = np.clip(effects @ X.T, -MOST_EFFECT, 16.0)
    return found


def _fit(
    counts: Float64Array, weight: Float64Array, X: Float64Array, prior: Float64Array, precision: Float64Array
) -> Float64Array:
    """s x p effects: the most likely ones under a normal prior around `prior`."""
    s, p = len(counts), X.shape[1]
    total = np.maximum(weight.sum(axis=1), 1e-9)
    effects = np.repeat(prior, s, axis=0) if len(prior) == 1 else prior.copy()
    base = np.exp(np.clip(effects @ X.T, -MOST_EFFECT, 16.0))
    effects[:, 0] += np.log((np.sum(weight * counts, axis=1) + 0.01) / (np.sum(weight * base, axis=1) + 0.01))
    centre = effects.copy()
    squares = (X[:, :, None] * X[:, None, :]).reshape(len(X), p * p)
    spread = np.ones(s)
    for step in range(STEPS):
        mean = np.exp(_log_mean(effects, X))
        if step in (2, 5):
            spread = _overdispersion(counts, weight, mean, total)
        gradient = (weight * (counts - mean)) @ X / spread[:, None] - (effects - centre) * precision
        information = ((weight * mean) @ squares).reshape(s, p, p) / spread[:, None, None]
        information[:, np.arange(p), np.arange(p)] += precision
        move = np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
        effects = effects + np.clip(move, -1.0, 1.0)
        if step > 5 and np.abs(move).max() < 1e-4:
            break
    return effects


def _overdispersion(
    counts: Float64Array, weight: Float64Array, mean: Float64Array, total: Float64Array
) -> Float64Array:
    squares = weight * (counts - mean) ** 2 / np.maximum(mean, LEAST_MEAN)
    found: Float64Array = np.maximum(squares.sum(axis=1) / total, 1.0)
    return found


def _latest_ratios(
    counts: Float64Array, known: BoolArray, fitted: Float64Array, parameters: RegressionParameters
) -> tuple[Float64Array, Float64Array]:
    """By what the latest weeks came above what was expected, and the latest days above that, one a series each."""
    total: Float64Array = np.maximum(known.sum(axis=1), 1.0)
    spread = _overdispersion(counts, known.astype(np.float64), fitted, total)
    slow = _latest(counts, known, fitted, parameters.slow_days, spread)
    return slow, _latest(counts, known, fitted * slow[:, None], parameters.fast_days, 2.0 * spread)


def _latest(
    counts: Float64Array, known: BoolArray, fitted: Float64Array, half_life: float, evidence: Float64Array
) -> Float64Array:
    """s ratios of what came to what was expected, the latest days counting most, held to 1 by a little evidence."""
    seen_after: Int64Array = np.cumsum(known[:, ::-1], axis=1)[:, ::-1] - known
    weight = known * 0.5 ** (seen_after / half_life)
    came, expected = np.sum(weight * counts, axis=1), np.sum(weight * fitted, axis=1)
    found: Float64Array = np.clip((came + evidence) / (expected + evidence), 0.1, 10.0)
    return found
