"""Who gets in, and what they may: docs/access.md."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from features.store import StoreError
from serving.access.decisions import Demand, Everyone, all_routes, decision_of, refuse_undecided
from serving.access.limits import Buckets
from serving.access.lookup import Lookup
from serving.access.roles import Permission, Role, roles_with
from serving.access.tokens import Token
from serving.app import application, create_app
from serving.problems import ProblemError
from serving.settings import ROLE_NAMES, SettingsError, load_settings
from serving.web.login import safe_path
from tests.serving.builders import FixedSource, busy_desk, client_of, service_over
from tests.serving.stored_desk import HASHES, TOKENS, Desk, event
from tests.serving.test_api import is_problem

PROBE = application(service_over(FixedSource(busy_desk(3))))
ROUTES = [
    (method, path, route)
    for path, route in all_routes(PROBE)
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
NAMES = [f"{method} {path}" for method, path, _route in ROUTES]
STRANGERS_MAY = {
    "GET /healthz", "GET /readyz", "GET /", "GET /static/{name}",
    "GET /login", "POST /login", "POST /logout", "GET /login/oidc", "GET /login/callback",
}  # fmt: skip


@pytest.fixture
def desk(prepared_desk: Path, tmp_path: Path) -> Iterator[Desk]:
    found = Desk(prepared_desk, tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="module")
def guarded(prepared_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service with a key of each role, and one that may see nothing there is."""
    found = Desk(
        prepared_desk, tmp_path_factory.mktemp("guarded"), failed_logins_per_minute=1e6, requests_per_second=1e6
    )
    found.add_keys()
    found.add_key(NOWHERE, HASHES_NOWHERE, role="dispatcher", teams=("nowhere",))
    yield found
    found.close()


NOWHERE = Token("nowhere2", TOKENS[Role.READER].secret)
HASHES_NOWHERE = HASHES[Role.READER]  # only the secret is hashed


def asked(client: TestClient, method: str, path: str) -> Any:
    """The answer to a request that is well formed enough to get past whatever is not access."""
    target = path.replace("{ticket_id:path}", "T001").replace("{name}", "app.css")
    scored = {"tickets": [{"ticket_id": "A", "events": [{"event_at": "2024-04-01T00:00:00Z"}]}]}
    bodies: dict[str, Any] = {"events": [event()], "score": scored, "feedback": {"verdict": "wrong"}}
    body = bodies.get(path.rpartition("/")[2], {})
    sent = {"json": body} if method == "POST" and path.startswith("/api/") else {}
    return client.request(method, target, **sent)  # type: ignore[arg-type]


# --- every route ---


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
            assert answer.status_code not in (401, 403), role
        else:
            assert decision.permission.value in is_problem(answer, 403)["detail"]


@pytest.mark.parametrize(("method", "path", "route"), ROUTES, ids=NAMES)
def test_no_route_shows_a_ticket_of_another_team(guarded: Desk, method: str, path: str, route: APIRoute) -> None:
    answer = asked(guarded.client(token=NOWHERE.text), method, path)
    assert answer.status_code == 404 or re.search(r"\bT0\d\d\b", answer.text) is None
    assert "Title of" not in answer.text
    if path.endswith(("/score", "/events")) and method == "POST":
        is_problem(answer, 403)


def test_a_stranger_learns_nothing_from_the_paths_there_are(guarded: Desk) -> None:
    is_problem(guarded.client().post("/api/v1/score", content=b"{broken"), 401)
    is_problem(guarded.client().get("/api/v1/queue?limit=0"), 401)


# --- open, or not ---


def test_without_keys_one_user_at_this_machine_may_do_everything_and_is_told_so(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "serving.app"):
        client = desk.client()
    assert "open for one user on this machine" in caplog.text
    assert client.get("/api/v1/audit").status_code == 200
    assert "open for one user" in client.get("/readyz").json()["access"]
    assert "Open for one user on this machine" in client.get("/queue").text
    assert client.get("/login").headers["location"] == "/queue"
    is_problem(desk.client(token=Token.fresh().text).get("/api/v1/queue"), 401)


