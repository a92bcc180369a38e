"""GET /api/v1/forecast."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from features.volumes.counts import ALL, Series
from models.volumes.past import PastFigure
from serving.access.caller import Caller, Scope
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.api.schemas import UNCHANGED
from serving.etags import FOR_ONE, etag_of, is_unchanged, not_modified
from serving.kept_forecast import NONE_YET, InForce, KeptForecast, Period, kept_forecast, kept_series
from serving.problems import ProblemError
from serving.reports.columns import iso
from serving.service import Service, service_of

router = APIRouter(tags=["capacity"], route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
Level: TypeAlias = Literal["all", "service", "team", "category", "priority"]


class PeriodOut(BaseModel):
    """What is expected within a period; bounds are null where no interval is claimed."""

    start_at: datetime
    end_at: datetime
    expected: float
    low_95: float | None
    low_80: float | None
    high_80: float | None
    high_95: float | None


class PastOut(BaseModel):
    """How kept forecasts so many days ahead did on days counted since."""

    first_day_ahead: int
    last_day_ahead: int
    days: int
    wape: float = Field(description="Sum of absolute errors over what came.")
    within_80: float | None
    within_95: float | None


class SeriesOut(BaseModel):
    """A series with a forecast."""

    level: Level
    subject: str


class ForecastOut(BaseModel):
    """The kept forecast in force. Without one `why_none` says what to do, and all lists are empty."""

    level: Level
    subject: str = Field(description="Of that level; empty for all tickets.")
    made_at: datetime | None
    model_version: str | None = Field(description="Null: the mean of four same weekdays, without intervals.")
    time_zone: str = Field(description="In whose days and half hours is counted.")
    why_none: str | None
    days: list[PeriodOut] = Field(description="Tickets expected each local day.")
    half_hours: list[PeriodOut] = Field(description="The first two weeks by half hour, for all tickets and for teams.")
    hours: list[PeriodOut] = Field(description="Hours of work each day; empty where no handling times are known.")
    backlog: list[PeriodOut] = Field(
        description="Open at the end of each day if as much is resolved as on the last four same weekdays; for all tickets alone."
    )
    breaches: list[PeriodOut] = Field(
        description="Resolutions missed each day if as large a share is missed as in the last four weeks, in the series the ticket counts in."
    )
    counted: list[PeriodOut] = Field(description="What came on the days before.")
    missed: list[PeriodOut] = Field(description="Resolutions missed on the days before.")
    past: list[PastOut] = Field(description="How kept forecasts of tickets did.")
    past_breaches: list[PastOut] = Field(description="How kept forecasts of missed resolutions did.")
    series: list[SeriesOut] = Field(description="Everything that can be asked for.")


@router.get(
    "/forecast",
    response_model=ForecastOut,
    responses={304: UNCHANGED, **problems(401, 403, 404, 422, 429, 503)},
    summary="How many tickets are expected",
)
def read_forecast(
    request: Request,
    caller: Reader,
    level: Annotated[
        Level | None, Query(description="Of what; all tickets, or the caller's only team or service.")
    ] = None,
    subject: Annotated[str, Query(max_length=500, description="Which of that level.")] = "",
) -> Response:
    """The newest forecast that `slacast forecast volume --keep` stored, with intervals, and how earlier ones did."""
    service = service_of(request)
    asked = series_asked(caller.scope, level, subject)
    kept = forecast_in_force(service, asked, caller.scope)
    etag = etag_of("forecast", asked, kept, zone_of(service), caller.scope)
    if is_unchanged(request, etag):
        return not_modified(etag)
    found, known = forecast_told(service, kept, asked), series_told(service, kept, caller.scope)
    content = {
        "level": asked.level,
        "subject": asked.subject,
        "time_zone": zone_of(service),
        "why_none": None if found else f"{NONE_YET}.",
        "series": [{"level": one.level, "subject": one.subject} for one in known],
        **_told(found),
    }
    return JSONResponse(content, headers={"ETag": etag, **FOR_ONE})


def forecast_in_force(service: Service, asked: Series, scope: Scope) -> InForce:
    """When what is in force was made. Raises ProblemError 404 for a series that has no forecast while others do."""
    if service.store is None:
        return InForce()
    found = InForce.at(service.store, service.clock(), asked)
    if found.made_at is None and series_told(service, found, scope):
        raise ProblemError(
            404,
            f"There is no forecast of {asked}. The field `series` of an answer without parameters lists those there are.",
        )
    return found


def forecast_told(service: Service, kept: InForce, asked: Series) -> KeptForecast | None:
    """The forecast in force."""
    if service.store is None or kept.made_at is None:
        return None
    return kept_forecast(service.store, kept.made_at, asked, zone_of(service))


def series_told(service: Service, kept: InForce, scope: Scope) -> tuple[Series, ...]:
    """The series with a forecast for which the scope may ask."""
    if service.store is None or kept.whole_made_at is None:
        return ()
    return tuple(one for one in kept_series(service.store, kept.whole_made_at) if may_see(scope, one))


def series_asked(scope: Scope, level: str | None, subject: str) -> Series:
    """The series asked for, within the scope. Raises ProblemError 403 for another and 422 where level and subject do not fit."""
    if level is None:
        own = scope.teams[:1] if len(scope.teams) == 1 and not scope.services else ()
        of_service = scope.services[:1] if len(scope.services) == 1 and not scope.teams else ()
        chosen = Series("team", own[0]) if own else Series("service", of_service[0]) if of_service else Series(ALL, "")
    else:
        chosen = Series(level, subject)
    if (chosen.level == ALL) == bool(chosen.subject):
        raise ProblemError(
            422,
            f"level {chosen.level!r} and subject {chosen.subject!r} do not fit: a level but `all` needs a subject, `all` has none.",
        )
    if not may_see(scope, chosen):
        raise ProblemError(
            403,
            f"You see {scope.words()}: a forecast of {chosen} would tell of other tickets. Ask with level and subject for your own.",
        )
    return chosen


def may_see(scope: Scope, series: Series) -> bool:
    """True where every ticket of the series is within the scope."""
    if scope.is_everything:
        return True
    if scope.teams and scope.services:
        return False
    allowed = scope.teams if series.level == "team" else scope.services if series.level == "service" else ()
    return series.subject in allowed


def zone_of(service: Service) -> str:
    """The zone in whose days is counted: that of the desk."""
    queue = service.standing.queue
    return service.settings.time_zone or (queue.zone if queue else "UTC")


def _told(found: KeptForecast | None) -> dict[str, Any]:
    names = ("days", "half_hours", "hours", "backlog", "breaches", "counted", "missed")
    if found is None:
        return {"made_at": None, "model_version": None, "past": [], "past_breaches": [], **{name: [] for name in names}}
    lists = {name: [_period(one) for one in getattr(found, name)] for name in names}
    past = {name: [_past(one) for one in getattr(found, name)] for name in ("past", "past_breaches")}
    return {"made_at": iso(found.made_at), "model_version": found.model_version, **past, **lists}


def _past(one: PastFigure) -> dict[str, Any]:
    return {
        "first_day_ahead": one.first_ahead,
        "last_day_ahead": one.last_ahead,
        "days": one.days,
        "wape": one.wape,
        "within_80": _known(one.within_80),
        "within_95": _known(one.within_95),
    }


def _period(one: Period) -> dict[str, Any]:
    return vars(one) | {"start_at": iso(one.start_at), "end_at": iso(one.end_at)}


def _known(value: float) -> float | None:
    return value if value == value else None
