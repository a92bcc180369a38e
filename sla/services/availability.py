"""Availability of a service over windows: time available, down, degraded, unknown, in maintenance; MTTR and MTBF.

Each kind of time is a set of intervals, cut to the service hours and summed by the same prefix sums as working time: a
thousand rolling windows cost little more than one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sla.instants import DAY_SECONDS, SECOND_US, Int64Array
from sla.services.service_history import FAR_PAST_US, ServiceError, ServiceHistory, ServiceState
from sla.working_time.business_time import BusinessTime
from sla.working_time.interval_sets import Intervals, clip, intersection, minus, union
from sla.working_time.opening_windows import day_number
from sla.working_time.window_table import WindowTable
from sla.working_time.zone_offsets import zone_offsets

FloatArray: TypeAlias = NDArray[np.float64]
Period: TypeAlias = Literal["day", "week", "month", "quarter", "year"]
MaintenanceRule: TypeAlias = Literal["counts_as_available", "excluded"]
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Availability:
    """Times per window, microseconds within the service hours; shares and means are NaN where nothing can be said."""

    start_us: Int64Array
    end_us: Int64Array
    hours_us: Int64Array  # the whole of the service hours
    down_us: Int64Array  # outside maintenance
    degraded_us: Int64Array  # outside maintenance
    unknown_us: Int64Array
    maintenance_us: Int64Array  # known to be maintenance
    outages_begun: Int64Array
    outages_ended: Int64Array
    repair_us: Int64Array  # length of the outages that ended in the window, their beginning before it included
    degraded_share: float
    maintenance_rule: MaintenanceRule

    @property
    def measured_us(self) -> Int64Array:
        """Return the denominator: service hours without unknown time, and without maintenance where that is excluded."""
        measured = self.hours_us - self.unknown_us
        return measured - self.maintenance_us if self.maintenance_rule == "excluded" else measured

    @property
    def lost_us(self) -> FloatArray:
        """Return the time that counts as not available: down, and the share of degraded time that does."""
        return self.down_us + self.degraded_share * self.degraded_us

    @property
    def share(self) -> FloatArray:
        """Return the available share of the measured time, 0 to 1."""
        return 1.0 - _ratio(self.lost_us, self.measured_us)

    @property
    def mttr_seconds(self) -> FloatArray:
        """Return the mean time to restore: length of the outages that ended in the window, over their number."""
        return _ratio(self.repair_us, self.outages_ended) / SECOND_US

    @property
    def mtbf_seconds(self) -> FloatArray:
        """Return the mean time between failures: time measured and not down, over the outages that began."""
        return _ratio(self.measured_us - self.down_us, self.outages_begun) / SECOND_US


def _ratio(upper: Int64Array | FloatArray, lower: Int64Array) -> FloatArray:
    ratio = np.full(len(lower), np.nan)
    np.divide(upper, lower, out=ratio, where=lower > 0)
    return ratio


def availability(
    history: ServiceHistory,
    start_us: Int64Array,
    end_us: Int64Array,
    *,
    hours: BusinessTime | None = None,
    degraded_share: float = 0.0,
    maintenance_rule: MaintenanceRule = "counts_as_available",
) -> Availability:
    """Return the availability of a service in each window `[start, end)`.

    `hours` are the service hours (around the clock without). `degraded_share` of degraded time counts as lost. Unknown time
    leaves the denominator, in maintenance too; planned maintenance is never lost time and either counts as available or
    leaves the denominator. Raises ServiceError where a window is empty.
    """
    start_us, end_us = np.atleast_1d(np.asarray(start_us, np.int64)), np.atleast_1d(np.asarray(end_us, np.int64))
    if (end_us <= start_us).any():
        place = int(np.flatnonzero(end_us <= start_us)[0])
        raise ServiceError(
            f"window {place} ends at {end_us[place]}, not after its start {start_us[place]}: give it a length"
        )
    if not 0 <= degraded_share <= 1:
        raise ServiceError(f"degraded_share is {degraded_share}, expected a share from 0 (available) to 1 (down)")
    outages = history.periods(ServiceState.DOWN)
    low, high = _span(outages, start_us, end_us)
    open_windows = _open(hours, low, high)
    unknown = history.periods(ServiceState.UNKNOWN)
    planned = minus(union(*_joined(history.maintenance, history.periods(ServiceState.MAINTENANCE))), unknown)

    def within(periods: Intervals) -> WindowTable:
        return WindowTable(intersection(clip(periods, low, high), open_windows), low, high)

    def time_in(table: WindowTable) -> Int64Array:
        return table.worked_us(end_us) - table.worked_us(start_us)

    down = within(minus(outages, planned))
    begun, ended, repair = _outages(outages, down, start_us, end_us)
    return Availability(
        start_us=start_us,
        end_us=end_us,
        hours_us=time_in(within((np.array([low]), np.array([high])))),
        down_us=time_in(down),
        degraded_us=time_in(within(minus(history.periods(ServiceState.DEGRADED), planned))),
        unknown_us=time_in(within(unknown)),
        maintenance_us=time_in(within(planned)),
        outages_begun=begun,
        outages_ended=ended,
        repair_us=repair,
        degraded_share=degraded_share,
        maintenance_rule=maintenance_rule,
    )


def _joined(one: Intervals, other: Intervals) -> Intervals:
    return np.concatenate((one[0], other[0])), np.concatenate((one[1], other[1]))


def _span(outages: Intervals, start_us: Int64Array, end_us: Int64Array) -> tuple[int, int]:
    """Return the span of the windows, with the beginnings of the outages that reach into it."""
    low, high = int(start_us.min()), int(end_us.max())
    reaching = outages[0][(outages[1] >= low) & (outages[0] < high) & (outages[0] > FAR_PAST_US)]
    return min(low, int(reaching.min())) if len(reaching) else low, high


def _open(hours: BusinessTime | None, low: int, high: int) -> Intervals:
    if hours is None:
        return np.array([low], np.int64), np.array([high], np.int64)
    windows = np.array(hours.open_windows(low, high), np.int64).reshape(-1, 2)
    return windows[:, 0], windows[:, 1]


def _outages(
    periods: Intervals, down: WindowTable, start_us: Int64Array, end_us: Int64Array
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Return the numbers of outages that began and that ended in each window, and the length of the latter.

    An outage is an unbroken period down; it counts where some of it lies in the service hours and outside maintenance.
    """
    opens, closes = periods
    known = np.clip(opens, down.low_us, down.high_us), np.clip(closes, down.low_us, down.high_us)
    length = down.worked_us(known[1]) - down.worked_us(known[0])
    opens, closes, length = opens[length > 0], closes[length > 0], length[length > 0]
    begun = np.searchsorted(opens, end_us, side="left") - np.searchsorted(opens, start_us, side="left")
    first, beyond = np.searchsorted(closes, start_us, side="right"), np.searchsorted(closes, end_us, side="right")
    summed = np.concatenate(([0], np.cumsum(length)))
    return begun, beyond - first, summed[beyond] - summed[first]