def test_the_first_key_closes_the_door_and_its_end_does_not_open_it(desk: Desk) -> None:
    client = desk.client()
    assert client.get("/api/v1/queue").status_code == 200
    desk.add_keys(Role.READER)
    is_problem(client.get("/api/v1/queue"), 401)
    assert desk.client(Role.READER).get("/api/v1/queue").status_code == 200
    assert "Open for one user" not in desk.client(Role.READER).get("/queue").text
    desk.store.access_keys.revoke(TOKENS[Role.READER].prefix, datetime.now(UTC), "test")
    fresh = TestClient(application(desk.service), base_url="http://127.0.0.1:8000", client=("127.0.0.1", 5))
    is_problem(fresh.get("/api/v1/queue"), 401)


def test_off_the_loopback_it_starts_with_a_valid_key_or_an_issuer_only(prepared_desk: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="slacast keys create"):
        create_app(Desk(prepared_desk, tmp_path, host="0.0.0.0").settings)  # noqa: S104
    desk = Desk(prepared_desk, tmp_path, host="0.0.0.0")  # noqa: S104
    desk.add_keys(Role.ADMIN, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(SettingsError, match="no valid access key"):
        create_app(desk.settings)
    desk.add_keys(Role.READER)
    assert create_app(desk.settings)
    other = Desk(prepared_desk, tmp_path, host="0.0.0.0", oidc_issuer="https://id.example.org")  # noqa: S104
    assert create_app(other.settings)
    for one in (desk, other):
        one.close()


def test_with_keys_other_machines_are_answered_under_the_names_that_are_ours(
    prepared_desk: Path, tmp_path: Path
) -> None:
    desk = Desk(prepared_desk, tmp_path, public_url="https://sla.example.org", allowed_hosts="desk.internal, other")
    desk.add_keys(Role.READER)
    client = desk.client(Role.READER, address="192.0.2.9")
    for host in ("sla.example.org", "DESK.internal:8000", "other", "127.0.0.1"):
        assert client.get("/api/v1/queue", headers={"Host": host}).status_code == 200
    for host in ("evil.example", "[::1", "sla.example.org.evil.example"):
        is_problem(client.get("/api/v1/queue", headers={"Host": host}), 403)
    is_problem(client.post("/api/v1/score", json={}, headers={"Origin": "https://evil.example"}), 403)
    desk.close()


# --- keys ---


def test_an_expired_or_revoked_key_opens_nothing(desk: Desk) -> None:
    desk.add_keys(Role.READER)
    desk.add_keys(Role.PLANNER, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    is_problem(desk.client(Role.PLANNER).get("/api/v1/queue"), 401)
    client = desk.client(Role.READER)
    assert client.get("/api/v1/queue").status_code == 200
    desk.store.access_keys.revoke(TOKENS[Role.READER].prefix, datetime.now(UTC), "test")
    desk.app.state.gate._keys._steady = lambda: float("inf")  # a second later
    is_problem(client.get("/api/v1/queue"), 401)


def test_a_key_is_hashed_once_and_then_remembered(desk: Desk) -> None:
    desk.add_keys(Role.READER)
    client = desk.client(Role.READER)
    counted: list[int] = []
    verifier = desk.app.state.gate.verifier
    verify = verifier._hasher.verify
    verifier._hasher = type("Counting", (), {"verify": lambda self, *given: counted.append(1) or verify(*given)})()
    for _ in range(5):
        assert client.get("/api/v1/queue").status_code == 200
    assert len(counted) == 1
    is_problem(desk.client(token=TOKENS[Role.READER].text[:-1] + "A").get("/api/v1/queue"), 401)


def test_while_the_store_is_gone_those_seen_lately_are_still_let_in(desk: Desk) -> None:
    desk.add_keys(Role.READER, Role.ADMIN)
    client = desk.client(Role.READER)
    assert client.get("/api/v1/queue").status_code == 200

    def gone(_prefix: str) -> None:
        raise StoreError("postgresql://ada:hunter2@db: no connection")

    lookup = desk.app.state.gate._keys
    lookup._find, steady = gone, lookup._steady
    lookup._steady = lambda: steady() + 60
    assert client.get("/api/v1/queue").status_code == 200
    assert "hunter2" not in json.dumps(is_problem(desk.client(Role.ADMIN).get("/api/v1/queue"), 503))
    lookup._steady = lambda: steady() + 400
    is_problem(client.get("/api/v1/queue"), 503)


def test_what_was_looked_up_is_asked_for_again_after_a_second() -> None:
    now, asked_for = [0.0], []
    lookup: Lookup[str] = Lookup(lambda name: asked_for.append(name) or name.upper(), lambda: now[0])  # type: ignore[func-returns-value]
    assert [lookup.get("a"), lookup.get("a"), len(asked_for)] == ["A", "A", 1]
    now[0] = 1.0
    assert [lookup.get("a"), len(asked_for)] == ["A", 2]
    lookup.forget("a")
    assert [lookup.get("a"), len(asked_for)] == ["A", 3]


# --- scopes ---


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


# --- sessions ---


def logged_in(desk: Desk, role: Role, path: str = "/queue") -> TestClient:
    client = desk.client()
    page = client.get("/login", params={"next": path})
    answer = client.post("/login", data={"csrf": field(page.text, "csrf"), "next": path, "key": TOKENS[role].text})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    return client


def field(page: str, name: str) -> str:
    return page.split(f'name="{name}" value="', 1)[1].split('"', 1)[0]


def test_a_page_leads_a_stranger_to_the_login_and_back(desk: Desk) -> None:
    desk.add_keys(Role.READER)
    stranger = desk.client()
    sent = stranger.get("/queue?team=Desk&p=2", headers={"accept": "text/html"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=%2Fqueue%3Fteam%3DDesk%26p%3D2")
    client = logged_in(desk, Role.READER, "/queue?team=Desk&p=2")
    page = client.get("/queue").text
    assert "reader</span>" in page
    cookie = next(one for one in client.cookies.jar if one.name == "slacast_session")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"


def test_behind_https_cookies_are_secure_and_of_this_host_alone(prepared_desk: Path, tmp_path: Path) -> None:
    desk = Desk(prepared_desk, tmp_path, public_url="https://sla.example.org")
    desk.add_keys(Role.READER)
    sent = desk.client().get("/login").headers["set-cookie"]
    assert sent.startswith("__Host-slacast_login=")
    assert "Secure" in sent
    desk.close()


def test_logging_out_ends_the_session_also_for_a_copied_cookie(desk: Desk) -> None:
    desk.add_keys(Role.READER)
    client = logged_in(desk, Role.READER)
    copied = dict(client.cookies)
    thief = desk.client()
    thief.cookies.update(copied)
    assert thief.get("/api/v1/queue").status_code == 200
    out = client.post("/logout", data={"csrf": field(client.get("/queue").text, "csrf")})
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    is_problem(thief.get("/api/v1/queue"), 401)
    actions = [entry.change.action for entry in desk.store.audit.read()]
    assert actions[:3] == ["logged out", "logged in", "key created"]


def test_a_form_without_its_token_does_nothing(desk: Desk) -> None:
    desk.add_keys(Role.DISPATCHER)
    client = logged_in(desk, Role.DISPATCHER)
    token = field(client.get("/queue").text, "csrf")
    is_problem(client.post("/logout"), 403)
    is_problem(client.post("/logout", data={"csrf": "0" * 64}), 403)
    is_problem(client.post("/api/v1/events", json=event(1)), 403)
    assert client.get("/api/v1/queue").status_code == 200
    assert client.post("/api/v1/events", json=event(1), headers={"X-CSRF-Token": token}).status_code == 201
    stranger = desk.client()
    assert stranger.post("/login", data={"key": TOKENS[Role.DISPATCHER].text}).status_code == 403


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1] + "0", lambda text: "x" + text, lambda text: "", lambda text: "a.b"]
)
def test_a_cookie_that_we_did_not_sign_opens_nothing(desk: Desk, change: Any) -> None:
    desk.add_keys(Role.READER)
    client = logged_in(desk, Role.READER)
    value = change(client.cookies["slacast_session"])
    forged = desk.client()
    is_problem(forged.get("/api/v1/queue", headers={"Cookie": f"slacast_session={value}"}), 401)


def test_a_revoked_key_takes_its_sessions_along(desk: Desk) -> None:
    desk.add_keys(Role.READER)
    client = logged_in(desk, Role.READER)
    assert client.get("/api/v1/queue").status_code == 200
    desk.store.access_keys.revoke(TOKENS[Role.READER].prefix, datetime.now(UTC), "test")
    desk.app.state.gate._keys._steady = lambda: float("inf")
    is_problem(client.get("/api/v1/queue"), 401)


def test_a_session_ends_in_time_and_not_after_its_key(prepared_desk: Path, tmp_path: Path) -> None:
    desk = Desk(prepared_desk, tmp_path, session_hours=1)
    desk.add_keys(Role.READER)
    client = logged_in(desk, Role.READER)
    assert client.get("/api/v1/queue").status_code == 200
    desk.app.state.gate.clock = lambda: datetime.now(UTC) + timedelta(hours=1, seconds=1)
    is_problem(client.get("/api/v1/queue"), 401)
    desk.close()


def test_a_wrong_key_at_the_login_says_so_and_is_not_repeated(desk: Desk) -> None:
    desk.add_keys(Role.READER)
    client = desk.client()
    wrong = Token.fresh().text
    answer = client.post("/login", data={"csrf": field(client.get("/login").text, "csrf"), "key": wrong})
    assert answer.status_code == 401
    assert "not one of ours" in answer.text
    assert wrong not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/a\\b",
        "",
        "/login",
        "/x\r\ny",
        "javascript:alert(1)",
    ],
)
def test_the_login_leads_to_our_own_pages_alone(path: str) -> None:
    assert safe_path(path) == "/queue"
    assert safe_path("/tickets/a%2Fb?x=1") == "/tickets/a%2Fb?x=1"


