"""Rows of an audit log, one a change, as ticket events."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.coded_events import CodedEvents
from features.schema import ACTOR_KINDS, ATTRIBUTE_PREFIX, STATE_COLUMNS, STATUSES, TICKET_KINDS
from features.sources.dates import UNREADABLE
from features.sources.event_ids import event_ids, ordinals, rows_in_order
from features.sources.faults import SourceError, did_you_mean
from features.sources.mapped_table import MappedTable
from features.sources.quality import ticket_quality
from features.sources.result import ImportResult
from features.sources.table import Coded
from sla.columns import Column
from sla.event_ids import NO_NUMBER, EventIds
from sla.instants import Int64Array

_MOST_NUMBERS = 1000  # an id with a greater number is kept as text
_VOCABULARIES = {"kind": TICKET_KINDS, "status": STATUSES, "actor_kind": ACTOR_KINDS}


def ticket_events(rows: MappedTable) -> ImportResult:
    """One event a row, at the row's instant; where the mapping names `opened_at`, also a `created` event a ticket.

    The created event happens at `opened_at` and is recorded when the file first shows the ticket; it carries what that first
    row says. A row recorded before it happened, and an opening later than the first row, are moved and counted.
    """
    ticket = rows.coded("ticket_id")
    rows.reject(ticket.codes < 0, "no ticket id", "ticket_id", "the number of a ticket")
    happened = rows.instants("event_at", required=True)
    recorded_us = _instants_or(rows, "recorded_at", happened.at_us)
    opened_us = _instants_or(rows, "opened_at", happened.at_us)
    order = _order(rows)
    columns = _columns(rows, ticket)
    rows.refuse_if_too_many_rejected()
    kept = np.flatnonzero(~rows.is_rejected)
    at_us, recorded_us, opened_us = happened.at_us[kept], recorded_us[kept], opened_us[kept]
    columns = {name: column.take(kept) for name, column in columns.items()}
    order = None if order is None else order[kept]
    tickets = columns["ticket_id"].codes.astype(np.int64)
    first = _first_rows(tickets, at_us, order)
    quality = ticket_quality(rows, happened, kept, at_us, recorded_us, opened_us, first)
    recorded_us = np.maximum(recorded_us, at_us)
    ordinal = ordinals([tickets, at_us], order)
    if rows.mapping.adapter is not None:
        ordinal[_is_word(columns["kind"], "created")] = 0
    if rows.source_column("opened_at") is not None:
        take = np.concatenate([first, np.arange(len(kept))])
        columns = {name: column.take(take) for name, column in columns.items()}
        at_us = np.concatenate([np.minimum(opened_us[first], at_us[first]), at_us])
        recorded_us = np.concatenate([recorded_us[first], recorded_us])
        ordinal = np.concatenate([np.zeros(len(first), dtype=np.int64), ordinal])
        columns = _as_created(columns, len(first))
    return ImportResult.of(rows, _in_order(columns, at_us, recorded_us, ordinal), quality)


def _instants_or(rows: MappedTable, target: str, otherwise_us: Int64Array) -> Int64Array:
    if rows.source_column(target) is None:
        return otherwise_us
    instants = rows.instants(target, required=False)
    return np.where(instants.at_us == UNREADABLE, otherwise_us, instants.at_us)


def _order(rows: MappedTable) -> Int64Array | None:
    if rows.source_column("order") is None:
        return None
    coded = rows.coded("order")
    numbers = pd.to_numeric(pd.Series(coded.values, dtype="str"), errors="coerce").to_numpy(dtype=np.float64)
    good = np.isfinite(numbers) & (numbers >= 0) & (numbers < 1e9) & (numbers == np.floor(numbers))
    is_good = coded.per_row(good, False).astype(bool)
    rows.reject(~is_good, "the order within the ticket is no number", "order", "a whole number from 0")
    return coded.per_row(np.where(good, numbers, 0).astype(np.int64), 0).astype(np.int64)


def _columns(rows: MappedTable, ticket: Coded) -> dict[str, Coded]:
    status, waiting_on = rows.states()
    columns = {"ticket_id": ticket, "kind": _kind(rows), "status": status, "waiting_on": waiting_on}
    for name in (*STATE_COLUMNS, "actor_kind"):
        if name not in columns:
            columns[name] = rows.coded(name)
    for name in rows.mapping.attributes:
        columns[ATTRIBUTE_PREFIX + name] = rows.coded(name)
    for name, words in _VOCABULARIES.items():
        _refuse_unknown_words(rows, name, columns[name], words)
    return columns


def _kind(rows: MappedTable) -> Coded:
    kind = rows.coded("kind")
    if rows.source_column("kind") is None and "kind" not in rows.mapping.constants:
        return Coded.constant("updated", len(rows.table))
    values = np.append(kind.values, "updated")  # a row says at least that something was updated
    return Coded(np.where(kind.codes < 0, len(values) - 1, kind.codes).astype(np.int32), values)


def _is_word(column: Coded, word: str) -> NDArray[np.bool_]:
    return column.per_row(column.values == word, False).astype(bool)


def _refuse_unknown_words(rows: MappedTable, name: str, column: Coded, words: tuple[str, ...]) -> None:
    wrong = [value for value in column.counts() if value not in words]
    if wrong and not (name == "actor_kind" and wrong == [""]):
        key = "states" if name == "status" else f"values: {name}"
        raise SourceError(
            f"{rows.table.name}, column {rows.source_column(name)!r}: {wrong[0]!r} is no {name}; expected one of {', '.join(words)}."
            f"{did_you_mean(wrong[0], words)} Translate the column under `{key}` in the mapping"
        )


def _first_rows(tickets: Int64Array, at_us: Int64Array, order: Int64Array | None) -> NDArray[np.intp]:
    sequence = rows_in_order(tickets, at_us, *([] if order is None else [order]))
    is_first = np.ones(len(sequence), dtype=bool)
    is_first[1:] = tickets[sequence[1:]] != tickets[sequence[:-1]]
    return sequence[is_first]


def _as_created(columns: dict[str, Coded], count: int) -> dict[str, Coded]:
    """The first `count` rows become `created`, by nobody in particular: the file says who wrote the row, not who opened."""
    kind, actor = columns["kind"], columns["actor_kind"]
    values = np.append(kind.values, "created")
    codes = np.concatenate([np.full(count, len(values) - 1, dtype=np.int32), kind.codes[count:]])
    nobody = np.concatenate([np.full(count, -1, dtype=np.int32), actor.codes[count:]])
    return {**columns, "kind": Coded(codes, values), "actor_kind": Coded(nobody, actor.values)}


def _in_order(
    columns: dict[str, Coded], at_us: Int64Array, recorded_us: Int64Array, ordinal: Int64Array
) -> CodedEvents:
    """The events in the order of their ids."""
    ticket = columns["ticket_id"]
    sequence = _order_of_ids(ticket, at_us, ordinal)
    taken = {name: column.take(sequence) for name, column in columns.items()}
    at_us, ordinal = at_us[sequence], ordinal[sequence]
    return CodedEvents(
        at_us,
        recorded_us[sequence],
        _ids(taken["ticket_id"], at_us, ordinal),
        {name: Column(column.codes, tuple(column.values.tolist())) for name, column in taken.items()},
    )


def _order_of_ids(ticket: Coded, at_us: Int64Array, ordinal: Int64Array) -> NDArray[np.intp]:
    if any("/" in text for text in ticket.values):  # the parts of such ids do not sort as their texts do
        return np.argsort(event_ids([ticket], at_us, ordinal).to_numpy(dtype=object), kind="stable")
    texts = ticket.values.tolist()
    rank = np.empty(len(texts), np.int64)
    rank[sorted(range(len(texts)), key=lambda code: texts[code] + "/")] = np.arange(len(texts))
    return rows_in_order(rank[ticket.codes], at_us, ordinal)


def _ids(ticket: Coded, at_us: Int64Array, ordinal: Int64Array) -> EventIds:
    is_short = ordinal < _MOST_NUMBERS
    if is_short.all():
        return EventIds(ordinal.astype(np.int16))
    texts = np.full(len(ordinal), None, dtype=object)
    texts[~is_short] = event_ids([ticket.take(~is_short)], at_us[~is_short], ordinal[~is_short]).to_numpy(object)
    return EventIds(np.where(is_short, ordinal, NO_NUMBER).astype(np.int16), texts)
