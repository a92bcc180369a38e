"""A small desk with real agreements, random events (late, out of order, cleared) and a bundle fitted on them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from features.histories import Histories, log_of
from features.pipeline import build
from features.schema import conform_ticket_events, empty_service_events
from features.snapshots import event_snapshots
from features.spec import FeatureSpec
from models.bundle import BreachBundle
from models.calibration import Calibration
from models.clipping import fit_range
from models.linear import fit_linear
from models.manifest import Manifest, MemberEntry, TrainingWindow
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import parse_agreements
from sla.events import EventLog

START = datetime(2024, 3, 27, 6, 0, tzinfo=UTC)  # a Wednesday; clocks change on the Sunday after it
AT = datetime(2024, 4, 3, 12, 30, tzinfo=UTC)
AGREEMENTS = """
slacast: 1
time_zone: Europe/Berlin
calendars:
  office:
    time_zone: Europe/Berlin
    hours: {mon-fri: [["08:00", "18:00"]]}
agreements:
  - name: Desk
    calendar: office
    policies: {first_response: any_action}
    targets:
      - metric: resolution
        pause: {status: waiting, waiting_on: customer}
        goals:
          - {applies_to: {priority: 1}, within: 4 h}
          - {applies_to: {priority: 2}, within: 16 h}
          - {applies_to: {priority: 3}, within: 40 h}
      - metric: first_response
        goals: [{default: true, within: 2 h}]
"""


def agreements() -> AgreementSet:
    return parse_agreements(AGREEMENTS)


def random_events(tickets: int = 40, seed: int = 1) -> pd.DataFrame:
    chance = random.Random(seed)
    rows = [event for number in range(tickets) for event in _ticket(f"T{number:03d}", chance)]
    chance.shuffle(rows)
    return frame_of(rows)


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    for name in ("event_at", "recorded_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    return conform_ticket_events(frame)


def _ticket(ticket_id: str, chance: random.Random) -> list[dict[str, Any]]:
    at = START + timedelta(minutes=chance.randrange(6 * 24 * 60))
    events = [
        _event(
            ticket_id,
            0,
            at,
            chance,
            kind="created",
            status="new",
            waiting_on="",
            priority=chance.choice("12334"),
            team="Desk",
        )
    ]
    for ordinal in range(1, chance.randrange(2, 9)):
        at += timedelta(minutes=chance.choice((0, 5, 90, 600, 1500)))
        change = chance.choice(
            (
                {"status": "open", "kind": "status", "waiting_on": ""},
                {"status": "waiting", "waiting_on": chance.choice(("customer", "supplier")), "kind": "status"},
                {"status": "resolved", "kind": "status", "waiting_on": ""},
                {"priority": chance.choice("1234"), "kind": "priority"},
                {
                    "team": chance.choice(("Network", "Desk", "")),
                    "kind": "assigned",
                    "assignee": chance.choice(("Ada", "")),
                },
                {"kind": "commented"},
            )
        )
        events.append(_event(ticket_id, ordinal, at, chance, **change))
    return events


def _event(ticket_id: str, ordinal: int, at: datetime, chance: random.Random, **values: str) -> dict[str, Any]:
    delay = timedelta(hours=chance.choice((0, 0, 0, 1, 30)))
    return {
        "event_id": f"{ticket_id}/{at:%Y%m%dT%H%M%S%f}/{ordinal:03d}",
        "ticket_id": ticket_id,
        "event_at": at,
        "recorded_at": at + delay,
        "actor_kind": chance.choice(("agent", "agent", "customer")),
        "attributes.title": f"Title of {ticket_id}",
        **values,
    }


def fitted_bundle(
    events: pd.DataFrame, version: str = "breach v1", families: tuple[str, ...] = ("clock",)
) -> BreachBundle:
    """A bundle, of the clock features alone where nothing else is asked for, that learned: the more is used, the likelier the breach."""
    histories = Histories.from_events(events, agreements())
    spec = FeatureSpec.from_histories(histories, families)
    frame = build(histories, event_snapshots(histories), spec)
    labels = np.random.default_rng(0).random(len(frame)) < 0.4
    limits = fit_range(frame.to_numpy())
    member = fit_linear(limits.clip(frame.to_numpy()), labels.astype(np.float64), np.ones(len(frame)))
    manifest = Manifest(
        name="breach",
        target="resolution",
        spec_fingerprint=spec.fingerprint,
        agreements_version=agreements().version,
        data_fingerprint="small",
        seed=0,
        parameters={},
        members=(MemberEntry(kind="linear", file="linear.json", share=1.0),),
        window=TrainingWindow(
            opened_from=START, opened_until=AT, known_until=AT, tickets=40, rows=len(frame), breach_rate=0.4
        ),
        judgement=None,
        libraries={},
        files={},
    )
    return BreachBundle(manifest, spec, limits, Calibration("identity", 1.0, 0.0), ((member, 1.0),), version)


class ListStore:
    """A store that holds frames in a list: what features.store.Store promises the scorer, without a database."""

    def __init__(self, *frames: pd.DataFrame) -> None:
        self.rows = pd.concat(frames, ignore_index=True)
        self.visible = len(self.rows)
        self.of_services = empty_service_events()
        self.read: list[int] = []

    def last_sequence(self) -> int:
        return self.visible

    def ticket_event_log(self, *, since_sequence: int, up_to_sequence: int) -> EventLog:
        found = self.rows.iloc[since_sequence:up_to_sequence]
        self.read.append(len(found))
        return log_of(found)

    def last_service_sequence(self) -> int:
        return len(self.of_services)

    def service_events(self, *, since_sequence: int, up_to_sequence: int) -> pd.DataFrame:
        return self.of_services.iloc[since_sequence:up_to_sequence]
