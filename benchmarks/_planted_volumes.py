"""A made desk of 500 series and three years of days, with everything that makes forecasting hard planted in it."""

from __future__ import annotations

from datetime import date

import holidays
import numpy as np
from numpy.typing import NDArray

from features.volumes.counts import ALL, Series, VolumeCounts
from features.volumes.openings import weekdays
from features.volumes.planned import Outlook, PlannedEvent, day_number

FIRST = date(2023, 3, 6)
DAYS = 3 * 365
CATEGORIES, SERVICES, TEAMS, PRIORITIES = 305, 150, 40, 4
SHARES = (0.03, 0.12, 0.55, 0.30)


def planted_desk(seed: int, days: int = DAYS, ahead: int = 56) -> tuple[VolumeCounts, Outlook]:
    """Counts of 500 series over `days` + `ahead` days, and the holidays and releases of that time.

    Each category has its own level, week, year, trend and slow drift; some begin late, shift their level, or are rare.
    Services break now and then, releases raise every category of a service, and on two days nothing was recorded.
    """
    rng = np.random.default_rng(seed)
    first, n = day_number(FIRST), days + ahead
    law = holidays.country_holidays("DE", years=range(FIRST.year, FIRST.year + 5))
    free = {day_number(day): str(name) for day, name in law.items()}
    service = np.concatenate([np.arange(SERVICES), rng.integers(0, SERVICES, CATEGORIES - SERVICES)])
    team = np.concatenate([np.arange(TEAMS), rng.integers(0, TEAMS, SERVICES - TEAMS)])[service]
    events = _releases(rng, first, n)
    mean = _level(rng, n) * _calendar(rng, service, first, n, free) * _happenings(rng, service, n, events, first)
    dispersion = rng.uniform(5.0, 60.0, CATEGORIES)[:, None]
    tickets = rng.poisson(mean * rng.gamma(dispersion, 1.0 / dispersion, mean.shape))
    tickets[:, rng.choice(days - 60, 2, replace=False)] = 0  # nothing was recorded
    parts = {
        "service": _summed(tickets, service, SERVICES),
        "team": _summed(tickets, team, TEAMS),
        "category": tickets,
        "priority": rng.multinomial(tickets.sum(axis=0), SHARES).T,
    }
    series = [Series(ALL, "")]
    for level, found in parts.items():
        series += [Series(level, f"{level} {number:03d}") for number in range(len(found))]
    counts = np.concatenate([tickets.sum(axis=0, keepdims=True), *parts.values()]).astype(np.float64)
    return VolumeCounts(tuple(series), first, counts), Outlook(free, events)


def _level(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """A level of its own for each category: trend, slow drift, sudden shifts, late beginnings."""
    years = np.arange(n) / 365.25
    log = rng.normal(1.0, 1.4, CATEGORIES)[:, None] + rng.normal(0.0, 0.12, CATEGORIES)[:, None] * years
    drift = rng.normal(0.0, 0.012, (CATEGORIES, n)).cumsum(axis=1)
    found: NDArray[np.float64] = np.exp(np.clip(log + drift, -3.0, 4.5))
    for category in rng.choice(CATEGORIES, CATEGORIES // 12, replace=False):
        found[category, rng.integers(200, n) :] *= rng.uniform(0.5, 2.0)
    for category in rng.choice(CATEGORIES, CATEGORIES // 20, replace=False):
        found[category, : rng.integers(n // 2, n - 70)] = 0.0
    return found


def _calendar(
    rng: np.random.Generator, service: NDArray[np.int64], first: int, n: int, free: dict[int, str]
) -> NDArray[np.float64]:
    """Week, year, holidays and beginnings of months; a fifth of the services work around the clock."""
    week = np.array([1.2, 1.1, 1.0, 0.98, 0.9, 0.15, 0.1])[None, :] * rng.uniform(0.9, 1.1, (SERVICES, 7))
    always = rng.random(SERVICES) < 0.2
    week[always] = rng.uniform(0.85, 1.1, (int(always.sum()), 7))
    weekday, at = weekdays(first, n), np.arange(first, first + n)
    year = 1.0 + rng.uniform(0.0, 0.25, SERVICES)[:, None] * np.sin(
        2 * np.pi * at[None, :] / 365.2425 + rng.uniform(0, 2 * np.pi, SERVICES)[:, None]
    )
    outlook = Outlook(free)
    free_days, after = outlook.is_holiday(first, n), outlook.follows_holiday(first, n)
    edge = np.where(at % 30 < 2, 1.0, 0.0)[None, :] * rng.uniform(0.0, 0.3, SERVICES)[:, None]
    found = week[:, weekday] * year * (1.0 + edge)
    found[:, free_days] *= np.where(always, 0.8, 0.25)[:, None]
    found[:, after] *= 1.2
    chosen: NDArray[np.float64] = found[service]
    return chosen


def _releases(rng: np.random.Generator, first: int, n: int) -> tuple[PlannedEvent, ...]:
    """A release of one of forty services about every four weeks, five days each, known two weeks before."""
    found = []
    origin = date(1970, 1, 1).toordinal()
    for start in range(40, n, 28):
        begin = date.fromordinal(origin + first + start)
        found.append(
            PlannedEvent(
                name=f"release {start}",
                kind="release",
                first=begin,
                last=date.fromordinal(begin.toordinal() + 4),
                level="service",
                subject=f"service {int(rng.integers(0, 40)):03d}",
                known_at=date.fromordinal(begin.toordinal() - 60),
            )
        )
    return tuple(found)


def _happenings(
    rng: np.random.Generator, service: NDArray[np.int64], n: int, events: tuple[PlannedEvent, ...], first: int
) -> NDArray[np.float64]:
    """What releases and outages do."""
    found = np.ones((SERVICES, n))
    for event in events:
        found[int(event.subject.split()[1]), event.days(first, n)] *= 1.6
    for _ in range(SERVICES * n // 250):
        found[rng.integers(0, SERVICES), rng.integers(0, n)] *= rng.uniform(1.5, 4.0)
    chosen: NDArray[np.float64] = found[service]
    return chosen


def _summed(tickets: NDArray[np.int64], member: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    out = np.zeros((groups, tickets.shape[1]), np.int64)
    np.add.at(out, member, tickets)
    return out
