"""GET /api/v1/reports/service-levels."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import pandas as pd
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from serving.access.caller import Caller, Scope, seen_by
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.api.schemas import UNCHANGED
from serving.etags import FOR_ONE, etag_of, is_unchanged, not_modified
from serving.levels import (  # fmt: skip
    MOST_MONTHS,
    Attained,
    Level,
    LevelsReport,
    Month,
    chance_to_miss,
    levels_report,
    open_chances,
)
from serving.levels_book import LevelsBook
from serving.problems import Fault, ProblemError
from serving.queue import Queue
from serving.service import service_of

router = APIRouter(tags=["reports"], route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
MOST_LISTED = 200


class MonthOut(BaseModel):
    """One target in one month."""

    month: str = Field(examples=["2016-05"])
    met: int
    missed: int
    share: float | None = Field(description="The share that was met; null where nothing was decided.")
    goal: float = Field(description="The share that should be met.")
    is_goal_assumed: bool = Field(description="True where no agreement names a service credit: 95 %.")
    gap: float | None = Field(description="Share minus goal; negative where the goal was missed.")
    word: str = Field(description="`kept`, `close`, `missed` or `none`.")


class LevelOut(BaseModel):
    """One target of one agreement, the oldest month first."""

    agreement: str
    target: str
    months: list[MonthOut]
    chance_to_miss: float | None = Field(
        description="The chance that the current month ends below its goal, by what is open now; null without a model and for past months."
    )


class DecidedOut(BaseModel):
    """One clock that was decided."""

    ticket_id: str
    target: str
    agreement: str
    decided_at: datetime
    share_used: float
    overdue_seconds: float
    team: str
    service: str


class LevelsOut(BaseModel):
    """How the agreements were kept up to a month; lists are of that month alone, at most 200 each."""

    as_of: str
    time_zone: str
    month: str
    levels: list[LevelOut]
    missed: list[DecidedOut] = Field(description="What missed its target, the worst first.")
    missed_total: int
    near_misses: list[DecidedOut] = Field(description="What was met with at most 5 % of its target left.")
    near_total: int


@router.get(
    "/reports/service-levels",
    response_model=LevelsOut,
    responses={304: UNCHANGED, **problems(401, 422, 429, 503)},
    summary="How the agreements were kept, by target and month",
)
def read_levels(
    request: Request,
    caller: Reader,
    month: Annotated[
        str | None, Query(max_length=7, description="The last month, as 2016-05; absent: the current one.")
    ] = None,
    months: Annotated[int, Query(ge=1, le=MOST_MONTHS)] = 6,
    goal: Annotated[
        float | None, Query(gt=0, le=1, description="A share that goes before what the agreements say.")
    ] = None,
) -> Response:
    """Clocks count in the month of their decision, in the desk's zone; they are counted anew every five minutes."""
    queue, _standing = service_of(request).queue()
    last = Month.of(queue.as_of, queue.zone) if month is None else Month.read(month)
    if last is None:
        detail = f"month is {month!r}, expected a year and a month such as 2016-05"
        raise ProblemError(422, detail, (Fault("month", detail),))
    etag = etag_of(queue.fingerprint, request.url.query, caller.scope)
    if is_unchanged(request, etag):
        return not_modified(etag)
    found = report_of(request, caller, last, months, goal)
    return JSONResponse(_content(queue, last, found), headers={"ETag": etag, **FOR_ONE})


def report_of(request: Request, caller: Caller, last: Month, months: int, goal: float | None) -> LevelsReport:
    """The report as a caller may see it, with the chances of the current month."""
    queue, _standing = service_of(request).queue()
    agreements = service_of(request).source.histories.agreements
    found = levels_report(clocks_seen(request, caller), agreements, last, months, goal)
    current = Month.of(queue.as_of, queue.zone)
    if last != current:
        return found
    until, mine = current.plus(1).begin(queue.zone), seen_by(queue, caller.scope)
    levels = []
    for level in found.levels:
        chances = open_chances(mine, level.agreement, level.target, until)
        chance = None if chances is None else chance_to_miss(level.months[-1], chances)
        levels.append(Level(level.target, level.agreement, level.months, chance))
    return LevelsReport(found.months, tuple(levels), found.clocks)


def clocks_seen(request: Request, caller: Caller) -> pd.DataFrame:
    """Every decided clock whose ticket the caller may see, a frame with serving.levels.COLUMNS."""
    queue, _standing = service_of(request).queue()
    return _seen(book_of(request).clocks(queue), caller.scope)


def book_of(request: Request) -> LevelsBook:
    """The decided clocks of the application a request belongs to."""
    book = request.app.state.levels
    if not isinstance(book, LevelsBook):
        raise TypeError("the application was not built by serving.app.create_app")
    return book


def _seen(clocks: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    if scope.is_everything:
        return clocks
    wanted = pd.Series(True, index=clocks.index)
    for name, allowed in (("team", scope.teams), ("service", scope.services)):
        if allowed:
            wanted &= clocks[name].isin(allowed)
    return clocks[wanted]


def _content(queue: Queue, last: Month, found: LevelsReport) -> dict[str, Any]:
    missed, near = found.missed_in(last), found.near_misses_in(last)
    return {
        "as_of": queue.as_of.isoformat(),
        "time_zone": queue.zone,
        "month": str(last),
        "levels": [
            {
                "agreement": level.agreement,
                "target": level.target,
                "months": [_month(one) for one in level.months],
                "chance_to_miss": level.chance,
            }
            for level in found.levels
        ],
        "missed": _decided(missed),
        "missed_total": len(missed),
        "near_misses": _decided(near),
        "near_total": len(near),
    }


def _month(one: Attained) -> dict[str, Any]:
    return {
        "month": str(one.month),
        "met": one.met,
        "missed": one.missed,
        "share": one.share,
        "goal": one.goal,
        "is_goal_assumed": one.is_assumed,
        "gap": one.gap,
        "word": one.word,
    }


def _decided(clocks: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            **{name: str(row[name]) for name in ("ticket_id", "target", "agreement", "team", "service")},
            "decided_at": row["decided_at"].isoformat(),
            "share_used": float(row["share_used"]) if math.isfinite(row["share_used"]) else 1.0,
            "overdue_seconds": float(row["overdue_seconds"]),
        }
        for _place, row in clocks.head(MOST_LISTED).iterrows()
    ]
