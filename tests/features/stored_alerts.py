"""Alerts as tests of the store raise and send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from features.store import Store
from features.store.alerts import Attempt

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)


def at(minute: float) -> datetime:
    """Minutes after noon."""
    return NOON + timedelta(minutes=minute)


def alerts(*keys: str) -> pd.DataFrame:
    """Notices of one ticket, by their keys."""
    record = {"rule": "risk", "subject_kind": "ticket", "subject": "T1", "event": "raised", "message": "due soon"}
    return pd.DataFrame([{**record, "key": key, "raised_at": NOON} for key in keys])


def raised(store: Store, *keys: str, due: float | None = None) -> int:
    """How many were stored, to be sent by mail and to a chat."""
    due_at = None if due is None else at(due)
    return store.alerts.append(alerts(*keys), [["mail", "chat"]] * len(keys), due_at=due_at).inserted


def waiting(store: Store, channel: str, minute: float) -> list[tuple[int, str]]:
    """What waits for a channel: how often it was tried, and its key."""
    return [(tried, row["key"]) for tried, row in store.alerts.waiting(channel, at(minute))]


def attempted(store: Store, alert_id: int, state: str, minute: float, **values: Any) -> None:
    """One attempt to send by mail is on record."""
    store.alerts.record(Attempt(alert_id, "mail", state, at(minute), **values))
