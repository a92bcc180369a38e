"""Ticket events as a log: from the numbers of the table to codes, without a text for every row."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from features.schema import ATTRIBUTE_PREFIX
from features.store.appending import EventTable
from features.store.coding import Numbers
from features.store.identity import NO_ORDINAL
from features.store.querying import Narrowing, fetched_chunks
from features.store.tables import WORD, held_by
from features.store.words import texts_of
from sla.columns import Column
from sla.event_ids import EventIds
from sla.events import EventLog

_CHUNK_ROWS = 200_000
_ATTRIBUTES = "attributes"


def read_log(connection: Connection, events: EventTable, wanted: Narrowing) -> EventLog:
    """The log of the ticket events that are wanted."""
    words = [column.name for column in events.table.columns if held_by(column) == WORD]
    pieces: dict[str, list[NDArray[Any]]] = defaultdict(list)
    for _, arrays in fetched_chunks(connection, events, wanted, _CHUNK_ROWS, may_be_announced=False):
        for name in words:
            pieces[name].append(arrays[name].astype(np.int32))
        pieces["at_us"].append(arrays["event_at"])
        pieces["recorded_us"].append(arrays["recorded_at"])
        pieces["ordinal"].append(arrays["ordinal"].astype(np.int16))
        pieces["texts"].append(arrays["event_id"])
    if not pieces:
        return EventLog.from_events([])
    whole = {name: np.concatenate(pieces.pop(name)) for name in list(pieces)}
    columns = {name: _column(connection, whole.pop(name)) for name in words}
    attributes = columns.pop(_ATTRIBUTES)
    return EventLog.from_columns(
        columns.pop(events.id_parts[0]),
        whole["at_us"],
        whole["recorded_us"],
        EventIds(whole["ordinal"], whole["texts"] if (whole["ordinal"] == NO_ORDINAL).any() else None),
        columns | _attribute_columns(attributes),
    )


def _column(connection: Connection, numbers: Numbers | NDArray[np.int32]) -> Column:
    """The column of word numbers; 0 is no word."""
    is_used = np.zeros(int(numbers.max(initial=0)) + 1, np.bool_)
    is_used[numbers] = True
    is_used[0] = False
    used = np.flatnonzero(is_used)
    texts = texts_of(connection, used).tolist()
    order = np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)
    code_of = np.full(len(is_used), -1, np.int32)
    code_of[used[order]] = np.arange(len(used), dtype=np.int32)
    return Column(code_of[numbers], tuple(texts[place] for place in order.tolist()))


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
