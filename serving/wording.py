"""Times and durations as people write them. The one place of the service that knows local time."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

MINUTE_SECONDS = 60
HOUR_SECONDS = 3600
DAY_SECONDS = 86400
MINUS = "−"


def working_time(seconds: float) -> str:
    """A duration in (working) hours and minutes, `3 h 20 min`, `31 h`; with a minus sign when negative.

    Never days: a working day is not a unit without its calendar.
    """
    sign, minutes = _sign_and_minutes(seconds)
    hours, minutes = divmod(minutes, 60)
    if hours >= 24:
        return f"{sign}{hours + (minutes >= 30):,} h".replace(",", " ")
    if hours and minutes:
        return f"{sign}{hours} h {minutes} min"
    return f"{sign}{hours} h" if hours else f"{sign}{minutes} min"


def rough_time(seconds: float) -> str:
    """A (working) duration in one unit, `40 min` below an hour, else `7 h`, without a sign: for places where only its size matters."""
    minutes = round(abs(seconds) / MINUTE_SECONDS)
    return f"{minutes} min" if minutes < 60 else f"{round(minutes / 60)} h"


def wall_time(seconds: float) -> str:
    """A span of wall-clock time, `4 h 10 min`, `2 d 4 h` (days of 24 hours); with a minus sign when negative."""
    sign, minutes = _sign_and_minutes(seconds)
    if minutes < 10 * 60:
        return working_time(seconds)
    if minutes < 24 * 60:
        return f"{sign}{round(minutes / 60)} h"
    days, rest = divmod(minutes, 24 * 60)
    hours = rest // 60
    return f"{sign}{days} d {hours} h" if hours and days < 10 else f"{sign}{days} d"


def relative(seconds: float) -> str:
    """Where an instant lies from now: `in 4 h 10 min`, `2 d 4 h ago`, `now`."""
    if abs(seconds) < MINUTE_SECONDS / 2:
        return "now"
    return f"in {wall_time(seconds)}" if seconds > 0 else f"{wall_time(-seconds)} ago"


def age(seconds: float) -> str:
    """How long ago something of this minute or hour was, to the second below two minutes: `40 s`, `3 min`."""
    return f"{max(0, round(seconds))} s" if seconds < 2 * MINUTE_SECONDS else wall_time(seconds)


def percent(share: float) -> str:
    """A share as whole per cent; never 0 % or 100 % for something that is not exactly none or all."""
    rounded = round(share * 100)
    if rounded == 0 and share > 0:
        return "<1 %"
    if rounded >= 100 and share < 1:
        return ">99 %"
    return f"{rounded} %"


def of_hundred(probability: float) -> str:
    """A probability as a count, `about 92`, `fewer than 1`, `more than 99`, to follow the words `of 100 tickets like this`."""
    rounded = round(probability * 100)
    if rounded == 0:
        return "fewer than 1"
    return "more than 99" if rounded >= 100 else f"about {rounded}"


def _sign_and_minutes(seconds: float) -> tuple[str, int]:
    minutes = round(abs(seconds) / MINUTE_SECONDS)
    return (MINUS if seconds < 0 and minutes else ""), minutes


@dataclass(frozen=True)
class DateWords:
    """How a language writes days. `day` and `day_of_year` are forms with {day}, {month} and {year}."""

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    day: str
    day_of_year: str


ENGLISH_DATES = DateWords(
    ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "{day} {month}",
    "{day} {month} {year}",
)
CHINESE_DATES = DateWords(
    ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    tuple(f"{month}月" for month in range(1, 13)),
    "{month}{day}日",
    "{year}年{month}{day}日",
)


@dataclass(frozen=True)
class LocalTime:
    """Instants in the desk's zone. Takes aware datetimes; the zone is always named where a time could be misread."""

    zone: tzinfo
    words: DateWords = ENGLISH_DATES

    @classmethod
    def named(cls, name: str, words: DateWords = ENGLISH_DATES) -> LocalTime:
        """Local time of an IANA zone."""
        return cls(ZoneInfo(name), words)

    @property
    def name(self) -> str:
        """The zone's IANA name."""
        return str(self.zone)

    def zone_name(self, at: datetime) -> str:
        """What the zone is called at that instant: `CEST`, or `UTC-3` where it has no letters."""
        name = at.astimezone(self.zone).tzname() or "UTC"
        return (
            name if name[0].isalpha() else f"UTC{name[:3]}".replace("-", MINUS) + (f":{name[3:]}" if name[3:] else "")
        )

    def clock(self, at: datetime) -> str:
        """`14:10`."""
        return f"{at.astimezone(self.zone):%H:%M}"

    def short(self, at: datetime, now: datetime) -> str:
        """The shortest unmistakable form seen from `now`: `Mon 14:10` within six days, else `16 May 14:10`, else with the year."""
        local, here = at.astimezone(self.zone), now.astimezone(self.zone)
        if abs((local.date() - here.date()).days) <= 6:
            return f"{self._weekday(local)} {local:%H:%M}"
        return f"{self._date(local)} {local:%H:%M}" if local.year == here.year else self._date(local, with_year=True)

    def date(self, at: datetime) -> str:
        """`16 May`."""
        return self._date(at.astimezone(self.zone))

    def day(self, at: datetime) -> str:
        """`Mon 16 May 14:10 CEST`."""
        local = at.astimezone(self.zone)
        return f"{self._weekday(local)} {self._date(local)} {local:%H:%M} {self.zone_name(at)}"

    def full(self, at: datetime) -> str:
        """`Mon 16 May 2016 14:10 CEST`."""
        local = at.astimezone(self.zone)
        return f"{self._weekday(local)} {self._date(local, with_year=True)} {local:%H:%M} {self.zone_name(at)}"

    def _weekday(self, local: datetime) -> str:
        return self.words.weekdays[local.weekday()]

    def _date(self, local: datetime, *, with_year: bool = False) -> str:
        form = self.words.day_of_year if with_year else self.words.day
        return form.format(day=local.day, month=self.words.months[local.month - 1], year=local.year)


def sentence(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def one_line(text: str) -> str:
    """The text without control characters, line breaks or invisible direction marks: safe in a terminal and in one line."""
    if text.isprintable():  # most are; then the only white space is the plain one
        return " ".join(text.split())
    kept = (" " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C")
    return " ".join("".join(kept).split())
