"""Availability by windows on the page of a service: which windows its address asks for, and what they were."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, get_args
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams

from serving.services.making import Basis
from serving.services.windows import Asked, By, Window, availability_report
from serving.web.language import Language, phrase
from sla.services.service_history import ServiceError

KINDS: Final[dict[By, str]] = {
    "day": phrase("days"),
    "week": phrase("weeks"),
    "month": phrase("months"),
    "quarter": phrase("quarters"),
    "year": phrase("years"),
    "rolling": phrase("30 days up to each day"),
}
DAYS_SHOWN: Final[dict[By, int]] = {"day": 30, "week": 180, "month": 365, "quarter": 730, "year": 1825, "rolling": 30}
"""How far back it is looked where the address names no first day."""
MOST_DAYS: Final = 370
FIRST_DAY, LAST_DAY = dt.date(1970, 1, 1), dt.date(2199, 12, 31)
TOO_MANY = phrase("More than a year of single days: ask for less, or for longer windows.")
WRONG_ORDER = phrase("The first day lies after the last one.")


@dataclass(frozen=True)
class AvailabilityAddress:
    """What is asked for, as the address says it; values that mean nothing are those of a first visit."""

    service: str
    window: By = "month"
    first: dt.date | None = None
    last: dt.date | None = None
    zone: str = ""
    hours: str = ""
    with_needs: bool = False

    @classmethod
    def read(cls, query: QueryParams, service: str, calendars: Collection[str]) -> AvailabilityAddress:
        """The state in an address."""
        window: By = next((kind for kind in get_args(By) if kind == query.get("window")), "month")
        hours = query.get("hours", "")
        return cls(
            service,
            window,
            _day(query.get("from", "")),
            _day(query.get("to", "")),
            query.get("zone", "")[:100].strip(),
            hours if hours in calendars else "",
            query.get("needs") == "1",
        )

    @property
    def is_chosen(self) -> bool:
        """Whether it asks for anything but what a first visit shows."""
        return replace(self, service="") != AvailabilityAddress("")

    def asked(self, zone: str, today: dt.date) -> Asked:
        """The same with what it leaves open: the zone of the desk, up to today, and as many windows as can be looked through."""
        last = self.last or today
        first = self.first or max(last - dt.timedelta(days=DAYS_SHOWN[self.window] - 1), FIRST_DAY)
        hours, zone = self.hours or None, self.zone or zone
        return Asked((self.service,), first, last, self.window, zone, hours=hours, with_needs=self.with_needs)


@dataclass(frozen=True)
class AvailabilityRow:
    """One window in words; `word` says whether the promise was kept: `kept`, `missed` or `none`."""

    span: str
    is_over: bool
    window: Window
    word: str


@dataclass(frozen=True)
class AvailabilityView:
    """The form's values, and the windows, the latest first; `fault` says what cannot be asked."""

    address: AvailabilityAddress
    asked: Asked
    rows: tuple[AvailabilityRow, ...]
    calendars: tuple[str, ...]
    hours: str | None
    objective_percent: float | None
    json_url: str
    fault: str | None = None

    @property
    def is_measured(self) -> bool:
        """Whether anything is known of any of the windows."""
        return any(one.window.availability is not None for one in self.rows)


def availability_view(
    basis: Basis, address: AvailabilityAddress, zone: str, calendars: tuple[str, ...], language: Language
) -> AvailabilityView:
    """What the address asks for, at the instant of the board."""
    at = basis.board.as_of
    asked = address.asked(zone, at.astimezone(ZoneInfo(zone)).date())
    view = AvailabilityView(address, asked, (), calendars, asked.hours, None, _json_url(asked))
    is_single = asked.by in ("day", "rolling")
    if asked.first > asked.last:
        return replace(view, fault=language.gettext(WRONG_ORDER))
    if is_single and (asked.last - asked.first).days > MOST_DAYS:
        return replace(view, fault=language.gettext(TOO_MANY))
    try:
        report = availability_report(basis, asked)
    except ServiceError as error:
        return replace(view, fault=language.said(str(error)))
    rows = tuple(_row(one, asked, at, language) for one in reversed(report.windows))
    return replace(view, rows=rows, hours=report.hours, objective_percent=report.objective_percent)


def _row(one: Window, asked: Asked, at: dt.datetime, language: Language) -> AvailabilityRow:
    zone = ZoneInfo(asked.zone)
    is_over = one.end_at < at
    first, last = one.start_at.astimezone(zone), (one.end_at - dt.timedelta(seconds=1)).astimezone(zone)
    days = [language.spans(f"{day.day} {day:%b} {day.year}") for day in (first, last)]
    word = "none" if one.budget_left is None else "kept" if one.budget_left >= 0 else "missed"
    return AvailabilityRow(days[0] if first.date() == last.date() else " – ".join(days), is_over, one, word)


def _json_url(asked: Asked) -> str:
    parts = {"window": asked.by, "from": asked.first.isoformat(), "to": asked.last.isoformat(), "zone": asked.zone}
    parts |= {} if asked.hours is None else {"hours": asked.hours}
    parts |= {"with_needs": "true"} if asked.with_needs else {}
    return f"/api/v1/services/{quote(asked.services[0], safe='')}/availability?{urlencode(parts)}"


def _day(text: str) -> dt.date | None:
    try:
        found = dt.date.fromisoformat(text) if len(text) == len("2026-01-31") else None
    except ValueError:
        return None
    return found if found is not None and FIRST_DAY <= found <= LAST_DAY else None
