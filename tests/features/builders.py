"""Small events, files and mappings for the tests of this floor: a test states what matters, these supply the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from features.schema import conform_service_events, conform_ticket_events

MONDAY = pd.Timestamp("2024-03-04T08:00:00Z")

MAPPING = """\
time_zone: UTC
columns:
  ticket_id: ticket
  event_at: changed
  status: state
states: {New: new, Open: open, Waiting for customer: {status: waiting, waiting_on: customer}, Done: resolved}
"""

ROWS = """\
ticket,changed,state
T1,2024-03-04 08:00,New
T1,2024-03-04 09:30,Open
T2,2024-03-04 09:00,New
T1,2024-03-04 11:00,Done
"""


def event(ticket: str = "T1", minute: float = 0, ordinal: int = 1, **values: Any) -> dict[str, Any]:
    """One ticket event as a record, `minute` minutes after Monday 08:00 UTC."""
    at = MONDAY + pd.Timedelta(minutes=minute)
    return {
        "event_id": f"{ticket}/{at:%Y%m%dT%H%M%S%f}/{ordinal:03d}",
        "ticket_id": ticket,
        "event_at": at,
        "kind": "updated",
        **values,
    }


def events(*records: dict[str, Any]) -> pd.DataFrame:
    """Records as a canonical frame; `recorded_at` is `event_at` where a record says nothing else."""
    frame = pd.DataFrame(list(records))
    if "recorded_at" in frame:
        frame["recorded_at"] = frame["recorded_at"].fillna(frame["event_at"])
    return conform_ticket_events(frame)


def service_event(service: str = "mail", minute: float = 0, **values: Any) -> dict[str, Any]:
    """One service event as a record: an outage begins `minute` minutes after Monday 08:00 UTC."""
    at = MONDAY + pd.Timedelta(minutes=minute)
    return {
        "event_id": f"{service}/{minute}",
        "service": service,
        "event_at": at,
        "kind": "outage",
        "phase": "start",
        **values,
    }


def service_events(*records: dict[str, Any]) -> pd.DataFrame:
    """Records as a canonical frame of service events; `recorded_at` is `event_at` where a record says nothing else."""
    frame = pd.DataFrame(list(records))
    if "recorded_at" in frame:
        frame["recorded_at"] = frame["recorded_at"].fillna(frame["event_at"])
    return conform_service_events(frame)


def written(folder: Path, text: str = ROWS, name: str = "tickets.csv") -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def with_sorted_attributes(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as the store gives it back: attribute columns in alphabetical order."""
    plain = [name for name in frame.columns if not name.startswith("attributes.")]
    return frame[[*plain, *sorted(set(frame.columns) - set(plain))]]
