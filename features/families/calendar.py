"""Where the instant lies in the week and in the working time of the ticket's calendar."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from features.declaration import Feature, Settings
from features.view import HOUR_US, FloatArray, View
from sla.instants import DAY_SECONDS, DAY_US, SECOND_US, BoolArray, Int64Array
from sla.working_time.business_time import BusinessTime
from sla.working_time.zone_offsets import ZoneOffsets, zone_offsets

FAMILY = "calendar"
MONDAY_1970 = 3  # 1970-01-01 was a Thursday

_MEANINGS = {
    "local_hour": ("hours", "local time of day, in the calendar's zone", "What time is it there?"),
    "local_weekday": ("day", "local day of the week, Monday = 0", "What day is it there?"),
    "opened_local_hour": ("hours", "local time of day at which the ticket was opened", "When was it filed?"),
    "opened_local_weekday": ("day", "local day of the week on which it was opened", "When was it filed?"),
    "is_working_time": ("0 or 1", "the ticket's calendar is open", "Is anyone there?"),
    "hours_to_close": (
        "hours",
        "time until the calendar closes, at most 24; 0 while it is closed",
        "How much of the shift is left?",
    ),
    "shift_share_left": (
        "share",
        "share of the local day's opening time that is still to come; 0 on closed days",
        "How much of the shift is left?",
    ),
    "hours_to_open": (
        "hours",
        "time until the calendar opens, at most 168; 0 while it is open",
        "When will anyone be there?",
    ),
    "working_hours_next_day": ("working hours", "opening time in the next 24 hours", "Is a closed day near?"),
    "working_hours_next_week": ("working hours", "opening time in the next 7 days", "Is a holiday near?"),
}


def declared(_settings: Settings) -> tuple[Feature, ...]:
    """The features of this family."""
    return tuple(Feature(name, FAMILY, *rest) for name, rest in _MEANINGS.items())


def values(view: View) -> dict[str, FloatArray]:
    """The columns of this family, by name; missing where no agreement names a calendar."""
    opened_us = view.histories.steps.opened_us[view.ticket]
    out = {name: np.full(len(view.at_us), np.nan) for name in _MEANINGS}
    for calendar, rows in view.rows_of_calendars():
        for name, column in _columns(calendar, view.at_us[rows], opened_us[rows]).items():
            out[name][rows] = column
    return out


def _columns(
    calendar: BusinessTime, at_us: Int64Array, opened_us: Int64Array
) -> dict[str, FloatArray | Int64Array | BoolArray]:
    is_open = calendar.is_open(at_us)
    begins_us, ends_us = _local_day_us(calendar.zone, at_us)
    # All spans at once: for few tickets each look at the calendar costs as much as all of them.
    from_us = np.concatenate([at_us, at_us, begins_us, at_us])
    until_us = np.concatenate([at_us + DAY_US, at_us + 7 * DAY_US, ends_us, ends_us])
    next_day, next_week, whole, left = calendar.elapsed_us(from_us, until_us).reshape(4, len(at_us))
    closes = _hours_until(calendar.next_close_us, at_us, is_open & (next_day < DAY_US), 24.0)
    opens = _hours_until(calendar.next_open_us, at_us, ~is_open & (next_week > 0), 168.0)
    days, hours = local_week(calendar.zone, np.concatenate([at_us, opened_us]))
    (day, opened_day), (hour, opened_hour) = days.reshape(2, len(at_us)), hours.reshape(2, len(at_us))
    return {
        "local_hour": hour,
        "local_weekday": day,
        "opened_local_hour": opened_hour,
        "opened_local_weekday": opened_day,
        "is_working_time": is_open,
        "hours_to_close": np.where(is_open, closes, 0.0),
        "shift_share_left": np.divide(left, whole, out=np.zeros(len(whole)), where=whole > 0),
        "hours_to_open": np.where(is_open, 0.0, opens),
        "working_hours_next_day": next_day / HOUR_US,
        "working_hours_next_week": next_week / HOUR_US,
    }


def _hours_until(
    edge_us: Callable[[Int64Array], Int64Array], at_us: Int64Array, asked: BoolArray, most: float
) -> FloatArray:
    """Hours to the next edge where it is asked for, `most` elsewhere: a calendar is not searched for edges it lacks."""
    hours = np.full(len(at_us), most)
    hours[asked] = (edge_us(at_us[asked]) - at_us[asked]) / HOUR_US
    return hours


def local_week(zone: str, at_us: Int64Array) -> tuple[Int64Array, FloatArray]:
    """The local weekday and the local time of day in hours."""
    local_s = _offsets(zone, at_us).to_local_s(at_us // SECOND_US)
    return (local_s // DAY_SECONDS + MONDAY_1970) % 7, (local_s % DAY_SECONDS) / 3600.0


def _local_day_us(zone: str, at_us: Int64Array) -> tuple[Int64Array, Int64Array]:
    """When the local day of each instant begins and ends: 23, 24 or 25 hours apart."""
    offsets = _offsets(zone, at_us)
    day = offsets.to_local_s(at_us // SECOND_US) // DAY_SECONDS
    begins, ends = (offsets.to_utc_s((day + later) * DAY_SECONDS) * SECOND_US for later in (0, 1))
    return begins, ends


def _offsets(zone: str, at_us: Int64Array) -> ZoneOffsets:
    """The zone's offsets over the years of the instants; whole years, so that few are ever computed."""
    days = at_us // DAY_US
    first, last = (int(days.min()), int(days.max())) if len(days) else (0, 0)
    return zone_offsets(zone, first - first % 366, last + 366 - last % 366)
