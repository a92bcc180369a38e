"""The incident log of ../shared read by hand, without the import: the rules are tested on it even if the import changes."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sla.events import EventLog
from sla.instants import to_us

LOG = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "uci-incidents" / "incident_event_log.zip"
STATES = {
    "New": ("new", ""),
    "Active": ("open", ""),
    "Awaiting User Info": ("waiting", "customer"),
    "Awaiting Vendor": ("waiting", "supplier"),
    "Awaiting Problem": ("waiting", "problem"),
    "Awaiting Evidence": ("waiting", "evidence"),
    "Resolved": ("resolved", ""),
    "Closed": ("closed", ""),
}
ZONE = ZoneInfo("Europe/Berlin")


def needs_log() -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not LOG.exists(), reason="needs ../shared/data/uci-incidents/incident_event_log.zip, which is not here"
    )


@cache
def instant_us(text: str) -> int:
    return to_us(datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=ZONE))


@cache
def raw_rows() -> list[dict[str, str]]:
    with zipfile.ZipFile(LOG) as archive, archive.open(archive.namelist()[0]) as file:
        return list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8")))


@cache
def event_log() -> EventLog:
    """Each row of the file as one event at its update; the first row of an incident also opens it."""
    tickets, at_us, recorded_us, event_ids = [], [], [], []
    columns: dict[str, list[str | None]] = {
        name: [] for name in ("kind", "status", "waiting_on", "priority", "actor_kind")
    }

    def add(ticket: str, at: int, recorded: int, ordinal: int, values: dict[str, str | None]) -> None:
        tickets.append(ticket)
        at_us.append(at)
        recorded_us.append(recorded)
        event_ids.append(f"{ticket}/{at}/{ordinal:06d}")
        for name, items in columns.items():
            items.append(values.get(name))

    seen: set[str] = set()
    for ordinal, row in enumerate(raw_rows(), 1):
        ticket, at = row["number"], instant_us(row["sys_updated_at"])
        status, waiting_on = STATES.get(row["incident_state"], (None, None))
        values = {"status": status, "waiting_on": waiting_on, "priority": row["priority"][0]}
        if ticket not in seen:
            seen.add(ticket)
            opened = instant_us(row["opened_at"])
            add(ticket, min(opened, at), at, 0, {**values, "kind": "created", "actor_kind": "customer"})
        add(ticket, at, at, ordinal, {**values, "kind": "updated", "actor_kind": "agent"})
    return EventLog.from_columns(tickets, np.array(at_us), np.array(recorded_us), event_ids, columns)
