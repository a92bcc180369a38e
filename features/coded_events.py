"""Events as columns of codes: each distinct text once, however many events hold it.

Ten million events as texts in a frame would fill a machine's memory; as codes they need some hundred bytes each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from features.schema import SERVICE_VOCABULARIES, TICKET_VOCABULARIES, SchemaError
from sla.columns import Column
from sla.event_ids import EventIds
from sla.instants import BoolArray, Int64Array


@dataclass(frozen=True)
class CodedEvents:
    """n ticket events in the order of their ids; columns are named as in a canonical frame (features/schema.py).

    `columns` are all its texts but the ids: the ticket, the kind, states and attributes. Ids are told by ticket, instant
    and number wherever they can be (see EventIds).
    """

    required: ClassVar[tuple[str, ...]] = ("ticket_id", "kind")
    vocabularies: ClassVar[Mapping[str, tuple[str, ...]]] = TICKET_VOCABULARIES

    at_us: Int64Array
    recorded_us: Int64Array
    ids: EventIds
    columns: Mapping[str, Column]
    value: NDArray[np.float64] | None = None  # of service events; tickets have none

    def __len__(self) -> int:
        return len(self.at_us)

    def part(self, first: int, last: int) -> Self:
        """The events from `first` up to, not including, `last`; their columns may hold texts that they do not use."""
        rows = slice(first, last)
        columns = {name: Column(column.codes[rows], column.values) for name, column in self.columns.items()}
        value = None if self.value is None else self.value[rows]
        return replace(
            self,
            at_us=self.at_us[rows],
            recorded_us=self.recorded_us[rows],
            ids=self.ids[rows],
            columns=columns,
            value=value,
        )

    def check(self) -> None:
        """Nothing if the events keep the contract of canonical events; otherwise SchemaError with every fault found."""
        faults = [*self._odd_words(), *self._faults()]
        if faults:
            raise SchemaError("not canonical events: " + "; ".join(faults))

    def _odd_words(self) -> Iterator[str]:
        for name in self.required:
            column = self.columns[name]
            missing = column.codes < 0
            if "" in column.values:
                missing |= column.codes == column.values.index("")
            if missing.any():
                yield f"column {name!r} is missing in {int(missing.sum())} of {len(self)} rows, first row {int(missing.argmax())}"
        for name, words in self.vocabularies.items():
            wrong = [text for text in self.columns[name].compact().values if text not in words]
            if wrong:
                yield f"column {name!r} holds {wrong[:5]}, expected one of {list(words)}"

    def _faults(self) -> Iterator[str]:
        early = int((self.recorded_us < self.at_us).sum())
        if early:
            yield f"{early} events are recorded before they happened; recorded_at must not be earlier than event_at"
        twice = int(self._repeats().sum())
        if twice:
            yield f"{twice} event ids occur twice; an event_id names one event"

    def _repeats(self) -> BoolArray:
        """Whether an event has the id of the one before it: in the order of ids equal ones are neighbours."""
        rows = np.arange(1, len(self))
        ticket = self.columns["ticket_id"].codes
        near = rows[(ticket[1:] == ticket[:-1]) & (self.at_us[1:] == self.at_us[:-1])]
        texts = np.array([*self.columns["ticket_id"].values, None], dtype=object)
        return self.ids.is_same(near, near - 1, texts[ticket[near]], self.at_us[near])


@dataclass(frozen=True)
class CodedServiceEvents(CodedEvents):
    """n service events in the order of their ids, which are all told by service, kind, phase, instant and number.

    `columns` are all their texts but the ids, `value` their numbers, NaN where there is none.
    """

    required: ClassVar[tuple[str, ...]] = ("service", "kind", "phase")
    vocabularies: ClassVar[Mapping[str, tuple[str, ...]]] = SERVICE_VOCABULARIES

    def _faults(self) -> Iterator[str]:
        """Unlike ticket events, service events may be recorded before they happen: maintenance is announced."""
        if self.ids.texts is not None:
            yield "some ids are texts; service events with such ids come as a frame"
        twice = int(self._repeats().sum())
        if twice:
            yield f"{twice} event ids occur twice; an event_id names one event"

    def _repeats(self) -> BoolArray:
        is_same: BoolArray = (np.diff(self.at_us) == 0) & (np.diff(self.ids.numbers) == 0)
        for name in self.required:
            is_same &= np.diff(self.columns[name].codes) == 0
        return is_same
