"""A few events as plain lists: of some hundred rows each question to pandas costs more than the rows themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from features.schema import (
    ATTRIBUTE_PREFIX,
    INSTANT_COLUMNS,
    KEY_COLUMNS,
    NO_INSTANT_US,
    TICKET_COLUMNS,
    TICKET_VOCABULARIES,
    instant_series,
    validate_ticket_events,
)
from sla.instants import Int64Array

_TEXTS = frozenset(TICKET_COLUMNS) - frozenset(INSTANT_COLUMNS)


@dataclass(frozen=True)
class PlainEvents:
    """n ticket events in the order they came.

    `texts`: n texts or None for each column of a canonical frame that holds texts, ids and attributes too. Instants are
    microseconds since 1970 UTC, NO_INSTANT_US where one is missing.
    """

    texts: Mapping[str, Sequence[str | None]]
    at_us: Int64Array
    recorded_us: Int64Array

    def __len__(self) -> int:
        return len(self.at_us)

    @property
    def attributes(self) -> list[str]:
        """The names of the free attributes as columns, in alphabetical order."""
        return sorted(name for name in self.texts if name.startswith(ATTRIBUTE_PREFIX))

    def frame(self) -> pd.DataFrame:
        """The same as a canonical frame."""
        instants = {"event_at": instant_series(self.at_us), "recorded_at": instant_series(self.recorded_us)}
        names = [*TICKET_COLUMNS, *(name for name in self.texts if name not in TICKET_COLUMNS)]
        return pd.DataFrame(
            {name: instants[name] if name in instants else pd.array(self.texts[name], dtype="str") for name in names}
        )

    def check(self) -> None:
        """Nothing if the events keep the contract of canonical events; otherwise SchemaError with every fault found."""
        if not self._are_plainly_good():
            validate_ticket_events(self.frame())

    def _are_plainly_good(self) -> bool:
        """Whether they keep it beyond doubt; False says nothing."""
        ids, tickets, kinds = (self.texts[name] for name in (*KEY_COLUMNS, "kind"))
        return (
            all(name in _TEXTS or name.startswith(ATTRIBUTE_PREFIX) for name in self.texts)
            and None not in ids
            and None not in tickets
            and None not in kinds
            and len(set(ids)) == len(ids)
            and "" not in ids
            and "" not in tickets
            and all({*self.texts[name]} <= {*words, None} for name, words in TICKET_VOCABULARIES.items())
            and bool((self.at_us > NO_INSTANT_US).all() and (self.recorded_us >= self.at_us).all())
        )
