"""Events that somebody sends with a question, one mapping each, as the log of features/histories.py.

A frame of a few rows costs a hundred times what its content costs, so good events never become one. Only where something
looks wrong they do: then features/schema.py says what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import pandas as pd

from features.histories import log_of
from features.schema import (
    ATTRIBUTE_PREFIX,
    INSTANT_COLUMNS,
    INSTANT_DTYPE,
    KEY_COLUMNS,
    TICKET_COLUMNS,
    TICKET_VOCABULARIES,
    SchemaError,
    conform_ticket_events,
)
from sla.events import EventLog
from sla.instants import to_us

_TEXTS: Final = tuple(name for name in TICKET_COLUMNS if name not in (*KEY_COLUMNS, *INSTANT_COLUMNS))


def log_of_given(events: Sequence[Mapping[str, Any]]) -> EventLog:
    """The log of ticket events: the texts and aware instants of TICKET_COLUMNS by name, `attributes.<name>` for free ones.

    What is absent or None is no news. Exactly the log of `conform_ticket_events`; SchemaError where that raises it.
    """
    columns: dict[str, list[Any]] = {name: [event.get(name) for event in events] for name in _names(events)}
    if not _is_plainly_good(columns):
        return log_of(conform_ticket_events(_frame(columns)))
    texts = {name: values for name, values in columns.items() if name not in (*KEY_COLUMNS, *INSTANT_COLUMNS)}
    return EventLog.from_columns(
        columns["ticket_id"],
        [to_us(at) for at in columns["event_at"]],
        [to_us(at) for at in columns["recorded_at"]],
        columns["event_id"],
        texts,
    )


def _names(events: Sequence[Mapping[str, Any]]) -> list[str]:
    return [*TICKET_COLUMNS, *sorted({name for event in events for name in event} - set(TICKET_COLUMNS))]


def _is_plainly_good(columns: Mapping[str, list[Any]]) -> bool:
    """Whether the contract is kept beyond doubt; False says nothing."""
    ids = columns["event_id"]
    instants = columns["event_at"], columns["recorded_at"]
    return (
        len(set(ids)) == len(ids) > 0
        and all(all(columns[name]) for name in KEY_COLUMNS)
        and None not in columns["kind"]
        and all(name in TICKET_COLUMNS or name.startswith(ATTRIBUTE_PREFIX) for name in columns)
        and all(_are_texts(values) for name, values in columns.items() if name not in INSTANT_COLUMNS)
        and all({*columns[name]} <= {*words, None} for name, words in TICKET_VOCABULARIES.items())
        and all(isinstance(at, datetime) and at.tzinfo is not None for column in instants for at in column)
        and all(recorded >= at for at, recorded in zip(*instants, strict=True))
    )


def _are_texts(values: list[Any]) -> bool:
    return {*map(type, values)} <= {str, type(None)}


def _frame(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: _instants(name, values) if name in INSTANT_COLUMNS else pd.array(values, dtype="str")
            for name, values in columns.items()
        }
    )


def _instants(name: str, values: list[Any]) -> pd.Index[Any]:
    bare = [at for at in values if isinstance(at, datetime) and at.tzinfo is None]
    if bare:
        raise SchemaError(f"column {name!r} holds {bare[0]}, which has no time zone: write its offset")
    return pd.to_datetime(values, utc=True).astype(INSTANT_DTYPE)
