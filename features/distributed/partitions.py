"""Events in Parquet files, sorted into partitions of whole tickets: ranges of ticket ids of about equal size."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.distributed.engines import Engine, Progress
from features.event_files import coded_log, is_coded
from features.histories import log_of
from features.schema import SchemaError, conform_ticket_events
from sla.events import EventLog

BATCH_ROWS = 200_000
SAMPLED_IDS = 200_000
_TEXT = pa.large_string()


@dataclass(frozen=True)
class Source:
    """One file, and what to do with it."""

    path: Path
    number: int
    thin: int  # one ticket in so many is looked at
    bounds: tuple[str, ...]  # the first ticket id of every partition but the first
    folder: Path  # of the partitions


def split(events: Path, folder: Path, rows_a_partition: int, engine: Engine, progress: Progress) -> list[Path]:
    """The folders of the partitions, in the order of ticket ids; each holds all events of its tickets.

    `events` is a folder with Parquet files of canonical ticket events (features/schema.py), in any order. Nothing is held
    in memory but a batch of rows and a sample of the ids. Raises SchemaError where there is no such file.
    """
    files = sorted(path for path in events.rglob("*.parquet"))
    if not files:
        raise SchemaError(
            f"{events}: holds no Parquet files; expected canonical ticket events, as `slacast features` writes"
        )
    rows = sum(pq.read_metadata(path).num_rows for path in files)
    wanted = -(-rows // rows_a_partition)
    thin = max(rows // (8 * SAMPLED_IDS), 1)
    shutil.rmtree(folder, ignore_errors=True)
    sources = [Source(path, number, thin, (), folder) for number, path in enumerate(files)]
    bounds: tuple[str, ...] = ()
    if wanted > 1:
        bounds = _bounds(engine.map("looking at the tickets", _sample, sources, progress), wanted)
    sources = [Source(one.path, one.number, thin, bounds, folder) for one in sources]
    engine.map("sorting events by ticket", _scatter, sources, progress)
    return [path for number in range(len(bounds) + 1) if (path := _partition(folder, number)).exists()]


def read_partition(folder: Path) -> pd.DataFrame:
    """All events of a partition as a canonical frame; raises SchemaError if they break the contract."""
    table = pa.concat_tables(_pieces(folder), promote_options="permissive")
    try:
        return conform_ticket_events(table.to_pandas())
    except SchemaError as error:
        raise SchemaError(f"{folder.name}: {error}") from error


def read_log(folder: Path) -> EventLog:
    """All events of a partition as a log as recorded; raises SchemaError as `read_partition` does."""
    pieces = _pieces(folder)
    return coded_log(pieces) if is_coded(pieces) else log_of(read_partition(folder))


def _pieces(folder: Path) -> list[pa.Table]:
    return [pq.read_table(path, partitioning=None) for path in sorted(folder.glob("*.parquet"))]


def _partition(folder: Path, number: int) -> Path:
    return folder / f"part-{number:05d}"


def _sample(source: Source) -> tuple[list[str], NDArray[np.int64]]:
    """Some ticket ids, chosen by the ids alone, and how many events each has in the file."""
    counts: dict[str, int] = {}
    for batch in pq.ParquetFile(source.path).iter_batches(BATCH_ROWS, columns=["ticket_id"]):
        codes, ids = ticket_codes(batch)
        found = np.bincount(codes, minlength=len(ids))
        kept = (found > 0) & is_drawn(ids, source.thin)
        for name, count in zip(ids[kept], found[kept].tolist(), strict=True):
            counts[name] = counts.get(name, 0) + count
    return list(counts), np.array(list(counts.values()), np.int64)


def _bounds(samples: list[tuple[list[str], NDArray[np.int64]]], wanted: int) -> tuple[str, ...]:
    counts = pd.concat([pd.Series(count, index=ids, dtype=np.int64) for ids, count in samples])
    by_id = counts.groupby(level=0).sum()
    names = sorted(str(name) for name in by_id.index)
    upto = by_id.loc[names].to_numpy().cumsum()
    places = np.searchsorted(upto, upto[-1] * np.arange(1, wanted) // wanted, side="right") if names else []
    return tuple(names[place] for place in np.unique(places).tolist() if 0 < place < len(names))


def _scatter(source: Source) -> None:
    """Writes a file's events into the partitions, whole or not at all: a piece appears under its name when it is complete."""
    writers: dict[int, tuple[Any, Path, Path]] = {}
    bounds = np.array(source.bounds, dtype=object)
    file = pq.ParquetFile(source.path)
    for batch in file.iter_batches(BATCH_ROWS):
        table = pa.Table.from_batches([batch])
        codes, distinct = ticket_codes(batch)
        numbers = np.searchsorted(bounds, distinct, side="right")[codes]
        for number in np.unique(numbers).tolist():
            rows = table if not source.bounds else table.take(pa.array(np.flatnonzero(numbers == number)))
            if number not in writers:
                writers[number] = _opened(source, number, table.schema)
            writers[number][0].write_table(rows)
    for writer, unfinished, finished in writers.values():
        writer.close()
        os.replace(unfinished, finished)


def _opened(source: Source, number: int, schema: Any) -> tuple[Any, Path, Path]:
    folder = _partition(source.folder, number)
    folder.mkdir(parents=True, exist_ok=True)
    finished = folder / f"{source.number:06d}.parquet"
    unfinished = folder / f"{source.number:06d}.{os.getpid()}.unfinished"
    return pq.ParquetWriter(unfinished, schema, compression="lz4"), unfinished, finished


def ids_of(batch: Any) -> Any:
    """The ticket ids of a batch or table as one array of texts."""
    column = batch.column("ticket_id")
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    column = column.cast(_TEXT)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def ticket_codes(batch: Any) -> tuple[NDArray[np.integer[Any]], NDArray[np.object_]]:
    """The tickets of a batch or table as codes and distinct ids, among which may be some that no row has."""
    column = batch.column("ticket_id")
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries() if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
        codes = np.concatenate([chunk.indices.to_numpy(zero_copy_only=False) for chunk in column.chunks])
        return codes, column.chunk(0).dictionary.to_numpy(zero_copy_only=False).astype(object)
    codes, distinct = pd.factorize(ids_of(batch).to_numpy(zero_copy_only=False).astype(object))
    return codes, distinct.astype(object)


def is_drawn(ids: NDArray[np.object_], thin: int) -> NDArray[np.bool_]:
    """Whether a ticket is one in so many, which its id alone decides."""
    return np.asarray(pd.util.hash_array(ids, categorize=False) % np.uint64(thin) == 0, dtype=np.bool_)
