"""All routes of the API, put together."""

from __future__ import annotations

from fastapi import APIRouter

from serving.api import (
    alerts,
    audit,
    availability,
    description,
    deviations,
    events,
    feedback,
    forecast,
    health,
    job_log,
    jobs,
    levels,
    metrics,
    models,
    promotions,
    queue,
    scores,
    scoring,
    services,
    simulations,
    staffing,
    supposing,
    tickets,
)

PREFIX = "/api/v1"


def api_router() -> APIRouter:
    """The router with everything under /api/v1, and /healthz, /readyz and /metrics beside it."""
    router = APIRouter()
    for module in (
        queue,
        tickets,
        scores,
        supposing,
        feedback,
        events,
        scoring,
        models,
        levels,
        deviations,
        promotions,
        jobs,
        job_log,
        alerts,
        audit,
        availability,  # before services, whose names may hold a slash
        services,
        forecast,
        staffing,
        simulations,
        description,
    ):
        router.include_router(module.router, prefix=PREFIX)
    router.include_router(health.router)
    router.include_router(metrics.router)
    return router
