"""Who gets in with a key, who without, how often, and that no secret comes out: docs/access.md."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from features.store import StoreError
from serving.access import decisions, gate
from serving.access.limits import Buckets
from serving.access.lookup import Lookup
from serving.access.roles import Role
from serving.access.tokens import Token
from serving.app import application, create_app
from serving.settings import SettingsError, load_settings
from tests.serving.builders import is_problem
from tests.serving.stored_desk import HASHES, TOKENS, Desk, logged_in


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
    text = TOKENS[Role.READER].text
    other = text[:-1] + ("A" if text[-1] != "A" else "B")
    is_problem(desk.client(token=other).get("/api/v1/queue"), 401)
    for digest in verifier._found_right:
        verifier._found_right[digest] -= 301  # five minutes later
    assert client.get("/api/v1/queue").status_code == 200
    assert len(counted) == 3


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


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A word for each caller that another thread was asked for."""
    asked: list[str] = []

    async def in_another_thread(find: Callable[..., Any], *given: Any) -> Any:
        asked.append("thread")
        return find(*given)

    monkeypatch.setattr(decisions, "run_in_threadpool", in_another_thread)
    return asked


def test_while_the_door_stands_open_the_store_is_looked_at_once_a_second_in_another_thread(
    desk: Desk, threads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, now = desk.client(), [100.0]
    monkeypatch.setattr(gate, "time", SimpleNamespace(monotonic=lambda: now[0]))
    looked: list[int] = []
    keys = desk.store.access_keys
    has_any = keys.has_any
    monkeypatch.setattr(keys, "has_any", lambda: looked.append(1) or has_any())  # type: ignore[func-returns-value]
    desk.app.state.gate._looked_seconds = 0.0
    found = []
    for seconds in (0.0, 0.0, 0.89, 0.9, 0.99, 1.0, 1.0):
        now[0] = 100.0 + seconds
        assert client.get("/api/v1/queue").status_code == 200
        found.append((len(threads), len(looked)))
    assert found == [(1, 1), (1, 1), (1, 1), (2, 1), (3, 1), (4, 2), (4, 2)]
    desk.add_keys(Role.READER)
    now[0] = 102.0
    is_problem(client.get("/api/v1/queue"), 401)
    assert (len(threads), len(looked)) == (5, 3)
    is_problem(client.get("/api/v1/queue"), 401)


def test_a_key_that_was_looked_up_and_found_right_is_let_in_without_another_thread(
    desk: Desk, threads: list[str]
) -> None:
    desk.add_keys(Role.READER, Role.DISPATCHER)
    client, now = desk.client(Role.READER), [0.0]
    lookup, verifier = desk.app.state.gate._keys, desk.app.state.gate.verifier
    lookup._steady = lambda: now[0]
    found = []
    for seconds in (0.0, 0.0, 0.89, 0.9, 1.0, 1.0):
        now[0] = seconds
        assert client.get("/api/v1/queue").status_code == 200
        found.append(len(threads))
    assert found == [1, 1, 1, 2, 3, 3]
    for digest in verifier._found_right:
        verifier._found_right[digest] -= 299.5  # not long enough to be sure of
    assert client.get("/api/v1/queue").status_code == 200
    assert len(threads) == 4
    text = TOKENS[Role.READER].text
    for token in (text[:-1] + ("A" if text[-1] != "A" else "B"), TOKENS[Role.DISPATCHER].text, "no key at all"):
        answer = desk.client(token=token).get("/api/v1/audit")
        is_problem(answer, 403 if token == TOKENS[Role.DISPATCHER].text else 401)
    assert len(threads) == 7


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
    stranger = desk.client(address="127.0.0.9")
    assert [stranger.get("/api/v1/queue").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert desk.client(address="127.0.0.8").get("/api/v1/queue").status_code == 401
    desk.close()


def test_guessing_keys_is_slowed_down_even_for_the_right_one(prepared_desk: Path, tmp_path: Path) -> None:
    desk = Desk(prepared_desk, tmp_path, failed_logins_per_minute=3)
    desk.add_keys(Role.READER)
    for _ in range(3):
        is_problem(desk.client(token=Token.fresh().text).get("/api/v1/queue"), 401)
    is_problem(desk.client(Role.READER).get("/api/v1/queue"), 429)
    assert desk.client(Role.READER, address="127.0.0.2").get("/api/v1/queue").status_code == 200
    desk.close()


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
