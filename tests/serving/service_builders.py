"""A desk whose services had outages, for the tests of how services stand."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from features.schema import conform_service_events
from features.store.repository import open_store
from serving.service import Service
from serving.services.keeper import Keeper
from serving.settings import Settings
from serving.workplace import build_service
from tests.serving.real_desk import AT, frame_of, random_events

CATALOGUE = """\
slacast: 1
time_zone: Europe/Berlin
calendars:
  office: {time_zone: Europe/Berlin, hours: {mon-fri: [["08:00", "18:00"]]}}
services:
  Mail: {criticality: high, owner: Anna, description: Post and calendars, availability_percent: 99.9, depends_on: [Network],
         continuity: {recovery_time: 1 h, recovery_point: 15 min, exercise_every_days: 90, exercised_on: 2016-01-04}}
  Network: {criticality: critical, owner: Ben, availability_percent: 99.5}
  ERP: {criticality: critical, hours: office, availability_percent: 99}
  Archive: {criticality: low}
agreements:
  - name: Desk
    calendar: office
    targets: [{metric: resolution, goals: [{default: true, within: 20 h}]}]
"""
DAY = timedelta(days=1)


def happened(
    service: str, kind: str, start_at: datetime, minutes: float | None = None, **values: Any
) -> list[dict[str, Any]]:
    """The events of something that began, and if it lasted `minutes`, ended."""
    row = {"service": service, "kind": kind, "phase": "start", "event_at": start_at, "recorded_at": start_at, **values}
    rows = [row | {"event_id": f"{service} {kind} {start_at.isoformat()}"}]
    if minutes is not None:
        end_at = start_at + timedelta(minutes=minutes)
        known_at = row["recorded_at"] if row["recorded_at"] < start_at else max(end_at, row["recorded_at"])
        rows.append(
            row
            | {"phase": "end", "event_at": end_at, "recorded_at": known_at, "event_id": f"{rows[0]['event_id']} end"}
        )
    return rows


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Canonical service events."""
    found = pd.DataFrame(rows)
    for name in ("event_at", "recorded_at"):
        found[name] = pd.to_datetime(found[name], utc=True).astype("datetime64[us, UTC]")
    return conform_service_events(found)


def year_of_services(at: datetime = AT) -> pd.DataFrame:
    """Mail fails every fifth day, Network is down at the instant, ERP was slow, and Mail has work announced."""
    rows = []
    for number in range(40):
        rows += happened("Mail", "outage", at - (200 - 5 * number) * DAY + timedelta(hours=3), 30)
    rows += happened("Mail", "outage", at - timedelta(minutes=50), 20, **{"attributes.data_lost_seconds": "600"})
    rows += happened("Network", "outage", at - 60 * DAY, 90)
    rows += happened("Network", "outage", at - timedelta(minutes=40))
    rows += happened("ERP", "degradation", at - 2 * DAY, 45)
    rows += happened("ERP", "outage", at - 100 * DAY, 15)
    announced = {"recorded_at": at - DAY}
    rows += happened("Mail", "maintenance", at + timedelta(hours=10), 120, **announced)
    rows += happened("Mail", "change", at + timedelta(hours=5), **announced)
    return frame(rows)


def ticket(number: int) -> dict[str, Any]:
    """The creation of a ticket for Mail, some days ago."""
    at = AT - (number + 1) * DAY
    names = {"event_id": f"MAIL{number}/1", "ticket_id": f"MAIL{number}", "service": "Mail"}
    return {**names, "event_at": at, "recorded_at": at, "kind": "created", "status": "new", "priority": "2"}


def built(folder: Path, events: pd.DataFrame | None = None, **settings: Any) -> Service:
    """A service over a store with tickets, the catalogue and events of services; its first queue and board are made."""
    chosen = Settings(
        **{"database_url": f"sqlite:///{folder}/desk.db", "use_model": False, "var_dir": folder, **settings}
    )
    with open_store(chosen.database_url) as store:
        store.append_ticket_events(random_events(30), "test")
        store.append_ticket_events(frame_of([ticket(number) for number in range(3)]), "test")
        store.save_agreements(CATALOGUE, AT)
        if events is not None:
            store.append_service_events(events, "test")
    service = build_service(chosen, lambda: AT, None)
    service.ticker.step()
    keeper_of(service).step()
    return service


def keeper_of(service: Service) -> Keeper:
    assert isinstance(service.services, Keeper)
    return service.services
