"""Stored ticket events as Arrow tables of codes: distinct texts once a table, in place of a text for every row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from features.schema import ATTRIBUTE_PREFIX, INSTANT_COLUMNS, NUMBER_COLUMN
from features.store.appending import EventTable
from features.store.columns import WORD, held_by
from features.store.frames import word_texts
from features.store.querying import Narrowing, fetched_chunks
from sla.columns import Column

_ATTRIBUTES = "attributes"


def coded_tables(connection: Connection, events: EventTable, wanted: Narrowing, chunk_rows: int) -> Iterator[pa.Table]:
    """Tables of at most `chunk_rows` in the order of the sequence: see Store.ticket_event_tables."""
    words = [column.name for column in events.table.columns if held_by(column) == WORD]
    for _, arrays in fetched_chunks(connection, events, wanted, chunk_rows, may_be_announced=False):
        found = dict(zip(words, word_texts(connection, [arrays[name] for name in words]), strict=True))
        objects, codes = found.pop(_ATTRIBUTES)
        instants = {name: pa.array(arrays[name], pa.timestamp("us", tz="UTC")) for name in INSTANT_COLUMNS}
        ids = {
            NUMBER_COLUMN: pa.array(arrays["ordinal"].astype(np.int16)),
            "event_id": pa.array(arrays["event_id"], pa.large_string()),
        }
        coded = {name: _coded(codes, texts.tolist()) for name, (texts, codes) in found.items()}
        yield pa.table(ids | instants | coded | _attributes(objects.tolist(), codes))


def _coded(codes: NDArray[np.integer[Any]], texts: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(texts, type=pa.string())
    )


def _attributes(texts: Sequence[str], codes: NDArray[np.integer[Any]]) -> dict[str, pa.Array]:
    """A column for each free attribute, from one of JSON objects of texts."""
    objects: list[dict[str, str]] = json.loads(f"[{','.join(texts)}]")
    found = {}
    for name in sorted({name for one in objects for name in one}):
        of_object = Column.from_values([one.get(name) for one in objects])
        found[ATTRIBUTE_PREFIX + name] = _coded(np.append(of_object.codes, np.int32(-1))[codes], of_object.values)
    return found
