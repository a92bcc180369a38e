"""GET /healthz and /readyz."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from serving.api.schemas import Health, Readiness
from serving.service import service_of

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Does the process answer?")
def healthz() -> Health:
    """Ok while the process lives; asks nothing else."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness}}, summary="Can it do its work, and if not, why?")
def readyz(request: Request, response: Response) -> Readiness:
    """Ready once a queue is there, with or without a model; 503 before that and while scoring fails. `why` names all that is degraded."""
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
    if problem := service.model_problem():
        why.append(problem)
    response.status_code = 200 if is_ready else 503
    response.headers["Cache-Control"] = "no-store"
    if queue is None:
        return Readiness(status="not ready", why=why)
    return Readiness(
        status="ready" if is_ready else "not ready",
        why=why,
        as_of=queue.as_of,
        scored_seconds_ago=round(standing.age_seconds(), 3),
        open_tickets=queue.counts.all,
        bundle_version=queue.bundle_version,
    )
