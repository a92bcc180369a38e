"""The demo desk's history as a ticket system would export it: an audit log, one row a change. examples/demo/mapping.yaml reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from simulation.demo_world import ZONE

COLUMNS: Final = {
    "ticket_id": "Number",
    "event_at": "Happened",
    "recorded_at": "Recorded",
    "kind": "Entry",
    "status": "State",
    "priority": "Priority",
    "service": "Service",
    "category": "Category",
    "attributes.subcategory": "Subcategory",
    "team": "Team",
    "assignee": "Assigned to",
    "customer": "Company",
    "channel": "Channel",
    "attributes.title": "Short description",
    "attributes.handling_minutes": "Minutes booked",
    "actor_kind": "Entered by",
}
WORDS: Final = {
    "kind": {
        "created": "Opened",
        "assigned": "Assignment",
        "worked": "Work note",
        "commented": "Comment",
        "status": "State",
        "priority": "Priority",
    },
    "priority": {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low"},
    "actor_kind": {"agent": "Agent", "customer": "Customer", "supplier": "Supplier", "system": "System"},
}
STATES: Final = {
    "new": "New",
    "open": "In progress",
    "waiting customer": "Waiting for customer",
    "waiting supplier": "Waiting for supplier",
    "resolved": "Resolved",
    "closed": "Closed",
    "cancelled": "Cancelled",
}
NOBODY: Final = "-"


def export_table(events: pd.DataFrame) -> pd.DataFrame:
    """Return the demo desk's canonical events as a table of text in the words of a ticket system, in the order of recording."""
    table = pd.DataFrame({name: events[source] for source, name in COLUMNS.items()})
    for source in ("event_at", "recorded_at"):
        table[COLUMNS[source]] = _local(events[source])
    for source, words in WORDS.items():
        table[COLUMNS[source]] = events[source].map(words)
    table["State"] = (events["status"] + " " + events["waiting_on"]).str.strip().map(STATES)
    table["Assigned to"] = events["assignee"].where(events["assignee"] != "", NOBODY)
    unknown = table.isna().any()
    if unknown.any():
        raise ValueError(
            f"the export has no word for some values of {list(table.columns[unknown])}; it writes events of the demo desk only"
        )
    return table


def write_export(events: pd.DataFrame, path: str | Path) -> None:
    """Write the demo desk's canonical events as CSV; `slacast import` with examples/demo/mapping.yaml gives them back."""
    export_table(events).to_csv(path, index=False, lineterminator="\n", compression="infer")


def _local(instants: pd.Series) -> pd.Series:
    """Return instants as local time with offset, to the second: 2026-07-06T08:30:00+02:00."""
    local = instants.dt.tz_convert(ZONE).dt.tz_localize(None)
    minutes = (local - instants.dt.tz_localize(None)).dt.total_seconds().astype("int64") // 60
    offset = {
        amount: f"{'-' if amount < 0 else '+'}{abs(amount) // 60:02d}:{abs(amount) % 60:02d}"
        for amount in minutes.unique()
    }
    text = np.datetime_as_string(local.to_numpy("datetime64[s]"))
    stamps: pd.Series = pd.Series(text, index=instants.index, dtype="str") + minutes.map(offset)
    return stamps
