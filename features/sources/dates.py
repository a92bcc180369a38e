"""Texts as instants: several formats, offsets or a time zone, daylight saving by one convention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from features.sources.table import Coded, CodedInstants
from sla.instants import DAY_US, SECOND_US, Int64Array
from sla.working_time.zone_offsets import ZoneOffsets, zone_offsets

UNREADABLE: int = int(np.iinfo(np.int64).min)
"""Stands for a text that is no instant."""

EARLIEST = np.datetime64("1970-01-01", "us")
LATEST = np.datetime64("2100-01-01", "us")
_OFFSET = r"\d(?:[Zz]|\s?[+-]\d{2}(?::?\d{2})?)$"
_EPOCH_UNITS = {"epoch_seconds": SECOND_US, "epoch_milliseconds": 1000}


@dataclass(frozen=True)
class Instants:
    """A column of instants."""

    at_us: Int64Array  # one a row; UNREADABLE where the text is no instant or is missing
    is_missing: NDArray[np.bool_]  # one a row; the file says nothing
    in_gap: int  # rows whose local time the clocks skipped; moved forward by the gap
    ambiguous: int  # rows whose local time happened twice; taken as the first
    local_hour: NDArray[np.int64]  # one a row; hour of the day in the time zone asked for, -1 where unreadable
    by_format: dict[str, int]  # rows that each format read, of those that read any


def read_instants(column: Coded, formats: Sequence[str], time_zone: str) -> Instants:
    """The instants a column's texts say, as microseconds since 1970 UTC.

    Each text is read by the first of `formats` that fits: a strptime format, `iso`, `epoch_seconds` or
    `epoch_milliseconds`. A text without an offset is local time in `time_zone`: inside a gap it moves forward by the gap,
    an ambiguous one is its first occurrence. Only 1970 to 2099 counts as readable.
    """
    values = pd.Series(column.values, dtype="str")
    at_us = np.full(len(values), UNREADABLE, dtype=np.int64)
    local_us = at_us.copy()
    rows = np.bincount(column.codes[column.codes >= 0], minlength=len(values))
    by_format = {}
    for written in formats:
        rest = np.flatnonzero((at_us == UNREADABLE) & (local_us == UNREADABLE))
        if not len(rest):
            break
        at_us[rest], local_us[rest] = _read(values.iloc[rest].reset_index(drop=True), written)
        read_now = (at_us[rest] != UNREADABLE) | (local_us[rest] != UNREADABLE)
        by_format[written] = int(rows[rest][read_now].sum())
    return _instants(column, at_us, local_us, rows, by_format, time_zone)


def given_instants(column: CodedInstants, time_zone: str) -> Instants:
    """The instants of a column that the file gives as such, as `read_instants` reads their texts by `iso`."""
    given_us = _in_range(column.distinct_us)
    none = np.full(len(given_us), UNREADABLE, dtype=np.int64)
    rows = np.bincount(column.codes[column.codes >= 0], minlength=len(given_us))
    by_format = {"iso": int(rows[given_us != UNREADABLE].sum())}
    at_us, local_us = (given_us.copy(), none) if column.has_zone else (none, given_us)
    return _instants(column, at_us, local_us, rows, by_format, time_zone)


def _instants(
    column: Coded,
    at_us: Int64Array,
    local_us: Int64Array,
    rows: Int64Array,
    by_format: dict[str, int],
    time_zone: str,
) -> Instants:
    """The instants of the rows, from those of the distinct values: `at_us` with an offset, `local_us` without."""
    is_local = local_us != UNREADABLE
    at_us[is_local], gap, twice = _from_local(local_us[is_local], time_zone)
    counts = rows[is_local]
    with_offset = ~is_local & (at_us != UNREADABLE)
    local_us[with_offset] = _to_local(at_us[with_offset], time_zone)
    hours = local_us // (3600 * SECOND_US) % 24
    return Instants(
        at_us=column.per_row(at_us, UNREADABLE).astype(np.int64),
        is_missing=column.codes < 0,
        in_gap=int(counts[gap].sum()),
        ambiguous=int(counts[twice].sum()),
        local_hour=column.per_row(np.where(at_us == UNREADABLE, -1, hours), -1).astype(np.int64),
        by_format={written: count for written, count in by_format.items() if count},
    )


def _read(texts: pd.Series, written: str) -> tuple[Int64Array, Int64Array]:
    """Instants of texts with an offset, and local wall times of those without; UNREADABLE in the other of the two."""
    none = np.full(len(texts), UNREADABLE, dtype=np.int64)
    if written in _EPOCH_UNITS:
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
        is_number = np.isfinite(numbers) & (np.abs(numbers) < 1e15)
        at_us = none.copy()
        at_us[is_number] = np.round(numbers[is_number] * _EPOCH_UNITS[written]).astype(np.int64)
        return _in_range(at_us), none
    form = "ISO8601" if written == "iso" else written
    if written == "iso":
        words = pa.array(texts, type=pa.large_string())
        fits = pa.compute.and_(pa.compute.match_substring_regex(words, _OFFSET), pa.compute.match_substring(words, ":"))
        has_offset = fits.to_numpy(zero_copy_only=False).astype(bool)
    else:
        has_offset = np.full(len(texts), "%z" in written)
    at_us, local_us = none.copy(), none.copy()
    at_us[has_offset] = _parse(texts[has_offset], form)
    local_us[~has_offset] = _parse(texts[~has_offset], form)
    return _in_range(at_us), _in_range(local_us)


def _parse(texts: pd.Series, form: str) -> Int64Array:
    if texts.empty:
        return np.empty(0, dtype=np.int64)
    read = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
    at_us = read.to_numpy("datetime64[us]").view(np.int64)
    return np.where(read.isna().to_numpy(), UNREADABLE, at_us)


def _in_range(at_us: Int64Array) -> Int64Array:
    earliest, latest = EARLIEST.view(np.int64), LATEST.view(np.int64)
    return np.where((at_us >= earliest) & (at_us < latest), at_us, UNREADABLE)


def _from_local(local_us: Int64Array, time_zone: str) -> tuple[Int64Array, NDArray[np.bool_], NDArray[np.bool_]]:
    if not len(local_us):
        nothing = np.empty(0, dtype=bool)
        return local_us, nothing, nothing
    offsets = zone_offsets(time_zone, int(local_us.min() // DAY_US), int(local_us.max() // DAY_US))
    seconds, rest = np.divmod(local_us, SECOND_US)
    utc = offsets.to_utc_s(seconds)
    return utc * SECOND_US + rest, offsets.to_local_s(utc) != seconds, _is_ambiguous(offsets, seconds)


def _to_local(at_us: Int64Array, time_zone: str) -> Int64Array:
    if not len(at_us):
        return at_us
    offsets = zone_offsets(time_zone, int(at_us.min() // DAY_US), int(at_us.max() // DAY_US))
    seconds, rest = np.divmod(at_us, SECOND_US)
    return offsets.to_local_s(seconds) * SECOND_US + rest


def _is_ambiguous(offsets: ZoneOffsets, local_s: Int64Array) -> NDArray[np.bool_]:
    before, after = offsets.offset_seconds[:-1], offsets.offset_seconds[1:]
    back = after < before
    starts = (offsets.changes_s + after)[back]
    ends = (offsets.changes_s + before)[back]
    return np.searchsorted(starts, local_s, side="right") > np.searchsorted(ends, local_s, side="right")
