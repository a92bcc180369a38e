"""Random agreements and random tickets for tests that hold two implementations to the same answers."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import yaml

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import parse_agreements
from sla.events import EventLog, TicketEvent
from sla.instants import SECOND_US, to_us
from sla.working_time.working_days import DAY_RULES

MINUTE_US = 60 * SECOND_US
START_US = to_us(datetime(2024, 3, 25, 6, 0, tzinfo=UTC))  # the week before summer time, Good Friday and Easter Monday
CALENDARS: dict[str, Any] = {
    "office": {
        "time_zone": "Europe/Berlin",
        "hours": {"mon-fri": [["08:00", "12:00"], ["12:30", "18:00"]]},
        "holidays": {"dates": ["2024-03-29", "2024-04-01"]},
    },
    "nights": {"time_zone": "America/New_York", "hours": {"daily": [["22:00", "06:00"]]}},
    "always": {"time_zone": "UTC", "always_open": True},
}
DAY_RULE_NAMES = ("working_time", *DAY_RULES)
POLICIES: dict[str, list[Any]] = {
    "priority_change": ["recompute", "keep", "restart"],
    "reopen": ["continue", "run_on", "restart", "final"],
    "stop_at": ["first", "last"],
    "reassign": ["continue", "restart"],
    "merge": ["cancel", "stop", "continue"],
    "first_response": ["public_reply", "any_action", "status_change", "assignment"],
    "ola_start": ["assignment", "creation"],
    "retroactive_start": [True, False],
    "version": ["opened", "current"],
}
STATES = [
    ("new", ""),
    ("open", ""),
    ("open", ""),
    ("waiting", "customer"),
    ("waiting", "supplier"),
    ("resolved", ""),
    ("closed", ""),
    ("cancelled", ""),
]
PAUSES: list[Any] = [
    None,
    {"status": "waiting"},
    {"status": "waiting", "waiting_on": "customer"},
    [{"waiting_on": "supplier"}, {"team": "desk"}],
]

APPLIES_TO: list[Any] = [
    {"priority": 1},
    {"priority": [1, 2]},
    {"priority": {"at_least": 2}},
    {"service.criticality": "high"},
    {"team": {"prefix": "net"}},
]


def agreements_text(rng: random.Random) -> str:
    """A valid agreements file with an SLA in two versions, an OLA and a UC, and random choices of everything else."""
    sla = {
        "name": "SLA",
        "owner": "a",
        "targets": [
            _target(rng, metric) for metric in ("resolution", "first_response", "next_response", "periodic_update")
        ],
    }
    custom = {
        **_target(rng, "hands_on"),
        "start": {"status": "open"},
        "stop": rng.choice([{"status": ["resolved", "closed"]}, {"kind": "commented"}]),
    }
    if rng.random() < 0.5:
        custom["reset"] = {"changed": "team"}
    sla["targets"].append(custom)
    old = {**sla, "version": "0", "valid_until": "2024-03-28", "targets": [_target(rng, "resolution")]}
    ola = {"name": "OLA", "kind": "OLA", "team": "network", "owner": "b", "targets": [_target(rng, "team_time")]}
    uc = {"name": "UC", "kind": "UC", "supplier": "acme", "owner": "c", "targets": [_target(rng, "supplier_time")]}
    text = {
        "slacast": 1,
        "time_zone": "Europe/Berlin",
        "calendars": {
            name: {**calendar, "day_rule": rng.choice(DAY_RULE_NAMES)} for name, calendar in CALENDARS.items()
        },
        "services": {"mail": {"owner": "x", "criticality": "high"}, "print": {"owner": "y", "criticality": "low"}},
        "policies": _some(rng, POLICIES),
        "agreements": [old, {**sla, "version": "1", "valid_from": "2024-03-29"}, ola, uc],
    }
    return yaml.safe_dump(text, sort_keys=False)


def _some(rng: random.Random, choices: dict[str, list[Any]]) -> dict[str, Any]:
    return {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.5}


def _target(rng: random.Random, metric: str) -> dict[str, Any]:
    chosen = rng.sample(APPLIES_TO, k=2)
    goals: list[dict[str, Any]] = [
        {"applies_to": applies_to, "within": _length(rng), "calendar": rng.choice(list(CALENDARS))}
        for applies_to in chosen
    ]
    if rng.random() < 0.7:
        goals.append({"default": True, "within": _length(rng), "calendar": rng.choice(list(CALENDARS))})
    target: dict[str, Any] = {"metric": metric, "goals": goals, "policies": _some(rng, POLICIES), "warnings": [0.5]}
    if (pause := rng.choice(PAUSES)) is not None:
        target["pause"] = pause
    if rng.random() < 0.2:
        target["grace"] = "20 min"
    return target


def _length(rng: random.Random) -> str:
    return rng.choice(
        ["30 min", "4 h", "8 h", "9 h 30 min", "20 h", "40 h", "100 h", "250 h", "no agreement", "2 working days"]
    )


def agreements(rng: random.Random) -> AgreementSet:
    return parse_agreements(agreements_text(rng))


def ticket_events(rng: random.Random, ticket_id: str, late_share: float = 0.3) -> list[TicketEvent]:
    """A ticket's life of up to 14 events on a coarse grid of minutes, so that ties and boundaries happen, some recorded late."""
    events = []
    at_us = START_US + rng.randrange(0, 6 * 24 * 4) * 15 * MINUTE_US
    for number in range(rng.randrange(1, 15)):
        values: dict[str, str] = {
            "kind": "created"
            if number == 0
            else rng.choice(["updated", "commented", "commented", "status", "assigned"])
        }
        if number == 0 or rng.random() < 0.5:
            values["status"], values["waiting_on"] = rng.choice(STATES)
        for name, texts in (
            ("priority", "123"),
            ("team", ("network", "desk", "")),
            ("assignee", ("ann", "bob")),
            ("service", ("mail", "print")),
            ("actor_kind", ("agent", "customer", "system")),
        ):
            if rng.random() < (0.6 if number == 0 else 0.3):
                values[name] = rng.choice(texts)
        if rng.random() < 0.03:
            values["kind"] = "merged"
        late_us = rng.choice([0, 0, 30, 600, 3000]) * MINUTE_US if rng.random() < late_share else 0
        events.append(TicketEvent(ticket_id, f"{ticket_id}/{at_us}/{number:03d}", at_us, at_us + late_us, values))
        at_us += rng.choice([0, 1, 15, 60, 240, 600, 1440, 3000]) * MINUTE_US
    return events


def tickets(rng: random.Random, count: int, late_share: float = 0.3) -> list[list[TicketEvent]]:
    return [ticket_events(rng, f"T{number:03d}", late_share) for number in range(count)]


def log_of(lives: list[list[TicketEvent]], rng: random.Random | None = None) -> EventLog:
    events = [event for life in lives for event in life]
    if rng is not None:
        rng.shuffle(events)
    return EventLog.from_events(events)


FIGURES = ("state", "elapsed_us", "paused_us", "target_us", "started_us", "due_us", "breached_us", "stopped_us")
"""What a verdict tells in columns, whatever log it was read from."""
