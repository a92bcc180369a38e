"""Random calendars as a person would write them, and instants close to what makes calendars hard."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sla.working_time.business_time import BusinessTime, compile_calendar
from sla.working_time.calendars import CalendarSpec
from tests.sla.oracle import NAMES, Written

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kwajalein",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Antarctica/Troll",
)

OFFICE: Written = {
    "time_zone": "Europe/Berlin",
    "hours": {name: [["08:00", "18:00"]] for name in NAMES[:5]},
}


def compiled(written: Written, others: dict[str, Written] | None = None) -> BusinessTime:
    specs = {name: CalendarSpec.model_validate(other) for name, other in (others or {}).items()}
    return compile_calendar(CalendarSpec.model_validate(written), specs, name="tested")


def at(text: str) -> datetime:
    """An instant in UTC unless the text carries an offset."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def random_windows(rng: random.Random, unit: int = 60) -> list[list[str]]:
    kind = rng.random()
    if kind < 0.15:
        return []
    if kind < 0.25:
        return [["00:00", "24:00"]]
    if kind < 0.45:
        return [[_clock(rng, 16, 24, unit), _clock(rng, 0, 10, unit)]]
    return [[_clock(rng, 0, 12, unit), _clock(rng, 12, 24, unit)]] + (
        [[_clock(rng, 0, 24, unit), _clock(rng, 0, 24, unit)]] if kind > 0.8 else []
    )


def random_calendar(rng: random.Random, around: date, unit: int = 60) -> Written:
    def near() -> date:
        return around + timedelta(days=rng.randint(-6, 6))

    written: dict[str, Any] = {"time_zone": rng.choice(ZONES)}
    if rng.random() < 0.1:
        written["always_open"] = True
    else:
        written["hours"] = {name: random_windows(rng, unit) for name in NAMES if rng.random() < 0.8}
    if rng.random() < 0.5:
        key = rng.choice((rng.choice(NAMES), "daily", near().isoformat()))
        begin = rng.randint(0, 22)
        written["breaks"] = {key: [[_clock(rng, begin, begin + 1, unit), _clock(rng, begin + 1, begin + 2, unit)]]}
    if rng.random() < 0.4:
        written["dates"] = {near(): random_windows(rng, unit) for _ in range(2)}
    if rng.random() < 0.4:
        written["holidays"] = {"dates": [near()], "yearly": [f"{near():%m-%d}"]}
    if rng.random() < 0.2:
        first = near()
        written["closed"] = [{"from": first, "until": first + timedelta(days=rng.randint(0, 3))}]
    if rng.random() < 0.1:
        written["valid_from"] = near()
    if rng.random() < 0.1:
        written["valid_until"] = max(near(), written.get("valid_from", date.min))
    if rng.random() < 0.3:
        written["overnight_into_closed_day"] = rng.choice(("cut", "runs_on"))
    return written


def _clock(rng: random.Random, low: int, high: int, unit: int) -> str:
    """A time of day from `low` to before `high` o'clock; often on the hour, where clocks are changed."""
    seconds = rng.choice((rng.randrange(low, high) * 3600, rng.randrange(low * 3600, high * 3600, unit)))
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    return text if unit == 60 else f"{text}:{seconds % 60:02d}"


def hard_days() -> list[date]:
    """Dates around which the zones above changed their clocks, 1990 to 2060, and the dates some of them skipped."""
    days = [date(2011, 12, 30), date(1993, 8, 21)]
    for name in ZONES:
        zone = ZoneInfo(name)
        at = datetime(1990, 1, 1, tzinfo=UTC)
        offset = at.astimezone(zone).utcoffset()
        while at.year < 2061:
            at += timedelta(days=3)
            if at.astimezone(zone).utcoffset() != offset:
                offset = at.astimezone(zone).utcoffset()
                days.append(at.date() - timedelta(days=1))
    return days
