"""The forecast of arrivals and breaches that is in force, as it was stored, and how those before it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from features.volumes.counts import ALL, LEVELS, Series, VolumeCounts, local_days
from models.volumes.forecast import ARRIVALS, BACKLOG, BREACHES, BY_HALF_HOUR, COUNTED, HOURS, MEDIAN, MISSED
from models.volumes.past import PastFigure, judged_days, past_figures
from sla.instants import to_us

if TYPE_CHECKING:
    from features.store.repository import Store

NONE_YET = "No forecast is kept yet. Train once with slacast train volume, then run slacast forecast volume --keep, best every night"
EDGES = {"low_95": 0.025, "low_80": 0.1, "high_80": 0.9, "high_95": 0.975}


@dataclass(frozen=True)
class Period:
    """What is expected from an instant to another; bounds are None where no interval is claimed."""

    start_at: datetime
    end_at: datetime
    expected: float
    low_95: float | None = None
    low_80: float | None = None
    high_80: float | None = None
    high_95: float | None = None


@dataclass(frozen=True)
class KeptForecast:
    """One series' forecast. Lists are empty where nothing was stored; `backlog` is that of the whole alone."""

    series: Series
    made_at: datetime
    model_version: str | None
    days: tuple[Period, ...]
    hours: tuple[Period, ...]
    backlog: tuple[Period, ...]
    breaches: tuple[Period, ...]
    half_hours: tuple[Period, ...]
    counted: tuple[Period, ...]
    past: Sequence[PastFigure]
    missed: tuple[Period, ...] = ()  # breaches that were counted
    past_breaches: Sequence[PastFigure] = ()


def series_named(name: str) -> Series:
    """The series that the store calls `` or `team:Network`."""
    level, _, subject = name.partition(":")
    return Series(level, subject) if name else Series(ALL, "")


@dataclass(frozen=True)
class InForce:
    """When what is in force was made: the forecast of a series, and that of all tickets. None: there is none."""

    made_at: datetime | None = None
    whole_made_at: datetime | None = None

    @classmethod
    def at(cls, store: Store, at: datetime, series: Series) -> InForce:
        """What is in force at an instant, by two looks at an index: no row of a forecast is read."""
        return cls(*(store.forecasts.last_made(at, ARRIVALS, name) for name in (series.name, "")))


@lru_cache(maxsize=8)
def kept_series(store: Store, made_at: datetime) -> tuple[Series, ...]:
    """The series of the forecast made at an instant, the whole first, then by level: what was stored then never changes."""
    names = store.forecasts.read(COUNTED, None, made_at, made_at)["subject"].unique()
    order = (ALL, *LEVELS)
    return tuple(sorted({series_named(name) for name in names}, key=lambda one: (order.index(one.level), one.subject)))


@lru_cache(maxsize=64)
def kept_forecast(store: Store, made_at: datetime, series: Series, zone: str) -> KeptForecast:
    """The forecast of a series made at an instant, and how those before it did on the days that were counted with it."""
    names = (ARRIVALS, HOURS, BACKLOG, BREACHES, BY_HALF_HOUR, COUNTED, MISSED)
    parts = {name: store.forecasts.read(name, series.name, made_at, made_at) for name in names}
    version = parts[ARRIVALS]["model_version"].iloc[0]
    return KeptForecast(
        series,
        made_at,
        None if pd.isna(version) else str(version),
        _periods(parts[ARRIVALS]),
        _periods(parts[HOURS]),
        _periods(parts[BACKLOG]),
        _periods(parts[BREACHES]),
        _periods(parts[BY_HALF_HOUR]),
        _periods(parts[COUNTED]),
        _past(store, made_at, series, parts[COUNTED], zone),
        _periods(parts[MISSED]),
        _past(store, made_at, series, parts[MISSED], zone, BREACHES),
    )


def _past(
    store: Store, at: datetime, series: Series, counted: pd.DataFrame, zone: str, of: str = ARRIVALS
) -> Sequence[PastFigure]:
    """How earlier forecasts did on the days counted since."""
    if counted.empty:
        return ()
    ordered = counted.sort_values("period_start")
    first = int(local_days(zone, np.array([to_us(ordered["period_start"].iloc[0].to_pydatetime())]))[0])
    counts = VolumeCounts((series,), first, ordered["value"].to_numpy(np.float64)[None, :], zone)
    kept = store.forecasts.read(of, series.name, until=at)
    return past_figures(judged_days(kept, counts, of), series.name)


def _periods(rows: pd.DataFrame) -> tuple[Period, ...]:
    if rows.empty:
        return ()
    table = rows.pivot_table(index=["period_start", "period_end"], columns="quantile", values="value").sort_index()
    found = []
    for index, row in table.iterrows():
        start, end = cast("tuple[pd.Timestamp, pd.Timestamp]", index)  # two levels
        bounds: dict[str, Any] = {
            name: float(row[q]) for name, q in EDGES.items() if q in table and np.isfinite(row[q])
        }
        found.append(Period(start.to_pydatetime(), end.to_pydatetime(), float(row[MEDIAN]), **bounds))
    return tuple(found)
