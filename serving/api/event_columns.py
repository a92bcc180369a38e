"""Events as they were sent, column by column, as a canonical frame; every fault of every item is named.

Checks run over whole columns and look at single items only where a column has a fault: a batch of good events costs a few
microseconds an event.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from features.plain_events import PlainEvents
from features.schema import (
    ATTRIBUTE_PREFIX,
    NO_INSTANT_US,
    SERVICE_COLUMNS,
    SERVICE_VOCABULARIES,
    TICKET_COLUMNS,
    TICKET_VOCABULARIES,
    instant_series,
)
from serving.api.event_bodies import EventBody, faulty
from serving.api.event_instants import instants_in, written
from serving.problems import Fault, ProblemError
from sla.instants import BoolArray, Int64Array, to_us

LONGEST_ID: Final = 500
LONGEST_TEXT: Final = 1 << 20
MOST_ATTRIBUTES: Final = 200
_INSTANT_WORDS: Final = (
    "a date and time with its offset, such as 2026-05-18T09:30:00+02:00 (ISO 8601), from 1970 to 2099"
)
_FIRST_US, _LAST_US = 0, to_us(datetime(2100, 1, 1, tzinfo=UTC))
_SHOWN: Final = 60


@dataclass(frozen=True)
class Shape:
    """What events of a kind look like."""

    columns: tuple[str, ...]
    ids: tuple[str, ...]
    vocabularies: dict[str, tuple[str, ...]]
    defaults: dict[str, str] = field(default_factory=dict)
    has_attributes: bool = True
    may_be_announced: bool = False


TICKETS: Final = Shape(TICKET_COLUMNS, ("event_id", "ticket_id"), TICKET_VOCABULARIES, {"kind": "updated"})
SERVICES: Final = Shape(
    SERVICE_COLUMNS, ("event_id", "service"), SERVICE_VOCABULARIES, has_attributes=True, may_be_announced=True
)


@dataclass(frozen=True)
class ReadEvents:
    """Canonical events: `columns` are lists but for the instants. `is_dated_by_us`: events sent without `recorded_at`, which got the
    instant they came; `twins`: identical ones left out.
    """

    shape: Shape
    columns: dict[str, Any]
    at_us: Int64Array
    recorded_us: Int64Array
    is_dated_by_us: BoolArray
    twins: int = 0

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The events as a canonical frame."""
        instants = {"event_at": instant_series(self.at_us), "recorded_at": instant_series(self.recorded_us)}
        names = [*self.shape.columns, *(name for name in self.columns if name not in self.shape.columns)]
        columns = self.columns | instants
        return pd.DataFrame({name: _column(name, columns[name]) for name in names})

    @property
    def plain(self) -> PlainEvents:
        """Ticket events as they are stored quickest where they are few."""
        return PlainEvents(self.columns, self.at_us, self.recorded_us)

    def kept(self, rows: BoolArray) -> ReadEvents:
        """Some of the events; the others are twins."""
        places = np.flatnonzero(rows).tolist()
        columns = {name: [column[place] for place in places] for name, column in self.columns.items()}
        twins = self.twins + len(rows) - len(places)
        at_us, recorded_us, is_dated = self.at_us[rows], self.recorded_us[rows], self.is_dated_by_us[rows]
        return ReadEvents(self.shape, columns, at_us, recorded_us, is_dated, twins)


def read_events(body: EventBody, shape: Shape, now: datetime, future: timedelta) -> ReadEvents:
    """The events of a body, as known at `now`; ProblemError 422 naming every fault. Nothing lies more than `future` ahead."""
    return _Reading(body, shape, now, future).events()


