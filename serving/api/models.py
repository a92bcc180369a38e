"""GET /api/v1/models."""

from __future__ import annotations

import math
from datetime import datetime

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from models.registry import registered
from models.versions import ModelVersion, RegistryError
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.schemas import problems
from serving.service import service_of

router = APIRouter(tags=["models"], route_class=Guarded)


class VersionOut(BaseModel):
    """One version and what its run found; figures that are no finite number are left out."""

    version: str
    number: int
    created_at: datetime
    aliases: list[str]
    gate: str = Field(description="`passed` or `failed`; empty where no gate judged it.")
    gate_reason: str
    metrics: dict[str, float]


class ModelOut(BaseModel):
    """A model, its versions newest first, and who carries which alias."""

    name: str
    aliases: dict[str, int]
    versions: list[VersionOut]


class ModelsOut(BaseModel):
    """The models that are served, and what is wrong with asking for them."""

    models: list[ModelOut]
    served: str | None = Field(description="The bundle that the queue is scored with; null: the rules alone.")
    problem: str | None = Field(description="Why the registry has nothing to tell, if so.")


@router.get(
    "/models",
    dependencies=[Depends(Demand(Permission.READ))],
    responses=problems(401, 403, 429),
    summary="The registered models with their figures",
)
def read_models(request: Request) -> ModelsOut:
    """Versions, aliases and figures as the registry has them now."""
    service = service_of(request)
    queue = service.standing.queue
    served = queue.bundle_version if queue else None
    if not service.settings.use_model:
        return ModelsOut(models=[], served=served, problem="SLACAST_USE_MODEL is off")
    try:
        found = registered(service.settings.mlflow_uri, service.settings.model_name)
    except RegistryError as error:
        return ModelsOut(models=[], served=served, problem=str(error))
    versions = [_version(one) for one in found.versions]
    return ModelsOut(
        models=[ModelOut(name=found.name, aliases=dict(found.aliases), versions=versions)], served=served, problem=None
    )


def _version(one: ModelVersion) -> VersionOut:
    return VersionOut(
        version=one.version,
        number=one.number,
        created_at=one.created_at,
        aliases=list(one.aliases),
        gate=one.gate,
        gate_reason=one.gate_reason,
        metrics={name: value for name, value in one.metrics.items() if math.isfinite(value)},
    )
