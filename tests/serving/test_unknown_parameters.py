"""A parameter that a route does not have is refused, by its name: a filter with a letter too few would find everything."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from serving.access.decisions import Guarded, all_routes
from serving.access.roles import Role
from serving.app import application
from serving.parameters import parameters_of
from tests.serving.builders import FixedSource, busy_desk, is_problem, service_over
from tests.serving.stored_desk import Desk
from tests.serving.test_access import PARAMETER, PLACES

PROBE = application(service_over(FixedSource(busy_desk(3))))
DOCUMENTED = {
    (method, path): route
    for path, route in all_routes(PROBE)
    if isinstance(route, APIRoute) and isinstance(route, Guarded) and route.include_in_schema
    for method in sorted(route.methods)
}
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in PROBE.openapi()["paths"].items()
    for method, operation in methods.items()
}


def test_every_documented_route_is_looked_at() -> None:
    assert {(method, PARAMETER.sub(r"{\1}", path)) for method, path in DOCUMENTED} >= {
        one for one in OPERATIONS if one[1].startswith("/api/")
    }


@pytest.mark.parametrize(("method", "path"), DOCUMENTED, ids=" ".join)
def test_unknown_parameters_are_refused_and_documented_ones_are_known(guarded: Desk, method: str, path: str) -> None:
    known = parameters_of(DOCUMENTED[method, path].dependant)
    operation = OPERATIONS[method, PARAMETER.sub(r"{\1}", path)]
    assert {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"} <= known
    assert "422" in operation["responses"]
    address = PARAMETER.sub(lambda found: PLACES[found[1]], path)
    answer = guarded.client(Role.ADMIN).request(method, f"{address}?teem=Network&teem=Mail&x%0A=1")
    refused = is_problem(answer, 422)
    assert [fault["pointer"] for fault in refused["errors"]] == ["teem", "x\n"]
    assert all(name in refused["errors"][0]["detail"] for name in known)
    assert is_problem(guarded.client(token=None).request(method, f"{address}?teem=Network"), 401)


def test_the_parameter_that_was_meant_is_named(client: TestClient) -> None:
    (fault,) = is_problem(client.get("/api/v1/queue?tem=Network&limit=2"), 422)["errors"]
    assert fault["pointer"] == "tem"
    assert re.match(r"there is no such parameter; did you mean 'team'\? expected one of assignee, ", fault["detail"])
    many: Any = is_problem(client.get("/api/v1/queue?" + "&".join(f"{'x' * 300}{n}=1" for n in range(50))), 422)
    assert (len(many["errors"]), max(len(one["pointer"]) for one in many["errors"])) == (10, 100)
    assert client.get("/api/v1/queue?team=Network&limit=2").status_code == 200


def test_pages_take_what_other_pages_hand_on(client: TestClient) -> None:
    assert client.get("/queue?tem=Network").status_code == 200
