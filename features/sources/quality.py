"""What a file is like: the data quality report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.sources.dates import Instants
from features.sources.leaks import LeakSuspect, leak_suspects
from features.sources.mapped_table import MappedTable
from sla.instants import DAY_US, Int64Array, from_us

_BUSY_HOURS = 10
_OFFICE = range(6, 20)
_USUAL_START = 8
_FEWEST_ROWS_WITH_A_PEAK = 100
_GAP_DAYS = 14
_GAP_DAYS_OF_A_BUSY_DESK = 5
_BUSY_ROWS_A_DAY = 20
_MOST_GAPS = 3


@dataclass(frozen=True)
class Seen:
    """A word of the file, what it became, and in how many rows."""

    found: str
    became: str | None  # None = no news
    rows: int


@dataclass(frozen=True)
class Gap:
    """A time without any row."""

    days: float
    after: datetime  # the last row before it


@dataclass(frozen=True)
class Quality:
    """Facts about the rows that were kept."""

    subjects: int  # tickets or services
    first_at: datetime | None
    last_at: datetime | None
    states: tuple[Seen, ...]
    priorities: tuple[Seen, ...]
    out_of_order_rows: int  # stand in the file after a later row of the same ticket
    recorded_before_happened: int
    opened_after_first_row: int
    in_gap_rows: int
    ambiguous_rows: int
    busiest_hours: (
        tuple[int, int] | None
    )  # the ten hours of the day, in the mapping's zone, with most rows: from, until
    gaps: tuple[Gap, ...]  # the longest first
    date_formats: dict[str, int]  # rows whose time each format of the mapping read
    leak_suspects: tuple[LeakSuspect, ...]

    @property
    def has_odd_hours(self) -> bool:
        """Whether the busiest hours lie so early or late that the time zone is probably wrong."""
        return self.busiest_hours is not None and not {self.busiest_hours[0], self.busiest_hours[1] - 1} <= set(_OFFICE)

    @property
    def shift_hours(self) -> int:
        """By how many hours the busiest ten lie after ordinary office hours; negative: before them."""
        start = _USUAL_START if self.busiest_hours is None else self.busiest_hours[0]
        return (start - _USUAL_START + 12) % 24 - 12


def ticket_quality(
    rows: MappedTable,
    happened: Instants,
    kept: NDArray[np.intp],
    at_us: Int64Array,
    recorded_us: Int64Array,
    opened_us: Int64Array,
    first: NDArray[np.intp],
) -> Quality:
    """The quality of ticket rows. `kept` are the positions not rejected; the instants and `first` (rows) are within those."""
    tickets = rows.coded("ticket_id").codes.astype(np.int64)
    return _quality(rows, tickets, happened, kept, at_us, recorded_us, int((opened_us[first] > at_us[first]).sum()))


def service_quality(rows: MappedTable, happened: Instants, kept: NDArray[np.intp], at_us: Int64Array) -> Quality:
    """The quality of service rows; see `ticket_quality`."""
    return _quality(rows, rows.coded("service").codes.astype(np.int64), happened, kept, at_us, at_us, 0)


def _quality(
    rows: MappedTable,
    subjects: Int64Array,
    happened: Instants,
    kept: NDArray[np.intp],
    at_us: Int64Array,
    recorded_us: Int64Array,
    opened_late: int,
) -> Quality:
    mapping = rows.mapping
    keys = (
        "ticket_id",
        "event_at",
        "recorded_at",
        "opened_at",
        "order",
        "ended_at",
        "service" if mapping.kind == "service_events" else "",
    )
    return Quality(
        subjects=len(pd.unique(subjects[kept])),
        first_at=from_us(int(at_us.min())) if len(at_us) else None,
        last_at=from_us(int(at_us.max())) if len(at_us) else None,
        states=_seen(rows, "status") if "status" in mapping.columns else (),
        priorities=_seen(rows, "priority") if "priority" in mapping.columns else (),
        out_of_order_rows=_out_of_order(subjects[kept], at_us),
        recorded_before_happened=int((recorded_us < at_us).sum()),
        opened_after_first_row=opened_late,
        in_gap_rows=happened.in_gap,
        ambiguous_rows=happened.ambiguous,
        busiest_hours=_busiest(happened.local_hour[kept])
        if mapping.kind == "ticket_events"
        else None,  # services never sleep
        gaps=_gaps(at_us),
        date_formats=happened.by_format,
        leak_suspects=leak_suspects(
            rows.table,
            np.where(rows.is_rejected, -1, subjects),
            happened.at_us,
            {mapping.columns[key] for key in keys if key in mapping.columns},
            {*mapping.columns.values(), *mapping.attributes.values()},
            set(mapping.trusted),
            mapping.dates,
            mapping.time_zone,
        ),
    )


def _seen(rows: MappedTable, target: str) -> tuple[Seen, ...]:
    written = rows.coded_as_written(target)
    became = rows.states()[0] if target == "status" else rows.coded(target)
    words: dict[str, str | None] = {}
    distinct, position = np.unique(written.codes, return_index=True)
    for code, row in zip(distinct, position, strict=True):
        if code >= 0:
            words[str(written.values[code])] = None if became.codes[row] < 0 else str(became.values[became.codes[row]])
    return tuple(Seen(word, words[word], count) for word, count in written.counts().items())


def _out_of_order(subjects: Int64Array, at_us: Int64Array) -> int:
    latest = pd.Series(at_us).groupby(subjects).cummax().to_numpy()
    return int((at_us < latest).sum())


def _busiest(hours: Int64Array) -> tuple[int, int] | None:
    counts = np.bincount(hours[hours >= 0], minlength=24)
    if counts.sum() < _FEWEST_ROWS_WITH_A_PEAK:
        return None
    windows = [int(counts.take(range(start, start + _BUSY_HOURS), mode="wrap").sum()) for start in range(24)]
    # Of equally busy windows the most ordinary one.
    start = max(range(24), key=lambda hour: (windows[hour], -abs(hour - _USUAL_START)))
    # Only a marked peak says anything: a service that never sleeps has none.
    return (start, start + _BUSY_HOURS) if windows[start] > 0.7 * counts.sum() else None


def _gaps(at_us: Int64Array) -> tuple[Gap, ...]:
    """Times without rows that are too long for a desk as busy as this one."""
    if len(at_us) < 2:
        return ()
    ordered = np.sort(at_us)
    days = ordered // DAY_US
    rows_a_day = np.diff(np.flatnonzero(np.append(True, days[1:] != days[:-1])), append=len(days))
    is_busy = float(np.median(rows_a_day)) >= _BUSY_ROWS_A_DAY
    silence = np.diff(ordered)
    longest = np.argsort(-silence, kind="stable")[:_MOST_GAPS]
    limit_us = (_GAP_DAYS_OF_A_BUSY_DESK if is_busy else _GAP_DAYS) * DAY_US
    return tuple(Gap(int(silence[k]) / DAY_US, from_us(int(ordered[k]))) for k in longest if silence[k] > limit_us)
