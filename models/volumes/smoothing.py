"""Exponential smoothing with a damped trend and a weekly season, of all series at once, each with its own best parameters.

Additive Holt-Winters as in Hyndman and Athanasopoulos, Forecasting: Principles and Practice, chapter 8 (the form in which
the season is smoothed against the level before its update). tests/models holds it against statsmodels.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from models.scales import Float64Array

WEEK = 7
FIRST = 56  # counted days from which a series starts
GRID = tuple(
    itertools.product((0.02, 0.05, 0.1, 0.2, 0.4), ((0.0, 1.0), (0.01, 0.98), (0.05, 0.9)), (0.02, 0.05, 0.15))
)


@dataclass(frozen=True)
class State:
    """Where smoothing stands after the last day: level and trend (one a row), season by place in the week (rows x 7)."""

    level: Float64Array
    trend: Float64Array
    season: Float64Array


def smoothing(
    values: Float64Array, horizon: int, grid: tuple[tuple[float, tuple[float, float], float], ...] = GRID
) -> Float64Array:
    """s x horizon, not below 0: by each series' parameters with the least squared error one day ahead.

    `values` is s x n; a NaN changes nothing. A grid entry is (level, (trend, damping), season).
    """
    s, n = values.shape
    start = first_state(values)
    alpha, beta, phi, gamma = (np.repeat(one, s) for one in _parameters(grid))
    many = len(grid)
    state = State(np.tile(start.level, many), np.tile(start.trend, many), np.tile(start.season, (many, 1)))
    after, loss = smooth(np.tile(values, (many, 1)), state, alpha, beta, phi, gamma, skip=min(28, n // 2))
    best = np.argmin(loss.reshape(many, s), axis=0) * s + np.arange(s)
    return ahead(State(after.level[best], after.trend[best], after.season[best]), phi[best], n, horizon)


def first_state(values: Float64Array) -> State:
    """Level and season from the first 56 counted days of each series; no trend."""
    known = np.isfinite(values)
    early = known & (np.cumsum(known, axis=1) <= FIRST)
    counts = np.where(early, values, 0.0)
    level = counts.sum(axis=1) / np.maximum(early.sum(axis=1), 1)
    season = np.zeros((len(values), WEEK))
    for place in range(WEEK):
        days = early[:, place::WEEK]
        mean = counts[:, place::WEEK].sum(axis=1) / np.maximum(days.sum(axis=1), 1)
        season[:, place] = np.where(days.any(axis=1), mean - level, 0.0)
    return State(level, np.zeros(len(values)), season)


def smooth(
    values: Float64Array,
    start: State,
    alpha: Float64Array,
    beta: Float64Array,
    phi: Float64Array,
    gamma: Float64Array,
    *,
    skip: int = 0,
) -> tuple[State, Float64Array]:
    """The state after the last day, and the squared errors one day ahead summed over the days after the first `skip`."""
    level, trend, season = start.level.copy(), start.trend.copy(), start.season.copy()
    loss = np.zeros(len(values))
    for day in range(values.shape[1]):
        place = day % WEEK
        carried = level + phi * trend
        error = values[:, day] - carried - season[:, place]
        error = np.where(np.isfinite(error), error, 0.0)
        level = carried + alpha * error
        trend = phi * trend + alpha * beta * error
        season[:, place] += gamma * error
        if day >= skip:
            loss += error * error
    return State(level, trend, season), loss


def ahead(state: State, phi: Float64Array, n: int, horizon: int) -> Float64Array:
    """What the state says of the days after the n-th: level, damped trend and season, not below 0."""
    steps = np.cumsum(phi[:, None] ** np.arange(1, horizon + 1)[None, :], axis=1)
    places = (n + np.arange(horizon)) % WEEK
    return np.maximum(state.level[:, None] + steps * state.trend[:, None] + state.season[:, places], 0.0)


def _parameters(grid: tuple[tuple[float, tuple[float, float], float], ...]) -> tuple[Float64Array, ...]:
    rows = np.array([(alpha, beta, phi, gamma) for alpha, (beta, phi), gamma in grid])
    return tuple(rows.T)
