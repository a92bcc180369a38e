"""What became of clocks: what predictions are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import ColumnElement, Engine, false

from features.store.changes import Changes, all_of
from features.store.engine import reading, writing
from features.store.predictions import StoredChanges
from features.store.tables import outcomes
from features.store.words import known_numbers
from sla.instants import to_us

CHUNK_ROWS = 100_000
_CHANGES = Changes(
    outcomes,
    subject=("ticket_id", "target", "measurement"),
    at="known_at",
    material=(
        "state",
        "breached",
        "agreement",
        "started_at",
        "due_at",
        "stopped_at",
        "breached_at",
        "target_us",
        "elapsed_us",
    ),
)


class Outcomes:
    """Outcomes of clocks; a ticket that is opened again has a second one for the same clock, known later."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, frame: pd.DataFrame) -> StoredChanges:
        """How many outcomes were stored, in one transaction, and how many said nothing new.

        Columns: ticket_id, target, measurement (which of the clock's, from 0), known_at (aware UTC), state (the verdict's),
        breached (bool); and where there is one agreement, started_at, due_at, stopped_at, breached_at, and in working
        microseconds target_us and elapsed_us. Raises StoreError for other columns and for missing values.
        """
        with writing(self._engine) as connection:
            inserted = _CHANGES.append(connection, frame)
        return StoredChanges(inserted, len(frame) - inserted)

    def in_force(
        self, at: datetime, ticket_ids: Sequence[str] | None = None, target: str | None = None
    ) -> pd.DataFrame:
        """What was known at an instant: one row for each ticket, target and measurement, in the order of storing.

        A missing target_us or elapsed_us is -1.
        """
        with reading(self._engine) as connection:
            wanted: list[ColumnElement[bool]] = [outcomes.c.known_at <= to_us(at)]
            for column, texts in (("ticket_id", ticket_ids), ("target", None if target is None else [target])):
                if texts is not None:
                    numbers = known_numbers(connection, list(dict.fromkeys(texts)))
                    wanted.append(outcomes.c[column].in_(numbers) if numbers else false())
            return all_of(connection, outcomes, _CHANGES.in_force(wanted), CHUNK_ROWS)
