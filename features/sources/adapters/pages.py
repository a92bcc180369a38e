"""The pages of an API export: lists of records under known keys, or records by themselves, from any number of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from features.sources.archive import Unpacked
from features.sources.encoding import decoded
from features.sources.json_text import Located, documents
from features.sources.text_columns import text_of

ALONE = ""
"""The key under which records stand that are in no page."""

Pages = dict[str, list[Located]]


def read_pages(path: str, files: Sequence[Unpacked], encoding: str, keys: Sequence[str]) -> Pages:
    """The records of all documents by the key of the list that holds them; ALONE for lists and lines of bare records.

    An object is a page if it has one of `keys` and no id of its own; a document may be a list of pages.
    """
    found: Pages = {key: [] for key in (*keys, ALONE)}
    for file in files:
        name = path if len(files) == 1 else f"{path} ({file.name})"
        prefix = "" if len(files) == 1 else f"{file.name}, "
        for document in documents(name, decoded(name, file.content, encoding)):
            for key, record in _records(document, keys):
                place = record.place or f"record {len(found[key]) + 1}" + (f" of {key!r}" if key else "")
                found[key].append(Located(prefix + place, record.value))
    return found


def _records(document: Located, keys: Sequence[str]) -> Iterator[tuple[str, Located]]:
    value = document.value
    if isinstance(value, list):
        for item in value:
            yield from _records(Located("", item), keys) if _is_page(item, keys) else [(ALONE, Located("", item))]
    elif _is_page(value, keys):
        for key in keys:
            held = value.get(key)
            yield from (
                (key, Located("", item)) for item in (held if isinstance(held, list) else [held] if held else [])
            )
    else:
        yield ALONE, document


def _is_page(value: Any, keys: Sequence[str]) -> bool:
    return isinstance(value, dict) and "id" not in value and any(key in value for key in keys)


def text(value: Any) -> str:
    """A vendor's value as text: of a user, a priority or the like its name; null is empty."""
    if isinstance(value, dict):
        for key in ("displayName", "display_value", "name", "value", "id"):
            if value.get(key) is not None:
                return text(value[key])
        return ""
    if isinstance(value, list):
        return ", ".join(sorted(text(item) for item in value))
    return text_of(value) or ""


def at_path(record: dict[str, Any], path: str) -> Any:
    """What stands at `a.b` in nested objects, or at the key `a.b` itself; None where there is nothing of the kind."""
    if path in record:
        return record[path]
    here: Any = record
    for key in path.split("."):
        if not isinstance(here, dict) or key not in here:
            return None
        here = here[key]
    return here


def has_path(record: dict[str, Any], path: str) -> bool:
    """Whether the record says anything at `path`, be it null."""
    if path in record:
        return True
    above, _, last = path.rpartition(".")
    holder = at_path(record, above) if above else None
    return isinstance(holder, dict) and last in holder


def listed(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; nothing where it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
