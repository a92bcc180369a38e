"""The resolution range beside the quantiles of each group: how often the truth lies inside, and how sharp the range is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.finishing import finish_model
from training.rows import Rows
from training.sibling import Sibling

LEVELS = (0.1, 0.5, 0.9)
HOUR_US = 3_600_000_000.0
LEAST_ROWS = 20
Floats = NDArray[np.float64]


def range_figures(sibling: Sibling, rows: Rows) -> dict[str, float]:
    """`range.coverage80`, `range.pinball_gain` and what stands beside them, on rows whose clock has stopped by now.

    The truth is the working time that the clock still ran. The group table holds the same three quantiles for each priority
    and team among the training rows that had stopped by the cut (a priority's where a team has few).
    """
    levels = sibling.answer.levels
    finish = finish_model(sibling.fitted, sibling.train, sibling.blend, sibling.calibration, levels)
    if finish is None:
        return {}
    asked = rows.where(rows.has_stopped)
    values = sibling.fitted.range.clip(asked.X)
    log_odds = sibling.calibration.apply(sibling.blend.margin(sibling.fitted.margins(asked.X)))
    said = finish.working_hours(values, log_odds)
    truth = asked.worked_us / HOUR_US
    table = _group_quantiles(sibling, asked)
    mine, theirs = pinball(said, truth), pinball(table, truth)
    return {
        "range.coverage80": coverage(said, truth),
        "range.pinball_gain": 1.0 - mine / theirs,
        "range.pinball_hours": mine,
        "range.group_pinball_hours": theirs,
        "range.group_coverage80": coverage(table, truth),
        "range.median_error_hours": float(np.abs(said[:, 1] - truth).mean()),
    }


def coverage(quantiles: Floats, truth: Floats) -> float:
    """The share of rows whose truth lies between the first and the last quantile, both included."""
    return float(((truth >= quantiles[:, 0]) & (truth <= quantiles[:, -1])).mean())


def pinball(quantiles: Floats, truth: Floats) -> float:
    """The mean pinball loss over rows and levels, in the unit of the truth (Koenker and Bassett 1978)."""
    miss = truth[:, None] - quantiles
    levels = np.array(LEVELS)
    return float(np.maximum(levels * miss, (levels - 1.0) * miss).mean())


def _group_quantiles(sibling: Sibling, asked: Rows) -> Floats:
    train = sibling.train.where(sibling.train.is_event & sibling.train.has_stopped)
    hours = train.worked_us / HOUR_US
    found = np.tile(np.quantile(hours, LEVELS), (len(asked), 1))
    for keys, wanted in (
        (train.priority, asked.priority),
        (train.priority * 1_000_000 + train.team, asked.priority * 1_000_000 + asked.team),
    ):
        for key in np.unique(wanted):
            rows = keys == key
            if rows.sum() >= LEAST_ROWS:
                found[wanted == key] = np.quantile(hours[rows], LEVELS)
    return found