class _Reading:
    def __init__(self, body: EventBody, shape: Shape, now: datetime, future: timedelta) -> None:
        self.body, self.shape, self.items = body, shape, body.items
        self.now_us, self.latest_us = to_us(now), to_us(now + future)
        self.faults: list[Fault] = []

    def events(self) -> ReadEvents:
        self._refuse_unknown_fields()
        columns: dict[str, Any] = {name: self._texts(name) for name in self.shape.columns if name not in _OTHERS}
        at_us, recorded_us = self._instants("event_at"), self._instants("recorded_at")
        if "value" in self.shape.columns:
            columns["value"] = self._numbers("value")
        columns |= self._attributes()
        self._raise_if_faulty()
        self._check_instants(at_us, recorded_us)
        self._raise_if_faulty()
        is_dated_by_us = recorded_us == NO_INSTANT_US
        recorded_us = np.where(is_dated_by_us, np.maximum(at_us, self.now_us), recorded_us)
        return self._without_twins(ReadEvents(self.shape, columns, at_us, recorded_us, is_dated_by_us))

    def _refuse_unknown_fields(self) -> None:
        known = {*self.shape.columns, "attributes"} if self.shape.has_attributes else set(self.shape.columns)
        for place, item in enumerate(self.items):
            if not item.keys() <= known:
                for name in item.keys() - known:
                    self._add(
                        place,
                        name[:_SHOWN],
                        "an unknown field",
                        f"one of {', '.join((*self.shape.columns, 'attributes'))}",
                    )

    def _texts(self, name: str) -> list[str | None]:
        default = self.shape.defaults.get(name)
        is_id = name in self.shape.ids
        texts, wrong = self._checked(
            name, [item.get(name, default) for item in self.items], LONGEST_ID if is_id else LONGEST_TEXT
        )
        if (is_id or name in ("kind", "phase")) and None in texts:
            self._each(name, texts, lambda text: text is None, "nothing", "a text", wrong)
        if is_id and "" in texts:
            self._each(name, texts, lambda text: text == "", "an empty text", "a text that names it")
        words = self.shape.vocabularies.get(name)
        if words is not None and not set(texts) <= {*words, None}:
            choice = f"one of {', '.join(word or 'an empty text' for word in words)}"
            self._each(name, texts, lambda text: text is not None and text not in words, None, choice)
        return texts

    def _checked(self, name: str, values: list[Any], longest: int) -> tuple[list[str | None], set[int]]:
        """The texts, None for what no store can hold; those are named as faults, and their places are told."""
        wrong: set[int] = set()
        if not set(map(type, values)) <= {str, type(None)}:
            wrong = self._each(name, values, lambda value: type(value) not in (str, type(None)), None, "a text or null")
            values = _without(values, wrong)
        texts = [value for value in values if value is not None]
        joined = "".join(texts)
        if max(map(len, texts), default=0) > longest:
            wrong |= self._each(name, values, lambda text: text is not None and len(text) > longest, None, f"at most {longest:,} characters")  # fmt: skip
        if "\0" in joined:
            wrong |= self._each(name, values, lambda text: text is not None and "\0" in text, "a NUL character", "a text without it", wrong)  # fmt: skip
        if not joined.isascii() and not _is_unicode(joined):
            wrong |= self._each(name, values, lambda text: text is not None and not _is_unicode(text), "half a surrogate pair", "a text of whole characters", wrong)  # fmt: skip
        return (_without(values, wrong) if wrong else values), wrong

    def _instants(self, name: str) -> Int64Array:
        """Microseconds since 1970 UTC, NO_INSTANT_US where there is none."""
        values = [item.get(name) for item in self.items]
        if name == "recorded_at" and all(value is None for value in values):  # the usual case
            return np.full(len(values), NO_INSTANT_US)
        texts, wrong = self._checked(name, values, _SHOWN)
        found = instants_in(texts)
        for place in np.flatnonzero((found < _FIRST_US) | (found >= _LAST_US)).tolist():
            if texts[place] is not None:
                self._add(place, name, _shown(values[place]), _INSTANT_WORDS)
            elif name == "event_at" and place not in wrong:
                self._add(place, name, "nothing", _INSTANT_WORDS)
        return found

    def _numbers(self, name: str) -> list[float | None]:
        values = [item.get(name) for item in self.items]
        wrong = self._each(
            name,
            values,
            lambda value: value is not None and (type(value) not in (int, float) or not abs(value) < 1e300),
            None,
            "a number or null",
        )
        return _without(values, wrong)

    def _attributes(self) -> dict[str, Any]:
        objects = [item.get("attributes") or {} for item in self.items]
        if any(type(one) is not dict for one in objects):
            self._each("attributes", objects, lambda one: type(one) is not dict, None, "an object of texts")
            return {}
        names = sorted({name for one in objects for name in one})
        if len(names) > MOST_ATTRIBUTES:
            detail = f"{len(names):,} different attributes in one request; expected at most {MOST_ATTRIBUTES}"
            self.faults.append(Fault("#", detail))
            return {}
        for bad in [name for name in names if not _is_name(name)]:
            for place, one in enumerate(objects):
                if bad in one:
                    self._add(place, "attributes", f"the name {_shown(bad)}", "names of 1 to 100 printable characters")
        return {
            ATTRIBUTE_PREFIX + name: self._checked(
                f"attributes\0{name}", [one.get(name) for one in objects], LONGEST_TEXT
            )[0]
            for name in names
            if _is_name(name)
        }

    def _check_instants(self, at_us: Int64Array, recorded_us: Int64Array) -> None:
        until = f"at most {written(self.latest_us)}: an event tells what happened (SLACAST_MAX_FUTURE_SECONDS)"
        looked_at = [("recorded_at", recorded_us)]
        if not self.shape.may_be_announced:
            looked_at.insert(0, ("event_at", at_us))
            for place in np.flatnonzero((recorded_us != NO_INSTANT_US) & (recorded_us < at_us)).tolist():
                self._add(place, "recorded_at", written(recorded_us[place]), f"not before event_at, {written(at_us[place])}")  # fmt: skip
        for name, instants_us in looked_at:
            for place in np.flatnonzero(instants_us > self.latest_us).tolist():
                self._add(place, name, written(instants_us[place]), until)

    def _without_twins(self, read: ReadEvents) -> ReadEvents:
        """Events sent twice in one request count once; two that share an id but differ are faults."""
        names = read.columns["event_id"]
        if len(set(names)) == len(names):
            return read
        again, identical = read.frame["event_id"].duplicated().to_numpy(), read.frame.duplicated().to_numpy()
        first = {name: place for place, name in reversed(list(enumerate(names)))}
        for place in np.flatnonzero(again & ~identical).tolist():
            name = names[place]
            self._add(place, "event_id", f"{_shown(name)} again, with other content than item {first[name]}", "an id of its own")  # fmt: skip
        self._raise_if_faulty()
        return read.kept(~again)

    def _each(
        self,
        name: str,
        values: Sequence[Any],
        is_wrong: Callable[[Any], bool],
        found: str | None,
        expected: str,
        told: Collection[int] = (),
    ) -> set[int]:
        """The places of the values that are wrong, each named as a fault if not `told` yet; `found` None: the value itself is shown."""
        wrong = {place for place, value in enumerate(values) if is_wrong(value) and place not in told}
        for place in sorted(wrong):
            self._add(place, name, _shown(values[place]) if found is None else found, expected)
        return wrong

    def _add(self, place: int, name: str, found: str, expected: str) -> None:
        self.faults.append(self.body.fault(place, name, found, expected))

    def _raise_if_faulty(self) -> None:
        if self.faults:
            items = len({fault.pointer.split("/")[1] if "/" in fault.pointer else "" for fault in self.faults})
            detail = f"{faulty(tuple(self.faults))}, in {items:,} of {len(self.items):,} events; nothing was stored. See errors."
            raise ProblemError(422, detail, tuple(self.faults))


def _column(name: str, values: Any) -> Any:
    if isinstance(values, pd.Series):
        return values
    return pd.Series(values, dtype="float64") if name == "value" else pd.array(values, dtype="str")


_OTHERS: Final = frozenset({"event_at", "recorded_at", "value"})


def _without(values: list[Any], places: Collection[int]) -> list[Any]:
    return [None if place in places else value for place, value in enumerate(values)]


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 100 and name.isprintable()


def _shown(value: Any) -> str:
    """A value as a fault may show it: short, in one line, without what no text may hold."""
    words = value if isinstance(value, str) else repr(value)
    clipped = words[:_SHOWN] + ("…" if len(words) > _SHOWN else "")
    return ascii(clipped) if not clipped.isprintable() else repr(clipped)
