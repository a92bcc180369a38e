"""Ticket events as a log: from the numbers of the table to codes, without a text for every row."""

from __future__ import annotations

import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine

from features.schema import ATTRIBUTE_PREFIX
from features.store.appending import EventTable, last_sequence
from features.store.coding import Numbers
from features.store.columns import WORD, held_by
from features.store.engine import reading
from features.store.identity import NO_ORDINAL
from features.store.querying import Narrowing, fetched_chunks
from features.store.words import texts_of
from sla.columns import Column
from sla.event_ids import EventIds
from sla.events import EventLog

_CHUNK_ROWS = 200_000
_MANY_ROWS = 400_000
_ATTRIBUTES = "attributes"
_NOTHING = np.empty(0, np.int64)


def read_log(engine: Engine, events: EventTable, wanted: Narrowing) -> EventLog:
    """The log of the ticket events that are wanted. Many are read by two threads: the work is the database's, not Python's."""
    words = [column.name for column in events.table.columns if held_by(column) == WORD]
    ranges = _ranges(engine, events, wanted)
    if len(ranges) == 1:
        found = [_pieces(engine, events, words, ranges[0])]
    else:
        with ThreadPoolExecutor(len(ranges)) as pool:
            found = list(pool.map(lambda one: _pieces(engine, events, words, one), ranges))
    if not any(found):
        return EventLog.from_events([])
    names = list(found[0] or found[1])  # a part without events has no columns
    whole = {name: np.concatenate([piece for part in found for piece in part.pop(name, [])]) for name in names}
    with reading(engine) as connection:
        columns = _columns(connection, {name: whole.pop(name) for name in words})
    attributes = columns.pop(_ATTRIBUTES)
    return EventLog.from_columns(
        columns.pop(events.id_parts[0]),
        whole["at_us"],
        whole["recorded_us"],
        EventIds(whole["ordinal"], whole["texts"] if (whole["ordinal"] == NO_ORDINAL).any() else None),
        columns | _attribute_columns(attributes),
    )


def _ranges(engine: Engine, events: EventTable, wanted: Narrowing) -> list[Narrowing]:
    """What is wanted in one part, or by sequence in two halves where there is much of it."""
    last = wanted.up_to_sequence
    if last is None:
        with reading(engine) as connection:
            last = last_sequence(connection, events.table)
    if last - wanted.since_sequence < _MANY_ROWS:
        return [wanted]
    middle = (wanted.since_sequence + last) // 2
    return [replace(wanted, up_to_sequence=middle), replace(wanted, since_sequence=middle, up_to_sequence=last)]


def _pieces(engine: Engine, events: EventTable, words: list[str], wanted: Narrowing) -> dict[str, list[NDArray[Any]]]:
    """The columns of the events in pieces: words by number, instants, and what makes their ids."""
    pieces: dict[str, list[NDArray[Any]]] = defaultdict(list)
    with reading(engine) as connection:
        for _, arrays in fetched_chunks(connection, events, wanted, _CHUNK_ROWS, may_be_announced=False):
            for name in words:
                pieces[name].append(arrays[name].astype(np.int32))
            pieces["at_us"].append(arrays["event_at"])
            pieces["recorded_us"].append(arrays["recorded_at"])
            pieces["ordinal"].append(arrays["ordinal"].astype(np.int16))
            pieces["texts"].append(arrays["event_id"])
    return pieces


def _columns(connection: Connection, numbers: dict[str, NDArray[np.int32]]) -> dict[str, Column]:
    """The columns of word numbers (0 is no word); all words are read at once, because those of a column lie far apart."""
    used_by = {name: _used(column) for name, column in numbers.items()}
    used = np.unique(np.concatenate([_NOTHING, *used_by.values()]))
    texts = texts_of(connection, used)
    found = {}
    for name, mine in used_by.items():
        held = texts[np.searchsorted(used, mine)]
        order = np.argsort(held, kind="stable")
        code_of = np.full(int(mine.max(initial=0)) + 1, -1, np.int32)
        code_of[mine[order]] = np.arange(len(mine), dtype=np.int32)
        found[name] = Column(code_of[numbers.pop(name)], tuple(held[order].tolist()))
    return found


def _used(numbers: NDArray[np.int32]) -> Numbers:
    """The distinct words of a column, ascending; fewer than rows, so that counting is quicker than sorting."""
    is_used = np.zeros(int(numbers.max(initial=0)) + 1, np.bool_)
    is_used[numbers] = True
    is_used[0] = False
    return np.flatnonzero(is_used)


def _attribute_columns(attributes: Column) -> dict[str, Column]:
    """A column for each free attribute, from one of JSON objects of texts."""
    objects: list[dict[str, str]] = json.loads(f"[{','.join(attributes.values)}]")
    names = sorted({name for one in objects for name in one})
    found = {}
    for name in names:
        of_object = Column.from_values([one.get(name) for one in objects])
        codes = np.append(of_object.codes, np.int32(-1))  # place -1: no object
        found[ATTRIBUTE_PREFIX + name] = Column(codes[attributes.codes], of_object.values)
    return found
