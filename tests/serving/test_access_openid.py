"""Login by OpenID Connect against an issuer on this machine."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc.jwk import KeySet, RSAKey
from starlette.testclient import TestClient

from serving.access.openid import OpenIdError, claimed, person_of
from serving.settings import Settings, SettingsError, load_settings
from tests.serving.browser import served
from tests.serving.builders import is_problem
from tests.serving.fake_issuer import FakeIssuer
from tests.serving.stored_desk import HOST, Desk, field


@pytest.fixture(scope="module")
def running() -> Iterator[FakeIssuer]:
    issuer = FakeIssuer()
    with served(issuer.app) as address:
        issuer.issuer = address
        yield issuer


@pytest.fixture
def issuer(running: FakeIssuer) -> Iterator[FakeIssuer]:
    claims, key, published = dict(running.claims), running.key, running.published
    yield running
    running.claims, running.spoil, running.key, running.published = claims, {}, key, published


@pytest.fixture
def desk(prepared_desk: Path, tmp_path: Path, issuer: FakeIssuer) -> Iterator[Desk]:
    found = Desk(
        prepared_desk,
        tmp_path,
        public_url=HOST,
        oidc_issuer=issuer.issuer,
        oidc_role_claim="groups",
        oidc_roles="it-desk=dispatcher,it-admins=admin",
    )
    yield found
    found.close()


def sent_away(client: TestClient, path: str = "/queue") -> str:
    answer = client.get("/login/oidc", params={"next": path})
    assert answer.status_code == 303
    return str(answer.headers["location"])


def came_back(client: TestClient, away: str) -> Any:
    """The answer to the browser that the issuer sends back."""
    back = requests.get(away, allow_redirects=False, timeout=10).headers["location"]
    assert back.startswith(f"{HOST}/login/callback?")
    return client.get(back.removeprefix(HOST))


def test_whom_the_issuer_vouches_for_gets_the_role_of_the_claim(desk: Desk) -> None:
    client = desk.client()
    is_problem(client.get("/api/v1/queue"), 401)
    assert 'id="oidc"' in client.get("/login").text
    answer = came_back(client, sent_away(client, "/queue?team=Desk"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?team=Desk")
    page = client.get("/queue").text
    assert "ada@example.org, dispatcher" in page
    is_problem(client.get("/api/v1/audit"), 403)
    assert client.post("/logout", data={"csrf": field(page, "csrf")}).status_code == 303
    is_problem(client.get("/api/v1/queue"), 401)
    assert [entry.change.actor for entry in desk.store.audit.read()] == ["ada@example.org"] * 2


def test_the_first_role_that_fits_counts_and_none_is_no_way_in(desk: Desk, issuer: FakeIssuer) -> None:
    issuer.claims["groups"] = ["it-admins", "others"]
    client = desk.client()
    came_back(client, sent_away(client))
    assert client.get("/api/v1/audit").status_code == 200
    issuer.claims["groups"] = ["others"]
    stranger = desk.client()
    answer = came_back(stranger, sent_away(stranger))
    assert answer.status_code == 403
    assert "has no role here" in answer.text
    is_problem(stranger.get("/api/v1/queue"), 401)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"nonce": "another login"},
        {"exp": int(time.time()) - 3_600},
        {"sub": None},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_token_that_is_not_for_this_login_is_refused(
    desk: Desk, issuer: FakeIssuer, spoiled: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    issuer.spoil = spoiled
    client = desk.client()
    with caplog.at_level(logging.DEBUG, "serving"):
        answer = came_back(client, sent_away(client))
    assert answer.status_code == 403
    assert "could not be trusted" in answer.text
    assert "eyJ" not in caplog.text + answer.text
    is_problem(client.get("/api/v1/queue"), 401)


def test_a_token_signed_by_another_is_refused_and_a_new_key_of_the_issuer_is_found(
    desk: Desk, issuer: FakeIssuer
) -> None:
    client = desk.client()
    sent_away(client)
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    issuer.key = stranger
    assert came_back(client, sent_away(client)).status_code == 403
    issuer.key = RSAKey.generate_key(2048, {"kid": "two"})
    assert came_back(client, sent_away(client)).status_code == 403
    issuer.published = KeySet([issuer.key])
    assert came_back(client, sent_away(client)).status_code == 303


def test_a_login_that_was_not_begun_in_this_browser_is_refused(desk: Desk) -> None:
    victim, attacker = desk.client(), desk.client()
    back = requests.get(sent_away(attacker), allow_redirects=False, timeout=10).headers["location"]
    path = back.removeprefix(HOST)
    assert victim.get(path).status_code == 403
    sent_away(victim)
    assert victim.get(path).status_code == 403
    is_problem(victim.get("/api/v1/queue"), 401)
    assert attacker.get(path).status_code == 303
    assert attacker.get(path).status_code in (303, 403)
    assert victim.get("/login/callback?error=access_denied").status_code == 403


def test_the_code_is_worthless_without_the_verifier(desk: Desk, issuer: FakeIssuer) -> None:
    client = desk.client()
    away = sent_away(client)
    query = parse_qs(urlsplit(away).query)
    assert query["code_challenge_method"] == ["S256"]
    back = requests.get(away, allow_redirects=False, timeout=10).headers["location"]
    code = parse_qs(urlsplit(back).query)["code"][0]
    form = {"code": code, "redirect_uri": f"{HOST}/login/callback", "code_verifier": "guessed"}
    assert requests.post(f"{issuer.issuer}/token", data=form, timeout=10).status_code == 400


def test_an_issuer_that_does_not_answer_is_a_page_that_says_so(prepared_desk: Path, tmp_path: Path) -> None:
    desk = Desk(prepared_desk, tmp_path, oidc_issuer="http://127.0.0.1:9")
    client = desk.client()
    assert client.get("/login").status_code == 200
    answer = client.get("/login/oidc")
    assert answer.status_code == 503
    assert "does not answer at present" in answer.text
    desk.close()


def test_an_issuer_that_calls_itself_otherwise_is_refused(
    prepared_desk: Path, tmp_path: Path, issuer: FakeIssuer
) -> None:
    desk = Desk(prepared_desk, tmp_path, oidc_issuer=issuer.issuer.replace("127.0.0.1", "localhost"))
    assert desk.client().get("/login/oidc").status_code == 503
    desk.close()


def test_an_issuer_on_another_machine_is_asked_by_https_alone() -> None:
    with pytest.raises(SettingsError, match="https"):
        load_settings(oidc_issuer="http://id.example.org")
    with pytest.raises(SettingsError, match="SLACAST_OIDC_ROLES"):
        load_settings(oidc_issuer="https://id.example.org", oidc_roles="it=emperor")


def test_claims_may_lie_deep_and_teams_may_come_with_them() -> None:
    claims = {"sub": "u1", "realm_access": {"roles": ["reader", 7]}, "team": "Network", "a.b": ["x"]}
    assert claimed(claims, "realm_access.roles") == ["reader"]
    assert claimed(claims, "a.b") == ["x"]
    assert claimed(claims, "realm_access.roles.x") == []
    settings = Settings(oidc_role_claim="realm_access.roles", oidc_team_claim="team")
    assert person_of(claims, settings).teams == ["Network"]
    with pytest.raises(OpenIdError, match="no team"):
        person_of({**claims, "team": []}, settings)
