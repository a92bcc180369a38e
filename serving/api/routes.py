"""All routes of the API, put together."""

from __future__ import annotations

from types import ModuleType

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
    router.include_router(
        together(
            *(queue, tickets, scores, supposing, feedback, events, scoring, models, levels, deviations, promotions),
            *(jobs, job_log, alerts, audit),
            *(availability, services),  # in this order: the names of services may hold a slash
            *(forecast, staffing, simulations, description),
        ),
        prefix=PREFIX,
    )
    router.include_router(together(health, metrics))
    return router


def together(*modules: ModuleType) -> APIRouter:
    """One router with the routes of several modules: each router on the way to a route costs every request some time."""
    return APIRouter(routes=[route for module in modules for route in module.router.routes])
