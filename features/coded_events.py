"""Ticket events as columns of codes: each distinct text once, however many events hold it.

Ten million events as texts in a frame would fill a machine's memory; as codes they need some hundred bytes each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from features.schema import TICKET_VOCABULARIES, SchemaError
from sla.columns import Column
from sla.event_ids import EventIds
from sla.instants import Int64Array


@dataclass(frozen=True)
class CodedEvents:
    """n ticket events in the order of their ids; columns are named as in a canonical frame (features/schema.py).

    `columns` are all its texts but the ids: the ticket, the kind, states and attributes. Ids are told by ticket, instant
    and number wherever they can be (see EventIds).
    """

    at_us: Int64Array
    recorded_us: Int64Array
    ids: EventIds
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.at_us)

    def part(self, first: int, last: int) -> CodedEvents:
        """The events from `first` up to, not including, `last`; their columns may hold texts that they do not use."""
        rows = slice(first, last)
        columns = {name: Column(column.codes[rows], column.values) for name, column in self.columns.items()}
        return CodedEvents(self.at_us[rows], self.recorded_us[rows], self.ids[rows], columns)

    def check(self) -> None:
        """Nothing if the events keep the contract of canonical events; otherwise SchemaError with every fault found."""
        faults = list(self._faults())
        if faults:
            raise SchemaError("not canonical events: " + "; ".join(faults))

    def _faults(self) -> Iterator[str]:
        for name in ("ticket_id", "kind"):
            column = self.columns[name]
            missing = column.codes < 0
            if "" in column.values:
                missing |= column.codes == column.values.index("")
            if missing.any():
                yield f"column {name!r} is missing in {int(missing.sum())} of {len(self)} rows, first row {int(missing.argmax())}"
        for name, words in TICKET_VOCABULARIES.items():
            wrong = [text for text in self.columns[name].compact().values if text not in words]
            if wrong:
                yield f"column {name!r} holds {wrong[:5]}, expected one of {list(words)}"
        early = int((self.recorded_us < self.at_us).sum())
        if early:
            yield f"{early} events are recorded before they happened; recorded_at must not be earlier than event_at"
        twice = int(self._repeats().sum())
        if twice:
            yield f"{twice} event ids occur twice; an event_id names one event"

    def _repeats(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether an event has the id of the one before it: in the order of ids equal ones are neighbours."""
        rows = np.arange(1, len(self))
        ticket = self.columns["ticket_id"].codes
        near = rows[(ticket[1:] == ticket[:-1]) & (self.at_us[1:] == self.at_us[:-1])]
        texts = np.array([*self.columns["ticket_id"].values, None], dtype=object)
        return self.ids.is_same(near, near - 1, texts[ticket[near]], self.at_us[near])
