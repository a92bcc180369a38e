"""What the calendar says of each day, as columns: weekday, time of the year, holidays and their neighbours, edges of months."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from features.volumes.counts import FloatArray
from features.volumes.openings import weekdays
from features.volumes.planned import Outlook
from sla.instants import EPOCH, BoolArray

WEEKDAYS = tuple(f"weekday {name}" for name in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
YEAR = tuple(f"year {wave} {number}" for number in (1, 2, 3) for wave in ("sin", "cos"))
HOLIDAYS = ("holiday", "day after a holiday", "day before a holiday")
MONTH = (
    *(f"working day {number} of the month" for number in (1, 2, 3, 4)),
    *(f"working day {number} before the month ends" for number in (1, 2, 3)),
    "13th to 17th",
    "18th to 24th",
)
COLUMNS = ("level", *WEEKDAYS, *YEAR, *HOLIDAYS, *MONTH, "trend")
YEAR_DAYS = 365.2425
LEAST_DAYS_FOR_A_YEAR = 540


def day_columns(first_day: int, days: int, origin: int, outlook: Outlook, is_working: BoolArray) -> FloatArray:
    """Days x len(COLUMNS): `trend` is in years before `origin` and stands still after it; the year is 0 for short histories."""
    at = np.arange(first_day, first_day + days)
    weekday = weekdays(first_day, days)
    out = np.zeros((days, len(COLUMNS)))
    out[:, 0] = 1.0
    out[np.arange(days), 1 + weekday] = 1.0
    place = 1 + len(WEEKDAYS)
    if origin - first_day >= LEAST_DAYS_FOR_A_YEAR:
        for number in (1, 2, 3):
            angle = 2.0 * np.pi * number * at / YEAR_DAYS
            out[:, place + 2 * number - 2], out[:, place + 2 * number - 1] = np.sin(angle), np.cos(angle)
    place += len(YEAR)
    holiday = outlook.is_holiday(first_day - 7, days + 14)
    out[:, place] = holiday[7:-7]
    out[:, place + 1] = outlook.follows_holiday(first_day, days)
    out[:, place + 2] = _comes_before(holiday, weekdays(first_day - 7, days + 14))[7:-7] & ~holiday[7:-7]
    out[:, place + 3 : -1] = _month(first_day, days, outlook, is_working)
    out[:, -1] = np.minimum(at - origin, 0) / YEAR_DAYS
    return out


def _comes_before(holiday: BoolArray, weekday: np.ndarray[tuple[int], np.dtype[np.int64]]) -> BoolArray:
    """Days before a holiday, with nothing but weekends in between."""
    out = np.zeros(len(holiday), np.bool_)
    ahead = False
    for place in range(len(holiday) - 1, -1, -1):
        out[place] = ahead
        if holiday[place]:
            ahead = True
        elif weekday[place] < 5:
            ahead = False
    return out


def _month(first_day: int, days: int, outlook: Outlook, is_working: BoolArray) -> FloatArray:
    """The columns of MONTH; working days are busy weekdays that are no holidays."""
    begin, margin = first_day - 40, 80
    dates = [(EPOCH + timedelta(days=int(day))).date() for day in range(begin, begin + days + margin)]
    month = np.array([date.year * 12 + date.month for date in dates])
    day_of_month = np.array([date.day for date in dates])
    works = is_working[weekdays(begin, len(dates))] & ~outlook.is_holiday(begin, len(dates))
    out = np.zeros((len(dates), len(MONTH)))
    for one in np.unique(month):
        places = np.flatnonzero((month == one) & works)
        for number in range(min(4, len(places))):
            out[places[number], number] = 1.0
        for number in range(min(3, len(places))):
            out[places[-1 - number], 4 + number] = 1.0
    out[:, 7] = (day_of_month >= 13) & (day_of_month <= 17)
    out[:, 8] = (day_of_month >= 18) & (day_of_month <= 24)
    return out[40 : 40 + days]
