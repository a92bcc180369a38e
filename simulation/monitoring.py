"""What watches the services of a desk: checks, answer times, changes and outages, as canonical service events.

The desk knows of outages that customers write in about. Monitoring knows more: how long answers take, what was changed and when that
was announced, and short failures that nobody writes in about. All is drawn by day, apart from the luck of the tickets, which stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from features.schema import conform_service_events, empty_service_events
from simulation.arrivals import inflow
from simulation.calendars import world_calendars
from simulation.days import Day, days
from simulation.luck import Concern, stream
from simulation.world import World
from sla.instants import SECOND_US, to_us

HOUR_US = 3600 * SECOND_US
SLOWNESS = 3.5  # times the usual, in the hours before an outage that shows
CALM_DAY_SLOW = 0.02  # share of days with slow hours that mean nothing


@dataclass(frozen=True)
class Monitored:
    """A service as monitoring sees it.

    `failures_per_week`: short outages (an hour or two) that nobody writes in about. `shows`: the share of outages before which answers
    grow slow for some hours. `changes_per_week` are announced the day before; `breaks` is the share of them that an outage follows.
    """

    service: str
    milliseconds: float
    failures_per_week: float = 0.05
    shows: float = 0.0
    changes_per_week: float = 0.0
    breaks: float = 0.0


@dataclass(frozen=True)
class _Down:
    start_us: int
    end_us: int
    is_told: bool  # by the desk's own outage, else by failed checks


class Monitoring:
    """The service events of a desk, one `events_until` after the other; any step sizes give the same stream.

    Services that fail in the desk's world are told of by their outages and by answer times, all others by hourly checks.
    """

    def __init__(self, world: World, watched: Sequence[Monitored], seed: int, start: datetime) -> None:
        self._world, self._watched, self._seed = world, tuple(watched), seed
        self._told = {outage.service for outage in world.outages}
        self._days: Iterator[Day] = days(world.zone, world_calendars(world)[world.desk_hours], to_us(start))
        self._today = next(self._days)
        self._downs = self._down_on(self._today)
        self._start_us = to_us(start)
        self._rows: list[
            tuple[int, int, str, str, str, float, str]
        ] = []  # recorded, happened, service, kind, phase, value, status

    def events_until(self, at: datetime) -> pd.DataFrame:
        """Return the canonical service events recorded after the last call and up to `at`, in the order of recording."""
        until_us = to_us(at)
        while self._today.start_us <= until_us + 24 * HOUR_US:  # what is announced today may happen tomorrow
            self._on_day()
        due = sorted(row for row in self._rows if row[0] <= until_us)
        self._rows = [row for row in self._rows if row[0] > until_us]
        return _frame(due)

    def _on_day(self) -> None:
        today, tomorrow = self._today, next(self._days)
        ahead = self._down_on(tomorrow)
        for number, one in enumerate(self._watched):
            rng = stream(self._seed, Concern.MONITORING, today.number * 1000 + number)
            self._sampled(one, today, rng, [*self._downs[number], *ahead[number]])
            for down in self._downs[number]:
                if down.is_told:
                    self._add(down.start_us, one.service, "outage", "start")
                    self._add(down.end_us, one.service, "outage", "end")
        self._today, self._downs = tomorrow, ahead

    def _down_on(self, day: Day) -> list[list[_Down]]:
        """Return the outages of each watched service that begin on a day; notes the changes behind some of them."""
        found: list[list[_Down]] = []
        failures = inflow(self._world, self._seed, day).failures
        for number, one in enumerate(self._watched):
            rng = stream(self._seed, Concern.MONITORED_FAILURES, day.number * 1000 + number)
            downs = [
                _Down(failure.start_us, failure.end_us, True)
                for failure in failures
                if failure.outage < len(self._world.outages)
                and self._world.outages[failure.outage].service == one.service
            ]
            if one.service not in self._told:
                hours = rng.integers(0, 22, int(rng.poisson(one.failures_per_week / 7))).tolist()
                hours += self._changed(one, day, rng)
                downs += [_Down(begin := day.start_us + hour * HOUR_US, begin + int(rng.integers(1, 3)) * HOUR_US, False) for hour in sorted(set(hours))]  # fmt: skip
            found.append(downs)
        return found

    def _changed(self, one: Monitored, day: Day, rng: np.random.Generator) -> list[int]:
        """Note the changes of a day, announced the day before, and return the hours of the outages that follow them."""
        broken = []
        for _ in range(int(rng.poisson(one.changes_per_week / 7))):
            hour = int(rng.integers(17, 21))
            at_us = day.start_us + hour * HOUR_US
            self._add(at_us, one.service, "change", "start", recorded_us=at_us - 24 * HOUR_US)
            self._add(at_us + HOUR_US // 2, one.service, "change", "end")
            if rng.random() < one.breaks:
                broken.append(hour + 1)
        return broken

    def _sampled(self, one: Monitored, day: Day, rng: np.random.Generator, downs: Sequence[_Down]) -> None:
        """Note how long answers take each hour: slow in the hours before an outage that shows, and now and then for nothing."""
        hours = np.arange(day.start_us, day.end_us, HOUR_US)
        slow = np.zeros(len(hours), dtype=np.bool_)
        for down in downs:
            luck = stream(self._seed, Concern.MONITORING, down.start_us // SECOND_US)
            if luck.random() < one.shows:
                slow |= (hours < down.start_us) & (hours >= down.start_us - int(luck.integers(4, 16)) * HOUR_US)
        if rng.random() < CALM_DAY_SLOW:
            begin = int(rng.integers(0, len(hours)))
            slow[begin : begin + 5] = True
        taken = one.milliseconds * np.exp(0.15 * rng.standard_normal(len(hours))) * np.where(slow, SLOWNESS, 1.0)
        kind = "latency" if one.service in self._told else "check"
        for at_us, value in zip(hours.tolist(), taken.round(1).tolist(), strict=True):
            is_down = any(down.start_us <= at_us < down.end_us for down in downs)
            if kind == "check":
                self._add(at_us, one.service, kind, "point", np.nan if is_down else value, "down" if is_down else "up")
            elif not is_down:
                self._add(at_us, one.service, kind, "point", value)

    def _add(
        self,
        at_us: int,
        service: str,
        kind: str,
        phase: str,
        value: float = np.nan,
        status: str = "",
        *,
        recorded_us: int | None = None,
    ) -> None:
        known_us = max(at_us if recorded_us is None else recorded_us, self._start_us)
        if at_us >= self._start_us:
            self._rows.append((known_us, at_us, service, kind, phase, value, status))


def _frame(rows: Sequence[tuple[int, int, str, str, str, float, str]]) -> pd.DataFrame:
    if not rows:
        return empty_service_events(("status",))
    recorded_us, at_us, services, kinds, phases, values, statuses = zip(*rows, strict=True)
    ids = [f"{service}/{kind}/{phase}/{at // SECOND_US}" for service, kind, phase, at in zip(services, kinds, phases, at_us, strict=True)]  # fmt: skip
    frame = pd.DataFrame({"event_id": ids, "service": services, "kind": kinds, "phase": phases, "value": values})
    for name, instants in (("event_at", at_us), ("recorded_at", recorded_us)):
        frame[name] = pd.DatetimeIndex(np.asarray(instants, dtype=np.int64).view("datetime64[us]"), tz="UTC")
    frame["severity"] = pd.Series("major", frame.index, dtype="str").where(frame["kind"] == "outage", None)
    frame["attributes.status"] = pd.Series(statuses, dtype="str").where(frame["kind"] == "check", None)
    return conform_service_events(frame.drop_duplicates("event_id"))
