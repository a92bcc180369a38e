"""Alerts, and how their delivery went."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pandas as pd
from sqlalchemy import Engine, and_, exists, func, or_, select

from features.store.engine import reading
from features.store.journal import Added, Journal
from features.store.tables import alerts, deliveries
from features.store.words import known_numbers
from sla.instants import to_us

DELIVERED: Final = "delivered"
FAILED: Final = "failed"  # to be tried again at `retry_at`
DEAD: Final = "dead"  # given up


class Alerts:
    """Alerts and the attempts to deliver them. Nothing is changed: what is still to be sent follows from the attempts."""

    def __init__(self, engine: Engine) -> None:
        self._alerts = Journal(engine, alerts, "raised_at")
        self._deliveries = Journal(engine, deliveries, "attempted_at")

    def append(self, frame: pd.DataFrame) -> Added:
        """How many alerts are new, in one transaction; an alert whose key is stored is not raised again.

        Columns: key (text, unique), rule, subject_kind (`ticket`, `service`), subject, event (`raised`, `recovered`), raised_at
        (aware UTC), message; and where there is one severity and details (JSON). Raises StoreError for other columns and for
        missing values.
        """
        return self._alerts.append(frame)

    def read(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        rule: str | None = None,
        subject: str | None = None,
    ) -> pd.DataFrame:
        """Alerts raised between two instants, both included, in the order of storing."""
        return self._alerts.read(since, until, {"rule": rule, "subject": subject})

    def record_deliveries(self, frame: pd.DataFrame) -> Added:
        """How many attempts were stored, in one transaction.

        Columns: alert_id, channel, state (DELIVERED, FAILED or DEAD), attempted_at; and where there is one retry_at and detail.
        """
        return self._deliveries.append(frame)

    def deliveries(self, alert_id: int | None = None, channel: str | None = None) -> pd.DataFrame:
        """All attempts, in the order of storing."""
        return self._deliveries.read(values={"alert_id": alert_id, "channel": channel})

    def undelivered(self, channel: str, at: datetime) -> pd.DataFrame:
        """The alerts to be sent on a channel now: never tried by then, or failed with a `retry_at` that has come."""
        with reading(self._alerts.engine) as connection:
            words = {word: [*known_numbers(connection, [word]), 0][0] for word in (channel, FAILED)}
            tried = [deliveries.c.alert_id == alerts.c.alert_id, deliveries.c.channel == words[channel]]
            last = select(func.max(deliveries.c.delivery_id)).where(*tried).correlate(alerts).scalar_subquery()
            is_due = and_(deliveries.c.state == words[FAILED], deliveries.c.retry_at <= to_us(at))
            waits = exists().where(deliveries.c.delivery_id == last, is_due)
            wanted = [alerts.c.raised_at <= to_us(at), or_(last.is_(None), waits)]
            return self._alerts.frame(connection, wanted)
