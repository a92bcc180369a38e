"""Which route asks for what, and what a key of a team sees: docs/access.md."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from serving.access.caller import Scope
from serving.access.decisions import Demand, Everyone, all_routes, decision_of, refuse_undecided
from serving.access.roles import Permission, Role, roles_with
from serving.access.tokens import Token
from serving.app import application
from serving.configuration.access import ROLE_NAMES
from serving.problems import ProblemError
from tests.serving.builders import FixedSource, busy_desk, client_of, is_problem, service_over
from tests.serving.real_desk import AT
from tests.serving.stored_desk import HASHES, NOWHERE, TOKENS, Desk, event

PROBE = application(service_over(FixedSource(busy_desk(3))))
ROUTES = [
    (method, path, route)
    for path, route in all_routes(PROBE)
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
NAMES = [f"{method} {path}" for method, path, _route in ROUTES]
PARAMETER = re.compile(r"{(\w+)(?::path)?}")
PLACES = {"ticket_id": "T001", "job_id": "1", "service": "Mail", "name": "breach"}
"""What stands in a path for each parameter; a new one is a KeyError until it is named here."""
MISSED = {"ticket_id": "T003", "target": "resolution"}
"""A clock of the prepared desk that missed its target."""
ABOUT_TICKETS = {
    "POST /api/v1/events": 403,
    "POST /api/v1/score": 403,
    "POST /api/v1/tickets/{ticket_id:path}/what-if": 404,
    "POST /api/v1/tickets/{ticket_id:path}/feedback": 404,
    "GET /api/v1/tickets/{ticket_id:path}": 404,
    "GET /tickets/{ticket_id:path}": 404,
    "POST /tickets/{ticket_id:path}": 404,
    "POST /queue/marks": 409,  # not in your queue
    "POST /api/v1/deviations": 403,  # its role may not; what a manager of no team is told: test_deviations.py
    "POST /levels/deviations": 403,
}
"""What a key of no team's tickets is answered where a ticket is named."""
STRANGERS_MAY = {
    "GET /healthz", "GET /readyz", "GET /", "GET /static/{name}",
    "GET /login", "POST /login", "POST /logout", "GET /login/oidc", "GET /login/callback",
}  # fmt: skip


def asked(client: TestClient, method: str, path: str) -> Any:
    """The answer to a request that is well formed enough to get past whatever is not access."""
    target = PARAMETER.sub(lambda found: PLACES[found[1]], path)
    scored = {"tickets": [{"ticket_id": "A", "events": [{"event_at": "2024-04-01T00:00:00Z"}]}]}
    why = {"reason": "because it must be"}
    bodies: dict[str, Any] = {
        "events": [event()],
        "score": scored,
        "feedback": {"verdict": "wrong"},
        "what-if": {"priority": "1"},
        "promote": {"version": "1", **why},
        "rollback": why,
        "deviations": {**MISSED, "cause": "nobody knows"},
        "staffing": {"contacts": 100, "interval_seconds": 1800, "handling_seconds": 180},
    }
    forms: dict[str, Any] = {
        "/tickets/{ticket_id:path}": {"verdict": "wrong"},
        "/queue/marks": {"ticket": "T001", "action": "acknowledge"},
        "/levels/deviations": {**MISSED, "action": "ask"},
        "/queue/views": {"name": "mine", "action": "save"},
        "/models/move": {"name": "breach", "action": "rollback", **why},
        "/models/compare": {"first": "1", "second": "2"},
    }
    sent: dict[str, Any] = {}
    if method == "POST":
        is_api = path.startswith("/api/")
        sent = {"json": bodies.get(path.rpartition("/")[2], {})} if is_api else {"data": forms.get(path, {})}
    return client.request(method, target, **sent)


def test_a_route_without_a_decision_keeps_the_application_from_starting() -> None:
    app = application(service_over(FixedSource(busy_desk(3))))
    router = APIRouter()
    router.add_api_route("/forgotten", lambda: "everything")
    app.include_router(router)
    with pytest.raises(TypeError, match="/forgotten"):
        refuse_undecided(app)


def test_strangers_get_only_what_is_listed_here() -> None:
    found = {
        name for name, (_m, _p, route) in zip(NAMES, ROUTES, strict=True) if isinstance(decision_of(route), Everyone)
    }
    assert found == STRANGERS_MAY


@pytest.mark.parametrize(("method", "path", "route"), ROUTES, ids=NAMES)
def test_every_route_asks_for_a_key(guarded: Desk, method: str, path: str, route: APIRoute) -> None:
    decision = decision_of(route)
    if isinstance(decision, Everyone):
        assert asked(guarded.client(), method, path).status_code != 401
        return
    unknown = Token.fresh().text
    wrong_secret = Token(TOKENS[Role.ADMIN].prefix, Token.fresh().secret).text
    for token in (None, unknown, wrong_secret, "slk_", "x" * 5_000):
        answer = asked(guarded.client(token=token), method, path)
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "Title of" not in answer.text


