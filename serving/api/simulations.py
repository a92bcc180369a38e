"""POST /api/v1/simulations: what if, as a job."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Body, Depends, Request, Response

from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded, gate_of
from serving.access.roles import Permission
from serving.api import asking
from serving.api.asking import ACCEPTED, asked
from serving.api.job_bodies import JobOut
from serving.api.jobs import Key, shown
from serving.api.problem_schemas import problems
from serving.jobs.planning import SIMULATE, SimulateArguments
from serving.service import service_of

router = APIRouter(tags=["capacity"], route_class=Guarded)
Planner: TypeAlias = Annotated[Caller, Depends(Demand(Permission.PLAN))]


@router.post(
    "/simulations",
    status_code=ACCEPTED,
    responses=problems(400, 401, 403, 413, 422, 429, 503, 507),
    summary="What if: simulate the desk with something changed",
)
def simulate(
    request: Request,
    response: Response,
    body: Annotated[SimulateArguments, Body()],
    caller: Planner,
    idempotency_key: Key = None,
) -> JobOut:
    """A job of the kind `simulate`: fits the desk from the history, then compares it with itself changed, or seeks people for a team."""
    at, sent = gate_of(request).clock(), {"simulation": body.model_dump(mode="json")}
    job = asked(asking.Request(service_of(request), caller, at, idempotency_key, sent), SIMULATE, body)
    response.headers["Location"] = f"/api/v1/jobs/{job.job_id}"
    return shown(request, job.job_id, caller)
