"""GET /api/v1/services/{service}/availability."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.api.schemas import UNCHANGED
from serving.api.service_sight import NOT_YET, ServiceSight
from serving.etags import FOR_ONE, is_unchanged, not_modified
from serving.problems import Fault, ProblemError
from serving.reports.columns import iso
from serving.service import service_of
from serving.services.windows import Asked, AvailabilityReport, By, Window, availability_report
from sla.services.service_history import ServiceError

router = APIRouter(tags=["services"], route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
MOST_WINDOWS: Final = 1000
_DAYS: Final[dict[By, int]] = {"day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365, "rolling": 1}
_EARLIEST, _LATEST = dt.date(1970, 1, 1), dt.date(2199, 12, 31)
_DAYS_AGO: Final = 365


class WindowOut(BaseModel):
    """One window. Minutes are within the service hours."""

    start_at: dt.datetime
    end_at: dt.datetime = Field(description="The instant of the answer where the window is not over.")
    availability: float | None = Field(description="A share; null: nothing was measured.")
    measured_minutes: float
    lost_minutes: float
    outages: int = Field(description="Begun in the window.")
    budget_left: float | None = Field(description="Of what may be lost; negative once overspent, null: no promise.")


class AvailabilityOut(BaseModel):
    """The windows, the oldest first; those that begin after the instant are left out."""

    as_of: dt.datetime
    services: list[str]
    needed: int = Field(description="How many of the services must work.")
    with_needs: bool
    window: By
    zone: str
    hours: str | None = Field(description="The calendar of the service hours; null: around the clock.")
    objective_percent: float | None = Field(description="What each window is held to; null: no promise.")
    problem: str | None = Field(description="What is wrong at present: these are then the last good values.")
    windows: list[WindowOut]


@router.get(
    "/services/{service:path}/availability",
    response_model=AvailabilityOut,
    responses={304: UNCHANGED, **problems(401, 404, 422, 429, 503)},
    summary="Availability of a service, or of several of which some must work, by windows",
)
def read_availability(
    request: Request,
    caller: Reader,
    service: Annotated[str, Path(min_length=1, max_length=500, description="The service's name, as in the source.")],
    window: Annotated[By, Query(description="What kind of windows; `rolling` ones end on each day.")] = "month",
    first: Annotated[
        dt.date | None, Query(alias="from", description="The first day, 1970 to 2199; left out: a year before `to`.")
    ] = None,
    last: Annotated[dt.date | None, Query(alias="to", description="The last day; left out: today, in UTC.")] = None,
    zone: Annotated[str, Query(max_length=100, description="Days begin at midnight of this time zone.")] = "UTC",
    rolling_days: Annotated[int, Query(ge=1, le=366, description="How long a rolling window is.")] = 30,
    hours: Annotated[
        str | None,
        Query(max_length=500, description="A calendar of the agreements; left out: the service's own hours."),
    ] = None,
    also: Annotated[  # FastAPI copies defaults
        list[str], Query(max_length=50, description="Other services that are one with it; repeat for several.")
    ] = [],  # noqa: B006
    needed: Annotated[
        int | None, Query(ge=1, le=51, description="How many of all these must work; left out: all.")
    ] = None,
    with_needs: Annotated[bool, Query(description="With all that each service needs.")] = False,
    objective: Annotated[
        float | None, Query(gt=0, lt=100, description="Percent to hold it to; left out: what the catalogue promises.")
    ] = None,
) -> Response:
    """At most 1000 windows; the last one may be cut off at the instant of the answer."""
    running = service_of(request)
    sight = ServiceSight.of(running, caller.scope)
    etag = sight.etag("availability", service, request.url.query)
    if is_unchanged(request, etag):
        return not_modified(etag)
    services = (service, *also)
    _check_seen(services, sight)
    until = last or sight.board.as_of.date()
    since = first or max(until - dt.timedelta(days=_DAYS_AGO), _EARLIEST)
    _check_span(since, until, window)
    asked = Asked(services, since, until, window, zone, rolling_days, hours, needed, with_needs, objective)
    basis = None if running.services is None else running.services.basis
    if basis is None:
        raise ProblemError(503, NOT_YET, headers={"Retry-After": "2"})
    try:
        report = availability_report(basis, asked)
    except ServiceError as error:
        raise ProblemError(422, str(error)) from error
    content = _content(report, asked) | {"problem": sight.board.problem}
    return JSONResponse(content, headers={"ETag": etag, **FOR_ONE})


def _check_seen(services: tuple[str, ...], sight: ServiceSight) -> None:
    seen = {one.service for one in sight.services}
    if services[0] not in seen:
        raise ProblemError(404, f"There is no service {services[0][:200]!r}.")
    for name in services[1:]:
        if name not in seen:
            text = f"There is no service {name[:200]!r}: name one of GET /api/v1/services."
            raise ProblemError(422, text, (Fault("also", text),))
    twice = next((name for name in services if services.count(name) > 1), None)
    if twice is not None:
        text = f"{twice[:200]!r} is named twice: one service cannot stand in for itself."
        raise ProblemError(422, text, (Fault("also", text),))


def _check_span(since: dt.date, until: dt.date, window: By) -> None:
    text = None
    if not _EARLIEST <= since <= until <= _LATEST:
        text = f"from {since} to {until}: expected days from {_EARLIEST} to {_LATEST}, the first not after the last."
    elif (until - since).days // _DAYS[window] >= MOST_WINDOWS:
        text = f"from {since} to {until} are more than {MOST_WINDOWS} windows: ask for less, or for longer ones."
    if text is not None:
        raise ProblemError(422, text, (Fault("from", text),))


def _content(report: AvailabilityReport, asked: Asked) -> dict[str, Any]:
    return {
        "as_of": iso(report.as_of),
        "services": list(asked.services),
        "needed": asked.needed or len(asked.services),
        "with_needs": asked.with_needs,
        "window": report.by,
        "zone": report.zone,
        "hours": report.hours,
        "objective_percent": report.objective_percent,
        "windows": [_told(one) for one in report.windows],
    }


def _told(one: Window) -> dict[str, Any]:
    return vars(one) | {"start_at": iso(one.start_at), "end_at": iso(one.end_at)}
