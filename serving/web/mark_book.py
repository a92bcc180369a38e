"""The marks of all tickets in memory, read on from the store, and what they mean for one person and one queue."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from features.store.faults import StoreError
from features.store.marks import ACKNOWLEDGED, ASSIGNED, SEEN, SNOOZED, Mark, SavedView
from features.store.repository import Store
from serving.access.caller import Caller
from serving.queue import Queue, QueueRow, position_of
from serving.risk import LATE
from serving.scored_rows import ScoredRows

_KEY = re.compile(r"key \w+ \((.*)\)")
LOOK_AGAIN_SECONDS = 1.0
_MOST_KEPT = 64


@dataclass(frozen=True)
class Notes:
    """What is noted of one ticket, for one reader. `assigned` is None once the ticket has that assignee."""

    seen: Mark | None = None
    acknowledged: Mark | None = None
    assigned: Mark | None = None
    snoozed: Mark | None = None


@dataclass(frozen=True)
class Desk:
    """The marks as they bear on one queue for one person: what is snoozed for them, and what was given to them."""

    snoozed: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    given_away: frozenset[str] = frozenset()  # theirs in the log, noted as another's
    noted: frozenset[str] = frozenset()  # assigned by a note
    name: str = ""
    version: int = 0
    book: MarkBook | None = field(default=None, compare=False, repr=False)

    def notes(self, row: QueueRow) -> Notes:
        """What is noted of a row's ticket."""
        return self.book.notes(row, self.name, row.ticket_id in self.snoozed) if self.book else Notes()


class MarkBook:
    """All marks; the last of each holds. Any thread may ask."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str, str], Mark] = {}
        self._desks: OrderedDict[tuple[str, str, int], Desk] = OrderedDict()
        self._saved: dict[str, list[SavedView]] = {}
        self._looked_seconds = float("-inf")
        self.version = 0

    def look(self, *, at_once: bool = False) -> None:
        """Nothing; marks made since the last look are known. At most one look a second unless `at_once`.

        While the store cannot be read, what was known stays: the queue is shown without it, too.
        """
        if self._store is None:
            return
        with self._lock:
            if not at_once and time.monotonic() - self._looked_seconds < LOOK_AGAIN_SECONDS:
                return
            self._looked_seconds = time.monotonic()
            try:
                self.version, found = self._store.marks.since(self.version)
            except StoreError:
                return  # the ticker meets the same fault and says so on every page
            self._saved.clear()
            for mark in found:
                self._held[mark.ticket_id, mark.kind, mark.holder] = mark

    def saved(self, name: str) -> list[SavedView]:
        """The views that a person saved, as of the last look; none while they cannot be read."""
        if self._store is None:
            return []
        with self._lock:
            if name not in self._saved:
                try:
                    self._saved[name] = self._store.saved_views.of(name)
                except StoreError:
                    return []
            return self._saved[name]

    def desk(self, queue: Queue, name: str) -> Desk:
        """What the marks mean for a person's view of a queue; worked out once for each queue and version."""
        key = (queue.fingerprint, name, self.version)
        with self._lock:
            if key in self._desks:
                return self._desks[key]
            held = list(self._held.values())
        found = self._desk(queue, name, held)
        with self._lock:
            self._desks[key] = found
            while len(self._desks) > _MOST_KEPT:
                self._desks.popitem(last=False)
        return found

    def notes(self, row: QueueRow, name: str, is_snoozed: bool) -> Notes:
        """What is noted of a ticket for a reader."""
        assigned = self._held.get((row.ticket_id, ASSIGNED, ""))
        return Notes(
            seen=self._held.get((row.ticket_id, SEEN, name)),
            acknowledged=self._held.get((row.ticket_id, ACKNOWLEDGED, "")),
            assigned=assigned if assigned and assigned.text and assigned.text != row.assignee else None,
            snoozed=self._held.get((row.ticket_id, SNOOZED, name)) if is_snoozed else None,
        )

    def _desk(self, queue: Queue, name: str, held: Sequence[Mark]) -> Desk:
        snoozes = [mark for mark in held if mark.kind == SNOOZED and mark.made_by == name and is_on(mark, queue.as_of)]
        assigned = [mark for mark in held if mark.kind == ASSIGNED and mark.text]
        rows = rows_of(queue, {mark.ticket_id for mark in (*snoozes, *assigned)})
        open_notes = [mark for mark in assigned if mark.ticket_id in rows]
        return Desk(
            snoozed=frozenset(
                mark.ticket_id
                for mark in snoozes
                if (row := rows.get(mark.ticket_id)) is not None and state_of(row) == mark.text
            ),
            given=frozenset(mark.ticket_id for mark in open_notes if mark.text == name),
            given_away=frozenset(
                mark.ticket_id
                for mark in open_notes
                if mark.text != name and rows[mark.ticket_id].assignee == name
            ),
            noted=frozenset(mark.ticket_id for mark in open_notes),
            name=name,
            version=self.version,
            book=self,
        )  # fmt: skip


def person_of(caller: Caller) -> str:
    """Whose marks a caller makes and sees: a person by their name, a key by the name it was given."""
    found = _KEY.fullmatch(caller.name)
    return found[1] if found else caller.name


def is_on(snooze: Mark, at: datetime) -> bool:
    """True while the time of a snooze has not come; one without a time waits for news alone."""
    return bool(snooze.text) and (snooze.until_at is None or snooze.until_at > at)


def state_of(row: QueueRow) -> str:
    """What a snoozed ticket is watched for: when any of it changes, the ticket is back. That it became late always counts."""
    contact = "" if row.last_contact_at is None else row.last_contact_at.isoformat()
    parts = (row.status, row.priority, row.team, row.assignee, row.waiting_on, contact)
    return "\x1f".join((*parts, "late" if row.risk in LATE else "in time"))


def rows_of(queue: Queue, ticket_ids: set[str]) -> dict[str, QueueRow]:
    """The rows of some tickets, those that are in the queue."""
    if not ticket_ids:
        return {}
    rows = queue.rows
    if isinstance(rows, ScoredRows):
        here = np.intersect1d(rows.scored.places_of(sorted(ticket_ids)), rows.places)
        return {row.ticket_id: row for row in rows.scored.rows(here)}
    places = {ticket: position_of(rows, ticket) for ticket in ticket_ids}
    return {ticket: rows[place] for ticket, place in places.items() if place is not None}
