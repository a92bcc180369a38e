"""A sample of whole tickets from events in files: enough to choose features by, small enough for one machine."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.distributed.partitions import BATCH_ROWS, is_drawn, ticket_codes
from features.event_files import coded_log, is_coded
from features.histories import Histories, log_of
from features.schema import conform_ticket_events
from features.service_histories import ServiceHistories
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
    log = (
        coded_log(kept)
        if is_coded(kept)
        else log_of(conform_ticket_events(pa.concat_tables(kept, promote_options="permissive").to_pandas()))
    )
    services = None if service_events is None else ServiceHistories.from_events(service_events)
    return Histories.from_log(log, agreements, services)


def _thinned(table: pa.Table, thin: int) -> pa.Table:
    if thin == 1:
        return table
    codes, ids = ticket_codes(table)
    return table.filter(pa.array(is_drawn(ids, thin)[codes]))
