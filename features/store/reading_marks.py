"""Marks of what was read of the events: who kept a copy learns whether it is still what the store holds."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, Engine, Index, Table, delete, func, insert, select

from features.store.appending import last_sequence
from features.store.columns import TEXT, columns, sequence
from features.store.engine import reading, writing
from features.store.tables import audit, metadata, ticket_events

CUSTOMER_ERASED: Final = "customer erased"
OLD_ERASED: Final = "old tickets erased"
"""What the audit log calls the only changes of events that were stored."""

reading_marks: Final = Table(
    "reading_marks",
    metadata,
    sequence("mark_id"),
    *columns(TEXT, "mark"),
    Index("reading_marks_mark", "mark", unique=True),
)
_MOST = 100
"""So many marks are kept, the newest: one for each copy of the events that is in use."""


class ReadingMarks:
    """A mark stands as long as the events that it was put for are those of the store: erasing takes all marks away.

    A backup that was put back holds older marks only, so a copy that knows more than it is found out.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def erasures(self) -> int:
        """How often something was erased from the events. Ask before reading what may be kept; see `put`."""
        with reading(self._engine) as connection:
            return _erasures(connection)

    def put(self, erasures: int) -> str | None:
        """A new mark for events that were read when so much had been erased; None where more is erased by now."""
        mark = secrets.token_hex(16)
        with writing(self._engine) as connection:
            if _erasures(connection) != erasures:
                return None
            connection.execute(insert(reading_marks).values(mark=mark))
            newest = connection.execute(select(func.max(reading_marks.c.mark_id))).scalar_one()
            connection.execute(delete(reading_marks).where(reading_marks.c.mark_id <= newest - _MOST))
        return mark

    def found(self, mark: str, last: int) -> int | None:
        """As `erasures`, where the mark stands and the store holds the event with the number `last`; else None."""
        with reading(self._engine) as connection:
            stands = connection.execute(select(reading_marks.c.mark_id).where(reading_marks.c.mark == mark)).first()
            if stands is None or last_sequence(connection, ticket_events) < last:
                return None
            return _erasures(connection)


def _erasures(connection: Connection) -> int:
    of_erasing = audit.c.action.in_((CUSTOMER_ERASED, OLD_ERASED))
    return int(connection.execute(select(func.count()).select_from(audit).where(of_erasing)).scalar_one())
