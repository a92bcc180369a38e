"""What is expected: per series and day, week and half hour, with intervals, by whom, and what should be known about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from features.volumes.counts import FloatArray, Series, VolumeError
from models.volumes.intervals import QUANTILES
from sla.instants import DAY_SECONDS, DAY_US, EPOCH, SECOND_US, from_us
from sla.working_time.zone_offsets import zone_offsets

ARRIVALS, HOURS, BACKLOG, BREACHES = (
    "arrivals",
    "handling hours",
    "backlog",
    "breaches",
)  # names of series in the store ...
BY_HALF_HOUR, COUNTED, MISSED = "arrivals by half hour", "arrivals counted", "breaches counted"  # ... without intervals
MEDIAN = 0.5  # under which the expected value is stored


@dataclass(frozen=True)
class VolumeForecast:
    """s series over h days from `first_day`; bounds are 4 x s x h (at 0.025, 0.1, 0.9, 0.975), of weeks 4 x s x (h // 7).

    `half_hours` is s x d x 48 for the first d days, or None. `served` names the candidate of the first days, one a series.
    """

    series: tuple[Series, ...]
    first_day: int
    zone: str
    expected: FloatArray
    bounds: FloatArray
    week_bounds: FloatArray
    half_hours: FloatArray | None
    served: tuple[str, ...]
    notes: tuple[str, ...]
    version: str

    @property
    def dates(self) -> list[date]:
        """The local dates of the days."""
        first = (EPOCH + timedelta(days=self.first_day)).date()
        return [first + timedelta(days=ahead) for ahead in range(self.expected.shape[1])]

    def place(self, level: str, subject: str) -> int:
        """The place of a series; VolumeError, with what there is, for an unknown one."""
        wanted = Series(level, subject)
        if wanted in self.series:
            return self.series.index(wanted)
        names = [str(one) for one in self.series if one.level == level] or sorted({one.level for one in self.series})
        raise VolumeError(f"no forecast of {wanted}: there are {', '.join(names[:10])}{', ...' * (len(names) > 10)}")

    def day_edges(self) -> list[datetime]:
        """The instants at which the local days begin, and the end of the last: one more than days."""
        days = self.expected.shape[1]
        offsets = zone_offsets(self.zone, self.first_day, self.first_day + days)
        local_s = (self.first_day + np.arange(days + 1)) * DAY_SECONDS
        return [from_us(int(at)) for at in offsets.to_utc_s(local_s) * SECOND_US]

    def rows(self, made_at: datetime, series: str = ARRIVALS) -> pd.DataFrame:
        """The forecast as rows of the store: a row a series, day and quantile; 0.5 holds the expected value."""
        edges = self.day_edges()
        tables = [(MEDIAN, self.expected), *zip(QUANTILES, self.bounds, strict=True)]
        s, days = self.expected.shape
        parts = []
        for quantile, values in tables:
            parts.append(
                pd.DataFrame(
                    {
                        "subject": np.repeat([one.name for one in self.series], days),
                        "period_start": pd.array(edges[:-1] * s, dtype="datetime64[us, UTC]"),
                        "period_end": pd.array(edges[1:] * s, dtype="datetime64[us, UTC]"),
                        "quantile": quantile,
                        "value": values.ravel(),
                    }
                )
            )
        frame: pd.DataFrame = pd.concat(parts, ignore_index=True)
        frame = frame[np.isfinite(frame["value"])]
        made = pd.Timestamp(made_at).as_unit("us")
        return frame.assign(series=series, made_at=made, model_version=self.version or None).reset_index(drop=True)

    def with_values(self, expected: FloatArray, bounds: FloatArray) -> VolumeForecast:
        """The same series and days with other numbers, such as hours of work."""
        return replace(self, expected=expected, bounds=bounds)

    def only(self, places: list[int]) -> VolumeForecast:
        """Some of the series."""
        series = tuple(self.series[place] for place in places)
        served = tuple(self.served[place] for place in places)
        half_hours = None if self.half_hours is None else self.half_hours[places]
        bounds, weeks = self.bounds[:, places], self.week_bounds[:, places]
        return VolumeForecast(
            series,
            self.first_day,
            self.zone,
            self.expected[places],
            bounds,
            weeks,
            half_hours,
            served,
            self.notes,
            self.version,
        )

    def with_notes(self, *notes: str) -> VolumeForecast:
        """The same with more to know."""
        return replace(self, notes=(*self.notes, *notes))


def day_of_us(at_us: int, zone: str) -> int:
    """The local day of an instant."""
    offsets = zone_offsets(zone, at_us // DAY_US - 366, at_us // DAY_US + 366)
    return int(offsets.to_local_s(np.array([at_us // SECOND_US]))[0] // DAY_SECONDS)
