"""Availability of a service, or of several of which some must work, over windows of any kind, in any zone and service hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from serving.services.budgets import hours_of
from serving.services.making import NOT_IN_CATALOGUE, Basis
from sla.agreements.catalogue import Service
from sla.instants import SECOND_US, Int64Array, from_us
from sla.services.availability import Availability, availability, calendar_windows, rolling_windows
from sla.services.dependencies import combined
from sla.services.error_budget import DAY, error_budget
from sla.services.service_history import ServiceError

By: TypeAlias = Literal["day", "week", "month", "quarter", "year", "rolling"]


@dataclass(frozen=True)
class Asked:
    """Which windows: those that touch `[first, last]`, whose days begin at midnight of the zone; `rolling` ends on each day."""

    services: tuple[str, ...]
    first: dt.date
    last: dt.date
    by: By = "month"
    zone: str = "UTC"
    rolling_days: int = 30
    hours: str | None = None  # a calendar; None: the service hours of the (first) service in the catalogue
    needed: int | None = None  # how many of the services must work; None: all
    with_needs: bool = False  # with all that each service needs
    objective_percent: float | None = None  # None: that of the (first) service in the catalogue


@dataclass(frozen=True)
class Window:
    """One window. Minutes are within the service hours; None where nothing was measured or nothing is promised."""

    start_at: dt.datetime
    end_at: dt.datetime
    availability: float | None
    measured_minutes: float
    lost_minutes: float
    outages: int
    budget_left: float | None  # share of the error budget; negative once overspent


@dataclass(frozen=True)
class AvailabilityReport:
    """The windows, the oldest first, and what they rest on; the last may be cut off at the instant of the report."""

    as_of: dt.datetime
    what: str
    by: By
    zone: str
    hours: str | None
    objective_percent: float | None
    windows: tuple[Window, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)

    def text(self) -> str:
        """A line a window, in local time of the zone."""
        promised = "" if self.objective_percent is None else f", promised {self.objective_percent:g} %"
        kind = "rolling windows" if self.by == "rolling" else f"by {self.by}"
        lines = [f"Availability of {self.what} {kind}, {self.zone}, {self.hours or 'around the clock'}{promised}"]
        zone = ZoneInfo(self.zone)
        for one in self.windows:
            start, end = (at.astimezone(zone).strftime("%Y-%m-%d %H:%M") for at in (one.start_at, one.end_at))
            lines.append(f"{start} to {end}: {_words(one)}")
        if not self.windows:
            lines.append("No window begins before the instant of the report.")
        return "\n".join(lines)


def availability_report(basis: Basis, asked: Asked) -> AvailabilityReport:
    """The report at the instant of a board. Raises ServiceError for what the catalogue, the events or the zones do not know."""
    entry = _checked(basis, asked)
    parts = [basis.whole(name) if asked.with_needs else basis.histories[name] for name in asked.services]
    objective = entry.availability_percent if asked.objective_percent is None else asked.objective_percent
    starts, ends = _windows(asked)
    has_begun = starts < basis.happened.at_us
    starts, ends = starts[has_begun], np.minimum(ends[has_begun], basis.happened.at_us)
    windows: tuple[Window, ...] = ()
    if len(starts):
        hours = hours_of(entry, basis.agreements)
        windows = _told(availability(combined(parts, asked.needed), starts, ends, hours=hours), objective)
    what = _what(asked.services, asked.needed, asked.with_needs)
    return AvailabilityReport(basis.board.as_of, what, asked.by, asked.zone, entry.hours, objective, windows)


def window_kind(text: str) -> By:
    """The word as a kind of window; raises ServiceError for any other."""
    for kind in get_args(By):
        if text == kind:
            found: By = kind
            return found
    raise ServiceError(f"{text!r} is no kind of window: expected one of {', '.join(get_args(By))}")


def _checked(basis: Basis, asked: Asked) -> Service:
    """The first service of the catalogue with the service hours that were asked for."""
    try:
        ZoneInfo(asked.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ServiceError(f"there is no time zone {asked.zone!r}: write it as Europe/Berlin or UTC") from error
    unknown = [name for name in asked.services if name not in basis.histories]
    if unknown or not asked.services:
        known = ", ".join(sorted(basis.histories)) or "none"
        raise ServiceError(f"no service is called {unknown[0] if unknown else ''!r}; known are: {known}")
    entry = basis.agreements.services.get(asked.services[0], NOT_IN_CATALOGUE)
    if asked.hours is None:
        return entry
    if asked.hours not in basis.agreements.calendar_names:
        names = ", ".join(basis.agreements.calendar_names) or "none"
        raise ServiceError(f"no calendar is called {asked.hours!r}; known are: {names}")
    return entry.model_copy(update={"hours": asked.hours})


def _told(found: Availability, objective_percent: float | None) -> tuple[Window, ...]:
    measured, lost = (found.measured_us / SECOND_US).tolist(), (found.lost_us / SECOND_US).tolist()
    windows = []
    for place, share in enumerate(found.share.tolist()):
        left = None if objective_percent is None else _left(objective_percent, measured[place], lost[place])
        start, end = from_us(int(found.start_us[place])), from_us(int(found.end_us[place]))
        known = share if np.isfinite(share) else None
        outages = int(found.outages_begun[place])
        windows.append(Window(start, end, known, measured[place] / 60, lost[place] / 60, outages, left))
    return tuple(windows)


def _windows(asked: Asked) -> tuple[Int64Array, Int64Array]:
    if asked.by != "rolling":
        return calendar_windows(asked.first, asked.last, asked.by, asked.zone)
    _, ends = calendar_windows(asked.first, asked.last, "day", asked.zone)
    return rolling_windows(ends, asked.rolling_days * DAY)


def _left(objective_percent: float, measured_seconds: float, lost_seconds: float) -> float | None:
    if not measured_seconds > 0:
        return None
    budget = error_budget(objective_percent / 100, measured_seconds, min(lost_seconds, measured_seconds))
    return budget.remaining / budget.allowed


def _what(services: Sequence[str], needed: int | None, with_needs: bool) -> str:
    names = ", ".join(services)
    if len(services) > 1:
        names = f"{names} ({needed or len(services)} of {len(services)} needed)"
    return f"{names}, with all that is needed," if with_needs else names


def _words(one: Window) -> str:
    if one.availability is None:
        return "nothing was measured"
    outages = "no outage" if not one.outages else "1 outage" if one.outages == 1 else f"{one.outages} outages"
    told = f"{one.availability:.3%} available, {one.lost_minutes:.1f} minutes lost, {outages} began"
    if one.budget_left is None:
        return told
    return f"{told}; {'kept' if one.budget_left >= 0 else 'MISSED'}, {one.budget_left:.0%} of the error budget left"
