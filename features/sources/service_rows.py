"""Rows of a status page, a monitor or a change calendar as service events."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.schema import ATTRIBUTE_PREFIX, PHASES, SERVICE_COLUMNS, SERVICE_KINDS
from features.sources.dates import UNREADABLE
from features.sources.event_ids import event_ids, ordinals
from features.sources.faults import SourceError, did_you_mean
from features.sources.mapped_table import MappedTable
from features.sources.quality import service_quality
from features.sources.result import ImportResult
from features.sources.table import Coded
from sla.instants import Int64Array

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
    starts = _frame(columns, kept, happened.at_us, recorded_us, value)
    ends = kept[ended_us[kept] != UNREADABLE] if has_span else kept[:0]
    end_columns = {**columns, "phase": Coded.constant("end", len(kind))}
    frame = pd.concat(
        [starts, _frame(end_columns, ends, ended_us, np.maximum(recorded_us, ended_us), value)], ignore_index=True
    )
    frame = frame.sort_values("event_id", kind="stable").reset_index(drop=True)
    return ImportResult.of(rows, frame, quality, skipped)


def _instants(rows: MappedTable, target: str, otherwise_us: Int64Array) -> Int64Array:
    if rows.source_column(target) is None:
        return otherwise_us
    at_us = rows.instants(target, required=False).at_us
    return np.where(at_us == UNREADABLE, otherwise_us, at_us)


def _phase(rows: MappedTable) -> Coded:
    phase = rows.coded("phase")
    return phase if (phase.codes >= 0).any() else Coded.constant("point", len(phase))


def _value(rows: MappedTable) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
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


def _frame(
    columns: dict[str, Coded], rows: Int64Array, at_us: Int64Array, recorded_us: Int64Array, value: np.ndarray
) -> pd.DataFrame:
    taken = {name: column.take(rows) for name, column in columns.items()}
    at = at_us[rows]
    groups = [taken[name].codes.astype(np.int64) for name in ("service", "kind", "phase")]
    ids = event_ids([taken["service"], taken["kind"], taken["phase"]], at, ordinals([*groups, at], None))
    series = {
        "event_id": ids,
        "event_at": pd.Series(at.view("datetime64[us]")).dt.tz_localize("UTC"),
        "recorded_at": pd.Series(recorded_us[rows].view("datetime64[us]")).dt.tz_localize("UTC"),
        "value": pd.Series(value[rows], dtype="float64"),
        **{name: column.series() for name, column in taken.items()},
    }
    names = [*SERVICE_COLUMNS, *(name for name in taken if name.startswith(ATTRIBUTE_PREFIX))]
    return pd.DataFrame({name: series[name] for name in names})
