"""A second, slow, obvious calendar: a tape with one mark for every minute (or second), open or closed.

It shares nothing with `sla`: it reads the calendar as written, asks `zoneinfo` about one local time after another and
counts marks.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import compress
from typing import Any
from zoneinfo import ZoneInfo

Written = dict[str, Any]
DAY = timedelta(days=1)
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Tape:
    """Marks from 00:00 UTC of the first date to 00:00 UTC after the last; `unit` is the length of a mark in seconds."""

    def __init__(
        self, written: Written, first: date, last: date, unit: int = 60, others: dict[str, Written] | None = None
    ):
        self.written, self.unit = written, unit
        self.zone = ZoneInfo(written["time_zone"])
        self.begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
        self.marks = bytearray(((last - first).days + 1) * 86_400 // unit)
        days = [first + DAY * step for step in range(-3, (last - first).days + 4)]
        for day in days:
            for opens, closes in self.windows_of(day):
                self._write(self.edge(day, opens), self.edge(day, closes), 1)
        if written.get("overnight_into_closed_day") == "cut":
            for day in days:
                if self.is_closed(day):
                    self._write(self.edge(day, 0), self.edge(day, 86_400), 0)
        for day in days:
            for opens, closes in self.breaks_of(day):
                self._write(self.edge(day, opens), self.edge(day, closes), 0)
        for name in written.get("minus", []):
            other = Tape((others or {})[name], first, last, unit, others)
            self.marks = bytearray(a & (1 - b) for a, b in zip(self.marks, other.marks, strict=True))

    def _write(self, opens: datetime, closes: datetime, mark: int) -> None:
        low, high = max(self.place(opens), 0), min(self.place(closes), len(self.marks))
        if low < high:
            self.marks[low:high] = bytes([mark]) * (high - low)

    def place(self, at: datetime) -> int:
        return int((at - self.begin).total_seconds()) // self.unit

    def edge(self, day: date, second: int) -> datetime:
        """The instant of a local time; in a gap it moves forward by the gap, of two it is the first: fold=0 says both."""
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone, fold=0) + timedelta(seconds=second)
        return local.astimezone(UTC)  # adding to a zoned datetime moves the clock on the wall

    def exists(self, day: date) -> bool:
        """Some zones have skipped a date: no instant shows it on a clock there."""
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return any(
            (noon + timedelta(hours=h)).astimezone(self.zone).date() == day for h in (0, -6, 6, -12, 12, -18, 18, -24)
        )

    def is_closed(self, day: date) -> bool:
        written = self.written
        holidays = written.get("holidays", {})
        in_range = any(closed["from"] <= day <= closed["until"] for closed in written.get("closed", []))
        too_early = "valid_from" in written and day < written["valid_from"]
        too_late = "valid_until" in written and day > written["valid_until"]
        is_holiday = day in holidays.get("dates", []) or f"{day:%m-%d}" in holidays.get("yearly", [])
        return in_range or too_early or too_late or is_holiday or not self.exists(day)

    def windows_of(self, day: date) -> list[tuple[int, int]]:
        if self.is_closed(day):
            return []
        if day in self.written.get("dates", {}):
            windows = self.written["dates"][day]
        elif self.written.get("always_open"):
            windows = [["00:00", "24:00"]]
        else:
            windows = self.written.get("hours", {}).get(NAMES[day.weekday()], [])
        return [_seconds(window) for window in windows]

    def breaks_of(self, day: date) -> list[tuple[int, int]]:
        breaks = self.written.get("breaks", {})
        windows = [*breaks.get(NAMES[day.weekday()], []), *breaks.get("daily", []), *breaks.get(day.isoformat(), [])]
        return [_seconds(window) for window in windows]

    # ---- the answers

    @cached_property
    def open_marks(self) -> list[int]:
        return list(compress(range(len(self.marks)), self.marks))

    def is_open(self, at: datetime) -> bool:
        return bool(self.marks[self.place(at)])

    def elapsed_seconds(self, start: datetime, end: datetime) -> int:
        if end < start:
            return -self.elapsed_seconds(end, start)
        return sum(self.marks[self.place(start) : self.place(end)]) * self.unit

    def due(self, start: datetime, seconds: int) -> datetime | None:
        """The end of the n-th open mark from the start on (backwards: its beginning); None where the tape ends first."""
        count, place = abs(seconds) // self.unit, self.place(start)
        if count == 0:
            return start
        if seconds > 0:
            marks = self.open_marks[bisect_left(self.open_marks, place) :][:count]
        else:
            marks = self.open_marks[: bisect_left(self.open_marks, place)][::-1][:count]
        if len(marks) < count:
            return None
        return self.begin + timedelta(seconds=(marks[-1] + (seconds > 0)) * self.unit)

    def next_open(self, at: datetime) -> datetime | None:
        place = self.marks.find(1, self.place(at))
        return None if place < 0 else self.begin + timedelta(seconds=place * self.unit)

    def next_close(self, at: datetime) -> datetime | None:
        place = self.marks.find(b"\x01\x00", self.place(at))
        return None if place < 0 else self.begin + timedelta(seconds=(place + 1) * self.unit)

    def last_open(self, at: datetime) -> datetime | None:
        if self.is_open(at):
            return at
        place = self.marks.rfind(1, 0, self.place(at))
        return None if place < 0 else self.begin + timedelta(seconds=(place + 1) * self.unit)


def _seconds(window: list[str]) -> tuple[int, int]:
    opens, closes = (_clock(text) for text in window)
    return opens, closes if closes > opens else closes + 86_400


def _clock(text: str) -> int:
    parts = [int(part) for part in text.split(":")]
    return parts[0] * 3600 + parts[1] * 60 + (parts[2] if len(parts) > 2 else 0)