# --- limits ---


def test_a_bucket_lets_through_its_burst_and_then_its_rate() -> None:
    now = [0.0]
    buckets = Buckets(2.0, 3.0, lambda: now[0])
    assert [buckets.wait_seconds("a") for _ in range(3)] == [0.0] * 3
    assert buckets.wait_seconds("a") == pytest.approx(0.5)
    assert buckets.wait_seconds("b") == 0.0
    now[0] = 0.5
    assert [buckets.wait_seconds("a"), buckets.wait_seconds("a")] == [0.0, pytest.approx(0.5)]
    for number in range(20_000):
        buckets.wait_seconds(str(number))
    assert len(buckets._buckets) == 10_000


def test_a_key_that_asks_too_much_is_told_when_to_go_on_and_others_are_not_held_up(
    prepared_desk: Path, tmp_path: Path
) -> None:
    desk = Desk(prepared_desk, tmp_path, requests_per_second=0.01)
    desk.add_keys(Role.READER, Role.PLANNER)
    desk.app.state.gate._callers._burst = 3
    client = desk.client(Role.READER)
    answers = [client.get("/api/v1/queue") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    is_problem(answers[-1], 429)
    assert desk.client(Role.PLANNER).get("/api/v1/queue").status_code == 200
    desk.close()


def test_guessing_keys_is_slowed_down_even_for_the_right_one(prepared_desk: Path, tmp_path: Path) -> None:
    desk = Desk(prepared_desk, tmp_path, failed_logins_per_minute=3)
    desk.add_keys(Role.READER)
    for _ in range(3):
        is_problem(desk.client(token=Token.fresh().text).get("/api/v1/queue"), 401)
    is_problem(desk.client(Role.READER).get("/api/v1/queue"), 429)
    assert desk.client(Role.READER, address="127.0.0.2").get("/api/v1/queue").status_code == 200
    desk.close()


# --- the audit log ---


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


# --- secrets ---


def test_no_secret_is_in_a_log_or_an_answer(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.add_keys(Role.READER)
    said: list[str] = []
    with caplog.at_level(logging.DEBUG):
        wrong = Token.fresh()
        for token in (TOKENS[Role.READER].text, wrong.text):
            paths = ("/api/v1/queue", "/api/v1/tickets/none", "/api/v1/audit", "/nothing", "/readyz", "/login")
            said += [desk.client(token=token).get(path).text for path in paths]
        client = logged_in(desk, Role.READER)
        cookie = client.cookies["slacast_session"]
        desk.service.source.ticket = lambda *given: 1 / 0  # type: ignore[method-assign]
        said.append(client.get("/api/v1/tickets/T001").text)
        said.append(desk.client(Role.READER).get("/api/v1/tickets/T001").text)
    logged = caplog.text + "".join(said)
    for secret in (TOKENS[Role.READER].secret, wrong.secret, cookie, cookie.split(".")[0], HASHES[Role.READER]):
        assert secret not in logged
    stored = json.dumps([str(entry) for entry in desk.store.audit.read()]) + str(desk.store.access_keys.all())
    assert TOKENS[Role.READER].secret not in stored
    assert TOKENS[Role.READER].secret not in repr(TOKENS[Role.READER])


@pytest.mark.parametrize("name", ["session_secret", "oidc_client_secret", "database_url"])
def test_a_setting_that_holds_a_secret_is_not_repeated_when_it_is_wrong(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(**{name: ["hunter2"]})
    assert "hunter2" not in str(caught.value)
    assert name in str(caught.value)


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
