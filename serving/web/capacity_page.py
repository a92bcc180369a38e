"""The page /capacity: how much work is coming, whether people suffice, and what if."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from features.volumes.counts import Series
from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.forecast import forecast_in_force, forecast_told, series_asked, series_told, zone_of
from serving.etags import is_unchanged, not_modified
from serving.kept_forecast import Period, series_named
from serving.service import service_of
from serving.web.capacity_view import SPANS, Capacity, Supposed, capacity_of, local_date, scheduled
from serving.web.charts import Band, Line, Plot, short_number
from serving.web.frame import ETAG_HEADERS, frame, page_tag, pages_of
from serving.web.language import Language, language_of, phrase

router = APIRouter(include_in_schema=False, route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
PAST_DAYS = 28
ACTUAL, EXPECTED, CAPACITY = phrase("Counted"), phrase("Expected"), phrase("What people cover")
WITHIN_80, WITHIN_95 = phrase("8 of 10 days lie in here"), phrase("95 of 100 days lie in here")
SPARE, SHORT = phrase("Hours to spare"), phrase("Hours short")
NEEDED, AT_DESK = phrase("Needed at the desk"), phrase("At the desk")
LEVEL_WORDS = {
    "all": phrase("All tickets"),
    "service": phrase("Service"),
    "team": phrase("Team"),
    "category": phrase("Category"),
    "priority": phrase("Priority"),
}


@dataclass(frozen=True)
class CapacityView:
    """The numbers with their charts; texts are in the reader's language."""

    numbers: Capacity
    scheduled: int | None
    ahead: Plot
    over_under: Plot | None
    half_hours: Plot | None
    missed: Plot | None


@router.get("/capacity")
def capacity_page(request: Request, caller: Reader, of: str | None = None) -> Response:
    """The kept forecast of one series with what the address supposes; before there is one, what to do."""
    service, pages = service_of(request), pages_of(request)
    standing = service.standing
    if standing.queue is None:
        return pages.render("waiting.html", 503, {"Retry-After": "2"}, **frame(request, None, standing))
    asked = series_asked(caller.scope, None, "") if of is None else _asked(caller, of)
    supposed = Supposed.read(request.query_params)
    kept = forecast_in_force(service, asked, caller.scope)
    etag = page_tag(request, kept, standing.problem, standing.queue.bundle_version)
    if is_unchanged(request, etag):
        return not_modified(etag)
    zone, language, found = zone_of(service), language_of(request), forecast_told(service, kept, asked)
    view = None if found is None or not found.days else _view(capacity_of(found, supposed, zone), zone, language)
    values = frame(request, standing.queue, standing) | {
        "view": view,
        "asked": asked,
        "known": series_told(service, kept, caller.scope),
        "supposed": supposed,
        "spans": SPANS,
        "levels": LEVEL_WORDS,
        "number": _told,
        "etag": etag,
    }
    return pages.render("capacity.html", 200, {"ETag": etag, **ETAG_HEADERS}, **values)


def _asked(caller: Caller, of: str) -> Series:
    one = series_named(of)
    return series_asked(caller.scope, one.level, one.subject)


def _view(numbers: Capacity, zone: str, language: Language) -> CapacityView:
    said = language.gettext
    people = numbers.supposed.people
    over = None
    if any(day.over_hours is not None for day in numbers.days):
        rows = [day.over_hours or 0.0 for day in numbers.days]
        over = Plot(
            [day.date[5:] for day in numbers.days],
            [
                Line(said(SPARE), [value if value >= 0 else None for value in rows], "bars"),
                Line(said(SHORT), [value if value < 0 else None for value in rows], "bars", "over"),
            ],
            unit="h",
            title=said(phrase("Hours over and under, by day")),
        )
    by_half_hour = None
    if numbers.half_hours:
        lines = [Line(said(NEEDED), [float(one.needed.agents) for one in numbers.half_hours], "step")]
        if people is not None:
            lines.append(Line(said(AT_DESK), [numbers.at_desk] * len(numbers.half_hours), "line", "limit"))
        labels = [one.clock for one in numbers.half_hours]
        by_half_hour = Plot(labels, lines, title=said(phrase("People needed, by half hour")))
    ahead, missed = _ahead(numbers, zone, language), _missed(numbers, zone, language)
    return CapacityView(numbers, scheduled(numbers), ahead, over, by_half_hour, missed)


def _ahead(numbers: Capacity, zone: str, language: Language) -> Plot:
    """The last days as counted, then the days ahead with both intervals and what people cover."""
    said = language.gettext
    past, days = numbers.forecast.counted[-PAST_DAYS:], [day.period for day in numbers.days]
    covers = []
    if numbers.capacity_tickets is not None:
        covered = [numbers.capacity_tickets if day.there_hours else None for day in numbers.days]
        covers = [Line(said(CAPACITY), [*[None] * len(past), *covered], "step", "limit")]
    plot = _counted_and_expected(past, days, zone, language)
    title = said(phrase("Tickets a day, counted and expected"))
    return replace(plot, lines=[*plot.lines, *covers], height=280.0, title=title)


def _missed(numbers: Capacity, zone: str, language: Language) -> Plot | None:
    """The last days' missed resolutions as counted, then those expected; None where none are promised or known."""
    if not numbers.breaches:
        return None
    plot = _counted_and_expected(numbers.forecast.missed[-PAST_DAYS:], numbers.breaches, zone, language)
    return replace(plot, title=language.gettext(phrase("Resolutions missed a day, counted and expected")))


def _counted_and_expected(past: Sequence[Period], days: Sequence[Period], zone: str, language: Language) -> Plot:
    """Dots for what came, then a line with both intervals."""
    said = language.gettext
    gap: list[float | None] = [None] * len(past)
    after: list[float | None] = [None] * len(days)
    bands = [
        Band(said(WITHIN_95), [*gap, *(one.low_95 for one in days)], [*gap, *(one.high_95 for one in days)]),
        Band(said(WITHIN_80), [*gap, *(one.low_80 for one in days)], [*gap, *(one.high_80 for one in days)], "narrow"),
    ]
    lines = [
        Line(said(ACTUAL), [*(one.expected for one in past), *after], "dots", "quiet"),
        Line(said(EXPECTED), [*gap, *(one.expected for one in days)]),
    ]
    labels = [local_date(one.start_at, zone)[5:] for one in (*past, *days)]
    return Plot(labels, lines, bands if any(one.low_95 is not None for one in days) else ())


def _told(value: float | None, digits: int = 0) -> str:
    """A number for a sentence or a cell; a dash where there is none."""
    return "–" if value is None or value != value else short_number(round(value, digits) + 0.0)
