"""A sample of whole tickets from events in files: enough to choose features by, small enough for one machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.distributed.partitions import BATCH_ROWS, ids_of
from features.histories import Histories
from features.schema import conform_ticket_events
from sla.agreements.agreement_set import AgreementSet

MOST_EVENTS = 1_000_000


def sampled_histories(
    events: Path, agreements: AgreementSet, service_events: pd.DataFrame | None = None, most_events: int = MOST_EVENTS
) -> Histories:
    """Histories of one ticket in so many that about `most_events` events remain; all where the log has no more.

    Which tickets, depends on their ids alone. `events` is a folder of Parquet files of canonical ticket events.
    """
    files = sorted(events.rglob("*.parquet"))
    rows = sum(pq.read_metadata(path).num_rows for path in files)
    thin = max(-(-rows // most_events), 1)
    kept = [
        _thinned(pa.Table.from_batches([batch]), thin)
        for path in files
        for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS)
    ]
    frame = conform_ticket_events(pa.concat_tables(kept, promote_options="permissive").to_pandas())
    return Histories.from_events(frame, agreements, service_events)


def _thinned(table: pa.Table, thin: int) -> pa.Table:
    if thin == 1:
        return table
    ids = ids_of(table).to_numpy(zero_copy_only=False).astype(object)
    return table.filter(pa.array(pd.util.hash_array(ids) % np.uint64(thin) == 0))
