"""Canonical events in Parquet files: how a log leaves the database for an engine that works from files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.schema import INSTANT_COLUMNS, INSTANT_DTYPE, NUMBER_COLUMN
from sla.columns import Column
from sla.event_ids import NO_NUMBER, EventIds
from sla.events import EventLog
from sla.instants import Int64Array

ENDING = ".parquet"
_IDS = (NUMBER_COLUMN, "event_id", "ticket_id", *INSTANT_COLUMNS)


def write_events(chunks: Iterable[pd.DataFrame], folder: Path) -> int:
    """How many events were written below the folder, one file a chunk; a file appears under its name when it is complete."""
    return write_tables((as_table(chunk) for chunk in chunks), folder)


def write_tables(tables: Iterable[pa.Table], folder: Path) -> int:
    """The same for events as Arrow tables; see Store.ticket_event_tables."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = 0
    for number, table in enumerate(tables):
        path = folder / f"{number:06d}{ENDING}"
        unfinished = path.with_suffix(".unfinished")
        pq.write_table(table, unfinished, compression="lz4")
        unfinished.replace(path)
        rows += len(table)
    return rows


def as_table(events: pd.DataFrame) -> Any:
    """The Arrow table of a canonical frame."""
    return pa.table({str(name): _column(events[name]) for name in events.columns})


def is_coded(tables: Sequence[pa.Table]) -> bool:
    """Whether the tables are of a store (Store.ticket_event_tables): then they need no check, because the store has checked."""
    return all(NUMBER_COLUMN in table.column_names for table in tables)


def coded_log(tables: Sequence[pa.Table]) -> EventLog:
    """The log of coded events as recorded, in any order of rows."""
    whole = pa.concat_tables(tables, promote_options="permissive")
    numbers = whole[NUMBER_COLUMN].to_numpy()
    texts = whole["event_id"].to_numpy().astype(object) if (numbers == NO_NUMBER).any() else None
    at_us, recorded_us = (_instants_us(whole[name]) for name in INSTANT_COLUMNS)
    return EventLog.from_columns(
        _codes(whole["ticket_id"]),
        at_us,
        recorded_us,
        EventIds(numbers, texts),
        {name: _codes(whole[name]) for name in whole.column_names if name not in _IDS},
    )


def _codes(column: Any) -> Column:
    """The column with the texts that a row holds, in order."""
    chunks = column.unify_dictionaries().chunks
    codes = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in chunks]
    return Column(np.concatenate(codes).astype(np.int32), tuple(chunks[0].dictionary.to_pylist())).compact().in_order()


def _instants_us(column: Any) -> Int64Array:
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _column(values: pd.Series[Any]) -> Any:
    if values.name in INSTANT_COLUMNS:
        at_us = values.astype(INSTANT_DTYPE).dt.tz_localize(None).to_numpy("datetime64[us]")
        return pa.array(at_us, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    if values.dtype == "float64":
        return pa.array(values.to_numpy(), from_pandas=True)
    return pa.array(values, type=pa.large_string(), from_pandas=True)
