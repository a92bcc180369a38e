"""Takes personal data out of the store: the one exception to append-only, in one transaction, with a line in the audit log.

Tickets, their instants and their verdicts stay, so that levels and models stay true; who it was, and free texts, go.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from sqlalchemy import Connection, Engine, text

from features.store.audit import Change, enter
from features.store.columns import WORD, held_by
from features.store.engine import writing
from features.store.faults import StoreError
from features.store.reading_marks import CUSTOMER_ERASED, OLD_ERASED
from features.store.tables import metadata
from features.store.words import WordBook, known_numbers
from sla.instants import to_us

GONE: Final = "(erased)"

CHANGED: Final = ("ticket_events", "predictions", "feedback", "alerts", "deliveries", "words")
"""Append-only tables that erasing changes; the database lets nobody else do so."""

_OF_TICKETS: Final = (
    "UPDATE ticket_events SET attributes = NULL WHERE attributes IS NOT NULL AND ticket_id IN (SELECT ticket_id FROM erased_tickets)",
    "UPDATE predictions SET reasons = NULL WHERE ticket_id IN (SELECT ticket_id FROM erased_tickets)",
    "UPDATE feedback SET comment = NULL WHERE ticket_id IN (SELECT ticket_id FROM erased_tickets)",
    "UPDATE deliveries SET detail = NULL WHERE alert_id IN (SELECT alert_id FROM alerts WHERE subject IN (SELECT ticket_id FROM erased_tickets))",
    "UPDATE marks SET text = '' WHERE ticket_id IN (SELECT text FROM words WHERE word_id IN (SELECT ticket_id FROM erased_tickets))",
    "UPDATE deviation_notes SET cause = '', action = '', owner = '' WHERE ticket_id IN (SELECT text FROM words WHERE word_id IN (SELECT ticket_id FROM erased_tickets))",
    "UPDATE alerts SET message = '(erased)', details = NULL WHERE subject IN (SELECT ticket_id FROM erased_tickets)",
)


@dataclass(frozen=True)
class Erased:
    """What was erased, in numbers alone."""

    tickets: int
    texts: int  # names and free texts that nothing refers to any more
    mentions: int  # texts of other tickets that hold the name; they stay, a person has to look

    def text(self) -> str:
        """The numbers in words."""
        said = f"erased the personal data of {self.tickets:,} tickets and {self.texts:,} texts"
        return said + (
            f"; {self.mentions:,} texts of other tickets hold the same words and stay" if self.mentions else ""
        )

    def to_dict(self) -> dict[str, int]:
        """The numbers by name."""
        return asdict(self)


def erase_customer(engine: Engine, name: str, stand_in: str, at: datetime, by: str) -> Erased:
    """What was erased of a customer: their name (each event now names `stand_in`), and the free texts about their tickets.

    The audit log keeps that it happened, not of whom. Raises StoreError where no event names the customer.
    """
    with _unlocked(engine) as connection:
        found = known_numbers(connection, [name])
        where = {"name": found[0] if found else 0}
        _fill(connection, "SELECT DISTINCT ticket_id FROM ticket_events WHERE customer = :name", where)
        if not _count(connection, "erased_tickets"):
            raise StoreError(f"no event names the customer {name!r}; names are compared letter by letter")
        connection.execute(text("INSERT INTO erased_words VALUES (:name)"), where)
        return _erase(connection, ("customer",), "customer = :old", {"old": found[0]}, stand_in, Change(at=at, actor=by, action=CUSTOMER_ERASED, subject="a customer"), name)  # fmt: skip


def erase_older(engine: Engine, before: datetime, at: datetime, by: str) -> Erased:
    """What was erased of tickets to which nothing happened since an instant: customers' and assignees' names, and free texts."""
    with _unlocked(engine) as connection:
        quiet = "SELECT ticket_id FROM ticket_events GROUP BY ticket_id HAVING max(event_at) < :before"
        _fill(connection, quiet, {"before": to_us(before)})
        gone = {"gone": WordBook(connection).learn([GONE])[GONE]}
        of_them = "ticket_id IN (SELECT ticket_id FROM erased_tickets)"
        for column in ("customer", "assignee"):
            named = f"SELECT DISTINCT {column} FROM ticket_events WHERE {column} IS NOT NULL AND {column} <> :gone AND {of_them}"  # noqa: S608
            already = "SELECT word_id FROM erased_words"
            connection.execute(text(f"INSERT INTO erased_words {named} AND {column} NOT IN ({already})"), gone)
        change = Change(at=at, actor=by, action=OLD_ERASED, subject=f"before {before.isoformat()}")
        return _erase(connection, ("customer", "assignee"), of_them, {}, GONE, change)


def _erase(
    connection: Connection, columns: tuple[str, ...], where: str, values: dict[str, Any], stand_in: str, change: Change, name: str = ""
) -> Erased:  # fmt: skip
    free = "SELECT DISTINCT attributes FROM ticket_events WHERE attributes IS NOT NULL AND ticket_id IN (SELECT ticket_id FROM erased_tickets)"
    connection.execute(text(f"INSERT INTO erased_words {free}"))
    new = {"new": WordBook(connection).learn([stand_in])[stand_in], **values}
    for column in columns:
        connection.execute(
            text(f"UPDATE ticket_events SET {column} = :new WHERE {column} IS NOT NULL AND {where}"),  # noqa: S608 - our own words
            new,
        )
    for statement in _OF_TICKETS:
        connection.execute(text(statement))
    if name:
        _give_up_views(connection, name)
    connection.execute(text("DELETE FROM reading_marks"))  # copies of the events are no more what the store holds
    _keep_used_words(connection)
    connection.execute(text("DELETE FROM words WHERE word_id IN (SELECT word_id FROM erased_words)"))
    erased = Erased(_count(connection, "erased_tickets"), _count(connection, "erased_words"), _mentions(connection, name))  # fmt: skip
    enter(connection, Change(at=change.at, actor=change.actor, action=change.action, subject=change.subject, after=erased.to_dict()))  # fmt: skip
    return erased


def _give_up_views(connection: Connection, name: str) -> None:
    """Saved views that ask for the name, however their address writes it, or are called by it, are given up."""
    for number, called, query in connection.execute(text("SELECT view_id, name, query FROM saved_views")).all():
        if name in called or any(name in value for _field, value in parse_qsl(query)):
            given_up = {"number": number, "called": GONE if name in called else called}
            connection.execute(text("UPDATE saved_views SET query = '', name = :called WHERE view_id = :number"), given_up)  # fmt: skip


def _keep_used_words(connection: Connection) -> None:
    """A text that another row refers to stays: a colleague may have the same name, another ticket the same title."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if held_by(column) == WORD:
                used = f"SELECT {column.name} FROM {table.name} WHERE {column.name} IS NOT NULL"  # noqa: S608
                connection.execute(text(f"DELETE FROM erased_words WHERE word_id IN ({used})"))  # noqa: S608


