"""The canonical events: what every source becomes and everything above reads. docs/data-contract.md says the same in prose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import pandas as pd

from sla.instants import Int64Array

KEY_COLUMNS: Final = ("event_id", "ticket_id")
INSTANT_COLUMNS: Final = ("event_at", "recorded_at")
STATE_COLUMNS: Final = (
    "status",
    "waiting_on",
    "priority",
    "service",
    "category",
    "team",
    "assignee",
    "customer",
    "channel",
)
TICKET_COLUMNS: Final = (*KEY_COLUMNS, *INSTANT_COLUMNS, "kind", *STATE_COLUMNS, "actor_kind")
SERVICE_COLUMNS: Final = ("event_id", "service", *INSTANT_COLUMNS, "kind", "phase", "severity", "value")
ATTRIBUTE_PREFIX: Final = "attributes."
NUMBER_COLUMN: Final = "event_number"
"""In files of slacast's own, beside `event_id`: the number of an id that ticket and instant tell but for it, -1 for others."""
INSTANT_DTYPE: Final = "datetime64[us, UTC]"
NO_INSTANT_US: Final = -(2**63)
"""pandas' NaT as a whole number."""

STATUSES: Final = ("new", "open", "waiting", "resolved", "closed", "cancelled")
WAITING_ON: Final = ("customer", "supplier", "problem", "evidence", "change", "other")
ACTOR_KINDS: Final = ("agent", "customer", "supplier", "system")
TICKET_KINDS: Final = (
    "created",
    "updated",
    "commented",  # readable by the customer
    "noted",  # internal
    "status",
    "assigned",
    "priority",
    "worked",
    "escalated",
    "merged",
)
SERVICE_KINDS: Final = ("outage", "degradation", "maintenance", "change", "check", "alert", "latency")
PHASES: Final = ("start", "end", "point")

# "" means "known to be empty now"; a missing value means "no news".
TICKET_VOCABULARIES: Final = {
    "kind": TICKET_KINDS,
    "status": STATUSES,
    "waiting_on": (*WAITING_ON, ""),
    "actor_kind": (*ACTOR_KINDS, ""),
}
SERVICE_VOCABULARIES: Final = {"kind": SERVICE_KINDS, "phase": PHASES}


class SchemaError(ValueError):
    """A frame that is not what docs/data-contract.md promises."""


def empty_ticket_events(attributes: Sequence[str] = ()) -> pd.DataFrame:
    """Ticket events without a row, with the canonical columns and dtypes, plus `attributes.<name>` for each name given."""
    return _empty((*TICKET_COLUMNS, *(ATTRIBUTE_PREFIX + name for name in attributes)))


def empty_service_events(attributes: Sequence[str] = ()) -> pd.DataFrame:
    """Service events without a row, with the canonical columns and dtypes, plus `attributes.<name>` for each name given."""
    return _empty((*SERVICE_COLUMNS, *(ATTRIBUTE_PREFIX + name for name in attributes)))


