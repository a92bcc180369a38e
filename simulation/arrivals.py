"""Who writes in when: the tickets of one day at a time, with everything about them that luck decides beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.days import HALF_HOUR_US, Day
from simulation.luck import Concern, stream
from simulation.world import PlannedOutage, World
from sla.instants import SECOND_US

Instants = NDArray[np.int64]


@dataclass(frozen=True)
class Failure:
    """One outage that happened."""

    outage: int  # index into World.outages, and beyond them into World.planned
    number: int
    start_us: int
    end_us: int


@dataclass(frozen=True)
class Inflow:
    """The tickets opened because of one day, in order; `failure` is -1 for the everyday ones, else an index into `failures`."""

    opened_us: Instants
    failure: NDArray[np.int64]
    failures: tuple[Failure, ...]


def inflow(world: World, seed: int, day: Day) -> Inflow:
    """Return when tickets are opened because of this day: its own, and those of outages that begin on it (they may spill over midnight)."""
    everyday_us = _everyday(world, seed, day)
    failures, caused_us, cause = _failures(world, seed, day)
    opened_us = np.concatenate([everyday_us, caused_us])
    failure = np.concatenate([np.full(len(everyday_us), -1, dtype=np.int64), cause])
    order = np.argsort(opened_us, kind="stable")
    return Inflow(opened_us[order], failure[order], failures)


def day_factor(world: World, day: Day) -> float:
    """Return the expected inflow of a day, relative to `Arrivals.per_day`."""
    return world.arrivals.closed_day_factor if day.is_closed else world.arrivals.weekday_factors[day.weekday]


def _everyday(world: World, seed: int, day: Day) -> Instants:
    rng = stream(seed, Concern.INFLOW, day.number)
    shape = np.asarray(world.arrivals.half_hour_weights, dtype=np.float64)
    weights = shape[np.asarray(day.half_hours, dtype=np.int64)]
    rate = world.arrivals.per_day * day_factor(world, day) * weights.sum() / shape.sum()
    count = int(rng.poisson(rate))
    if not count:
        return np.empty(0, dtype=np.int64)
    edges = np.concatenate([[0.0], np.cumsum(weights / weights.sum())])
    share = rng.random(count)
    slot = np.minimum(np.searchsorted(edges, share, side="right") - 1, len(weights) - 1)
    within = (share - edges[slot]) / np.maximum(edges[slot + 1] - edges[slot], 1e-300)
    return _whole_seconds(day.start_us + (slot + within) * HALF_HOUR_US)


def _failures(world: World, seed: int, day: Day) -> tuple[tuple[Failure, ...], Instants, NDArray[np.int64]]:
    rng = stream(seed, Concern.OUTAGES, day.number)
    failures: list[Failure] = []
    opened: list[Instants] = []
    for index, outage in enumerate(world.outages):
        for _ in range(int(rng.poisson(outage.per_week / 7))):
            failure = _failure(world, rng, day, index, len(failures))
            failures.append(failure)
            opened.append(_calls(rng, outage.tickets_per_hour, failure))
    for index, planned in enumerate(world.planned):
        if planned.day == day.number:
            failures.append(_planned(planned, day, len(world.outages) + index, len(failures)))
            luck = stream(seed, Concern.PLANNED, day.number)
            opened.append(_calls(luck, planned.tickets_per_hour, failures[-1]))
    cause = np.repeat(np.arange(len(failures), dtype=np.int64), [len(calls) for calls in opened])
    return tuple(failures), np.concatenate([np.empty(0, dtype=np.int64), *opened]), cause


def _failure(world: World, rng: np.random.Generator, day: Day, index: int, number: int) -> Failure:
    """Return an outage whose start follows the pattern of the day: things break while they are used."""
    weights = np.asarray(world.arrivals.half_hour_weights, dtype=np.float64)[list(day.half_hours)]
    slot = int(rng.choice(len(weights), p=weights / weights.sum()))
    start_us = day.start_us + slot * HALF_HOUR_US + int(rng.integers(0, 1800)) * SECOND_US
    minutes = world.outages[index].lasting.minutes(float(rng.standard_normal()))
    return Failure(index, number, start_us, start_us + max(1, round(minutes * 60)) * SECOND_US)


def _planned(planned: PlannedOutage, day: Day, index: int, number: int) -> Failure:
    start_us = day.start_us + round(planned.hour * 3600) * SECOND_US
    return Failure(index, number, start_us, start_us + max(1, round(planned.minutes * 60)) * SECOND_US)


def _calls(rng: np.random.Generator, tickets_per_hour: float, failure: Failure) -> Instants:
    """Return when customers write because of an outage: most at once, fewer the longer everybody knows."""
    hours = (failure.end_us - failure.start_us) / (2 * HALF_HOUR_US)
    share = rng.random(int(rng.poisson(tickets_per_hour * hours))) ** 1.5
    return np.sort(_whole_seconds(failure.start_us + share * (failure.end_us - failure.start_us)))


def _whole_seconds(instants_us: NDArray[np.float64]) -> Instants:
    """Return instants cut to the second, which is as fine as exports of ticket systems are."""
    return (instants_us // SECOND_US).astype(np.int64) * SECOND_US