@pytest.mark.parametrize(("method", "path", "route"), ROUTES, ids=NAMES)
def test_every_route_refuses_the_roles_that_may_not(guarded: Desk, method: str, path: str, route: APIRoute) -> None:
    decision = decision_of(route)
    if not isinstance(decision, Demand):
        pytest.skip("everyone may")
    may = roles_with(decision.permission)
    for role in Role:
        answer = asked(guarded.client(role), method, path)
        if role in may:
            assert answer.status_code not in (401, 403, 500), role
        else:
            assert decision.permission.value in is_problem(answer, 403)["detail"]


@pytest.mark.parametrize(("method", "path", "route"), ROUTES, ids=NAMES)
def test_no_route_shows_a_ticket_of_another_team(guarded: Desk, method: str, path: str, route: APIRoute) -> None:
    answer = asked(guarded.client(token=NOWHERE.text), method, path)
    repeats_what_was_asked = answer.status_code in (404, 409)
    assert repeats_what_was_asked or re.search(r"\bT0\d\d\b", answer.text) is None
    assert "Title of" not in answer.text
    if f"{method} {path}" in ABOUT_TICKETS:
        is_problem(answer, ABOUT_TICKETS[f"{method} {path}"])


def test_all_that_is_asked_about_a_ticket_is_asked_as_someone_may_who_sees_it(guarded: Desk) -> None:
    asked_for = {
        name: path for name, (_method, path, _route) in zip(NAMES, ROUTES, strict=True) if name in ABOUT_TICKETS
    }
    assert set(asked_for) == set(ABOUT_TICKETS)
    assert {name for name in NAMES if "{ticket_id" in name} <= set(ABOUT_TICKETS)
    for name, path in asked_for.items():
        answer = asked(guarded.client(Role.ADMIN), name.partition(" ")[0], path)
        assert answer.status_code in (200, 201, 303), f"{name}: {answer.text[:300]}"


def test_a_stranger_learns_nothing_from_the_paths_there_are(guarded: Desk) -> None:
    is_problem(guarded.client().post("/api/v1/score", content=b"{broken"), 401)
    is_problem(guarded.client().get("/api/v1/queue?limit=0"), 401)


def test_a_key_of_a_team_sees_its_tickets_alone_everywhere(guarded: Desk) -> None:
    mine = Token("network2", TOKENS[Role.READER].secret)
    guarded.add_key(mine, HASHES[Role.READER], role="reader", teams=("Network",))
    everything = guarded.client(Role.READER).get("/api/v1/queue?limit=1000").json()
    client = guarded.client(token=mine.text)
    found = client.get("/api/v1/queue?limit=1000").json()
    expected = [ticket["ticket_id"] for ticket in everything["tickets"] if ticket["team"] == "Network"]
    assert 0 < len(expected) < everything["total"]
    assert [ticket["ticket_id"] for ticket in found["tickets"]] == expected
    assert found["counts"]["all"] == found["total"] == len(expected)
    csv = client.get("/api/v1/queue.csv").text
    assert [line.split(",")[0] for line in csv.splitlines()[1:]] == expected
    other = next(ticket for ticket in everything["tickets"] if ticket["team"] == "Desk")
    is_problem(client.get(f"/api/v1/tickets/{other['ticket_id']}"), 404)
    assert client.get(f"/api/v1/tickets/{expected[0]}").status_code == 200
    page = client.get("/queue").text
    assert f">{other['ticket_id']}<" not in page
    assert '<option value="Desk">' not in page
    assert '<option value="Network">' in page
    assert client.get("/api/v1/queue?team=Desk").json()["total"] == 0
    assert client.get("/queue").headers["etag"] != guarded.client(Role.READER).get("/queue").headers["etag"]


def test_one_caller_is_not_told_unchanged_of_what_another_saw(guarded: Desk) -> None:
    tag = guarded.client(Role.READER).get("/api/v1/queue").headers["etag"]
    narrow = guarded.client(token=NOWHERE.text).get("/api/v1/queue", headers={"If-None-Match": tag})
    assert (narrow.status_code, narrow.json()["total"]) == (200, 0)


def test_an_address_of_the_queue_that_was_read_before_asks_for_a_key_each_time(guarded: Desk) -> None:
    shown = guarded.client(Role.READER).get("/api/v1/queue").json()["total"]
    assert guarded.app.state.addresses.find("") is not None
    is_problem(guarded.client().get("/api/v1/queue"), 401)
    is_problem(guarded.client(token=Token.fresh().text).get("/api/v1/queue"), 401)
    narrow = guarded.client(token=NOWHERE.text).get("/api/v1/queue").json()["total"]
    assert (shown > 0, narrow) == (True, 0)


