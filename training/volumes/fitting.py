"""From counts to a fitted volume model: rolled origins, the choice, and intervals from the errors of choices made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.volumes.counts import ALL, SLOTS, VolumeCounts
from features.volumes.planned import Outlook
from models.scales import Float64Array
from models.volumes.candidates import Origin
from models.volumes.hierarchy import daily_variance, reconcile
from models.volumes.intervals import DAYS, HALF_HOURS, WEEKS, Intervals, bucket_of, calibrate
from models.volumes.model import HALF_HOUR_DAYS, LAST_FOUR, RECENT, SHAPES, VolumeModel, check_history, weeks_of
from models.volumes.regression import RegressionParameters
from models.volumes.shape import half_hours_of
from sla.instants import Int64Array
from training.volumes.choice import Choice, choose
from training.volumes.rolling import RolledVolumes, past_origins, roll_volumes, trees_at

LEAST_SLOT = 0.05  # tickets: half hours with fewer expected are no guide to how far off forecasts are


class VolumeSettings(BaseModel):
    """Everything about a training that is a choice; logged with the run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    horizon_days: int = Field(default=56, ge=7, le=371, multiple_of=7, description="So many days ahead are forecast.")
    origins: int = Field(default=8, ge=2, description="At so many past origins every candidate is judged, at most.")
    step_days: int = Field(default=14, ge=1, description="Days from one origin to the next.")
    half_life_days: float = Field(default=240.0, gt=0, description="After so many days a day weighs half (regression).")

    @property
    def regression(self) -> RegressionParameters:
        """The parameters of the regressions."""
        return RegressionParameters(half_life_days=self.half_life_days)


@dataclass(frozen=True)
class FittedVolumes:
    """The model, and what it was chosen by."""

    model: VolumeModel
    rolled: RolledVolumes
    choice: Choice
    served: Float64Array  # o x s x h: reconciled, each origin by the choice made on the others
    coverage: dict[str, tuple[float, float]]  # of the 80 and 95 % intervals on these errors, by level


