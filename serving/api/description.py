"""GET /api/v1/openapi.json: the description of all this, for those who may read."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute

from serving.access.decisions import Demand, Guarded, all_routes, decision_of
from serving.access.roles import Permission, roles_with
from serving.api import examples, outlook_examples

router = APIRouter(route_class=Guarded, include_in_schema=False)
_KEY = {"type": "http", "scheme": "bearer", "description": "An access key, `slk_...` (docs/access.md)."}


@router.get("/openapi.json", dependencies=[Depends(Demand(Permission.READ))])
def read_description(request: Request) -> dict[str, Any]:
    """The OpenAPI document."""
    return description_of(request.app)


def description_of(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, which says of each operation which roles may."""
    document: dict[str, Any] = app.openapi()
    document["components"]["securitySchemes"] = {"key": _KEY}
    shown = examples.BY_SCHEMA | outlook_examples.BY_SCHEMA
    for name, example in shown.items():  # here, because FastAPI takes every null out of examples
        document["components"]["schemas"][name]["examples"] = [example]
    for path, route in all_routes(app):
        decision = decision_of(route) if isinstance(route, APIRoute) else None
        if isinstance(route, APIRoute) and route.include_in_schema and isinstance(decision, Demand):
            for method in route.methods or ():
                operation = document["paths"][path.replace(":path}", "}")][method.lower()]
                operation["security"] = [{"key": []}]
                operation["x-roles"] = [role.value for role in roles_with(decision.permission)]
    return document
