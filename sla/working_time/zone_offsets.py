"""Offsets of a time zone as arrays, so that a million local times become instants in one step.

Convention: a local time inside a gap (clocks put forward) moves forward by the gap, an ambiguous one (clocks put
back) is its first occurrence. This is what `fold=0` means in PEP 495, written for arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from sla.instants import DAY_SECONDS, EPOCH, Int64Array

# A zone that changed its offset and changed it back between two samples would be missed. No zone of the IANA database
# has changed twice within five days since 1900.
SAMPLE_DAYS = 2


@dataclass(frozen=True)
class ZoneOffsets:
    """The UTC offsets of one zone over a span: `offset_seconds[i]` holds from `changes_s[i - 1]` until `changes_s[i]`."""

    zone: str
    changes_s: Int64Array  # instants of change, seconds since 1970 UTC, ascending
    offset_seconds: Int64Array  # one more than changes

    def to_utc_s(self, local_s: Int64Array) -> Int64Array:
        """Return the instants (seconds since 1970 UTC) of local wall times (seconds since local 1970-01-01 00:00)."""
        # Until the later of the two wall clocks has passed, the offset before the change applies: that moves a gap
        # forward and takes the first of two equal wall times.
        until = self.changes_s + np.maximum(self.offset_seconds[:-1], self.offset_seconds[1:])
        return local_s - self.offset_seconds[np.searchsorted(until, local_s, side="right")]

    def to_local_s(self, utc_s: Int64Array) -> Int64Array:
        """Return the wall times (seconds since local 1970-01-01 00:00) of instants (seconds since 1970 UTC)."""
        return utc_s + self.offset_seconds[np.searchsorted(self.changes_s, utc_s, side="right")]

    def skipped_days(self) -> Int64Array:
        """Return the local dates (days since 1970-01-01) that do not exist in this zone, as Apia's 2011-12-30."""
        before, after = self.offset_seconds[:-1], self.offset_seconds[1:]
        first = -(-(self.changes_s + before) // DAY_SECONDS)
        beyond = (self.changes_s + after) // DAY_SECONDS
        days = [np.arange(a, b) for a, b in zip(first, beyond, strict=True) if a < b]
        return np.concatenate(days) if days else np.empty(0, np.int64)


@lru_cache(maxsize=256)
def zone_offsets(zone: str, first_day: int, last_day: int) -> ZoneOffsets:
    """Return the offsets of a zone from two days before `first_day` to two days after `last_day` (days since 1970)."""
    first, last = (EPOCH + timedelta(days=day) for day in (first_day - 2, last_day + 2))
    years = [_year(zone, year) for year in range(first.year, last.year + 1)]
    changes = [change for _, in_year in years for change in in_year]
    return ZoneOffsets(
        zone,
        np.array([at for at, _ in changes], np.int64),
        np.array([years[0][0], *(offset for _, offset in changes)], np.int64),
    )


@lru_cache(maxsize=16_384)
def _year(zone: str, year: int) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Return the offset at the beginning of a year (UTC) and the changes in it as (instant, new offset), in seconds."""
    info = ZoneInfo(zone)
    begin = (datetime(year, 1, 1, tzinfo=UTC) - EPOCH).days
    end = (datetime(year + 1, 1, 1, tzinfo=UTC) - EPOCH).days
    samples = [day * DAY_SECONDS for day in range(begin, end + 1, SAMPLE_DAYS)]
    if samples[-1] != end * DAY_SECONDS:
        samples.append(end * DAY_SECONDS)
    offsets = [_offset_at(info, at) for at in samples]
    changes = tuple(
        (_change_between(info, samples[i], samples[i + 1]), offsets[i + 1])
        for i in range(len(samples) - 1)
        if offsets[i] != offsets[i + 1]
    )
    return offsets[0], changes


def _offset_at(zone: ZoneInfo, utc_s: int) -> int:
    offset = datetime.fromtimestamp(utc_s, zone).utcoffset()
    assert offset is not None  # noqa: S101 - an aware datetime always has one
    return offset.days * DAY_SECONDS + offset.seconds


def _change_between(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the first second in (low, high] at which the offset of `low` no longer holds."""
    before = _offset_at(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_at(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high