def test_a_key_of_a_team_stores_events_of_its_tickets_alone(guarded: Desk) -> None:
    mine = Token("writer22", TOKENS[Role.READER].secret)
    guarded.add_key(mine, HASHES[Role.READER], role="dispatcher", teams=("Desk",))
    client, everyone = guarded.client(token=mine.text), guarded.client(Role.ADMIN)
    url = "/api/v1/events"
    everyone.post(url, json=[event(700, team="Network"), event(701, team="Desk")])
    before = guarded.store.last_sequence()
    assert (
        "'N700'"
        in is_problem(client.post(url, json=[event(702, team="Desk"), event(1, ticket_id="N700")]), 403)["detail"]
    )
    is_problem(client.post(url, json=event(703, team="Network")), 403)
    is_problem(client.post(url, json=event(704)), 403)
    is_problem(client.post(url, json={**event(705, ticket_id="N700", team="Desk")}), 403)
    assert guarded.store.last_sequence() == before
    handed_on = [event(706, team="Desk"), event(707, ticket_id="N701", kind="assigned", team="Network")]
    assert client.post(url, json=handed_on).status_code == 201
    is_problem(client.post(url, json=event(708, ticket_id="N701", kind="noted")), 403)


def test_a_scope_of_teams_and_services_is_both() -> None:
    both = Scope(("Desk",), ("Mail",))
    assert [both.holds(*place) for place in (("Desk", "Mail"), ("Desk", "VPN"), ("Network", "Mail"), ("", ""))] == [
        True,
        False,
        False,
        False,
    ]
    assert [Scope(services=("Mail",)).holds("", name) for name in ("Mail", "")] == [True, False]
    assert Scope().holds("", "")


def test_a_key_of_a_service_stores_events_of_that_service_alone(guarded: Desk) -> None:
    mine = Token("writer33", TOKENS[Role.READER].secret)
    guarded.add_key(mine, HASHES[Role.READER], role="dispatcher", services=("Mail",))
    client, url = guarded.client(token=mine.text), "/api/v1/events?of=service_events"
    up = {"event_id": "up-1", "service": "Mail", "event_at": AT.isoformat(), "kind": "latency", "phase": "point", "value": 1}  # fmt: skip
    before = guarded.store.last_service_sequence()
    problem = is_problem(client.post(url, json=[up, {**up, "event_id": "up-2", "service": "VPN"}]), 403)
    assert "'VPN'" in problem["detail"]
    assert "'Mail'" not in problem["detail"]
    assert guarded.store.last_service_sequence() == before
    assert client.post(url, json=up).status_code == 201


def test_every_stored_batch_is_in_the_audit_log_with_who_sent_it(guarded: Desk) -> None:
    guarded.client(Role.DISPATCHER).post("/api/v1/events", json=[event(801), event(802)])
    found = guarded.client(Role.ADMIN).get("/api/v1/audit?action=events stored&limit=1").json()
    (entry,) = found["entries"]
    assert entry["actor"] == f"key {TOKENS[Role.DISPATCHER].prefix} (dispatcher)"
    assert entry["after"]["inserted"] == 2
    assert entry["origin"] == "127.0.0.1"
    older = guarded.client(Role.ADMIN).get(f"/api/v1/audit?before={found['next_before']}&limit=1000").json()
    assert older["entries"][0]["number"] < entry["number"]
    assert older["next_before"] is None
    is_problem(guarded.client(Role.ADMIN).get("/api/v1/audit?since=yesterday"), 422)


def test_the_roles_are_the_same_wherever_they_are_listed() -> None:
    from commands.access import RoleChoice

    assert [role.value for role in Role] == list(ROLE_NAMES) == [role.value for role in RoleChoice]


def test_roles_read_and_only_the_administrator_does_all() -> None:
    assert all(role.may(Permission.READ) for role in Role)
    assert all(Role.ADMIN.may(permission) for permission in Permission)
    assert roles_with(Permission.AUDIT) == [Role.ADMIN]
    assert roles_with(Permission.WRITE_EVENTS) == [Role.DISPATCHER, Role.ADMIN]


def test_without_a_store_there_is_nothing_to_write_to() -> None:
    client = client_of(service_over(FixedSource(busy_desk(3))))
    is_problem(client.post("/api/v1/events", json=event(1, event_at="2016-05-01T00:00:00Z")), 503)
    with pytest.raises(ProblemError):
        service_over(FixedSource(busy_desk(3))).written()
