"""Records with any keys as columns of text, collected in batches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from features.sources.table import Coded

_ABSENT = object()
_TEXT = pa.large_string()


class TextColumns:
    """Collects records; every key becomes a column, and a record without that key has no value there.

    A key whose value is null becomes the empty text, as an empty cell of a CSV would: the mapping says whether that is
    no news or known to be empty.
    """

    def __init__(self) -> None:
        self._chunks: dict[str, list[pa.Array]] = {}
        self._lengths: dict[str, int] = {}
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Append records. Values inside values become columns such as `fields.status.name`."""
        flat = [_flat(record) if dict in map(type, record.values()) else record for record in records]
        for name in dict.fromkeys(name for record in flat for name in record):
            values = [record.get(name, _ABSENT) for record in flat]
            if set(map(type, values)) != {str}:
                values = [value if type(value) is str else text_of(value) for value in values]
            self._append(name, pa.array(values, type=_TEXT))
        self._rows += len(flat)

    def columns(self) -> dict[str, Coded]:
        """What was collected, one column a key, in the order of first appearance."""
        found = {}
        for name, chunks in self._chunks.items():
            chunks.append(pa.nulls(self._rows - self._lengths[name], _TEXT))
            self._lengths[name] = self._rows
            found[name] = coded(pa.chunked_array(chunks, type=_TEXT))
        return found

    def _append(self, name: str, values: pa.Array) -> None:
        chunks = self._chunks.setdefault(name, [])
        before = self._rows - self._lengths.get(name, 0)
        if before:
            chunks.append(pa.nulls(before, _TEXT))
        chunks.append(values)
        self._lengths[name] = self._rows + len(values)


def coded(texts: Any) -> Coded:
    """An Arrow column of texts, each distinct text once; a null has no value."""
    dictionary = texts.dictionary_encode().combine_chunks()
    if isinstance(dictionary, pa.ChunkedArray):  # no rows at all
        return Coded(np.full(len(texts), -1, dtype=np.int32), np.empty(0, dtype=object))
    codes = dictionary.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Coded(codes, dictionary.dictionary.to_numpy(zero_copy_only=False).astype(object))


def text_of(value: Any) -> str | None:
    """A JSON value as text: null is empty, a list its items with commas, anything deeper stays JSON; absent is None."""
    if value is _ABSENT:
        return None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not any(isinstance(item, (list, dict)) for item in value):
        return ", ".join(text_of(item) or "" for item in value)
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_leaves(record, ""))


def _leaves(record: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
