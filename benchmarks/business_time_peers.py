"""How other libraries answer the questions of benchmarks/business_time.py, each at its best.

Each function returns seconds an interval, the share of answers that equal ours, and a note on what is not comparable.
"""

from __future__ import annotations

import datetime as dt
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sla.instants import DAY_US, SECOND_US, from_us
from sla.working_time.business_time import BusinessTime

Int64Array = NDArray[np.int64]
Measured = tuple[float, float, str]
BERLIN = ZoneInfo("Europe/Berlin")


def _local(instants: Int64Array) -> list[dt.datetime]:
    return [from_us(int(at)).astimezone(BERLIN) for at in instants]


def _holidays() -> dict[dt.date, str]:
    import holidays

    return dict(holidays.country_holidays("DE", subdiv="BY", years=range(2023, 2028)).items())


def _agreeing(theirs_seconds: list[float], working: BusinessTime, starts: Int64Array, ends: Int64Array) -> float:
    ours = working.elapsed_us(starts, ends) / SECOND_US
    return float(np.mean(np.abs(np.array(theirs_seconds) - ours) < 1))


def timegrid(working: BusinessTime, starts: Int64Array, ends: Int64Array) -> Measured:
    """Rust, one pair a call, on datetimes without a zone: it gets our windows in UTC, and so its clock changes right."""
    from timegrid import TimeGridCalendar

    first, last = int(starts.min()) - DAY_US, int(ends.max()) + DAY_US
    calendar = TimeGridCalendar.create()
    for opens, closes in working.open_windows(first, last):
        calendar = calendar.add_open_window(*(from_us(at).replace(tzinfo=None) for at in (opens, closes))) or calendar
    timeline = calendar.compile(from_us(first).replace(tzinfo=None), from_us(last).replace(tzinfo=None))
    count = 20_000
    begin = time.process_time()
    # From int64 arrays, as ours: numpy makes datetimes of them faster than any loop.
    pairs = zip(starts[:count].astype("M8[us]").tolist(), ends[:count].astype("M8[us]").tolist(), strict=True)
    theirs = [timeline.get_working_duration(start, end) for start, end in pairs]
    seconds = (time.process_time() - begin) / count
    values = [value.total_seconds() for value in theirs]
    return seconds, _agreeing(values, working, starts[:count], ends[:count]), ""


def businesstimedelta(working: BusinessTime, starts: Int64Array, ends: Int64Array) -> Measured:
    """Pure Python, rules that are asked day by day, aware datetimes."""
    import businesstimedelta as btd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecated calls are not what is measured
        zone = import_module("pytz").timezone("Europe/Berlin")  # it comes along, and its zones are wanted
        rules = btd.Rules(
            [
                btd.WorkDayRule(dt.time(8), dt.time(18), working_days=[0, 1, 2, 3, 4], tz=zone),
                btd.LunchTimeRule(dt.time(12), dt.time(13), working_days=[0, 1, 2, 3, 4], tz=zone),
                btd.HolidayRule(_holidays(), tz=zone),
            ]
        )
        count = 60
        pairs = list(zip(_local(starts[:count]), _local(ends[:count]), strict=True))
        begin = time.process_time()
        theirs = [rules.difference(start, end) for start, end in pairs]
        seconds = (time.process_time() - begin) / count
    values = [value.timedelta.total_seconds() for value in theirs]
    return seconds, _agreeing(values, working, starts[:count], ends[:count]), ""


def business_duration(working: BusinessTime, starts: Int64Array, ends: Int64Array) -> Measured:
    """pandas inside, one window a day, datetimes without a zone."""
    from business_duration import businessDuration

    closed = _holidays()
    count = 60
    pairs = [
        (a.replace(tzinfo=None), b.replace(tzinfo=None))
        for a, b in zip(_local(starts[:count]), _local(ends[:count]), strict=True)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begin = time.process_time()
        theirs = [
            businessDuration(a, b, starttime=dt.time(8), endtime=dt.time(18), holidaylist=closed, unit="sec")
            for a, b in pairs
        ]
        seconds = (time.process_time() - begin) / count
    return seconds, _agreeing(theirs, working, starts[:count], ends[:count]), " (it knows no breaks)"


def pandas_business_hour(working: BusinessTime, starts: Int64Array, ends: Int64Array) -> Measured:
    """CustomBusinessHour: adds whole hours to one timestamp at a time; compared with our due times."""
    import pandas as pd

    hours = 40
    offset = pd.offsets.CustomBusinessHour(
        n=hours, start=["08:00", "13:00"], end=["12:00", "18:00"], holidays=list(_holidays())
    )
    count = 200
    stamps = [pd.Timestamp(at.replace(tzinfo=None)) for at in _local(starts[:count])]
    begin = time.process_time()
    theirs = [stamp + offset for stamp in stamps]
    seconds = (time.process_time() - begin) / count
    ours = working.due_us(starts[:count], np.full(count, hours * 3600 * SECOND_US))
    agreeing = [pd.Timestamp(at.replace(tzinfo=None)) == other for at, other in zip(_local(ours), theirs, strict=True)]
    return seconds, float(np.mean(agreeing)), " (due after 40 h; it lands on the next opening)"


def numpy_busday(working: BusinessTime, starts: Int64Array, ends: Int64Array) -> Measured:
    """busday_count: vectorised, whole days only; compared with our working days."""
    from sla.working_time.working_days import WorkingDays

    days = WorkingDays(working)
    first, last = days.local_day(starts), days.local_day(ends)
    calendar = np.busdaycalendar(holidays=[np.datetime64(day) for day in _holidays()])
    begin = time.process_time()
    theirs = np.busday_count(first.astype("M8[D]"), last.astype("M8[D]"), busdaycal=calendar)
    seconds = (time.process_time() - begin) / len(starts)
    return seconds, float(np.mean(theirs == days.count(first, last))), " (whole days, no hours)"


PEERS: dict[str, Callable[[BusinessTime, Int64Array, Int64Array], Measured]] = {
    "timegrid": timegrid,
    "businesstimedelta": businesstimedelta,
    "business_duration": business_duration,
    "pandas_business_hour": pandas_business_hour,
    "numpy_busday": numpy_busday,
}