def _mentions(connection: Connection, name: str) -> int:
    if not name:
        return 0
    pattern = "%" + name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    query = text("SELECT count(*) FROM words WHERE text LIKE :pattern ESCAPE '\\'")
    return int(connection.execute(query, {"pattern": pattern}).scalar_one())


def _fill(connection: Connection, tickets: str, values: dict[str, Any]) -> None:
    ends = " ON COMMIT DROP" if connection.dialect.name == "postgresql" else ""
    for name, column in (("erased_tickets", "ticket_id"), ("erased_words", "word_id")):
        connection.execute(text(f"CREATE TEMPORARY TABLE {name} ({column} BIGINT PRIMARY KEY){ends}"))
    connection.execute(text(f"INSERT INTO erased_tickets {tickets}"), values)


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - our own names


@contextmanager
def _unlocked(engine: Engine) -> Iterator[Connection]:
    """A transaction in which rows may be changed; afterwards, and where it fails, the database refuses that as before."""
    if engine.dialect.name == "postgresql":
        with writing(engine) as connection:
            for table in CHANGED:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            yield connection
            for table in CHANGED:
                connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        return
    with writing(engine) as connection:
        connection.execute(text("PRAGMA secure_delete = ON"))  # what is gone is overwritten in the file
        query = "SELECT name, sql, tbl_name FROM sqlite_master WHERE type = 'trigger'"
        triggers = [row for row in connection.execute(text(query)).all() if row.tbl_name in CHANGED]
        for trigger in triggers:
            connection.execute(text(f"DROP TRIGGER {trigger.name}"))
        yield connection
        for name in ("erased_tickets", "erased_words"):
            connection.execute(text(f"DROP TABLE {name}"))
        for trigger in triggers:
            connection.exec_driver_sql(trigger.sql)
    with engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")  # a checkpoint runs outside of a transaction
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
