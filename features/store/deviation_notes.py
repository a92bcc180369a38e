"""What service-level managers wrote about missed targets: cause, action, owner, due date. Rows are only added; the last of a clock holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, Index, RowMapping, Table, func, insert, select

from features.store.audit import Change, enter
from features.store.columns import FLAG, INSTANT, TEXT, columns, sequence
from features.store.engine import reading, writing
from features.store.tables import metadata
from sla.instants import from_us, to_us

deviation_notes: Final = Table(  # the last of a ticket and target holds
    "deviation_notes",
    metadata,
    sequence("note_id"),
    *columns(TEXT, "ticket_id", "target", "made_by", "cause", "action", "owner"),
    *columns(INSTANT, "made_at"),
    *columns(TEXT, "due_on", optional=True),  # a day at the desk: 2026-05-31
    *columns(FLAG, "is_done"),
    Index("deviation_notes_clock", "ticket_id", "target", "note_id"),
)


@dataclass(frozen=True, kw_only=True)
class DeviationNote:
    """What is known of one missed target: why, what is done so that it does not happen again, by whom, until which day."""

    ticket_id: str
    target: str
    made_by: str
    made_at: datetime
    cause: str = ""
    action: str = ""
    owner: str = ""
    due_on: date | None = None
    is_done: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """The clock it is about."""
        return self.ticket_id, self.target

    def says_the_same(self, other: DeviationNote | None) -> bool:
        """True where the other note holds the same already, whoever wrote it when."""
        return other is not None and self._said == other._said

    @property
    def _said(self) -> tuple[object, ...]:
        return self.cause, self.action, self.owner, self.due_on, self.is_done


class DeviationNotes:
    """The notes of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, note: DeviationNote, change: Change) -> bool:
        """True where it says something new; it is stored in one transaction with a line in the audit log."""
        with writing(self._engine) as connection:
            if note.says_the_same(_last(connection, note.key)):
                return False
            connection.execute(insert(deviation_notes).values(**_row(note)))
            enter(connection, change)
            return True

    def last_number(self) -> int:
        """The number of the last note, 0 before the first: it differs when there is anything new."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.max(deviation_notes.c.note_id))).scalar() or 0)

    def holding(self) -> dict[tuple[str, str], DeviationNote]:
        """The note that holds for each clock, the one written last."""
        last = select(func.max(deviation_notes.c.note_id)).group_by(
            deviation_notes.c.ticket_id, deviation_notes.c.target
        )
        query = select(deviation_notes).where(deviation_notes.c.note_id.in_(last)).order_by(deviation_notes.c.note_id)
        with reading(self._engine) as connection:
            found = [_note(row) for row in connection.execute(query).mappings()]
        return {note.key: note for note in found}

    def history(self, ticket_id: str, target: str) -> list[DeviationNote]:
        """Every note on one clock, the oldest first."""
        query = select(deviation_notes).where(*_about((ticket_id, target))).order_by(deviation_notes.c.note_id)
        with reading(self._engine) as connection:
            return [_note(row) for row in connection.execute(query).mappings()]


def _about(key: tuple[str, str]) -> list[ColumnElement[bool]]:
    return [deviation_notes.c.ticket_id == key[0], deviation_notes.c.target == key[1]]


def _last(connection: Connection, key: tuple[str, str]) -> DeviationNote | None:
    query = select(deviation_notes).where(*_about(key)).order_by(deviation_notes.c.note_id.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _note(row)


def _row(note: DeviationNote) -> dict[str, object]:
    return {
        "ticket_id": note.ticket_id,
        "target": note.target,
        "made_by": note.made_by,
        "made_at": to_us(note.made_at),
        "cause": note.cause,
        "action": note.action,
        "owner": note.owner,
        "due_on": note.due_on.isoformat() if note.due_on else None,
        "is_done": note.is_done,
    }


def _note(row: RowMapping) -> DeviationNote:
    return DeviationNote(
        ticket_id=row["ticket_id"],
        target=row["target"],
        made_by=row["made_by"],
        made_at=from_us(row["made_at"]),
        cause=row["cause"],
        action=row["action"],
        owner=row["owner"],
        due_on=date.fromisoformat(row["due_on"]) if row["due_on"] else None,
        is_done=bool(row["is_done"]),
    )
