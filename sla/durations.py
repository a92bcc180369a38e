"""Lengths of time as people write them in agreements: "30 min", "8 h", "1 h 30 min", "3 working days"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

SECOND_US = 1_000_000
_UNIT_US = {"s": SECOND_US, "min": 60 * SECOND_US, "h": 3600 * SECOND_US}
_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "hr", "hour", "hours"), "h"),
}
_PART = re.compile(r"\s*(?P<amount>\d+(?:\.\d+)?)\s*(?:working\s+)?(?P<unit>[a-z]+)\s*(?:,|and\b)?", re.IGNORECASE)
_WORKING_DAYS = re.compile(r"\s*(?P<days>\d+)\s*working\s+days?\s*$", re.IGNORECASE)
_EXPECTED = (
    'write an amount and a unit, for example "30 min", "8 h", "1 h 30 min", "50 working hours" or "3 working days"'
)


@dataclass(frozen=True)
class Duration:
    """Time on a calendar: `amount_us` microseconds of opening time, or `working_days` counted by the target's day rule."""

    amount_us: int = 0
    working_days: int = 0

    @property
    def counts_days(self) -> bool:
        """True when the length is a number of working days, whose seconds depend on when the clock starts."""
        return self.working_days > 0

    def __str__(self) -> str:
        if self.counts_days:
            return f"{self.working_days} working day{'s' if self.working_days > 1 else ''}"
        return format_us(self.amount_us)


def parse_duration(text: Any) -> Duration:
    """The duration a text describes. Raises ValueError, saying what may be written, for anything else."""
    if isinstance(text, Duration):
        return text
    if not isinstance(text, str):
        raise ValueError(f"{text!r} has no unit; {_EXPECTED}")  # noqa: TRY004 - pydantic collects ValueError
    days = _WORKING_DAYS.match(text)
    if days:
        if int(days["days"]) == 0:
            raise ValueError(f"{text!r} is no time at all; {_EXPECTED}")
        return Duration(working_days=int(days["days"]))
    amount_us, position = 0.0, 0
    while position < len(text.rstrip()):
        part = _PART.match(text, position)
        if part is None:
            raise ValueError(f"cannot read {text!r} as a length of time; {_EXPECTED}")
        amount_us += float(part["amount"]) * _UNIT_US[_unit(part["unit"], text)]
        position = part.end()
    if not amount_us:
        raise ValueError(f"{text!r} is no time at all; {_EXPECTED}")
    return Duration(amount_us=round(amount_us))


def _unit(word: str, text: str) -> str:
    known = _UNITS.get(word.lower())
    if known is not None:
        return known
    if word.lower() in {"d", "day", "days", "week", "weeks"}:
        raise ValueError(
            f'"{text}" is ambiguous: a day may mean 24 hours, the hours of a working day, or the same time on another day; '
            'write hours ("16 working hours") or working days ("2 working days", counted by day_rule)'
        )
    raise ValueError(f"unknown unit {word!r} in {text!r}; {_EXPECTED}")


def format_us(amount_us: int) -> str:
    """A length of time in words, "1 h 30 min", to the second; a minus sign in front when it is negative."""
    seconds = abs(amount_us) // SECOND_US
    parts = [(seconds // 3600, "h"), (seconds % 3600 // 60, "min"), (seconds % 60, "s")]
    words = [f"{amount} {unit}" for amount, unit in parts if amount] or ["0 s"]
    return ("-" if amount_us < 0 and seconds else "") + " ".join(words)


DurationText = Annotated[
    Duration,
    PlainValidator(parse_duration),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\s*[0-9]", "examples": ["30 min", "8 h", "50 working hours", "3 working days"]}
    ),
]
