"""Plain events as rows of their table: the same rows as those of a frame that says the same (features/store/appending.py)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain

import pyarrow as pa
from sqlalchemy import Table

from features.plain_events import PlainEvents
from features.schema import ATTRIBUTE_PREFIX
from features.store.coding import Numbers
from features.store.columns import WORD, held_by
from features.store.identity import NO_ORDINAL
from features.store.words import WordBook

_quoted = json.JSONEncoder(ensure_ascii=False).encode


def plain_rows(book: WordBook, table: Table, events: PlainEvents, ordinals: Numbers) -> pa.Table:
    """The rows; texts that no row was stored with yet are stored, in the order in which a frame's would be."""
    words = {
        column.name: events.texts[column.name]
        for column in table.columns
        if held_by(column) == WORD and column.name in events.texts
    }
    words["attributes"] = _objects(events)
    named = chain.from_iterable(dict.fromkeys(texts) for texts in words.values())
    numbers = book.learn(text for text in named if text is not None)
    out = {name: pa.array([None if text is None else numbers[text] for text in texts], pa.int64()) for name, texts in words.items()}  # fmt: skip
    out |= {"event_at": pa.array(events.at_us), "recorded_at": pa.array(events.recorded_us)}
    rows = {column.name: out[column.name] for column in table.columns if column.name in out}
    is_derived = ordinals != NO_ORDINAL
    rows["ordinal"] = pa.array(ordinals, mask=~is_derived)
    ids = events.texts["event_id"]
    kept = [None if derived else text for derived, text in zip(is_derived.tolist(), ids, strict=True)]
    return pa.table({**rows, "event_id": pa.array(kept, pa.large_string())})


def _objects(events: PlainEvents) -> list[str | None]:
    """The free attributes of each row as one JSON object of texts, keys sorted, missing ones absent; none at all is missing."""
    names = events.attributes
    if not names:
        return [None] * len(events)
    keys = [_quoted(name.removeprefix(ATTRIBUTE_PREFIX)) for name in names]
    return [_object(keys, values) for values in zip(*(events.texts[name] for name in names), strict=True)]


def _object(keys: Sequence[str], values: Sequence[str | None]) -> str | None:
    pairs = zip(keys, values, strict=True)
    members = [f"{key}:{_quoted(value)}" for key, value in pairs if value is not None]
    return f"{{{','.join(members)}}}" if members else None
