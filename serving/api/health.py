"""GET /healthz and /readyz."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Depends, Request, Response

from serving.access.decisions import Everyone, gate_of
from serving.api.schemas import Health, Readiness
from serving.service import service_of

router = APIRouter(tags=["health"])
OPEN = "open for one user on this machine: no access keys exist"
GUARDED = "access keys or a login are needed"


@router.get(
    "/healthz",
    dependencies=[Depends(Everyone("probes carry no key, and it tells nothing"))],
    summary="Does the process answer?",
)
def healthz() -> Health:
    """Ok while the process lives; asks nothing else."""
    return Health()


@router.get(
    "/readyz",
    dependencies=[Depends(Everyone("probes carry no key; details are for readers"))],
    responses={503: {"model": Readiness}},
    summary="Can it do its work, and if not, why?",
)
def readyz(request: Request, response: Response) -> Readiness:
    """Ready once a queue is there, with or without a model; 503 before that and while scoring fails. `why` names all that is degraded, to those who may read."""
    service = service_of(request)
    standing = service.standing
    queue = standing.queue
    why = []
    if standing.problem:
        why.append(f"Scoring fails: {standing.problem}")
    elif queue is None:
        why.append("The first scoring is under way")
    is_ready = not why
    if queue is not None and queue.rules_only_reason:
        why.append(queue.rules_only_reason)
    why += service.degraded()
    response.status_code = 200 if is_ready else 503
    response.headers["Cache-Control"] = "no-store"
    status: Literal["ready", "not ready"] = "ready" if is_ready else "not ready"
    if gate_of(request).visitor(request) is None:
        return Readiness(status=status, why=[], access=GUARDED)
    access = OPEN if gate_of(request).stands_open else GUARDED
    if queue is None:
        return Readiness(status=status, why=why, access=access)
    return Readiness(
        status=status,
        why=why,
        access=access,
        as_of=queue.as_of,
        scored_seconds_ago=round(standing.age_seconds(), 3),
        open_tickets=queue.counts.all,
        bundle_version=queue.bundle_version,
    )
