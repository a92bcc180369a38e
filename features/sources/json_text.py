"""JSON as it is exported: one document, several behind one another, or one a line. Numbers stay as they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from features.sources.faults import SourceError

_SPACE = re.compile(r"[ \t\r\n]*")
_SHOWN = 40
# A number is a text here as in a CSV: 1.50 and 007 must not change on the way.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


@dataclass(frozen=True)
class Located:
    """A JSON value and where it stands."""

    place: str  # "line 3"; "record 2 of 'issues'"
    value: Any


def one_value(text: str) -> Any:
    """The value of a whole text. Raises json.JSONDecodeError."""
    return _DECODER.decode(text)


def documents(name: str, text: str) -> Iterator[Located]:
    """The JSON documents in a text. Raises SourceError, naming line and column, where it is not JSON or breaks off."""
    position = _skip(text, 0)
    line, counted = 1, 0
    while position < len(text):
        line += text.count("\n", counted, position)
        counted = position
        try:
            value, end = _DECODER.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise SourceError(_fault(name, text, error)) from error
        except RecursionError as error:
            raise SourceError(f"{name}, line {line}: nested too deeply to be an export of records") from error
        yield Located(f"line {line}", value)
        position = _skip(text, end)


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def breaks_off(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the text ends before its JSON does, rather than being wrong in the middle."""
    return error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")


def _fault(name: str, text: str, error: json.JSONDecodeError) -> str:
    place = f"{name}, line {error.lineno}, column {error.colno}"
    if breaks_off(text, error):
        return f"{place}: the file ends in the middle of a record: it is cut off; copy or download it again"
    around = text[max(0, error.pos - _SHOWN // 2) : error.pos + _SHOWN // 2]
    return f"{place}: this is not JSON: {error.msg}, near {around!r}; mend or export the file again"
