"""What each route demands. A route without a decision stops the application from starting."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from serving.access.caller import Caller
from serving.access.gate import SAFE_METHODS, Gate
from serving.access.roles import Permission, roles_with
from serving.parameters import parameters_of, refuse_unknown
from serving.problems import ProblemError

FORM = "application/x-www-form-urlencoded"


class Demand:
    """A dependency of a route (`Depends(Demand(Permission.READ))`): who asks, if they have the permission; ProblemError 401 or 403 if not."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Caller:  # noqa: D102
        caller: Caller | None = getattr(request.state, "caller", None)
        if caller is None:
            csrf, gate = await _csrf_of(request), gate_of(request)
            if gate.is_at_hand(request):  # another thread, and the way back, would cost more than what it is asked
                caller = gate.caller(request, csrf)
            else:
                caller = await run_in_threadpool(gate.caller, request, csrf)
            request.state.caller = caller
        if not caller.may(self.permission):
            roles = ", ".join(roles_with(self.permission))
            raise ProblemError(
                403, f"The role {caller.role.value} may not {self.permission.value}; these may: {roles}."
            )
        return caller


class Everyone:
    """A dependency of a route that answers strangers too, because it has to (`Depends(Everyone("why"))`)."""

    def __init__(self, why: str) -> None:
        self.why = why

    def __call__(self) -> None:  # noqa: D102
        return None


class Guarded(APIRoute):
    """A route that asks who is there before it reads what they send (FastAPI reads the body first).

    One that is documented refuses parameters that it does not have. Pages take any: they carry some for each other.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # noqa: D102
        answer = super().get_route_handler()
        decision = decision_of(self)
        parameters = parameters_of(self.dependant) if self.include_in_schema else None

        async def guarded(request: Request) -> Response:
            if isinstance(decision, Demand):
                await decision(request)
            if parameters is not None:
                refuse_unknown(request, parameters)
            return await answer(request)

        return guarded


def gate_of(request: Request) -> Gate:
    """The gate of the application a request belongs to."""
    gate = request.app.state.gate
    if not isinstance(gate, Gate):
        raise TypeError("the application was not built by serving.app.application")
    return gate


def decision_of(route: APIRoute) -> Demand | Everyone | None:
    """What a route demands, None where nobody decided."""
    found = [call for call in _calls(route.dependant) if isinstance(call, Demand | Everyone)]
    return found[0] if found else None


def refuse_undecided(app: FastAPI) -> None:
    """Nothing, or TypeError naming the routes that would answer anyone because nobody thought of it."""
    open_routes = [
        path for path, route in all_routes(app) if not isinstance(route, APIRoute) or decision_of(route) is None
    ]
    if open_routes:
        raise TypeError(f"routes without a decision on access (Demand or Everyone): {', '.join(open_routes)}")


def all_routes(app: FastAPI) -> list[tuple[str, BaseRoute]]:
    """Every route of the application with its whole path."""
    found = [(context.path or "", context.original_route) for context in iter_route_contexts(app.routes)]
    return [(path or str(route), route) for path, route in found]


def _calls(dependant: Any) -> list[Any]:
    return [call for one in dependant.dependencies for call in (one.call, *_calls(one))]


async def _csrf_of(request: Request) -> str | None:
    """The token of a form that a page sent; scripts send it as a header instead."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method in SAFE_METHODS or kind != FORM:
        return None
    return (await form_of(request)).get("csrf")


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, each once; empty for a body that is none."""
    try:
        found = parse_qs((await request.body()).decode(), max_num_fields=1_000)  # a page of ticked rows, too
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}
