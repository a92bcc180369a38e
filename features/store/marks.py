"""What people noted about tickets while they worked the queue (seen, snoozed, acknowledged, assigned), and the views they saved.

Rows are only added; what holds is the last of each. Nothing here is an event of the ticket: the agreements and the models never read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, RowMapping, func, insert, select

from features.store.audit import Change, enter
from features.store.engine import reading, writing
from features.store.faults import StoreError
from features.store.tables import marks, saved_views
from sla.instants import from_us, to_us

SEEN: Final = "seen"
SNOOZED: Final = "snoozed"
ACKNOWLEDGED: Final = "acknowledged"
ASSIGNED: Final = "assigned"
KINDS: Final = (SEEN, SNOOZED, ACKNOWLEDGED, ASSIGNED)
PERSONAL: Final = (SEEN, SNOOZED)
"""Marks that hold for the person who made them alone; the others hold for everyone."""
MOST_VIEWS = 20


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A note on one ticket. `text`: the assignee, or the state of the ticket that a snooze waits to change; `until_at` ends a snooze."""

    ticket_id: str
    kind: str
    made_by: str
    made_at: datetime
    until_at: datetime | None = None
    text: str = ""

    @property
    def holder(self) -> str:
        """Whose mark it is: a person's own, or "" for everyone's."""
        return self.made_by if self.kind in PERSONAL else ""

    def says_the_same(self, other: Mark | None) -> bool:
        """True where the other mark holds the same already; when it was made does not count."""
        return other is not None and (self.until_at, self.text) == (other.until_at, other.text)


@dataclass(frozen=True)
class SavedView:
    """A part of the queue that somebody comes back to. `query` is that of the page's address; "" once it was given up."""

    owner: str
    name: str
    query: str


class Marks:
    """The marks of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def since(self, number: int) -> tuple[int, list[Mark]]:
        """The marks made after the one with a number, in order, and the number of the last of them."""
        query = select(marks).where(marks.c.mark_id > number).order_by(marks.c.mark_id)
        with reading(self._engine) as connection:
            rows = connection.execute(query).mappings().all()
        return (int(rows[-1]["mark_id"]) if rows else number), [_mark(row) for row in rows]

    def add(self, wanted: Sequence[Mark], change: Change) -> int:
        """How many of them say something new; those are stored in one transaction with one line in the audit log.

        Sending the same again stores nothing, so a form may be sent twice.
        """
        with writing(self._engine) as connection:
            news = [mark for mark in wanted if not mark.says_the_same(_last(connection, mark))]
            if news:
                connection.execute(insert(marks), [_row(mark) for mark in news])
                enter(connection, change)
            return len(news)


class SavedViews:
    """The saved views of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, owner: str) -> list[SavedView]:
        """The views of a person by name."""
        with reading(self._engine) as connection:
            return _views(connection, owner)

    def save(self, view: SavedView, at: datetime, origin: str | None = None) -> bool:
        """True where it is new or other than before; an empty query gives it up. StoreError for more than MOST_VIEWS.

        The audit log says who did so when, not what is asked for: that may be a person's name.
        """
        with writing(self._engine) as connection:
            held = {one.name: one.query for one in _views(connection, view.owner)}
            if held.get(view.name, "") == view.query:
                return False
            if view.name not in held and len(held) >= MOST_VIEWS:
                raise StoreError(f"{MOST_VIEWS} views are saved already; give one up first")
            values = {"owner": view.owner, "name": view.name, "query": view.query, "saved_at": to_us(at)}
            connection.execute(insert(saved_views).values(**values))
            action = "view saved" if view.query else "view given up"
            enter(
                connection, Change(at=at, actor=view.owner, action=action, subject="a view of the queue", origin=origin)
            )
            return True


def _last(connection: Connection, mark: Mark) -> Mark | None:
    wanted = [marks.c.ticket_id == mark.ticket_id, marks.c.kind == mark.kind]
    if mark.holder:
        wanted.append(marks.c.made_by == mark.holder)
    row = connection.execute(select(marks).where(*wanted).order_by(marks.c.mark_id.desc()).limit(1)).mappings().first()
    return None if row is None else _mark(row)


def _views(connection: Connection, owner: str) -> list[SavedView]:
    last = select(func.max(saved_views.c.view_id)).where(saved_views.c.owner == owner).group_by(saved_views.c.name)
    query = select(saved_views).where(saved_views.c.view_id.in_(last), saved_views.c.query != "")
    rows = connection.execute(query.order_by(saved_views.c.name)).mappings()
    return [SavedView(row["owner"], row["name"], row["query"]) for row in rows]


def _row(mark: Mark) -> dict[str, object]:
    return {
        "ticket_id": mark.ticket_id,
        "kind": mark.kind,
        "made_by": mark.made_by,
        "text": mark.text,
        "made_at": to_us(mark.made_at),
        "until_at": None if mark.until_at is None else to_us(mark.until_at),
    }


def _mark(row: RowMapping) -> Mark:
    return Mark(
        ticket_id=row["ticket_id"],
        kind=row["kind"],
        made_by=row["made_by"],
        made_at=from_us(row["made_at"]),
        until_at=None if row["until_at"] is None else from_us(row["until_at"]),
        text=row["text"],
    )
