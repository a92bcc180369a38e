"""A matrix too large for memory: features of many snapshots, written to Parquet files block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.histories import Histories
from features.labels import breach_labels
from features.pipeline import build
from features.snapshots import HOUR_US, Snapshots, event_snapshots, grid_snapshots
from features.spec import FeatureSpec
from features.text import TextEncoder
from sla.instants import NEVER_US

BLOCK_ROWS = 250_000
INSTANT: Final = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Sampling:
    """Which snapshots a matrix has: at creation and events, and with `grid_one_in` also a thin sample of the hours between."""

    grid_one_in: int | None = None
    every_us: int = HOUR_US
    seed: int = 0

    def of(self, histories: Histories) -> Snapshots:
        """The snapshots of the histories: first those at events, then those of the grid."""
        at_events = event_snapshots(histories)
        if self.grid_one_in is None:
            return at_events
        return Snapshots.concatenated(
            [at_events, grid_snapshots(histories, self.seed, self.grid_one_in, self.every_us)]
        )


def tables(
    histories: Histories,
    snapshots: Snapshots,
    spec: FeatureSpec,
    target: str,
    text: TextEncoder | None = None,
    block_rows: int = BLOCK_ROWS,
) -> Iterator[Any]:
    """Blocks of the matrix as Arrow tables: what a row is, its label, and its features in the order of the spec.

    `ticket_id`, `at`, `kind` (a SnapshotKind); `breached` (1, 0, -1 unknown) and `label_known_at` as of the last record; the
    features are the numbers that one call of `features.pipeline.build` gives.
    """
    labels = breach_labels(histories, snapshots, target)
    ids = pa.array(histories.ticket_ids, pa.large_string())
    for first in range(0, len(snapshots), block_rows):
        rows = np.arange(first, min(first + block_rows, len(snapshots)))
        block = snapshots.take(rows)
        matrix = build(histories, block, spec, target, text=text)
        known_us = labels.known_us[rows]
        columns = {
            "ticket_id": ids.take(pa.array(block.ticket)),
            "at": pa.array(block.at_us, INSTANT),
            "kind": pa.array(block.kind),
            "breached": pa.array(labels.breached[rows]),
            "label_known_at": pa.array(known_us, INSTANT, mask=known_us == NEVER_US),
        }
        yield pa.table(columns | {name: pa.array(matrix[name].to_numpy()) for name in spec.names})


def write(
    path: Path,
    histories: Histories,
    snapshots: Snapshots,
    spec: FeatureSpec,
    target: str,
    text: TextEncoder | None = None,
    progress: Callable[[int], None] = lambda _rows: None,
    block_rows: int = BLOCK_ROWS,
) -> int:
    """How many rows were written to the file, which appears under its name when it is complete; none makes no file."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    writer = None
    done = 0
    for table in tables(histories, snapshots, spec, target, text, block_rows):
        # Features are counts, shares and times: a dictionary of each column would cost more than it saves.
        writer = writer or pq.ParquetWriter(unfinished, table.schema, compression="lz4", use_dictionary=["ticket_id"])
        writer.write_table(table)
        done += len(table)
        progress(done)
    if writer is not None:
        writer.close()
        unfinished.replace(path)
    return done
