"""Forecasts played back: at each origin the choice, the shape and the intervals are made from what was known by then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.volumes.counts import ALL, SLOTS, VolumeCounts
from features.volumes.planned import Outlook
from models.scales import Float64Array
from models.volumes.hierarchy import on_grid
from models.volumes.intervals import QUANTILES, bucket_of, calibrate
from models.volumes.regression import RegressionParameters
from models.volumes.shape import day_shapes, half_hours_of
from sla.instants import Int64Array
from training.volumes.choice import choose
from training.volumes.fitting import LEAST_SLOT, half_hours_from
from training.volumes.rolling import RolledVolumes, roll_volumes

FADING_ORIGINS = 8.0  # after so many origins an error counts half: later forecasts know more than the first did


@dataclass(frozen=True)
class Replay:
    """Of the whole, after o origins: days o x h, half hours o x h x 48 with bounds 4 x o x h x 48, and what came of these."""

    origins: Int64Array
    days: Float64Array
    half_hours: Float64Array
    bounds: Float64Array
    came: Float64Array
    rolled: RolledVolumes


def replay(
    counts: VolumeCounts,
    outlook: Outlook,
    origins: Int64Array,
    *,
    horizon: int,
    parameters: RegressionParameters | None = None,
) -> Replay:
    """What would have been said of the whole at each origin (in order), nothing known that was not known then.

    Early origins have little to choose by and no intervals (NaN): begin some weeks before the first that is judged.
    """
    rolled = roll_volumes(counts, outlook, origins, horizon=horizon, parameters=parameters)
    o = len(origins)
    days, half_hours = np.zeros((o, horizon)), np.zeros((o, horizon, SLOTS))
    bounds = np.full((len(QUANTILES), o, horizon, SLOTS), np.nan)
    came = np.stack([half_hours_from(counts, int(day), horizon)[0].reshape(horizon, SLOTS) for day in origins])
    came[~np.isfinite(rolled.came[:, 0])] = np.nan
    for place, day in enumerate(origins):
        choice = choose(rolled.known_by(int(day)), len(counts.series))
        said = {name: found[place] for name, found in rolled.said.items()}
        days[place] = on_grid(choice.of(said, horizon)[0])
        before = counts.before(int(day))
        half_hours[place] = half_hours_of(
            days[place], day_shapes(before.by_half_hour[:1], before.first_day)[0], int(day)
        )
        bounds[:, place] = _bounds(half_hours[: place + 1], came[:place], origins[: place + 1])
    return Replay(origins, days, half_hours, bounds, came, rolled)


def _bounds(said: Float64Array, came: Float64Array, origins: Int64Array) -> Float64Array:
    """4 x h x 48 around the last of the forecasts, from the errors of those before it that were known at its origin."""
    horizon = said.shape[1]
    known = origins[:-1, None] + np.arange(horizon)[None, :] < origins[-1]
    past = said[:-1]
    errors = np.where(known[:, :, None] & (past >= LEAST_SLOT), came - past, np.nan)
    flat = (len(past), 1, horizon * SLOTS)
    buckets = np.repeat(bucket_of(horizon), SLOTS)
    weight = 0.5 ** (np.arange(len(past))[::-1] / FADING_ORIGINS)
    intervals = calibrate(errors.reshape(flat), past.reshape(flat), {ALL: np.zeros(1, np.int64)}, buckets, weight)
    if not intervals.quantiles:
        return np.full((len(QUANTILES), horizon, SLOTS), np.nan)
    return intervals.around(said[-1].ravel(), ALL, 0, buckets).reshape(len(QUANTILES), horizon, SLOTS)