def fit_volumes(
    counts: VolumeCounts,
    outlook: Outlook,
    settings: VolumeSettings | None = None,
    *,
    seed: int = 0,
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> FittedVolumes:
    """The fitted model and the judgement behind it. Raises VolumeError for less than two weeks of counts."""
    chosen = settings or VolumeSettings()
    check_history(counts)
    horizon = chosen.horizon_days
    origins = past_origins(counts, horizon=horizon, most=chosen.origins, step_days=chosen.step_days)
    rolled = roll_volumes(counts, outlook, origins, horizon=horizon, parameters=chosen.regression, seed=seed, told=told)
    choice = choose(rolled, len(counts.series))
    variance = _variance(rolled.came - choice.of(rolled.said, horizon), counts)
    served = _served(rolled, counts, variance)
    shape, intervals = _half_hours(counts, rolled, served)
    levels = {ALL: np.zeros(1, np.int64), **dict(counts.levels())}
    errors = rolled.came - served
    table = {
        DAYS: calibrate(np.where(served > 0, errors, np.nan), served, levels, bucket_of(horizon)),
        WEEKS: calibrate(weeks_of(errors), weeks_of(served), levels, bucket_of(horizon)[::7][: horizon // 7]),
        HALF_HOURS: intervals,
    }
    names = [one.name for one in counts.series]
    model = VolumeModel(
        horizon,
        {name: tuple(choice.names[place] for place in choice.place[:, row]) for row, name in enumerate(names)},
        {name: float(variance[row]) for row, name in enumerate(names)},
        table,
        tuple(names),
        shape,
        chosen.regression,
        trees_at(Origin.of(counts, outlook, horizon), seed=seed),
    )
    return FittedVolumes(model, rolled, choice, served, coverage(served, rolled.came, table[DAYS], levels))


def coverage(
    served: Float64Array, came: Float64Array, intervals: Intervals, levels: dict[str, Int64Array]
) -> dict[str, tuple[float, float]]:
    """The share of days with a forecast above 0 that lay within the 80 and the 95 % interval, by level."""
    buckets = bucket_of(served.shape[2])
    found = {}
    for level, places in levels.items():
        hits: list[tuple[Float64Array, Float64Array]] = []
        for place in places:
            for one, what in zip(served[:, place], came[:, place], strict=True):
                low, lower, upper, high = intervals.around(one, level, int(place), buckets)
                known = np.isfinite(what) & (one > 0) & np.isfinite(low)
                hits.append(
                    (((what >= lower) & (what <= upper))[known] * 1.0, ((what >= low) & (what <= high))[known] * 1.0)
                )
        if hits and sum(len(inner) for inner, _ in hits):
            found[level] = (
                float(np.concatenate([a for a, _ in hits]).mean()),
                float(np.concatenate([b for _, b in hits]).mean()),
            )
    return found


def _variance(errors: Float64Array, counts: VolumeCounts) -> Float64Array:
    """The mean squared error a day of each series; the mean count where nothing was judged."""
    known = np.isfinite(errors).sum(axis=(0, 2))
    squares = np.nansum(errors**2, axis=(0, 2)) / np.maximum(known, 1)
    usual = counts.counts[:, -28:].mean(axis=1) + 1.0
    found: Float64Array = np.where(known > 0, np.maximum(squares, 0.01), usual)
    return found


def _served(rolled: RolledVolumes, counts: VolumeCounts, variance: Float64Array) -> Float64Array:
    """What would have been served at each origin by the choice made on the others (all, where there are fewer than three)."""
    horizon, many = rolled.came.shape[2], len(rolled.origins)
    places = [found for _, found in counts.levels()]
    out = np.zeros_like(rolled.came)
    for one in range(many):
        others = np.arange(many) != one if many >= 3 else np.ones(many, np.bool_)
        part = RolledVolumes(
            rolled.origins[others], rolled.came[others], {name: said[others] for name, said in rolled.said.items()}
        )
        said = {name: found[one] for name, found in rolled.said.items()}
        chosen = choose(part, len(counts.series)).of(said, horizon)
        out[one] = reconcile(chosen, daily_variance(variance, chosen), places)
    return out


def _half_hours(counts: VolumeCounts, rolled: RolledVolumes, served: Float64Array) -> tuple[str, Intervals]:
    """Which shape of days was better at the origins, and intervals of half hours by it."""
    levels = {ALL: np.zeros(1, np.int64), **dict(counts.levels())}
    days = min(HALF_HOUR_DAYS, served.shape[2])
    empty = np.zeros((0, len(counts.series), days * SLOTS))
    buckets = np.repeat(bucket_of(days), SLOTS)
    if counts.half_hours is None or not len(rolled.origins):
        return RECENT, calibrate(empty, empty, levels, buckets)
    found = {}
    for name in (RECENT, LAST_FOUR):
        said = np.stack(
            [_half_hours_at(counts, int(day), served[at, :, :days], name) for at, day in enumerate(rolled.origins)]
        )
        came = np.stack([half_hours_from(counts, int(day), days) for day in rolled.origins])
        came = np.where(np.repeat(np.isfinite(rolled.came[:, :, :days]), SLOTS, axis=2), came, np.nan)
        found[name] = (float(np.nansum(np.abs(came - said))), came - said, said)
    best = min(found, key=lambda name: found[name][0])
    _, errors, said = found[best]
    return best, calibrate(np.where(said >= LEAST_SLOT, errors, np.nan), said, levels, buckets)


def _half_hours_at(counts: VolumeCounts, day: int, expected: Float64Array, shape: str) -> Float64Array:
    """s x (d * 48): the days of each series in half hours, as known before a day."""
    before = counts.before(day)
    shapes = SHAPES[shape](before.by_half_hour, before.first_day)
    return np.stack([half_hours_of(one, shapes[place], day).ravel() for place, one in enumerate(expected)])


def half_hours_from(counts: VolumeCounts, day: int, days: int) -> Float64Array:
    """s x (days * 48) counts from a day on; NaN where not counted."""
    begin = day - counts.first_day
    out = np.full((len(counts.series), days, SLOTS), np.nan)
    known = counts.by_half_hour[:, begin : begin + days]
    out[:, : known.shape[1]] = known
    return out.reshape(len(out), -1)
