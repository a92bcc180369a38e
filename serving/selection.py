"""Which part of a queue is wanted, and in which order: the same for the API, the pages and the reports."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.queue import Counts, Queue, QueueRow, position_of
from serving.risk import WAITING, Group, Risk
from serving.scored import GROUPS, RISKS, Scored
from serving.scored_rows import ScoredRows
from sla.instants import BoolArray


class View(StrEnum):
    """A named part of the queue."""

    ALL = "all"
    SAVE_NOW = "save_now"
    SAFE_FOR_NOW = "safe_for_now"
    LATE_OR_LOST = "late_or_lost"
    PAUSED = "paused"

    @property
    def word(self) -> str:
        """What the view is called on its pill."""
        return {View.ALL: "All open", View.PAUSED: "Paused"}.get(self) or Group(self.value).word

    def holds(self, row: QueueRow) -> bool:
        """True where the view shows this row."""
        if self is View.ALL:
            return True
        return row.risk in WAITING if self is View.PAUSED else row.group.value == self.value


class Sort(StrEnum):
    """What the rows are sorted by; `suggested` is the queue's own order, in groups."""

    SUGGESTED = "suggested"
    GAIN = "gain"
    RISK = "risk"
    LEFT = "left"
    DUE = "due"
    TICKET = "ticket"
    TITLE = "title"
    PRIORITY = "priority"
    SERVICE = "service"
    OWNER = "owner"

    @property
    def highest_first(self) -> bool:
        """The direction of a first click: gain and risk highest first, all else soonest or smallest first."""
        return self in (Sort.GAIN, Sort.RISK)


SEVERITY = np.array([risk.severity for risk in RISKS])
_FAR = datetime.max.replace(tzinfo=UTC)
_INFINITE = float("inf")


def _by_risk(row: QueueRow) -> tuple[float, float]:
    number = row.probability if row.probability is not None else row.clock.share_used
    return row.risk.severity, number or 0.0


def _by_left(row: QueueRow) -> float:
    left = row.clock.remaining_working_seconds
    return _INFINITE if left is None else left


_KEYS: dict[Sort, Callable[[QueueRow], Any]] = {
    Sort.GAIN: lambda row: -_INFINITE if row.gain_per_minute is None else row.gain_per_minute,
    Sort.RISK: _by_risk,
    Sort.LEFT: _by_left,
    Sort.DUE: lambda row: row.clock.due_at or _FAR,
    Sort.TICKET: lambda row: row.ticket_id,
    Sort.TITLE: lambda row: row.title.casefold(),
    Sort.PRIORITY: lambda row: (not row.priority, row.priority),
    Sort.SERVICE: lambda row: (not row.service, row.service.casefold()),
    Sort.OWNER: lambda row: (not row.team, row.team.casefold(), row.assignee.casefold()),
}


def _empty_last(text: str) -> tuple[bool, str]:
    return not text, text.casefold()


_COLUMNS: dict[Sort, Callable[[Scored], Sequence[NDArray[Any]]]] = {
    Sort.GAIN: lambda scored: (scored.gain,),
    Sort.RISK: lambda scored: (SEVERITY[scored.risk], scored.worth),
    Sort.LEFT: lambda scored: (scored.left_seconds,),
    Sort.DUE: lambda scored: (scored.due_us,),
    Sort.TICKET: lambda scored: (scored.ticket_rank,),
    Sort.TITLE: lambda scored: (scored.text_rank("title", str.casefold),),
    Sort.PRIORITY: lambda scored: (scored.text_rank("priority", lambda text: (not text, text)),),
    Sort.SERVICE: lambda scored: (scored.text_rank("service", _empty_last),),
    Sort.OWNER: lambda scored: (
        scored.text_rank("team", _empty_last),
        scored.text_rank("assignee", str.casefold),
    ),
}
"""The same keys for all tickets at once; see tests/serving/test_scored.py for the proof that they are."""


EXACT = ("team", "service", "priority", "customer", "status", "assignee")


