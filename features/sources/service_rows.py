"""Rows of a status page, a monitor or a change calendar as service events."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.coded_events import CodedServiceEvents
from features.schema import ATTRIBUTE_PREFIX, PHASES, SERVICE_COLUMNS, SERVICE_KINDS
from features.sources.dates import UNREADABLE
from features.sources.event_ids import event_ids, ordinals, rows_in_order
from features.sources.faults import SourceError, did_you_mean
from features.sources.mapped_table import MappedTable
from features.sources.quality import service_quality
from features.sources.result import ImportResult
from features.sources.table import Coded
from features.stamps import FIRST_US, LAST_US
from sla.columns import Column
from sla.event_ids import EventIds
from sla.instants import Int64Array

FloatArray: TypeAlias = NDArray[np.float64]
KEYS = ("service", "kind", "phase")
MOST_OF_ONE_INSTANT = 999  # events that differ by their number alone; an id with a greater one is kept as text
_VOCABULARIES = {"kind": SERVICE_KINDS, "phase": PHASES}


def service_events(rows: MappedTable) -> ImportResult:
    """One event a row; where the mapping names `ended_at`, a start and, once there is an end, an end.

    The end is recorded when it happens (or at `recorded_at`, if that is later): nobody knows it at the start. A row whose
    kind translates to nothing (`null`) is not an event on purpose, and is counted as such.
    """
    service = rows.coded("service")
    rows.reject(service.codes < 0, "no service", "service", "the name of a service")
    kind = rows.coded("kind")
    skipped = int((kind.codes < 0).sum())
    happened = rows.instants("event_at", required=True)
    recorded_us = _instants(rows, "recorded_at", happened.at_us)
    ended_us = _instants(rows, "ended_at", np.full(len(kind), UNREADABLE))
    has_span = rows.source_column("ended_at") is not None
    phase = Coded.constant("start", len(kind)) if has_span else _phase(rows)
    for name, column in (("kind", kind), ("phase", phase)):
        _refuse_unknown_words(rows, name, column)
    value = _value(rows)
    early = has_span & (ended_us != UNREADABLE) & (ended_us < happened.at_us)
    rows.reject(early, "ends before it starts", "ended_at", "an end that is not earlier than the start")
    rows.refuse_if_too_many_rejected()
    kept = np.flatnonzero(~rows.is_rejected & (kind.codes >= 0))
    quality = service_quality(rows, happened, kept, happened.at_us[kept])
    columns = {"service": service, "kind": kind, "phase": phase, "severity": rows.coded("severity")}
    columns |= {ATTRIBUTE_PREFIX + name: rows.coded(name) for name in rows.mapping.attributes}
    if not has_span:
        coded = _coded(columns, kept, happened.at_us, recorded_us, value)
        if coded is not None:
            return ImportResult.of(rows, coded, quality, skipped)
    frame = _frame(columns, kept, happened.at_us, recorded_us, value)
    if has_span:
        ends = kept[ended_us[kept] != UNREADABLE]
        end_columns = {**columns, "phase": Coded.constant("end", len(kind))}
        end_frame = _frame(end_columns, ends, ended_us, np.maximum(recorded_us, ended_us), value)
        both = pd.concat([frame, end_frame], ignore_index=True)
        frame = both.sort_values("event_id", kind="stable").reset_index(drop=True)
    return ImportResult.of(rows, frame, quality, skipped)


def _instants(rows: MappedTable, target: str, otherwise_us: Int64Array) -> Int64Array:
    if rows.source_column(target) is None:
        return otherwise_us
    at_us = rows.instants(target, required=False).at_us
    return np.where(at_us == UNREADABLE, otherwise_us, at_us)


def _phase(rows: MappedTable) -> Coded:
    phase = rows.coded("phase")
    return phase if (phase.codes >= 0).any() else Coded.constant("point", len(phase))


def _value(rows: MappedTable) -> FloatArray:
    coded = rows.coded("value")
    numbers = pd.to_numeric(pd.Series(coded.values, dtype="str"), errors="coerce").to_numpy(dtype=np.float64)
    value = coded.per_row(numbers, np.nan).astype(np.float64)
    if rows.source_column("value"):
        rows.reject(np.isnan(value) & (coded.codes >= 0), "the value is no number", "value", "a number such as 12.5")
    return value


def _refuse_unknown_words(rows: MappedTable, name: str, column: Coded) -> None:
    words = _VOCABULARIES[name]
    wrong = [value for value in column.counts() if value not in words]
    if wrong:
        raise SourceError(
            f"{rows.table.name}, column {rows.source_column(name)!r}: {wrong[0]!r} is no {name}; expected one of {', '.join(words)}."
            f"{did_you_mean(wrong[0], words)} Translate the column under `values: {name}` in the mapping"
        )


def _coded(
    columns: dict[str, Coded], rows: Int64Array, at_us: Int64Array, recorded_us: Int64Array, value: FloatArray
) -> CodedServiceEvents | None:
    """Events in the order of their ids as codes; None where an id must be written as a text, or only texts tell their order."""
    keys = _ranks([columns[name] for name in KEYS], rows, at_us[rows])
    if keys is None:
        return None
    order = rows_in_order(*keys)
    numbers = _numbers([key[order] for key in keys])
    if numbers.max(initial=0) > MOST_OF_ONE_INSTANT:
        return None
    chosen = rows[order]
    taken = {name: column.take(chosen) for name, column in columns.items()}
    return CodedServiceEvents(
        at_us[chosen],
        recorded_us[chosen],
        EventIds(numbers.astype(np.int16)),
        {name: Column(column.codes, tuple(column.values.tolist())) for name, column in taken.items()},
        value[chosen],
    )


def _numbers(keys: list[Int64Array]) -> Int64Array:
    """A number from 1 for each row among those with equal keys, which are neighbours."""
    place = np.arange(len(keys[0]))
    is_first = np.ones(len(place), np.bool_)
    is_first[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return place - np.maximum.accumulate(np.where(is_first, place, 0)) + 1


def _frame(
    columns: dict[str, Coded], rows: Int64Array, at_us: Int64Array, recorded_us: Int64Array, value: FloatArray
) -> pd.DataFrame:
    """Events in the order of their ids."""
    groups = [columns[name].codes[rows].astype(np.int64) for name in KEYS]
    numbers = ordinals([*groups, at_us[rows]], None)
    keys = _ranks([columns[name] for name in KEYS], rows, at_us[rows])
    if keys is not None:
        order = rows_in_order(*keys, numbers)
        rows, numbers = rows[order], numbers[order]
    taken = {name: column.take(rows) for name, column in columns.items()}
    at = at_us[rows]
    ids = event_ids([taken[name] for name in KEYS], at, numbers)
    series = {
        "event_id": ids,
        "event_at": pd.Series(at.view("datetime64[us]")).dt.tz_localize("UTC"),
        "recorded_at": pd.Series(recorded_us[rows].view("datetime64[us]")).dt.tz_localize("UTC"),
        "value": pd.Series(value[rows], dtype="float64"),
        **{name: column.series() for name, column in taken.items()},
    }
    names = [*SERVICE_COLUMNS, *(name for name in taken if name.startswith(ATTRIBUTE_PREFIX))]
    frame = pd.DataFrame({name: series[name] for name in names})
    return frame if keys is not None else frame.sort_values("event_id", kind="stable").reset_index(drop=True)


def _ranks(columns: list[Coded], rows: Int64Array, at_us: Int64Array) -> list[Int64Array] | None:
    """Numbers that sort rows as the parts of their ids do, several times as quick as texts; the last are the instants.

    None where the parts do not tell: a slash inside a part, or a year that has not four digits.
    """
    if any("/" in value for column in columns for value in column.values):
        return None
    if at_us.min(initial=FIRST_US) < FIRST_US or at_us.max(initial=FIRST_US) >= LAST_US:
        return None
    keys = []
    for column in columns:
        rank = np.zeros(len(column.values) + 1, np.int64)
        rank[np.argsort(np.array([f"{value}/".encode() for value in column.values], object))] = np.arange(
            len(column.values)
        )
        keys.append(rank[column.codes[rows]])
    return [*keys, at_us]
