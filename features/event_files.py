"""Canonical events in Parquet files: how a log leaves the database for an engine that works from files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.schema import INSTANT_COLUMNS, INSTANT_DTYPE

ENDING = ".parquet"


def write_events(chunks: Iterable[pd.DataFrame], folder: Path) -> int:
    """How many events were written below the folder, one file a chunk; a file appears under its name when it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = 0
    for number, chunk in enumerate(chunks):
        path = folder / f"{number:06d}{ENDING}"
        unfinished = path.with_suffix(".unfinished")
        pq.write_table(as_table(chunk), unfinished, compression="lz4")
        unfinished.replace(path)
        rows += len(chunk)
    return rows


def as_table(events: pd.DataFrame) -> Any:
    """The Arrow table of a canonical frame."""
    return pa.table({str(name): _column(events[name]) for name in events.columns})


def _column(values: pd.Series[Any]) -> Any:
    if values.name in INSTANT_COLUMNS:
        at_us = values.astype(INSTANT_DTYPE).dt.tz_localize(None).to_numpy("datetime64[us]")
        return pa.array(at_us, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))
    if values.dtype == "float64":
        return pa.array(values.to_numpy(), from_pandas=True)
    return pa.array(values, type=pa.large_string(), from_pandas=True)