@dataclass(frozen=True)
class Selection:
    """A part of the queue. Each tuple: any of these values (empty: all of them). `text`: every word occurs somewhere in the row."""

    view: View = View.ALL
    team: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    risk: tuple[Risk, ...] = ()
    text: str = ""
    sort: Sort = Sort.SUGGESTED
    descending: bool = False
    customer: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()

    @property
    def filters(self) -> bool:
        """True where something beside the view narrows the queue."""
        return bool(self.risk or self.text.strip() or any(wanted for _name, wanted in self._exactly))

    @property
    def _exactly(self) -> list[tuple[str, tuple[str, ...]]]:
        """The columns that must hold one of some texts; an empty text finds tickets without any."""
        return [(name, getattr(self, name)) for name in EXACT]

    def matches(self, row: QueueRow) -> bool:
        """True where the filters (not the view) let this row through."""
        if self.risk and row.risk not in self.risk:
            return False
        if any(wanted and getattr(row, name) not in wanted for name, wanted in self._exactly):
            return False
        words = self.text.casefold().split()
        return not words or all(word in _searchable(row) for word in words)

    def apply(self, queue: Queue) -> Selected:
        """The rows of the queue that are wanted, in the wanted order, and the counts of every view under the same filters."""
        if isinstance(queue.rows, ScoredRows):
            return self._apply_to_columns(queue.rows, queue.counts)
        matching = [row for row in queue.rows if self.matches(row)] if self.filters else queue.rows
        counts = Counts.of(matching) if self.filters else queue.counts
        rows = matching if self.view is View.ALL else [row for row in matching if self.view.holds(row)]
        if self.sort is not Sort.SUGGESTED:
            # sorted() is stable, also reversed: equal keys stay in the suggested order
            rows = sorted(rows, key=_KEYS[self.sort], reverse=self.descending)
        return Selected(rows, counts)

    def _apply_to_columns(self, rows: ScoredRows, counts: Counts) -> Selected:
        scored = rows.scored
        if self.filters:
            rows = rows.where(self._are_matched(scored))
            counts = rows.counted()
        if self.view is View.PAUSED:
            rows = rows.where(scored.has_risk(*WAITING))
        elif self.view is not View.ALL:
            rows = rows.where(scored.group == GROUPS.index(Group(self.view.value)))
        if self.sort is not Sort.SUGGESTED:
            rows = rows.sorted_by(_COLUMNS[self.sort](scored), self.descending)
        return Selected(rows, counts)

    def _are_matched(self, scored: Scored) -> BoolArray:
        matched = scored.has_risk(*self.risk) if self.risk else np.ones(len(scored.risk), np.bool_)
        for name, wanted in self._exactly:
            if wanted:
                matched &= scored.facts.texts[name].is_among(wanted)
        for word in self.text.casefold().split():
            left = np.flatnonzero(matched)
            matched[left] = [word in scored.searchable[place] for place in left.tolist()]
        return matched


@dataclass(frozen=True)
class Selected:
    """What a selection found: rows in order, and counts over all views under the same filters."""

    rows: Sequence[QueueRow]
    counts: Counts


def _searchable(row: QueueRow) -> str:
    return "\n".join(
        (row.ticket_id, row.title, row.service, row.category, row.team, row.assignee, row.customer)
    ).casefold()


class CursorError(ValueError):
    """A cursor that this service did not make."""


@dataclass(frozen=True)
class Cursor:
    """Where a page of rows begins: behind `after`, wherever that ticket now stands; at `position` when it has left the list."""

    after: str
    position: int

    def encode(self) -> str:
        """The cursor as one opaque word for an address."""
        return base64.urlsafe_b64encode(json.dumps([self.after, self.position]).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, word: str) -> Cursor:
        """The cursor of that word; CursorError for anything else."""
        try:
            after, position = json.loads(base64.urlsafe_b64decode(word.encode() + b"=" * (-len(word) % 4)))
        except (ValueError, TypeError, binascii.Error) as error:
            raise CursorError("this cursor was not given out by slacast; begin again without one") from error
        if not isinstance(after, str) or not isinstance(position, int) or isinstance(position, bool) or position < 0:
            raise CursorError("this cursor was not given out by slacast; begin again without one")
        return cls(after, position)


@dataclass(frozen=True)
class Page:
    """Some rows of a selection. `start` counts from 0; `next` is None at the end."""

    rows: tuple[QueueRow, ...]
    start: int
    total: int
    next: Cursor | None


def page(rows: Sequence[QueueRow], limit: int, cursor: Cursor | None) -> Page:
    """The rows behind the cursor, at most `limit`; nothing is skipped or shown twice unless the order itself changed."""
    start = 0
    if cursor is not None:
        where = position_of(rows, cursor.after)
        start = min(cursor.position if where is None else where + 1, len(rows))
    shown = tuple(rows[start : start + limit])
    more = start + len(shown) < len(rows)
    return Page(shown, start, len(rows), Cursor(shown[-1].ticket_id, start + len(shown)) if more else None)
