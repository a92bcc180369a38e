"""Forecasts that were kept, held against what came since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.volumes.counts import VolumeCounts
from models.volumes.forecast import ARRIVALS, MEDIAN, day_of_us
from models.volumes.intervals import QUANTILES

BUCKETS = ((1, 1), (2, 7), (8, 28), (29, 371))  # days ahead


@dataclass(frozen=True)
class PastFigure:
    """How forecasts so many days ahead did: days judged, WAPE, and the shares within the 80 and 95 % intervals (NaN: none)."""

    first_ahead: int
    last_ahead: int
    days: int
    came: float
    said: float
    wape: float
    within_80: float
    within_95: float

    @property
    def words(self) -> str:
        """`2 to 7 days ahead`."""
        if self.first_ahead == self.last_ahead:
            return f"{self.first_ahead} day ahead"
        return f"{self.first_ahead} to {self.last_ahead} days ahead"


def judged_days(kept: pd.DataFrame, counts: VolumeCounts, series: str = ARRIVALS) -> pd.DataFrame:
    """A row a kept forecast of a day that was counted since: subject, made_at, day, ahead, said, came and the bounds.

    `kept` are rows of the store, `series` says which of them: `arrivals`, or `breaches` held against missed resolutions. The day on which a forecast was made is its first day ahead.
    """
    rows = kept[kept["series"] == series] if len(kept) else kept
    if not len(rows):
        return pd.DataFrame(columns=["subject", "made_at", "day", "ahead", "said", "came", *QUANTILES])
    table = rows.pivot_table(
        index=["subject", "made_at", "period_start"], columns="quantile", values="value"
    ).reset_index()
    for quantile in (MEDIAN, *QUANTILES):
        if quantile not in table:
            table[quantile] = np.nan
    table["day"] = [
        day_of_us(int(at.value) // 1000, counts.zone)
        for at in pd.to_datetime(table["period_start"], utc=True).dt.as_unit("ns")
    ]
    made = [
        day_of_us(int(at.value) // 1000, counts.zone)
        for at in pd.to_datetime(table["made_at"], utc=True).dt.as_unit("ns")
    ]
    table["ahead"] = table["day"] - made + 1
    places = {one.name: place for place, one in enumerate(counts.series)}
    known = (table["day"] >= counts.first_day) & (table["day"] < counts.end_day) & table["subject"].isin(places.keys())
    table = table[known].rename(columns={MEDIAN: "said"})
    row = table["subject"].map(places).to_numpy(np.int64)
    table["came"] = counts.counts[row, table["day"].to_numpy(np.int64) - counts.first_day]
    return table.reset_index(drop=True)


def past_figures(judged: pd.DataFrame, subject: str = "") -> Sequence[PastFigure]:
    """The figures of one series by days ahead; buckets without a judged day are left out."""
    own = judged[judged["subject"] == subject]
    found = []
    for first, last in BUCKETS:
        rows = own[(own["ahead"] >= first) & (own["ahead"] <= last)]
        if len(rows):
            came, said = rows["came"].to_numpy(np.float64), rows["said"].to_numpy(np.float64)
            low, lower, upper, high = (rows[quantile].to_numpy(np.float64) for quantile in QUANTILES)
            wape = float(np.abs(came - said).sum() / max(came.sum(), 1.0))
            found.append(
                PastFigure(
                    first,
                    last,
                    len(rows),
                    float(came.sum()),
                    float(said.sum()),
                    wape,
                    _within(came, lower, upper),
                    _within(came, low, high),
                )
            )
    return tuple(found)


def _within(
    came: np.ndarray[tuple[int], np.dtype[np.float64]],
    low: np.ndarray[tuple[int], np.dtype[np.float64]],
    high: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> float:
    known = np.isfinite(low) & np.isfinite(high)
    return float(((came >= low) & (came <= high))[known].mean()) if known.any() else float("nan")
