"""Tickets with their change logs as tables: what a ticket was at first is its last state with every change undone.

An export says what a ticket is now and what was changed from what to what. Going back through the changes gives the first
state; what was never changed has always been so. That is why a field whose changes a system does not log must not be used:
its last value would stand in the first row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from features.sources.adapter_columns import ACTOR, AT, CHANGE, FIELDS, KIND, RECORDED, TICKET, TITLES
from features.sources.faults import Rejection, SourceError
from features.sources.mapping_model import Mapping
from features.sources.table import Coded, Table
from features.sources.text_columns import TextColumns

_BATCH = 20_000
_EXAMPLES = 3
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Edit:
    """One field changed; of a field that holds several values, one of them taken away, added or exchanged."""

    field: str
    before: str
    after: str
    is_one_of_several: bool = False


@dataclass(frozen=True)
class Change:
    """What one person did to a ticket at one instant."""

    change_id: str
    at: str
    kind: str
    actor_kind: str
    edits: tuple[Edit, ...] = ()


@dataclass
class Ticket:
    """A ticket as exported: what it is now, and its changes in any order."""

    ticket_id: str
    place: str  # for messages, as "issue DESK-1 (record 3 of 'issues')"
    opened_at: str
    recorded_at: str
    created_by: str  # a kind of actor, or ""
    updated_at: str
    value_of: Callable[[str], str | None]  # the present value of a field; None where the export does not say
    changes: list[Change] = field(default_factory=list)


@dataclass
class Refusals:
    """Records that cannot be used, by reason."""

    expected: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, place: str, expected: str) -> None:
        """Leave one record out."""
        self.expected[reason] = expected
        self.places.setdefault(reason, []).append(place)

    def rejections(self) -> tuple[Rejection, ...]:
        """One a reason; records are numbered in the order in which they were refused."""
        found, number = [], 0
        for reason, places in self.places.items():
            numbers = tuple(range(number + 1, number + len(places) + 1))
            found.append(Rejection(reason, self.expected[reason], numbers, tuple(places[:_EXAMPLES])))
            number += len(places)
        return tuple(found)


def table_of(
    name: str, tickets: Iterable[Ticket], refusals: Refusals, mapping: Mapping, final: frozenset[str]
) -> Table:
    """One row for each creation and each change, with the fields that changed; a field without news has no value.

    A ticket exported twice counts as it was last. `final` are fields that the vendor fills in at the end without logging it.
    Raises SourceError where the mapping uses one of those, and where there is no ticket at all.
    """
    latest: dict[str, Ticket] = {}
    for ticket in tickets:
        known = latest.get(ticket.ticket_id)
        if known is None or _freshness(ticket) > _freshness(known):
            latest[ticket.ticket_id] = ticket
    rejections = refusals.rejections()
    if not latest:
        reasons = "\n".join(one.text() for one in rejections)
        raise SourceError(f"{name}: holds no ticket that can be used; export it again with data\n{reasons}".rstrip())
    fields = tuple(dict.fromkeys((*mapping.columns.values(), *mapping.attributes.values())))
    rows = _Rows(fields)
    for ticket in latest.values():
        rows.add(ticket)
    _refuse_final(name, fields, final, rows.changed)
    return rows.table(name, rejections, mapping)


class _Rows:
    def __init__(self, fields: tuple[str, ...]) -> None:
        self.changed: set[str] = set()
        self._fields = [one for one in fields if one not in (TICKET, AT, RECORDED, KIND, ACTOR, CHANGE)]
        self._columns = TextColumns()
        self._batch: list[dict[str, str]] = []
        self._owner: list[int] = []
        self._number: list[int] = []
        self._places: list[str] = []

    def add(self, ticket: Ticket) -> None:
        state = {name: value for name in self._fields if (value := ticket.value_of(name)) is not None}
        changes = sorted(ticket.changes, key=_in_time)
        rows = [_undone(ticket, change, state) for change in reversed(changes)]
        self.changed.update(edit.field for change in changes for edit in change.edits)
        created = {TICKET: ticket.ticket_id, AT: ticket.opened_at, RECORDED: ticket.recorded_at, KIND: "created"}
        first = {name: state[name] for name in self._fields if name in state}
        self._batch.append({**created, ACTOR: ticket.created_by, CHANGE: "", **first})
        self._batch += reversed(rows)
        self._owner += [len(self._places)] * (len(rows) + 1)
        self._number += range(len(rows) + 1)
        self._places.append(ticket.place)
        if len(self._batch) >= _BATCH:
            self._flush()

    def table(self, name: str, rejections: tuple[Rejection, ...], mapping: Mapping) -> Table:
        self._flush()
        count = len(self._columns)
        columns = self._columns.columns()
        for known in (TICKET, AT, RECORDED, KIND, ACTOR, *_known(mapping)):
            columns.setdefault(known, Coded.constant(None, count))
        return Table(
            name,
            columns,
            np.arange(1, count + 1),
            np.array(self._number, dtype=np.int64),
            count + sum(one.count for one in rejections),
            rejections,
            (),
            noun="change",
            names_at="",
            owners=Coded(np.array(self._owner, dtype=np.int32), np.array(self._places, dtype=object)),
        )

    def _flush(self) -> None:
        self._columns.add(self._batch)
        self._batch = []


def _undone(ticket: Ticket, change: Change, state: dict[str, str]) -> dict[str, str]:
    """The row of a change; `state`, as it is after the change, becomes what it was before."""
    row = {
        TICKET: ticket.ticket_id,
        AT: change.at,
        RECORDED: change.at,
        KIND: change.kind,
        ACTOR: change.actor_kind,
        CHANGE: change.change_id,
    }
    for edit in reversed(change.edits):
        if edit.is_one_of_several:
            row.setdefault(edit.field, state.get(edit.field, ""))
            state[edit.field] = _without(state.get(edit.field, ""), edit)
        else:
            row.setdefault(edit.field, edit.after)
            state[edit.field] = edit.before
    return row


def several(values: Iterable[str]) -> str:
    """Several values of one field as one text, in alphabetical order."""
    return ", ".join(sorted(value for value in values if value))


def _without(values: str, edit: Edit) -> str:
    held = {value for value in values.split(", ") if value}
    held.discard(edit.after)
    return several({*held, edit.before})


def _known(mapping: Mapping) -> Sequence[str]:
    """Fields the adapter expects by itself: an export without them is not at fault."""
    return () if mapping.adapter is None else (*FIELDS[mapping.adapter].values(), TITLES[mapping.adapter])


def _freshness(ticket: Ticket) -> tuple[datetime, int]:
    return instant(ticket.updated_at), len(ticket.changes)


def _in_time(change: Change) -> tuple[datetime, int, str]:
    return instant(change.at), len(change.change_id), change.change_id


def instant(text: str) -> datetime:
    """The instant of an ISO text for putting changes in order; the beginning of time where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return _NEVER
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _refuse_final(name: str, fields: Sequence[str], final: frozenset[str], changed: set[str]) -> None:
    wrong = [one for one in fields if one.split(".")[0] in final and one not in changed]
    if wrong:
        raise SourceError(
            f"{name}: the change log says nothing about {', '.join(repr(one) for one in wrong)}, so only the last value is known, "
            "and on earlier rows it would tell the future; remove it from `columns` or `attributes` in the mapping"
        )
