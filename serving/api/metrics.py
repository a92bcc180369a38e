"""GET /metrics, for Prometheus."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.metrics import CONTENT_TYPE, metrics_of
from serving.problems import ProblemError

EXAMPLE = """\
# HELP slacast_scores_age_seconds How long ago the queue was scored.
# TYPE slacast_scores_age_seconds gauge
slacast_scores_age_seconds 12.5
"""
router = APIRouter(tags=["health"], route_class=Guarded)


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": EXAMPLE}}}, **problems(401, 403, 422, 429)},
    summary="Figures about the running service, in Prometheus' text format",
)
def metrics(request: Request, caller: Annotated[Caller, Depends(Demand(Permission.READ))]) -> Response:
    """Request times by route, age of scores, lag from event to score, events in, the bundle's version. They are about all tickets, so a key for some of them is refused."""
    if not caller.scope.is_everything:
        raise ProblemError(403, f"The figures are about all tickets; this key may see {caller.scope.words()}.")
    return Response(metrics_of(request).text(), media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})
