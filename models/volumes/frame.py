"""Counts as a long table and back, and a forecast as one: what MLflow's interface speaks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.volumes.counts import ALL, Series, VolumeCounts, VolumeError
from models.volumes.forecast import VolumeForecast
from models.volumes.intervals import QUANTILES
from sla.instants import EPOCH

COLUMNS = ("level", "subject", "day", "count")


def counts_frame(counts: VolumeCounts) -> pd.DataFrame:
    """A row a series and day: level, subject, day (YYYY-MM-DD), count."""
    s, days = counts.counts.shape
    at = pd.date_range(EPOCH.date(), periods=1).repeat(days) + pd.to_timedelta(
        np.arange(days) + counts.first_day, unit="D"
    )
    return pd.DataFrame(
        {
            "level": np.repeat([one.level for one in counts.series], days),
            "subject": np.repeat([one.subject for one in counts.series], days),
            "day": np.tile(at.strftime("%Y-%m-%d").to_numpy(), s),
            "count": counts.counts.ravel(),
        }
    )


def frame_counts(frame: pd.DataFrame) -> VolumeCounts:
    """The counts that a table holds; days without a row are 0. Raises VolumeError where a column or the whole is missing."""
    missing = [name for name in COLUMNS if name not in frame]
    if missing:
        raise VolumeError(f"the table lacks {', '.join(missing)}: expected {', '.join(COLUMNS)}")
    day = (pd.to_datetime(frame["day"]) - pd.Timestamp("1970-01-01")).dt.days.to_numpy(np.int64)
    named = [Series(str(level), str(subject)) for level, subject in zip(frame["level"], frame["subject"], strict=True)]
    series = sorted(dict.fromkeys(named), key=lambda one: one.level != ALL)  # else in the order of the table
    if not series or series[0] != Series(ALL, ""):
        raise VolumeError(f"the table has no rows of level {ALL!r} with an empty subject: the whole is needed")
    place = {one: number for number, one in enumerate(series)}
    first = int(day.min())
    counts = np.zeros((len(series), int(day.max()) - first + 1))
    row = np.array([place[one] for one in named], np.int64)
    np.add.at(counts, (row, day - first), frame["count"].to_numpy(np.float64))
    return VolumeCounts(tuple(series), first, counts)


def forecast_frame(said: VolumeForecast) -> pd.DataFrame:
    """A row a series and day: level, subject, day, expected, and the bounds as q0.025 and so on."""
    s, days = said.expected.shape
    table = {
        "level": np.repeat([one.level for one in said.series], days),
        "subject": np.repeat([one.subject for one in said.series], days),
        "day": np.tile([date.isoformat() for date in said.dates], s),
        "expected": said.expected.ravel(),
    }
    return pd.DataFrame(table | {f"q{q}": bound.ravel() for q, bound in zip(QUANTILES, said.bounds, strict=True)})
