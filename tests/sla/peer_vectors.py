"""The answer keys of other systems in ../shared/vectors: read, run through our rules, compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from sla.instants import SECOND_US, from_us, to_us
from sla.working_time.business_time import BusinessTime, compile_calendar
from sla.working_time.calendar_errors import CalendarError
from sla.working_time.calendars import CalendarSpec
from sla.working_time.zone_offsets import zone_offsets

FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "vectors"
ABSENT = f"the answer keys of other systems are not there ({FOLDER.name} beside the project): nothing to compare with"

Vector = dict[str, Any]
Answer = Any


def vectors() -> list[Vector]:
    return [
        vector for path in sorted(FOLDER.glob("*.json")) for vector in json.loads(path.read_text()).get("vectors", [])
    ]


def business_time(calendar: dict[str, Any]) -> BusinessTime:
    ranges = [{"from": first, "until": last} for first, last in calendar.get("holiday_ranges", [])]
    spec = CalendarSpec.model_validate(
        {
            "time_zone": calendar["timezone"],
            "always_open": calendar.get("always_open", False),
            "hours": calendar.get("weekly", {}) if not calendar.get("always_open") else {},
            "dates": calendar.get("date_hours", {}),
            "breaks": calendar.get("breaks", {}),
            "holidays": {"dates": calendar.get("holidays", []), "yearly": calendar.get("annual_holidays", [])},
            "closed": ranges,
        }
    )
    return compile_calendar(spec)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _rounded(value: float, vector: Vector) -> float:
    step = vector.get("round_result_seconds")
    return round(value / step) * step if step else value


def add(vector: Vector) -> Answer:
    due = business_time(vector["calendar"]).due(instant(vector["start"]), vector["seconds"])
    if step := vector.get("round_result_seconds"):
        due = from_us(round(to_us(due) / (step * SECOND_US)) * step * SECOND_US)
    return {"at": due}


def elapsed(vector: Vector) -> Answer:
    start, end = instant(vector["start"]), instant(vector["end"])
    seconds = _rounded(business_time(vector["calendar"]).elapsed_seconds(start, end), vector)
    if vector.get("reversed") == "zero":
        seconds = max(seconds, 0)
    actual = (end - start).total_seconds()
    return {
        "seconds": seconds,
        "whole_hours": int(seconds / 3600),
        "actual_seconds": actual,
        "business_percent_of_8h": round(seconds / 288),
        "actual_percent_of_8h": round(actual / 288),
    }


def is_open(vector: Vector) -> Answer:
    return {"open": business_time(vector["calendar"]).is_open_at(instant(vector["at"]))}


def on_break(vector: Vector) -> Answer:
    return {"on_break": business_time(vector["calendar"]).is_break_at(instant(vector["at"]))}


def on_holiday(vector: Vector) -> Answer:
    return {"on_holiday": business_time(vector["calendar"]).is_holiday_at(instant(vector["at"]))}


def next_open(vector: Vector) -> Answer:
    return {"at": business_time(vector["calendar"]).next_open(instant(vector["at"]))}


def next_close(vector: Vector) -> Answer:
    return {"at": business_time(vector["calendar"]).next_close(instant(vector["at"]))}


def prev_open(vector: Vector) -> Answer:
    return {"at": business_time(vector["calendar"]).last_open(instant(vector["at"]))}


def segments(vector: Vector) -> Answer:
    """The nearest windows, as many as the peer names; windows that touch at midnight are one of ours."""
    expected = _merged([(instant(a), instant(b)) for a, b in vector["expect"]["segments"]])
    working, begin = business_time(vector["calendar"]), to_us(instant(vector["from"]))
    forward = vector["direction"] == "forward"
    reach = abs(expected[-1][0 if not forward else 1] - instant(vector["from"])) + timedelta(days=8)
    other = begin + (1 if forward else -1) * int(reach.total_seconds()) * SECOND_US
    windows = working.open_windows(min(begin, other), max(begin, other))
    nearest = windows if forward else windows[::-1]
    ours = [(from_us(a), from_us(b)) for a, b in nearest][: len(expected)]
    return {"segments": ours, "expected": expected}


def _merged(pairs: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for opens, closes in pairs:
        if merged and merged[-1][1] == opens:
            merged[-1] = (merged[-1][0], closes)
        elif merged and merged[-1][0] == closes:
            merged[-1] = (opens, merged[-1][1])
        else:
            merged.append((opens, closes))
    return merged


def local_to_utc(vector: Vector) -> Answer:
    seconds = (
        to_us(datetime.fromisoformat(vector["local"] + "+00:00")) // SECOND_US
    )  # the clock on the wall, as a number
    offsets = zone_offsets(vector["timezone"], seconds // 86_400 - 1, seconds // 86_400 + 1)
    return {"at": from_us(int(offsets.to_utc_s(np.array([seconds]))[0]) * SECOND_US)}


def roundtrip(vector: Vector) -> Answer:
    working, start = business_time(vector["calendar"]), instant(vector["start"])
    return {"at": working.due(working.due(start, vector["seconds"]), -vector["seconds"])}


def add_error(vector: Vector) -> Answer:
    """Peers refuse some inputs; agreement means that we refuse them too."""
    start = instant(vector["start"] or "2024-01-01T00:00:00+00:00")
    try:
        business_time(vector["calendar"]).due(start, vector["seconds"])
    except CalendarError:
        return {"error": True}
    except ValueError:  # pydantic's, for a calendar that cannot be read
        return {"error": True}
    return {"error": False}


OPERATIONS: dict[str, Callable[[Vector], Answer]] = {
    function.__name__: function
    for function in (
        add,
        elapsed,
        is_open,
        on_break,
        on_holiday,
        next_open,
        next_close,
        prev_open,
        segments,
        local_to_utc,
        roundtrip,
        add_error,
    )
}


def agrees(vector: Vector, answer: Answer) -> bool:
    """Whether every expectation of a vector is what we answer, to the second."""
    if "segments" in answer:
        return bool(answer["segments"] == answer["expected"])
    expected = dict(vector["expect"])
    if "error" in expected:
        return bool(answer["error"])
    return all(_same(answer[key], value) for key, value in expected.items())


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, datetime) and isinstance(theirs, str):
        return bool(ours == instant(theirs))
    if isinstance(ours, float) and isinstance(theirs, float | int):
        return abs(ours - theirs) < 1e-6
    return bool(ours == theirs)
