"""A calendar as a person writes it: hours, breaks, exceptions and holidays in one time zone. Data only, validated."""

from __future__ import annotations

import datetime as dt
import difflib
from typing import Annotated, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sla.working_time.holiday_places import check_place
from sla.working_time.opening_hours import BreakKey, WeekdayKey, Window, YearlyDay, weekdays_of

DayRuleName: TypeAlias = Literal[
    "working_time",
    "same_time",
    "roll_first",
    "roll_by_closing",
    "dates_only",
    "roll_dates",
    "start_of_day",
    "end_of_day",
    "roll_end_of_day",
]


def _zone(value: object) -> str:
    try:
        return ZoneInfo(str(value)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, such as Europe, is an OSError
        close = difflib.get_close_matches(str(value), available_timezones(), n=1)
        hint = f", did you mean {close[0]}?" if close else ":"
        raise ValueError(f"{value!r} is not a time zone{hint} write an IANA name, for example Europe/Berlin") from None


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) or value is None else [value]


def _country(value: object) -> object:
    return "NO" if value is False else value  # unquoted NO is a boolean in YAML 1.1; Norway is meant


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClosedRange(_Part):
    """Local dates on which nothing opens, first and last included."""

    first: dt.date = Field(alias="from")
    last: dt.date = Field(alias="until")
    name: str = ""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"the range ends on {self.last}, before it begins on {self.first}: swap them")
        return self


class HolidaySource(_Part):
    """Where closed days come from: a country's law, days of the year, single dates, an iCalendar file; or all of them."""

    country: Annotated[str | None, BeforeValidator(_country)] = None
    subdivision: str | None = None
    categories: tuple[str, ...] = ()
    yearly: tuple[YearlyDay, ...] = ()
    dates: tuple[dt.date, ...] = ()
    ics: str | None = Field(None, description="an iCalendar file, relative to the file that names it")
    excluded: tuple[dt.date, ...] = Field((), alias="except", description="dates that are worked although listed")

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _known_place(self) -> Self:
        if self.country is not None:
            check_place(self.country, self.subdivision, self.categories)
        elif self.subdivision is not None or self.categories:
            raise ValueError("a subdivision or category needs a country, for example country: DE, subdivision: BY")
        return self


class CalendarSpec(_Part):
    """The opening hours of a team or service in one time zone.

    Windows are half-open, `[open, close)`. A window that runs past midnight belongs to the day it opens on. Closed days
    (holidays, closed ranges, dates outside the validity) win over `dates`, `dates` replace the weekly `hours`, breaks and
    the calendars under `minus` are cut out of what is left.
    """

    description: str = ""
    time_zone: Annotated[str, BeforeValidator(_zone)]
    always_open: bool = False
    hours: dict[WeekdayKey, tuple[Window, ...]] = {}
    dates: dict[dt.date, tuple[Window, ...]] = Field(
        {}, description="hours of single dates, instead of the weekly ones"
    )
    breaks: dict[BreakKey, tuple[Window, ...]] = {}
    closed: Annotated[tuple[ClosedRange, ...], BeforeValidator(_as_list)] = ()
    holidays: Annotated[tuple[HolidaySource, ...], BeforeValidator(_as_list)] = ()
    valid_from: dt.date | None = None
    valid_until: dt.date | None = Field(None, description="the last date on which the calendar holds")
    minus: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    overnight_into_closed_day: Literal["runs_on", "cut"] = Field(
        "runs_on",
        description="a shift that began the evening before a closed day runs to its end, or is cut at midnight",
    )
    day_rule: DayRuleName = Field("working_time", description="what `working days` means in targets of this calendar")
    day_hours: float | None = Field(
        None, gt=0, le=24, description="length of a working day; by default the open time of Monday"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.always_open and self.hours:
            raise ValueError("always_open and hours exclude each other: keep one of them")
        named: dict[int, str] = {}
        for key in self.hours:
            for day in weekdays_of(key):
                if day in named:
                    raise ValueError(f"{key!r} and {named[day]!r} name the same day: give each day once")
                named[day] = key
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError(f"valid_until {self.valid_until} is before valid_from {self.valid_from}: swap them")
        return self

    def weekly(self) -> list[list[tuple[int, int]]]:
        """Return the windows of Monday to Sunday, in seconds since local midnight."""
        if self.always_open:
            return [[(0, 86_400)] for _ in range(7)]
        week: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        for key, windows in self.hours.items():
            for day in weekdays_of(key):
                week[day] += windows
        return week
