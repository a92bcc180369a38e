"""GET /api/v1/openapi.json: the description of all this, for those who may read."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request

from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission

router = APIRouter(route_class=Guarded, include_in_schema=False)


@router.get("/openapi.json", dependencies=[Depends(Demand(Permission.READ))])
def read_description(request: Request) -> dict[str, Any]:
    """The OpenAPI document."""
    described: dict[str, Any] = request.app.openapi()
    return described
