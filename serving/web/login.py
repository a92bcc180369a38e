"""The login page: with a key, or by way of an OpenID Connect issuer."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from serving.access.caller import Caller
from serving.access.cookies import LOGIN, LOGIN_SECONDS, SESSION
from serving.access.decisions import Everyone, form_of, gate_of
from serving.access.gate import Gate, address_of, caller_of
from serving.problems import ProblemError
from serving.web.addresses import HOME, safe_path
from serving.web.frame import frame, pages_of

if TYPE_CHECKING:
    from serving.access.openid import OpenId

router = APIRouter(include_in_schema=False)


@router.get("/login", dependencies=[Depends(Everyone("this is where one gets in"))])
def login_page(request: Request, next: str = HOME) -> Response:  # noqa: A002 (the name in the address)
    """The form; whoever is in already goes on."""
    if gate_of(request).visitor(request) is not None:
        return RedirectResponse(safe_path(next), 303)
    return _form(request, safe_path(next))


@router.post("/login", dependencies=[Depends(Everyone("this is where one gets in"))])
async def login(request: Request) -> Response:
    """A session for a valid key."""
    fields, gate = await form_of(request), gate_of(request)
    nonce = request.cookies.get(gate.cookies.name(LOGIN), "")
    if not nonce or not gate.cookies.is_mark("login form", nonce, fields.get("csrf", "")):
        return _form(request, safe_path(fields.get("next", "")), "The form was out of date. Try again.", 403)
    try:
        cookie = await run_in_threadpool(_begin, gate, fields.get("key", "").strip(), address_of(request))
    except ProblemError as problem:
        return _form(request, safe_path(fields.get("next", "")), problem.detail, problem.status, problem.headers)
    return _entered(gate, cookie, safe_path(fields.get("next", "")))


@router.post(
    "/logout", dependencies=[Depends(Everyone("it only ends the sender's own session, whose token it checks"))]
)
async def logout(request: Request) -> Response:
    """The end of the session, here and in the store."""
    gate, fields = gate_of(request), await form_of(request)
    try:
        caller: Caller | None = await run_in_threadpool(gate.caller, request, fields.get("csrf"))
    except ProblemError as problem:
        if problem.status != 401:
            raise
        caller = None
    if caller is not None and caller.how == "session":
        await run_in_threadpool(gate.end_session, request, caller)
    response = RedirectResponse("/login", 303)
    if caller is None or caller.how == "session":
        gate.cookies.clear(response, SESSION)
    return response


@router.get("/login/oidc", dependencies=[Depends(Everyone("this is where one gets in"))])
def login_with_openid(request: Request, next: str = HOME) -> Response:  # noqa: A002
    """The way to the issuer."""
    gate, issuer = gate_of(request), _openid(request)
    from serving.access.openid import OpenIdError  # with all of Authlib, which is loaded where an issuer is set

    try:
        begun = issuer.begin()
    except OpenIdError as problem:
        return _form(request, safe_path(next), str(problem), 503)
    response = RedirectResponse(begun.address, 303, {"Cache-Control": "no-store"})
    kept = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier, "next": safe_path(next)}
    gate.cookies.set(response, LOGIN, gate.cookies.packed(kept), LOGIN_SECONDS)
    return response


@router.get("/login/callback", dependencies=[Depends(Everyone("the issuer sends people here before they are in"))])
def come_back(request: Request, code: str = "", state: str = "", error: str = "") -> Response:
    """A session for a person whom the issuer vouches for and to whom its claims give a role."""
    gate = gate_of(request)
    kept = gate.cookies.unpacked(request.cookies.get(gate.cookies.name(LOGIN)))
    if error:
        return _form(request, HOME, f"The issuer did not let you in: {error[:100]}.", 403)
    if not kept or not secrets.compare_digest(str(kept.get("state")).encode(), state.encode()):
        return _form(request, HOME, "This login was not begun here, or more than ten minutes ago. Begin again.", 403)
    issuer = _openid(request)
    from serving.access.openid import OpenIdError

    try:
        person = issuer.person(code, kept["verifier"], kept["nonce"])
    except OpenIdError as problem:
        return _form(request, HOME, str(problem), 403)
    holder = {"name": person.name, "role": person.role.value, "teams": person.teams, "services": [], "key": None}
    return _entered(gate, gate.begin_session(holder, person.name, address_of(request)), safe_path(kept["next"]))


def redirect_to_login(request: Request) -> Response:
    """The way to the login page and back; forms that came too late begin anew at the queue."""
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = f"{quote(request.url.path)}{query}" if request.method == "GET" else HOME
    return RedirectResponse(f"/login?{urlencode({'next': wanted})}", 303, {"Cache-Control": "no-store"})


def _begin(gate: Gate, text: str, address: str) -> str:
    key = gate.key(text, address)
    caller = caller_of(key, address)
    holder = {
        "name": caller.name,
        "role": key.role,
        "teams": list(key.teams),
        "services": list(key.services),
        "key": key.prefix,
    }
    return gate.begin_session(holder, caller.name, address, key.expires_at)


def _entered(gate: Gate, cookie: str, path: str) -> Response:
    response = RedirectResponse(path, 303, {"Cache-Control": "no-store"})
    gate.cookies.clear(response, LOGIN)
    gate.cookies.set(response, SESSION, cookie, round(gate.settings.session_hours * 3600))
    return response


def _form(
    request: Request, path: str, fault: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    gate, nonce = gate_of(request), secrets.token_urlsafe(16)
    values: dict[str, Any] = {
        "next": path,
        "fault": fault,
        "csrf": gate.cookies.mark("login form", nonce),
        "oidc_url": f"/login/oidc?{urlencode({'next': path})}" if gate.settings.oidc_issuer else None,
    }
    shown = {"Cache-Control": "no-store", **(headers or {})}
    response = pages_of(request).render("login.html", status, shown, **frame(request, None, None), **values)
    gate.cookies.set(response, LOGIN, nonce, LOGIN_SECONDS)
    return response


def _openid(request: Request) -> OpenId:
    found: OpenId | None = request.app.state.openid
    if found is None:
        raise ProblemError(404, "No OpenID Connect issuer is set (SLACAST_OIDC_ISSUER); log in with a key at /login.")
    return found
