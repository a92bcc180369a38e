"""The local days of a desk as real time. The only place of this floor that knows what time it is on the wall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sla.instants import DAY_SECONDS, DAY_US, SECOND_US
from sla.working_time.business_time import BusinessTime
from sla.working_time.zone_offsets import zone_offsets

HALF_HOUR_SECONDS = 1800
HALF_HOUR_US = HALF_HOUR_SECONDS * SECOND_US
_SPAN_DAYS = 400
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


@dataclass(frozen=True)
class Day:
    """A local day as real time: from midnight to midnight, with the local half hour (0-47) of each real one.

    A day on which the clocks change has 46 or 50 half hours.
    """

    number: int  # days since 1970-01-01
    weekday: int  # Monday 0
    is_closed: bool  # the desk does not open at all
    start_us: int
    end_us: int
    half_hours: tuple[int, ...]


def days(zone: str, desk_hours: BusinessTime, start_us: int) -> Iterator[Day]:
    """Yield the local days of a zone without end, beginning with the one that contains `start_us`."""
    number = int(_local_s(zone, start_us) // DAY_SECONDS)
    while True:
        yield local_day(zone, desk_hours, number)
        number += 1


def local_day(zone: str, desk_hours: BusinessTime, number: int) -> Day:
    """Return one local day, `number` days after 1970-01-01."""
    offsets = zone_offsets(zone, *_span(number))
    start_s, end_s = offsets.to_utc_s(np.array([number, number + 1], dtype=np.int64) * DAY_SECONDS).tolist()
    slots_s = np.arange(start_s, end_s, HALF_HOUR_SECONDS, dtype=np.int64)
    half_hours = offsets.to_local_s(slots_s) % DAY_SECONDS // HALF_HOUR_SECONDS
    start_us, end_us = start_s * SECOND_US, end_s * SECOND_US
    is_closed = not desk_hours.open_windows(start_us, end_us)
    return Day(number, (number + _EPOCH_WEEKDAY) % 7, is_closed, start_us, end_us, tuple(half_hours.tolist()))


def _local_s(zone: str, at_us: int) -> int:
    offsets = zone_offsets(zone, *_span(at_us // DAY_US))
    return int(offsets.to_local_s(np.array([at_us // SECOND_US], dtype=np.int64))[0])


def _span(number: int) -> tuple[int, int]:
    """Return a span of days around one, the same for its neighbours, so that the zone's table is computed once a year."""
    first = number // _SPAN_DAYS * _SPAN_DAYS
    return first, first + _SPAN_DAYS
