"""A second, slow and obvious implementation: walk minute by minute, look at the ticket and at the wall clock, count."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import yaml

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import parse_agreements
from sla.clocks.replay import VerdictState, verdicts_at
from sla.events import EventLog, TicketEvent
from sla.instants import SECOND_US, from_us, to_us

MINUTE_US = 60 * SECOND_US
Week: TypeAlias = dict[str, list[list[str]]]
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# With weeks in which the clocks change, in whole minutes; Apia left out a day, Lord Howe moves by half an hour.
PLACES = [
    ("Europe/Berlin", datetime(2024, 3, 29, tzinfo=UTC)),
    ("America/New_York", datetime(2024, 11, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2024, 4, 5, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 28, tzinfo=UTC)),
    ("Pacific/Chatham", datetime(2024, 9, 27, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2024, 3, 9, tzinfo=UTC)),
]


def hours(rng: random.Random) -> Week:
    """Opening hours on whole quarters of an hour, none near the small hours in which clocks change."""
    week = {}
    for day in WEEK:
        if rng.random() < 0.75:
            opens = rng.randrange(6 * 4, 12 * 4)
            closes = rng.randrange(opens + 1, 20 * 4)
            week[day] = [[f"{opens // 4:02d}:{opens % 4 * 15:02d}", f"{closes // 4:02d}:{closes % 4 * 15:02d}"]]
    return week or {"mon": [["08:00", "16:00"]]}


def is_open(week: Week, local: datetime) -> bool:
    clock = f"{local:%H:%M}"
    return any(opens <= clock < closes for opens, closes in week.get(WEEK[local.weekday()], []))


def life(rng: random.Random, begins: datetime) -> list[TicketEvent]:
    events, at_us = [], to_us(begins + timedelta(minutes=rng.randrange(0, 2880)))
    for number in range(rng.randrange(1, 9)):
        status = rng.choice(["open", "open", "waiting", "resolved"]) if number else "new"
        priority = rng.choice(["1", "2"])
        late_us = rng.choice([0, 0, 0, 45, 2000]) * MINUTE_US if number else 0
        events.append(
            TicketEvent(
                "T",
                f"{number:03d}",
                at_us,
                at_us + late_us,
                {"kind": "updated", "status": status, "priority": priority},
            )
        )
        at_us += rng.choice([1, 7, 60, 333, 1440, 2500]) * MINUTE_US
    return events


@dataclass
class Walk:
    """Minutes counted so far."""

    reopen: str
    status: str = ""
    elapsed: int = 0
    waited: int = 0
    since_resolved: int = 0

    def take(self, event: TicketEvent) -> None:
        """Take an event: what a ticket that comes back makes of the time it was resolved."""
        before, self.status = self.status, event.values["status"]
        if before != "resolved" or self.status == "resolved":
            return
        if self.reopen == "run_on":
            self.elapsed += self.since_resolved
        if self.reopen == "restart":
            self.elapsed = self.waited = 0
        self.since_resolved = 0

    def pass_minute(self) -> None:
        """Count an open minute by what the ticket is."""
        if self.status == "resolved":
            self.since_resolved += 1
        elif self.status == "waiting":
            self.waited += 1
        else:
            self.elapsed += 1

    def state(self, limit: int) -> str:
        """The word for where the clock is."""
        late = self.elapsed > limit
        if self.status == "resolved":
            return "breached" if late else "met"
        if self.status == "waiting":
            return "paused and breached" if late else "paused"
        return "breached" if late else "running"


def walked(
    events: list[TicketEvent], week: Week, zone: ZoneInfo, reopen: str, limits: dict[str, int], at_us: int
) -> tuple[str, int, int]:
    """State, elapsed and waited minutes at an instant, by looking at every minute since the opening."""
    known = [event for event in events if max(event.at_us, event.recorded_us) <= at_us]
    known.sort(key=lambda event: (event.at_us, event.event_id))
    if not known:
        return "not started", 0, 0
    walk = Walk(reopen)
    for minute_us in range(known[0].at_us, at_us + MINUTE_US, MINUTE_US):
        for event in known:
            if event.at_us == minute_us:
                walk.take(event)
        if minute_us < at_us and is_open(week, from_us(minute_us).astimezone(zone)):
            walk.pass_minute()
    return walk.state(limits[known[-1].values["priority"]]), walk.elapsed, walk.waited


def agreements(week: Week, zone: str, reopen: str, limits: dict[str, int]) -> AgreementSet:
    goals = [{"applies_to": {"priority": name}, "within": f"{minutes} min"} for name, minutes in limits.items()]
    target = {"metric": "resolution", "pause": {"status": "waiting"}, "goals": goals, "policies": {"reopen": reopen}}
    text = {
        "slacast": 1,
        "calendars": {"it": {"time_zone": zone, "hours": week}},
        "agreements": [{"name": "x", "calendar": "it", "targets": [target]}],
    }
    return parse_agreements(yaml.safe_dump(text))


@pytest.mark.parametrize("seed", range(24))
def test_walking_minute_by_minute_gives_the_same_verdicts(seed: int):
    rng = random.Random(seed)
    zone, begins = PLACES[seed % len(PLACES)]
    week, reopen = hours(rng), rng.choice(["continue", "run_on", "restart"])
    limits = {"1": rng.choice([60, 300, 601]), "2": rng.choice([480, 1200, 2400])}
    known = agreements(week, zone, reopen, limits)
    events = life(rng, begins)
    instants = [to_us(begins) + rng.randrange(0, 9 * 1440) * MINUTE_US for _ in range(4)] + [rng.choice(events).at_us]
    log = EventLog.from_events(events)
    found = verdicts_at(log, known, "resolution", np.zeros(len(instants), dtype=np.int64), np.array(instants))
    for row, at_us in enumerate(instants):
        state, elapsed, waited = walked(events, week, ZoneInfo(zone), reopen, limits, at_us)
        seen = (
            VerdictState(found.state[row]).words,
            found.elapsed_us[row] // MINUTE_US,
            found.paused_us[row] // MINUTE_US,
        )
        if state == "not started":
            assert seen[0] in ("not started", "no agreement")
        else:
            assert seen == (state, elapsed, waited), (seed, from_us(at_us))
