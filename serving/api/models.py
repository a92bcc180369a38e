"""GET /api/v1/models."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from models.registry import all_registered
from models.versions import ModelVersion, RegisteredModel, RegistryError
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.problem_schemas import problems
from serving.service import service_of

router = APIRouter(tags=["models"], route_class=Guarded)


class VersionOut(BaseModel):
    """One version and what its run found; figures that are no finite number are left out."""

    version: str
    number: int
    created_at: datetime
    aliases: list[str]
    gate: str = Field(description="`passed` or `failed`; empty where no gate judged it.")
    gate_reason: str = Field(description="Why; where no gate judged it, why it serves what it serves.")
    metrics: dict[str, float]


class ModelOut(BaseModel):
    """A model, its versions newest first, and who carries which alias."""

    name: str = Field(
        description="`breach` and `breach-TARGET`, `remaining-time`, `outage`, `volume`, or a name of your own."
    )
    target: str = Field(description="The target whose breach it foretells; empty for models of anything else.")
    aliases: dict[str, int]
    champion_since: datetime | None = Field(description="When the champion became it, where it was written down.")
    versions: list[VersionOut]


class ModelsOut(BaseModel):
    """All models that slacast registered, that of the queue first, and what is wrong with asking for them."""

    models: list[ModelOut]
    served: str | None = Field(description="The bundle that the queue is scored with; null: the rules alone.")
    problem: str | None = Field(description="Why the registry has nothing to tell, if so.")


@router.get(
    "/models",
    dependencies=[Depends(Demand(Permission.READ))],
    responses=problems(401, 403, 422, 429),
    summary="The registered models with their versions and figures",
)
def read_models(
    request: Request,
    versions: Annotated[
        int, Query(ge=1, le=200, description="So many of each model's newest; those with an alias are always told.")
    ] = 20,
) -> ModelsOut:
    """Versions, aliases and figures as the registry has them now."""
    service = service_of(request)
    queue = service.standing.queue
    served = queue.bundle_version if queue else None
    if not service.settings.use_model:
        return ModelsOut(models=[], served=served, problem="SLACAST_USE_MODEL is off")
    try:
        found = all_registered(service.settings.mlflow_uri, versions)
    except RegistryError as error:
        return ModelsOut(models=[], served=served, problem=str(error))
    found.sort(key=lambda one: one.name != service.settings.model_name)
    problem = None if found else "There is no model yet. Train one: slacast train breach."
    return ModelsOut(models=[_model(one) for one in found], served=served, problem=problem)


def _model(one: RegisteredModel) -> ModelOut:
    newest = one.versions[0]
    return ModelOut(
        name=one.name,
        target=newest.target,
        aliases=dict(one.aliases),
        champion_since=one.champion_since,
        versions=[_version(version) for version in one.versions],
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
