"""The queue: every open ticket with its verdict, risk and reasons, in three groups and in the order worth working in.

The rule of order is explained in docs/decisions/0003-queue-order.md.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from serving.risk import WAITING, Clock, Group, Risk, Thresholds, is_due_soon
from serving.trail import Trail


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One open ticket in the queue. Strings are empty where the log says nothing. See docs/api.md for each field."""

    ticket_id: str
    clock: Clock
    response: Clock | None = None
    title: str = ""
    priority: str = ""
    service: str = ""
    category: str = ""
    team: str = ""
    assignee: str = ""
    customer: str = ""
    status: str = ""
    waiting_on: str = ""
    opened_at: datetime | None = None
    waiting_since: datetime | None = None
    last_contact_at: datetime | None = None
    risk: Risk
    rules_risk: Risk
    group: Group
    why_here: str = ""
    gain_per_minute: float | None = None
    late_if_taken_now: float | None = None
    work_minutes: float | None = None
    rank_in_team: int | None = None
    probability: float | None = None
    reasons: tuple[str, ...] = ()
    bundle_version: str | None = None

    @property
    def disagrees(self) -> bool:
        """True where rules and model are two words apart: one says on track, the other high risk."""
        return {self.risk, self.rules_risk} == {Risk.ON_TRACK, Risk.HIGH_RISK}


_LAST = datetime.max.replace(tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC)


def suggested_order(row: QueueRow, thresholds: Thresholds) -> tuple[int, int, float, datetime, str]:
    """The sort key of the suggested order: group, band in the group, worth, time, ticket (so that it is total)."""
    due = row.clock.due_at or _LAST
    worth = row.probability if row.probability is not None else (row.clock.share_used or 0.0)
    if row.group is Group.LATE_OR_LOST:
        return row.group.rank, 0, 0.0, row.last_contact_at or row.opened_at or _FIRST, row.ticket_id
    if row.group is Group.SAVE_NOW and is_due_soon(row.clock, thresholds):
        return row.group.rank, 0, 0.0, due, row.ticket_id
    if row.risk is Risk.PAUSED:
        return row.group.rank, 3, 0.0, due, row.ticket_id
    if row.risk is Risk.NO_CLOCK:
        return row.group.rank, 2, 0.0, row.opened_at or _LAST, row.ticket_id
    return row.group.rank, 1, -worth, due, row.ticket_id


class ColumnRows(Sequence[QueueRow]):
    """Rows that can be counted and searched without putting each of them into words."""

    @abstractmethod
    def counted(self) -> Counts:
        """How many stand where."""

    @abstractmethod
    def texts(self, name: str) -> set[str]:
        """The different texts of a column."""

    @abstractmethod
    def position(self, ticket_id: str) -> int | None:
        """Where a ticket stands, None where it does not."""

    @abstractmethod
    def chances_due(self, agreement: str, before: datetime) -> list[float]:
        """The probability of each undecided clock of an agreement that is due before an instant; without one, none."""


def texts_of(rows: Sequence[QueueRow], name: str) -> set[str]:
    """The different texts that rows have in a column."""
    return rows.texts(name) if isinstance(rows, ColumnRows) else {getattr(row, name) for row in rows}


def position_of(rows: Sequence[QueueRow], ticket_id: str) -> int | None:
    """Where a ticket stands in rows, None where it does not."""
    if isinstance(rows, ColumnRows):
        return rows.position(ticket_id)
    return next((index for index, row in enumerate(rows) if row.ticket_id == ticket_id), None)


@dataclass(frozen=True)
class Counts:
    """How many tickets stand where. `paused` and `breached` cut across the groups; `breached` = late_or_lost."""

    all: int = 0
    save_now: int = 0
    safe_for_now: int = 0
    late_or_lost: int = 0
    paused: int = 0
    high_risk: int = 0

    @classmethod
    def of(cls, rows: Iterable[QueueRow]) -> Counts:
        """The counts of these rows."""
        if isinstance(rows, ColumnRows):
            return rows.counted()
        tally = dict.fromkeys(cls.__dataclass_fields__, 0)
        for row in rows:
            tally["all"] += 1
            tally[row.group.value] += 1
            tally["paused"] += row.risk in WAITING
            tally["high_risk"] += row.risk is Risk.HIGH_RISK
        return cls(**tally)


@dataclass(frozen=True)
class IdleTeam:
    """A team that has nothing to work on: the ticket to take, whose it is, and how many such tickets the team has finished."""

    team: str
    ticket_id: str
    from_team: str
    service: str
    category: str
    finished: int
    words: str


@dataclass(frozen=True)
class Queue:
    """All open tickets at one instant, in the suggested order; exactly one of `bundle_version` and `rules_only_reason` is set.

    Verdicts and times are those of the instant; no probability is older than `asked_at` (None: than the instant).
    `order` is `suggested` (by what a minute of work saves) or `rules`, `order_words` says why and on what it rests. `idle`: teams with
    nothing to work on, and what each could take of another's. `trail`: whose tickets had news since all was scored.
    """

    rows: Sequence[QueueRow]
    as_of: datetime
    zone: str = "UTC"
    target: str = "resolution"
    bundle_version: str | None = None
    rules_only_reason: str | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    last_sequence: int = 0
    asked_at: datetime | None = None
    order: str = "rules"
    order_words: str = "Ordered by rules: due time first."
    idle: Sequence[IdleTeam] = ()
    trail: Trail = field(default_factory=Trail, compare=False, repr=False)

    @classmethod
    def ordered(
        cls,
        rows: Iterable[QueueRow],
        as_of: datetime,
        *,
        zone: str = "UTC",
        bundle_version: str | None = None,
        rules_only_reason: str | None = None,
        thresholds: Thresholds | None = None,
        last_sequence: int = 0,
    ) -> Queue:
        """A queue of these rows in the suggested order."""
        limits = thresholds or Thresholds()
        in_order = tuple(sorted(rows, key=lambda row: suggested_order(row, limits)))
        return cls(in_order, as_of, zone, "resolution", bundle_version, rules_only_reason, limits, last_sequence)

    @cached_property
    def counts(self) -> Counts:
        """How many tickets stand where, over the whole queue."""
        return Counts.of(self.rows)

    @cached_property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """What there is to choose from in each column that the pages filter by, sorted: 100,000 texts take milliseconds."""
        names = ("team", "service", "priority", "assignee")
        return {name: tuple(sorted(texts_of(self.rows, name) - {""}, key=str.casefold)) for name in names}

    @cached_property
    def pages(self) -> dict[Hashable, bytes]:
        """Pages that were already put into words, by what was asked; they go when the queue goes."""
        return {}

    def find(self, ticket_id: str) -> QueueRow | None:
        """The row of one ticket, None if it is not in the queue."""
        place = position_of(self.rows, ticket_id)
        return None if place is None else self.rows[place]

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen letters that differ when the instant, the events known, the bundle or when it was asked differ; equal on every replica."""
        parts = (
            self.as_of,
            self.asked_at,
            self.last_sequence,
            self.bundle_version,
            self.rules_only_reason,
            len(self.rows),
        )
        return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()