def rolling_windows(end_us: Int64Array, length_seconds: int) -> tuple[Int64Array, Int64Array]:
    """Return the starts and ends of the windows of a fixed length that end at the given instants."""
    end_us = np.asarray(end_us, np.int64)
    return end_us - length_seconds * SECOND_US, end_us


def calendar_windows(first: dt.date, last: dt.date, period: Period, zone: str) -> tuple[Int64Array, Int64Array]:
    """Return the starts and ends of the days, weeks (from Monday), months, quarters or years that touch `[first, last]`.

    They begin and end at local midnight of the zone, so a day may have 23 or 25 hours.
    """
    if last < first:
        raise ServiceError(f"the last date {last} is before the first {first}: swap them")
    borders = _borders(first, last, period)
    days = np.array([day_number(day) for day in borders], np.int64)
    offsets = zone_offsets(zone, int(days[0]), int(days[-1]))
    at_us = offsets.to_utc_s(days * DAY_SECONDS) * SECOND_US
    return at_us[:-1], at_us[1:]


def _borders(first: dt.date, last: dt.date, period: Period) -> list[dt.date]:
    """Return the first date of each period, and that of the one after the last."""
    if period in _MONTHS:
        step = _MONTHS[period]
        begin = (first.year * 12 + first.month - 1) // step * step
        end = (last.year * 12 + last.month - 1) // step * step + step
        return [dt.date(month // 12, month % 12 + 1, 1) for month in range(begin, end + 1, step)]
    if period not in ("day", "week"):
        raise ServiceError(f"{period!r} is not a period: write day, week, month, quarter or year")
    step = 1 if period == "day" else 7
    begin_day = first - dt.timedelta(days=first.weekday() if period == "week" else 0)
    count = (last - begin_day).days // step + 1
    return [begin_day + dt.timedelta(days=step * index) for index in range(count + 1)]
