"""JSON lines, and JSON documents that hold one list of records, as tables."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from features.sources.encoding import decoded
from features.sources.faults import Rejection, SourceError
from features.sources.json_text import breaks_off, documents, one_value
from features.sources.mapping_model import FileFormat
from features.sources.table import Table
from features.sources.text_columns import TextColumns

_BATCH = 20_000
_EXAMPLES = 3
_SHOWN = 60


def read_json_lines(name: str, content: bytes, layout: FileFormat) -> Table:
    """The records of a file with one JSON object a line; a line that is none is rejected, blank lines are not records.

    Raises SourceError for another encoding, for no records, and where the last line breaks off.
    """
    text = decoded(name, content, layout.encoding)
    lines = text.split("\n")
    rows = [(number, line) for number, line in enumerate(lines, start=1) if line and not line.isspace()]
    columns, bad = TextColumns(), _BadRecords("line")
    numbers: list[int] = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        records = _together(batch)
        if records is None:
            batch, records = _one_by_one(name, batch, rows[-1][0], bad)
        columns.add(records)
        numbers += [number for number, _ in batch]
    return _table(name, columns, np.array(numbers, dtype=np.int64), "line", bad)


def read_json(name: str, content: bytes, layout: FileFormat) -> Table:
    """The records of a JSON document: a list of objects, or an object in which exactly one key holds such a list."""
    found = [_records(name, document.value) for document in documents(name, decoded(name, content, layout.encoding))]
    records = [record for records in found for record in records]
    bad = _BadRecords("record")
    kept = [(number, record) for number, record in enumerate(records, start=1) if bad.accepts(number, record)]
    columns = TextColumns()
    for start in range(0, len(kept), _BATCH):
        columns.add([record for _, record in kept[start : start + _BATCH]])
    return _table(name, columns, np.array([number for number, _ in kept], dtype=np.int64), "record", bad)


class _BadRecords:
    """Collects what is no JSON object."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._numbers: list[int] = []
        self._examples: list[str] = []

    def accepts(self, number: int, value: Any) -> bool:
        if isinstance(value, dict):
            return True
        self.reject(number, f"found {json.dumps(value)[:_SHOWN]}")
        return False

    def reject(self, number: int, what: str) -> None:
        self._numbers.append(number)
        if len(self._examples) < _EXAMPLES:
            self._examples.append(f"{self._noun} {number}: {what}")

    def rejections(self) -> tuple[Rejection, ...]:
        if not self._numbers:
            return ()
        return (
            Rejection("no JSON object", 'a record such as {"id": "1"}', tuple(self._numbers), tuple(self._examples)),
        )


def _together(batch: list[tuple[int, str]]) -> list[dict[str, Any]] | None:
    """The objects of many lines parsed at once, which is much quicker; None unless each line is exactly one object."""
    try:
        values = one_value("[" + ",\n".join(line for _, line in batch) + "]")
    except (json.JSONDecodeError, RecursionError):
        return None
    # A line may hold two values, or half of one that the next completes: then the count, or a first character, is off.
    is_plain = len(values) == len(batch) and all(line.lstrip()[0] == "{" for _, line in batch)
    return values if is_plain and set(map(type, values)) == {dict} else None


def _one_by_one(
    name: str, batch: list[tuple[int, str]], last: int, bad: _BadRecords
) -> tuple[list[tuple[int, str]], list[dict[str, Any]]]:
    kept, records = [], []
    for number, line in batch:
        try:
            value = one_value(line)
        except (json.JSONDecodeError, RecursionError) as error:
            if number == last and isinstance(error, json.JSONDecodeError) and breaks_off(line, error):
                raise SourceError(
                    f"{name}, line {number}: the file ends in the middle of a record: {line[-_SHOWN:]!r}; it is cut off: copy or download it again"
                ) from error
            bad.reject(number, f"{error} in {line[:_SHOWN]!r}")
            continue
        if bad.accepts(number, value):
            kept.append((number, line))
            records.append(value)
    return kept, records


def _records(name: str, value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    lists = {key: inner for key, inner in value.items() if isinstance(inner, list)} if isinstance(value, dict) else {}
    if len(lists) == 1:
        return next(iter(lists.values()))
    if isinstance(value, dict) and not lists:
        return [value]
    raise SourceError(
        f"{name}: expected a list of records, or an object with one list of them, found {_what(value, list(lists))}; "
        "cut out the list, or use an `adapter` (docs/sources.md)"
    )


def _what(value: Any, lists: list[str]) -> str:
    return f"the lists {', '.join(lists)}" if lists else f"{json.dumps(value)[:_SHOWN]}"


def _table(name: str, columns: TextColumns, numbers: np.ndarray[Any, Any], noun: str, bad: _BadRecords) -> Table:
    rejections = bad.rejections()
    rejected = sum(one.count for one in rejections)
    if not len(columns) and not rejected:
        raise SourceError(f"{name}: holds no records; export it again with data")
    return Table(
        name, columns.columns(), numbers, numbers, len(columns) + rejected, rejections, (), noun=noun, names_at=""
    )
