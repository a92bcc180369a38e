"""Forecasts, kept to be held against what came."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy import Engine, func, select

from features.store.engine import reading
from features.store.journal import Added, Journal
from features.store.tables import forecasts
from sla.instants import from_us, to_us


class Forecasts:
    """Forecasts of a series (as `arrivals`) of a subject (a team, a service, or "" for all), a row a period and quantile."""

    def __init__(self, engine: Engine) -> None:
        self._journal = Journal(engine, forecasts, "made_at")

    def append(self, frame: pd.DataFrame) -> Added:
        """How many rows are new, in one transaction; one for the same series, subject, instants and quantile stays as it is.

        Columns: series, subject, made_at, period_start, period_end (aware UTC), quantile (0 to 1), value; and where there is one
        model_version. Raises StoreError for other columns and for missing values.
        """
        return self._journal.append(frame)

    def read(
        self,
        series: str | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pd.DataFrame:
        """Forecasts made between two instants, both included, in the order of storing."""
        return self._journal.read(since, until, {"series": series, "subject": subject})

    def last_made(self, at: datetime, series: str, subject: str) -> datetime | None:
        """When the forecast of a series of a subject was made that is in force at an instant: the last by then."""
        with reading(self._journal.engine) as connection:
            named = self._journal.conditions(connection, {"series": series, "subject": subject})
            newest = select(func.max(forecasts.c.made_at)).where(*named, forecasts.c.made_at <= to_us(at))
            made_us = connection.execute(newest).scalar_one()
        return None if made_us is None else from_us(made_us)
