"""What is known of the days ahead: public holidays, and releases, campaigns and the like from a file."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from features.volumes.counts import ALL, LEVELS, FloatArray, Series, VolumeError
from sla.agreements.agreement_set import AgreementSet
from sla.instants import EPOCH, BoolArray
from sla.working_time.holidays_source import closed_days

COLUMNS = ("name", "kind", "from", "until", "level", "subject", "factor", "known_at")


class PlannedEvent(BaseModel):
    """A release, campaign or the like: what it does is learned from earlier events of its kind, unless `factor` says it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(min_length=1)
    kind: str = Field(
        min_length=1, description="such as release or campaign: events of a kind are taken to do the same"
    )
    first: dt.date = Field(alias="from")
    last: dt.date | None = Field(default=None, alias="until", description="included; one day where absent")
    level: str = ALL
    subject: str = ""
    factor: float | None = Field(default=None, gt=0, le=20, description="volume on these days, as a multiple of usual")
    known_at: dt.date | None = Field(
        default=None, description="from this day it was planned; for judging past forecasts"
    )

    @model_validator(mode="after")
    def _fits(self) -> PlannedEvent:
        if self.last is not None and self.last < self.first:
            raise ValueError(f"until {self.last} lies before from {self.first}")
        if self.level not in (ALL, *LEVELS):
            raise ValueError(f"level {self.level!r} is none of {', '.join((ALL, *LEVELS))}")
        if (self.level == ALL) == bool(self.subject):
            raise ValueError("a level needs a subject, and a subject a level")
        return self

    def touches(self, series: Series) -> bool:
        """Whether a series is meant: all are by an event without a level; the whole is touched by none but these."""
        return self.level == ALL or (self.level, self.subject) == (series.level, series.subject)

    def days(self, first_day: int, days: int) -> BoolArray:
        """On which of the days it takes place."""
        begin, end = day_number(self.first), day_number(self.last or self.first)
        at = np.arange(first_day, first_day + days)
        return (at >= begin) & (at <= end)


@dataclass(frozen=True)
class Outlook:
    """Holidays, as days since 1970 with their names, and planned events."""

    holidays: Mapping[int, str] = field(default_factory=dict)
    events: tuple[PlannedEvent, ...] = ()

    def is_holiday(self, first_day: int, days: int) -> BoolArray:
        """Which of the days are holidays."""
        return np.array([day in self.holidays for day in range(first_day, first_day + days)], np.bool_)

    def follows_holiday(self, first_day: int, days: int) -> BoolArray:
        """Which of the days come after a holiday with nothing but weekends in between."""
        found = []
        for day in range(first_day, first_day + days):
            before = day - 1
            while (before + 3) % 7 >= 5 and before not in self.holidays:
                before -= 1
            found.append(before in self.holidays and day not in self.holidays)
        return np.array(found, np.bool_)

    def is_planned(self, first_day: int, days: int) -> BoolArray:
        """On which of the days anything planned takes place."""
        found = np.zeros(days, np.bool_)
        for event in self.events:
            found |= event.days(first_day, days)
        return found

    def known_by(self, day: int) -> Outlook:
        """The same, with what was not yet planned on a day left out."""
        known = [event for event in self.events if event.known_at is None or day_number(event.known_at) <= day]
        return Outlook(self.holidays, tuple(known))


def day_number(date: dt.date) -> int:
    """Days since 1970-01-01."""
    return (date - EPOCH.date()).days


def holidays_of(agreements: AgreementSet, first_day: int, last_day: int) -> dict[int, str]:
    """The holidays of the agreements' first calendar that has any, by day number; none where no calendar has."""
    years = range(
        (EPOCH.date() + dt.timedelta(days=first_day)).year, (EPOCH.date() + dt.timedelta(days=last_day)).year + 1
    )
    for spec in agreements.calendars.values():
        if spec.holidays:
            found = closed_days(spec, years, agreements._folder)
            return {day_number(date): name for date, name in found.items()}
    return {}


def read_planned_events(path: Path) -> tuple[PlannedEvent, ...]:
    """The events of a YAML list or a CSV table. Raises VolumeError naming file, entry, what was there and what was expected."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        entries = list(csv.DictReader(text.splitlines())) if path.suffix.lower() == ".csv" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, csv.Error) as fault:
        raise VolumeError(f"{path} cannot be read as planned events: {fault}") from fault
    if not isinstance(entries, list):
        raise VolumeError(f"{path} holds no list of planned events: expected entries with {', '.join(COLUMNS)}")
    return tuple(_event(path, number, entry) for number, entry in enumerate(entries, 1))


def _event(path: Path, number: int, entry: Any) -> PlannedEvent:
    if not isinstance(entry, dict):
        raise VolumeError(f"{path}, entry {number}: {entry!r} is no event; expected keys {', '.join(COLUMNS)}")
    given = {str(key): value for key, value in entry.items() if value not in ("", None)}
    try:
        return PlannedEvent.model_validate(given)
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the entry"
        raise VolumeError(
            f"{path}, entry {number} ({given.get('name', 'without a name')}): {where}: {first['msg']}, found {first['input']!r}"
        ) from fault


def factors(events: Iterable[PlannedEvent], series: tuple[Series, ...], first_day: int, days: int) -> FloatArray:
    """s x days: by what the stated factors multiply each series."""
    out = np.ones((len(series), days))
    for event in events:
        if event.factor is not None:
            touched = np.array([event.touches(one) for one in series])
            out[np.ix_(touched, event.days(first_day, days))] *= event.factor
    return out
