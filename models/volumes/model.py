"""A volume model: which candidate answers for which series, LightGBM's trees, and how far off it was; and its forecasts.

Everything else is fitted anew, from the latest counts, when it is asked: so a model of last month knows last week.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from features.volumes.counts import FloatArray, Series, VolumeCounts, VolumeError
from features.volumes.planned import Outlook
from models.scales import Float64Array
from models.volumes.candidates import FALLBACK, LEAST_HISTORY, Origin, candidates
from models.volumes.forecast import VolumeForecast
from models.volumes.hierarchy import daily_variance, reconcile
from models.volumes.intervals import BUCKETS, DAYS, HALF_HOURS, WEEKS, Intervals, bucket_of
from models.volumes.regression import RegressionParameters
from models.volumes.shape import day_shapes, half_hours_of, last_four_shapes
from models.volumes.trees import VolumeTrees

RECENT, LAST_FOUR = "recent weeks, fading", "last four same weekdays"
SHAPES = {RECENT: day_shapes, LAST_FOUR: last_four_shapes}
HALF_HOUR_DAYS = 14  # so many days ahead are said by half hour


@dataclass(frozen=True)
class VolumeModel:
    """`served`: for each series the candidate of each bucket of days ahead; `variance`: its usual squared error a day."""

    horizon: int
    served: Mapping[str, tuple[str, ...]]
    variance: Mapping[str, float]
    intervals: Mapping[str, Intervals]  # by DAYS, WEEKS, HALF_HOURS
    order: tuple[str, ...]  # the names of the series, in the order of the intervals' scales
    shape: str = RECENT
    parameters: RegressionParameters = field(default_factory=RegressionParameters)
    trees: VolumeTrees | None = None

    def forecast(self, counts: VolumeCounts, outlook: Outlook, version: str = "") -> VolumeForecast:
        """What is expected on the days after the counts, parts adding up to the whole, with intervals.

        Raises VolumeError for less than two weeks of counts.
        """
        check_history(counts)
        origin = Origin.of(counts, outlook, self.horizon)
        said = candidates(origin, self.trees, self.parameters)
        chosen = self._chosen(counts.series, said)
        variance = np.array([self._variance(one, chosen[place]) for place, one in enumerate(counts.series)])
        expected = reconcile(chosen, daily_variance(variance, chosen), [places for _, places in counts.levels()])
        return VolumeForecast(
            counts.series,
            origin.day,
            counts.zone,
            expected,
            self._bounds(counts.series, expected),
            self._week_bounds(counts.series, expected),
            self._half_hours(counts, expected),
            tuple(FALLBACK if one.name not in self.served else self.served[one.name][0] for one in counts.series),
            (*origin.learn.notes, *_new_note(origin)),
            version,
        )

    def half_hour_bounds(self, series: Series, half_hours: Float64Array) -> Float64Array:
        """4 x d x 48 bounds of the half hours of one series (d x 48)."""
        days = len(half_hours)
        bucket = np.repeat(bucket_of(days), half_hours.shape[1])
        found = self._around(HALF_HOURS, series, half_hours.ravel(), bucket)
        return found.reshape(4, days, -1)

    def _chosen(self, series: tuple[Series, ...], said: Mapping[str, Float64Array]) -> Float64Array:
        fallback = (FALLBACK,) * len(BUCKETS)
        buckets = bucket_of(self.horizon)
        out = said[FALLBACK].copy()
        for place, one in enumerate(series):
            names = self.served.get(one.name, fallback)
            for bucket in np.unique(buckets):
                days = buckets == bucket
                out[place, days] = said.get(names[bucket], said[FALLBACK])[place, days]
        return out

    def _variance(self, series: Series, said: Float64Array) -> float:
        return self.variance.get(series.name, float(said.mean()) + 1.0)

    def _bounds(self, series: tuple[Series, ...], expected: FloatArray) -> FloatArray:
        bucket = bucket_of(self.horizon)
        return np.stack([self._around(DAYS, one, expected[place], bucket) for place, one in enumerate(series)], axis=1)

    def _week_bounds(self, series: tuple[Series, ...], expected: FloatArray) -> FloatArray:
        bucket = bucket_of(self.horizon)[::7][: self.horizon // 7]
        weeks = weeks_of(expected)
        return np.stack([self._around(WEEKS, one, weeks[place], bucket) for place, one in enumerate(series)], axis=1)

    def _around(
        self, kind: str, series: Series, said: Float64Array, bucket: np.ndarray[tuple[int], np.dtype[np.int64]]
    ) -> Float64Array:
        """Bounds; a series that was not there in training is taken for a usual one of its level."""
        intervals = self.intervals[kind]
        if series.name in self._places:
            found = intervals.around(said, series.level, self._places[series.name], bucket)
        else:
            usual = Intervals(np.array([np.median(intervals.scales)]), intervals.quantiles)
            found = usual.around(said, series.level, 0, bucket)
        return np.where(said[None, :] == 0.0, 0.0, found)

    @property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.order)}

    def _half_hours(self, counts: VolumeCounts, expected: FloatArray) -> FloatArray | None:
        if counts.half_hours is None:
            return None
        shapes = SHAPES[self.shape](counts.half_hours, counts.first_day)
        days = min(HALF_HOUR_DAYS, self.horizon)
        return np.stack(
            [
                half_hours_of(expected[place, :days], shapes[place], counts.end_day)
                for place in range(len(counts.series))
            ]
        )


def check_history(counts: VolumeCounts) -> None:
    """Raises VolumeError for fewer than two weeks of counts."""
    if counts.days < LEAST_HISTORY:
        raise VolumeError(
            f"{counts.days} whole days of tickets are too few to forecast from: {LEAST_HISTORY} are needed"
        )


def weeks_of(days: Float64Array) -> Float64Array:
    """Sums of seven days (last axis), from the first; a rest is left out."""
    whole = days.shape[-1] // 7
    found: Float64Array = days[..., : 7 * whole].reshape(*days.shape[:-1], whole, 7).sum(axis=-1)
    return found


def _new_note(origin: Origin) -> tuple[str, ...]:
    new = [str(one) for one, is_new in zip(origin.series, origin.is_new, strict=True) if is_new]
    if not new:
        return ()
    names = ", ".join(new[:5]) + (", ..." if len(new) > 5 else "")
    return (
        f"{len(new)} series with fewer than four weeks of counts are forecast as their share of all tickets: {names}",
    )
