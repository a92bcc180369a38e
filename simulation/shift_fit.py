"""How well shifts fit the work: people there against people needed, half hour by half hour of a week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from simulation.arrivals import day_factor
from simulation.calendars import world_calendars
from simulation.days import HALF_HOUR_US, days
from simulation.desk_staffing import mean_minutes
from simulation.world import World
from sla.instants import from_us, to_us

Floats = NDArray[np.float64]
OVER, UNDER = "over", "under"


@dataclass(frozen=True)
class HalfHour:
    """A half hour: people there (absence taken off), people whose work comes in then, and the difference; `verdict` is over, under or ""."""

    begin: datetime
    present: float
    needed: float
    verdict: str

    @property
    def difference(self) -> float:
        """People there beyond those needed."""
        return self.present - self.needed


def shift_fit(world: World, start: datetime, slack: float = 0.25, most_occupancy: float = 0.85) -> list[HalfHour]:
    """Return the week that begins at `start`, half hour by half hour.

    Needed is the work that comes in during a half hour over the time people work in it, at an occupancy of at most `most_occupancy`.
    Under: fewer there than needed by more than `slack` of them; over: more than `1 + slack` times as many. Work that waits moves the need to
    later: a desk with promises of days may be under for hours and late with nothing.
    """
    begins_us = to_us(start) + np.arange(7 * 48, dtype=np.int64) * HALF_HOUR_US
    present, needed = present_people(world, begins_us), arriving_people(world, start, begins_us) / most_occupancy
    return [
        HalfHour(from_us(at), there, wanted, _verdict(there, wanted, slack))
        for at, there, wanted in zip(begins_us.tolist(), present.tolist(), needed.tolist(), strict=True)
    ]


def present_people(world: World, begins_us: NDArray[np.int64]) -> Floats:
    """Return the people there in each half hour on average: shares of it count, absence is taken off."""
    calendars = world_calendars(world)
    shares = {
        name: calendar.elapsed_us(begins_us, begins_us + HALF_HOUR_US) / HALF_HOUR_US
        for name, calendar in calendars.items()
    }
    total = np.zeros(len(begins_us))
    for agent in world.agents:
        total += shares[agent.shift] * (1 - agent.absent_share)
    return total


def arriving_people(world: World, start: datetime, begins_us: NDArray[np.int64]) -> Floats:
    """Return the work that comes in during each half hour, in people it keeps busy for that half hour; outages left out."""
    weights = np.array([topic.weight for topic in world.topics])
    minutes = float(np.dot(weights, [mean_minutes(topic) for topic in world.topics]) / weights.sum())
    shape = np.asarray(world.arrivals.half_hour_weights, dtype=np.float64)
    desk = world_calendars(world)[world.desk_hours]
    rates: dict[int, float] = {}
    for day, _ in zip(days(world.zone, desk, to_us(start)), range(9), strict=False):
        of_day = world.arrivals.per_day * day_factor(world, day) / shape.sum()
        for place, half_hour in enumerate(day.half_hours):
            rates[day.start_us + place * HALF_HOUR_US] = of_day * shape[half_hour]
    return np.array([rates.get(at, 0.0) for at in begins_us.tolist()]) * minutes / 30


def _verdict(present: float, needed: float, slack: float) -> str:
    if present < needed * (1 - slack):
        return UNDER
    return OVER if present > needed * (1 + slack) and present > 0 else ""
