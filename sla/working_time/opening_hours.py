"""How opening hours are written: days, times of day and windows, with errors that say what was expected."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from sla.instants import DAY_SECONDS

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEARLY = re.compile(r"(\d{2})-(\d{2})")


def time_of_day_s(value: object) -> int:
    """Return a time of day as seconds since midnight, from "08:00", "08:00:30" or "24:00".

    Unquoted 18:00 in YAML 1.1 arrives as the number 1080 (base 60); such numbers are understood as what was written.
    """
    if isinstance(value, dt.time):
        return value.hour * 3600 + value.minute * 60 + value.second
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value * 60 if value <= 24 * 60 else value
        if 0 <= seconds <= DAY_SECONDS:
            return seconds
    if isinstance(value, str) and (match := _TIME.fullmatch(value.strip())):
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        seconds = hour * 3600 + minute * 60 + second
        if minute < 60 and second < 60 and seconds <= DAY_SECONDS:
            return seconds
    raise ValueError(
        f'{value!r} is not a time of day: write hours and minutes from "00:00" to "24:00", for example "08:30"'
    )


def _window(value: object) -> tuple[int, int]:
    if isinstance(value, str):
        value = [part.strip() for part in re.split(r"\s*[-–]\s*", value.strip())]
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(
            f'{value!r} is not a window: write an opening and a closing time, for example ["08:00", "18:00"]'
        )
    opens, closes = time_of_day_s(value[0]), time_of_day_s(value[1])
    if opens == DAY_SECONDS:
        raise ValueError(f'{value!r} opens at "24:00", which is "00:00" of the next day: write it there')
    # A closing time at or before the opening is on the next day: the window belongs to the day it opens on.
    return opens, closes if closes > opens else closes + DAY_SECONDS


def _written(window: tuple[int, int]) -> list[str]:
    return [_clock(window[0]), _clock(window[1] if window[1] <= DAY_SECONDS else window[1] - DAY_SECONDS)]


def _clock(seconds: int) -> str:
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    return text if seconds % 60 == 0 else f"{text}:{seconds % 60:02d}"


def _revive(value: object) -> object:
    # A window that is already in seconds (a validated one, passed on from Python) stays as it is.
    if (
        isinstance(value, tuple)
        and len(value) == 2
        and all(type(part) is int for part in value)
        and value[0] < value[1]
    ):
        return value
    return _window(value)


_TIME_PATTERN = r"\d{1,2}:\d{2}(:\d{2})?"
_TIME_SCHEMA: dict[str, Any] = {"type": "string", "pattern": f"^{_TIME_PATTERN}$"}

Window: TypeAlias = Annotated[
    tuple[int, int],
    BeforeValidator(_revive),
    PlainSerializer(_written, return_type=list[str]),
    WithJsonSchema(
        {
            "description": 'Opening and closing time; a closing at or before the opening is on the next day. "24:00" ends a day.',
            "anyOf": [
                {"type": "array", "items": _TIME_SCHEMA, "minItems": 2, "maxItems": 2},
                {"type": "string", "pattern": rf"^\s*{_TIME_PATTERN}\s*[-–]\s*{_TIME_PATTERN}\s*$"},
            ],
            "examples": [["08:00", "18:00"], ["22:00", "06:00"], "08:00-18:00"],
        }
    ),
]
"""Seconds since local midnight, `close > open`; beyond 86,400 when the window runs past midnight."""


def weekdays_of(key: str) -> tuple[int, ...]:
    """Return the weekdays (Monday is 0) that a key names: "mon", "monday", "mon-fri", "sat, sun" or "daily"."""
    text = key.strip().lower()
    if text in ("daily", "every day"):
        return tuple(range(7))
    days: list[int] = []
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        begin, end = _weekday(first, key), _weekday(last, key) if dash else _weekday(first, key)
        days += [(begin + step) % 7 for step in range((end - begin) % 7 + 1)]
    return tuple(days)


def _weekday(name: str, key: str) -> int:
    for index, (short, long) in enumerate(zip(WEEKDAYS, _LONG, strict=True)):
        if len(name) >= 3 and long.startswith(name) and name.startswith(short):
            return index
    raise ValueError(
        f"{key!r} is not a day of the week: write one of {', '.join(WEEKDAYS)}, a range such as mon-fri, or daily"
    )


def _weekday_key(value: object) -> str:
    text = str(value)
    weekdays_of(text)
    return text


def _break_key(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str) and _DATE.fullmatch(value):
        return dt.date.fromisoformat(value).isoformat()
    return _weekday_key(value)


def _yearly(value: object) -> str:
    if isinstance(value, str) and (match := _YEARLY.fullmatch(value)):
        dt.date(2000, int(match[1]), int(match[2]))  # 2000 is a leap year: 02-29 is allowed
        return value
    raise ValueError(f'{value!r} is not a day of the year: write month and day in quotes, for example "12-24"')


_DAY_SCHEMA = WithJsonSchema({"type": "string", "description": "mon, mon-fri, sat,sun or daily"})
WeekdayKey: TypeAlias = Annotated[str, BeforeValidator(_weekday_key), _DAY_SCHEMA]
BreakKey: TypeAlias = Annotated[
    str,
    BeforeValidator(_break_key),
    WithJsonSchema({"type": "string", "description": "mon, mon-fri, sat,sun, daily or a date (2026-12-24)"}),
]
YearlyDay: TypeAlias = Annotated[
    str, BeforeValidator(_yearly), WithJsonSchema({"type": "string", "pattern": r"^\d{2}-\d{2}$"})
]
