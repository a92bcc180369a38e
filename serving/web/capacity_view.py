"""The numbers of the capacity page: a kept forecast under what is supposed, what people cover, and what each half hour needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from serving.kept_forecast import KeptForecast, Period
from serving.problems import Fault, ProblemError
from simulation.staffing import Demand, Promise, Staffing, scheduled_for, staffing

QUIET_SHARE = 0.4  # of the busiest day: below it a day is none on which everybody works
LEAST_CONTACTS = 0.05
SPANS = (7, 14, 28, 56)
HALF_HOUR_SECONDS = 1800.0
# name: default, least, most; None: taken from the forecast, or not supposed
_NUMBERS: dict[str, tuple[float | None, float, float]] = {
    "days": (28, 7, 56),
    "arrivals": (0, -90, 400),
    "handling": (None, 0.1, 10_000),
    "shrinkage": (30, 0, 90),
    "people": (None, 0, 100_000),
    "hours": (8, 0.25, 24),
    "target": (80, 1, 99.9),
    "answer": (20, 0, 86_400),
}


@dataclass(frozen=True)
class Supposed:
    """What the address supposes: change of arrivals, shrinkage and target in per cent, handling in minutes, answer in seconds."""

    days: int
    arrivals: float
    handling: float | None
    shrinkage: float
    people: float | None
    hours: float
    target: float
    answer: float
    day: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Supposed:
        """What the query says. Raises ProblemError 422 naming the first value that is no number in its span."""
        found: dict[str, Any] = {}
        for name, (usual, least, most) in _NUMBERS.items():
            text = query.get(name, "").strip()
            found[name] = usual if not text else _number(name, text, least, most)
        return cls(**(found | {"days": int(found["days"]), "day": query.get("day", "")[:10]}))

    @property
    def is_changed(self) -> bool:
        """True where the forecast itself is changed: a what-if."""
        return self.arrivals != 0


@dataclass(frozen=True)
class Day:
    """One day: what is expected, the hours it needs, the hours there are (None: not known), and the difference."""

    date: str
    period: Period
    needed_hours: float | None
    there_hours: float | None

    @property
    def over_hours(self) -> float | None:
        """Hours to spare; negative: short."""
        return None if self.needed_hours is None or self.there_hours is None else self.there_hours - self.needed_hours


@dataclass(frozen=True)
class HalfHour:
    """One half hour that is answered at once: what comes, and whom it needs."""

    clock: str
    contacts: float
    needed: Staffing


@dataclass(frozen=True)
class Capacity:
    """Everything the page tells."""

    supposed: Supposed
    forecast: KeptForecast
    handling_minutes: float | None
    is_learned: bool  # the handling time comes from the forecast
    days: tuple[Day, ...]
    capacity_tickets: float | None  # a working day
    half_hours: tuple[HalfHour, ...]
    chosen_day: str
    breaches: tuple[Period, ...] = ()  # each day; they grow with the tickets

    @property
    def busiest(self) -> Day:
        """The day with most tickets."""
        return max(self.days, key=lambda one: one.period.expected)

    @property
    def hardest(self) -> HalfHour | None:
        """The half hour that needs most people."""
        return max(self.half_hours, key=lambda one: (one.needed.agents, one.contacts), default=None)

    @property
    def at_desk(self) -> float | None:
        """People at the desk at any time, after shrinkage."""
        return None if self.supposed.people is None else self.supposed.people * (1 - self.supposed.shrinkage / 100)

    @property
    def short_half_hours(self) -> int:
        """Half hours that need more people in the schedule than there are."""
        people = self.supposed.people
        return 0 if people is None else sum(one.needed.scheduled > people for one in self.half_hours)


def capacity_of(forecast: KeptForecast, supposed: Supposed, zone: str) -> Capacity:
    """The page's numbers."""
    learned = _learned_minutes(forecast)
    minutes = learned if supposed.handling is None else supposed.handling
    factor = 1 + supposed.arrivals / 100
    periods = [_scaled(one, factor) for one in forecast.days[: supposed.days]]
    people_hours = (
        None if supposed.people is None else supposed.people * supposed.hours * (1 - supposed.shrinkage / 100)
    )
    most = max((one.expected for one in periods), default=0.0)
    days = tuple(_day(one, minutes, people_hours, most, zone) for one in periods)
    by_day = _by_day(forecast.half_hours, zone)
    chosen = (
        supposed.day
        if supposed.day in by_day
        else max(list(by_day)[:7], key=lambda day: sum(one.expected for one in by_day[day]), default="")
    )
    capacity = None if people_hours is None or not minutes else people_hours * 60 / minutes
    return Capacity(
        supposed,
        forecast,
        minutes,
        supposed.handling is None and learned is not None,
        days,
        capacity,
        () if minutes is None else tuple(_half_hours(by_day.get(chosen, ()), minutes, supposed, zone)),
        chosen,
        tuple(_scaled(one, factor) for one in forecast.breaches[: supposed.days]),
    )


def scheduled(capacity: Capacity) -> int | None:
    """How many people in the schedule cover the hours of the busiest day; None without handling times."""
    needed = capacity.busiest.needed_hours
    if needed is None:
        return None
    at_desk = -(-needed // capacity.supposed.hours)
    return scheduled_for(int(max(at_desk, 1)), capacity.supposed.shrinkage / 100)


def _learned_minutes(forecast: KeptForecast) -> float | None:
    tickets = sum(one.expected for one in forecast.days)
    return sum(one.expected for one in forecast.hours) * 60 / tickets if forecast.hours and tickets else None


def _scaled(one: Period, factor: float) -> Period:
    bounds: dict[str, Any] = {
        name: None if (value := getattr(one, name)) is None else value * factor
        for name in ("low_95", "low_80", "high_80", "high_95")
    }
    return replace(one, expected=one.expected * factor, **bounds)


def _day(one: Period, minutes: float | None, people_hours: float | None, most: float, zone: str) -> Day:
    works = one.expected >= QUIET_SHARE * most
    needed = None if minutes is None else one.expected * minutes / 60
    there = None if people_hours is None else people_hours if works else 0.0
    return Day(local_date(one.start_at, zone), one, needed, there)


def _by_day(periods: Sequence[Period], zone: str) -> dict[str, list[Period]]:
    found: dict[str, list[Period]] = {}
    for one in periods:
        found.setdefault(local_date(one.start_at, zone), []).append(one)
    return found


def _half_hours(periods: Sequence[Period], minutes: float, supposed: Supposed, zone: str) -> list[HalfHour]:
    promise = Promise(supposed.answer, supposed.target / 100, shrinkage=supposed.shrinkage / 100)
    found = []
    for one in periods:
        contacts = one.expected * (1 + supposed.arrivals / 100)
        if contacts >= LEAST_CONTACTS:
            needed = staffing(Demand(round(contacts, 3), HALF_HOUR_SECONDS, minutes * 60), promise)
            found.append(HalfHour(f"{one.start_at.astimezone(ZoneInfo(zone)):%H:%M}", contacts, needed))
    return found


def local_date(at: datetime, zone: str) -> str:
    """The local date of an instant, YYYY-MM-DD."""
    return at.astimezone(ZoneInfo(zone)).date().isoformat()


def _number(name: str, text: str, least: float, most: float) -> float:
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not least <= found <= most:
        detail = f"{name} is {text[:40]!r}; expected a number from {least:g} to {most:g}"
        raise ProblemError(422, detail, (Fault(name, detail),))
    return found