def conform_ticket_events(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy in canonical column order and dtypes: absent columns become missing, an absent `recorded_at` becomes `event_at`.

    Raises SchemaError as `validate_ticket_events` does, so what comes back is valid.
    """
    events = _conform(frame, TICKET_COLUMNS)
    validate_ticket_events(events)
    return events


def conform_service_events(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy in canonical column order and dtypes; see `conform_ticket_events`."""
    events = _conform(frame, SERVICE_COLUMNS)
    validate_service_events(events)
    return events


def validate_ticket_events(frame: pd.DataFrame) -> None:
    """Nothing if the frame keeps the contract; otherwise SchemaError with every fault found.

    Each event has an id, a ticket, both instants and a kind; words come from the documented vocabularies; ids are unique;
    nothing is recorded before it happened.
    """
    _check_columns(frame, TICKET_COLUMNS)
    faults = _faults(frame, ("event_id", "ticket_id", "event_at", "recorded_at", "kind"), TICKET_VOCABULARIES)
    early = frame["recorded_at"] < frame["event_at"]
    if early.any():
        row = frame.loc[early].iloc[0]
        faults.append(
            f"{int(early.sum())} events are recorded before they happened, first {row['event_id']!r}: event_at {row['event_at']}, "
            f"recorded_at {row['recorded_at']}; recorded_at must not be earlier than event_at"
        )
    _raise(faults)


def validate_service_events(frame: pd.DataFrame) -> None:
    """Nothing if the frame keeps the contract; otherwise SchemaError with every fault found.

    Unlike ticket events, service events may be recorded before they happen: maintenance is announced.
    """
    _check_columns(frame, SERVICE_COLUMNS)
    _raise(_faults(frame, ("event_id", "service", "event_at", "recorded_at", "kind", "phase"), SERVICE_VOCABULARIES))


def attribute_columns(frame: pd.DataFrame) -> list[str]:
    """The names of the frame's free attributes as columns, `attributes.` included, in the frame's order."""
    return [str(name) for name in frame.columns if str(name).startswith(ATTRIBUTE_PREFIX)]


def instant_series(at_us: Int64Array) -> pd.Series:
    """Microseconds since 1970 UTC as aware instants, NO_INSTANT_US as none."""
    return pd.Series(at_us.view("datetime64[us]")).dt.tz_localize("UTC")


def _dtype(column: str) -> str:
    if column in INSTANT_COLUMNS:
        return INSTANT_DTYPE
    return "float64" if column == "value" else "str"


def _empty(columns: Iterable[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype=_dtype(name)) for name in columns})


def _conform(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    unknown = [
        str(name) for name in frame.columns if name not in columns and not str(name).startswith(ATTRIBUTE_PREFIX)
    ]
    if unknown:
        raise SchemaError(
            f"unknown columns {unknown}: expected {list(columns)} or names that begin with {ATTRIBUTE_PREFIX!r}"
        )
    out = {}
    for name in (*columns, *attribute_columns(frame)):
        source = "event_at" if name == "recorded_at" and name not in frame else name
        values = frame[source] if source in frame else pd.Series(index=frame.index, dtype=_dtype(name))
        try:
            out[name] = values.astype(_dtype(name))  # type: ignore[call-overload]
        except (TypeError, ValueError) as error:
            raise SchemaError(
                f"column {name!r} cannot be read as {_dtype(name)}: {error}; instants need a time zone"
            ) from error
    return pd.DataFrame(out).reset_index(drop=True)


def _check_columns(frame: pd.DataFrame, columns: tuple[str, ...]) -> None:
    names = [str(name) for name in frame.columns]
    if names[: len(columns)] != list(columns):
        raise SchemaError(f"the first columns are {names[: len(columns)]}, expected {list(columns)} in this order")
    extra = [name for name in names[len(columns) :] if not name.startswith(ATTRIBUTE_PREFIX)]
    faults = [f"column {name!r} is not canonical; a free attribute is named {ATTRIBUTE_PREFIX}{name}" for name in extra]
    faults += [
        f"column {name!r} has dtype {frame[name].dtype}, expected {_dtype(name)}"
        for name in names
        if name not in extra and str(frame[name].dtype) != _dtype(name)
    ]
    _raise(faults)


def _faults(frame: pd.DataFrame, required: Iterable[str], vocabularies: dict[str, tuple[str, ...]]) -> list[str]:
    faults = []
    for name in required:
        missing = frame[name].isna()
        if name in ("event_id", "ticket_id", "service"):
            missing |= frame[name] == ""
        if missing.any():
            faults.append(
                f"column {name!r} is missing in {int(missing.sum())} of {len(frame)} rows, first row {int(missing.to_numpy().argmax())}"
            )
    for name, words in vocabularies.items():
        wrong = [value for value in frame[name].dropna().unique() if value not in words]
        if wrong:
            faults.append(f"column {name!r} holds {wrong[:5]}, expected one of {list(words)}")
    twice = frame["event_id"].duplicated()
    if twice.any():
        faults.append(
            f"{int(twice.sum())} event ids occur twice, first {frame.loc[twice, 'event_id'].iloc[0]!r}; an event_id names one event"
        )
    return faults


def _raise(faults: list[str]) -> None:
    if faults:
        raise SchemaError("not canonical events: " + "; ".join(faults))
