"""Login, sessions and logout of the pages: docs/access.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.access.roles import Role
from serving.access.tokens import Token
from serving.web.addresses import safe_path
from tests.serving.builders import is_problem
from tests.serving.stored_desk import TOKENS, Desk, event, field, logged_in


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
    "change",
    [
        lambda text: text[:-9] + ("A" if text[-9] != "A" else "B") + text[-8:],
        lambda text: "x" + text,
        lambda text: "",
        lambda text: "a.b",
    ],
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
