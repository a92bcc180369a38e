"""What reading a file gave."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from features.sources.faults import Rejection
from features.sources.mapped_table import MappedTable
from features.sources.mapping_model import Mapping
from features.sources.quality import Quality


@dataclass(frozen=True)
class ImportResult:
    """Canonical events of one file, and an account of every row that is not among them."""

    source: str  # the file's name
    mapping: Mapping
    events: pd.DataFrame  # features/schema.py, sorted by event_id
    rows_read: int
    rejections: tuple[Rejection, ...]
    duplicate_rows: tuple[int, ...]
    unmapped_columns: tuple[str, ...]
    quality: Quality
    rows_without_event: int = 0  # translated to nothing by the mapping, on purpose

    @classmethod
    def of(cls, rows: MappedTable, events: pd.DataFrame, quality: Quality, rows_without_event: int = 0) -> ImportResult:
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

    @property
    def rows_rejected(self) -> int:
        """How many rows were left out because something in them cannot be read."""
        return sum(one.count for one in self.rejections)
