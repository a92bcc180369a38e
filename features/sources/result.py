"""What reading a file gave."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from features.coded_events import CodedEvents, CodedServiceEvents
from features.schema import ATTRIBUTE_PREFIX, SERVICE_COLUMNS, TICKET_COLUMNS
from features.sources.event_ids import event_ids
from features.sources.faults import Rejection
from features.sources.mapped_table import MappedTable
from features.sources.mapping_model import Mapping
from features.sources.quality import Quality
from features.sources.table import Coded
from sla.event_ids import NO_NUMBER


@dataclass(frozen=True)
class ImportResult:
    """Canonical events of one file, and an account of every row that is not among them."""

    source: str  # the file's name
    mapping: Mapping
    found: (
        CodedEvents | pd.DataFrame
    )  # the events, sorted by event_id: as codes, those of services that begin and end in one row as a frame
    rows_read: int
    rejections: tuple[Rejection, ...]
    duplicate_rows: tuple[int, ...]
    unmapped_columns: tuple[str, ...]
    quality: Quality
    rows_without_event: int = 0  # translated to nothing by the mapping, on purpose

    @classmethod
    def of(
        cls, rows: MappedTable, events: CodedEvents | pd.DataFrame, quality: Quality, rows_without_event: int = 0
    ) -> ImportResult:
        """The result whose account of left-out rows is that of the mapped table."""
        return cls(
            rows.table.name,
            rows.mapping,
            events,
            rows.table.rows_read,
            tuple(rows.rejections),
            rows.duplicate_rows,
            rows.unmapped,
            quality,
            rows_without_event,
        )

    @cached_property
    def events(self) -> pd.DataFrame:
        """The events as a canonical frame (features/schema.py), sorted by event_id: many times as large as `found`."""
        return frame_of(self.found) if isinstance(self.found, CodedEvents) else self.found

    @property
    def creations(self) -> int:
        """How many of the events say that a ticket was created."""
        if not isinstance(self.found, CodedEvents):
            return 0
        kind = self.found.columns["kind"]
        return int(np.isin(kind.codes, [code for code, text in enumerate(kind.values) if text == "created"]).sum())

    @property
    def rows_rejected(self) -> int:
        """How many rows were left out because something in them cannot be read."""
        return sum(one.count for one in self.rejections)


def frame_of(events: CodedEvents) -> pd.DataFrame:
    """The events as a canonical frame."""
    columns = {
        name: Coded(column.codes, np.array(column.values, dtype=object)) for name, column in events.columns.items()
    }
    is_service = isinstance(events, CodedServiceEvents)
    parts = events.required if is_service else ("ticket_id",)
    ids = event_ids([columns[name] for name in parts], events.at_us, np.maximum(events.ids.numbers.astype(np.int64), 0))
    if events.ids.texts is not None:
        ids = ids.where(events.ids.numbers != NO_NUMBER, pd.Series(events.ids.texts, dtype="str"))
    series = {
        "event_id": ids,
        "event_at": pd.Series(events.at_us.view("datetime64[us]")).dt.tz_localize("UTC"),
        "recorded_at": pd.Series(events.recorded_us.view("datetime64[us]")).dt.tz_localize("UTC"),
        **{name: column.series() for name, column in columns.items()},
    }
    if events.value is not None:
        series["value"] = pd.Series(events.value)
    canonical = SERVICE_COLUMNS if is_service else TICKET_COLUMNS
    names = [*canonical, *(name for name in columns if name.startswith(ATTRIBUTE_PREFIX))]
    return pd.DataFrame({name: series[name] for name in names})
