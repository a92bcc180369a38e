"""The body of POST /api/v1/events as a list of items with their places: one object, an array, or a line each (NDJSON)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from serving.problems import Fault, ProblemError

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
JSON = "application/json"


@dataclass(frozen=True)
class EventBody:
    """The items of a body in order. `lines` are the numbers of their lines from 1, where each stands on one; `is_single`: no list was sent."""

    items: list[dict[str, Any]]
    lines: Sequence[int] | None = None
    is_single: bool = False

    def fault(self, place: int, field: str, found: str, expected: str) -> Fault:
        """A fault of one item, with its JSON pointer (lines count from 0 in it, as an array would) and its line."""
        index = "" if self.is_single else f"/{place if self.lines is None else self.lines[place] - 1}"
        where = "" if self.lines is None else f"line {self.lines[place]}: "
        path = "".join(f"/{_escaped(part)}" for part in field.split("\0") if part)
        name = field.replace("\0", ".")
        said = f"{name}: found {found}, expected {expected}" if name else f"found {found}, expected {expected}"
        return Fault(f"#{index}{path}", f"{where}{said}", found, expected)


def read_body(body: bytes, content_type: str) -> EventBody:
    """The items of a body of this content type; ProblemError 415 for another, 422 for what is no JSON or holds no objects."""
    media = content_type.partition(";")[0].strip().lower()
    if media in NDJSON:
        return _lines(body)
    if media not in ("", JSON):
        raise ProblemError(
            415, f"Events are sent as {JSON} or {NDJSON[0]}; this is {media[:100]!r}. Set the Content-Type header."
        )
    found = _parsed(body, "#", "")
    if isinstance(found, dict):
        return EventBody([found], is_single=True)
    if not isinstance(found, list):
        raise _not_events(f"found {_kind(found)}, expected one event (an object) or an array of events")
    return _checked(EventBody(found))


def _lines(body: bytes) -> EventBody:
    items: list[dict[str, Any]] = []
    lines: list[int] = []
    faults: list[Fault] = []
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            items.append(_parsed(line, f"#/{number - 1}", f"line {number}: "))
            lines.append(number)
        except ProblemError as error:
            faults += error.faults
    if faults:
        raise _refused(tuple(faults))
    return _checked(EventBody(items, lines))


def _checked(body: EventBody) -> EventBody:
    if not body.items:
        raise _not_events("found no event, expected at least one")
    faults = tuple(
        body.fault(place, "", _kind(item), "an object with the event's fields")
        for place, item in enumerate(body.items)
        if type(item) is not dict
    )
    if faults:
        raise _refused(faults)
    return body


def _parsed(text: bytes, pointer: str, where: str) -> Any:
    try:
        return json.loads(text)
    except UnicodeDecodeError as error:
        raise _refused((Fault(pointer, f"{where}byte {error.start} is not UTF-8; send UTF-8"),)) from error
    except RecursionError as error:
        raise _refused((Fault(pointer, f"{where}nested too deeply for an event"),)) from error
    except json.JSONDecodeError as error:
        spot = f"column {error.colno}" if where else f"line {error.lineno}, column {error.colno}"
        raise _refused((Fault(pointer, f"{where}not JSON at {spot}: {error.msg}"),)) from error
    except ValueError as error:  # a number with thousands of digits
        raise _refused((Fault(pointer, f"{where}a number is too long"),)) from error


def _not_events(detail: str) -> ProblemError:
    return _refused((Fault("#", detail),))


def _refused(faults: tuple[Fault, ...]) -> ProblemError:
    return ProblemError(422, f"{faulty(faults)}; nothing was stored. See errors.", faults)


def faulty(faults: tuple[Fault, ...]) -> str:
    """How many faults there are, in words."""
    return f"{len(faults):,} fault{'s' if len(faults) != 1 else ''} in the request"


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
