"""What the service says while it cannot do its work, and whom and what it keeps out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from serving.app import create_app
from serving.protection import SECURITY_HEADERS, Bounds, Protection
from serving.settings import SettingsError
from tests.serving.builders import FixedSource, busy_desk, client_of, is_problem, service_over
from tests.serving.desk_pages import DESK


def test_before_the_first_scoring_the_service_is_not_ready_and_says_so(source: FixedSource) -> None:
    source.failure = "the disk is full"
    client = client_of(service_over(source))
    assert "the disk is full" in is_problem(client.get("/api/v1/queue"), 503)["detail"]
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert "the disk is full" in ready.json()["why"][0]
    assert client.get("/healthz").json() == {"status": "ok"}
    page = client.get("/queue", headers={"accept": "text/html"})
    assert page.status_code == 503
    assert "under way" in page.text


def test_when_scoring_fails_the_last_good_queue_stays_and_the_failure_is_shown(source: FixedSource) -> None:
    service = service_over(source)
    client = client_of(service)
    source.failure, source.has_news = "boom <script>", True
    assert service.ticker.step() is False
    found = client.get("/api/v1/queue").json()
    assert found["problem"] == "RuntimeError: boom <script>"
    assert found["total"] == 130
    assert client.get("/readyz").status_code == 503
    page = client.get("/queue").text
    assert "Scoring fails at present: RuntimeError: boom &lt;script&gt;" in page
    source.failure = ""
    assert service.ticker.step() is True
    assert client.get("/api/v1/queue").json()["problem"] is None


def test_readiness_says_that_no_model_is_loaded_and_is_ready_all_the_same() -> None:
    client = client_of(service_over(FixedSource(busy_desk(5, with_model=False))))
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["why"] == ["Rules only: no model is loaded (no model 'breach' yet)"]


def test_an_error_nobody_expected_is_a_problem_without_its_inside(source: FixedSource) -> None:
    client = client_of(service_over(source))
    source.ticket = lambda ticket_id, at: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    found = is_problem(client.get("/api/v1/tickets/INC1"), 500)
    assert "ZeroDivision" not in json.dumps(found)


def test_strangers_other_hosts_and_other_sites_are_refused(client: TestClient, source: FixedSource) -> None:
    stranger = TestClient(client.app, base_url="http://127.0.0.1:8000", client=("192.0.2.7", 5000))
    assert is_problem(stranger.get("/api/v1/queue"), 403)
    assert is_problem(client.get("/queue", headers={"host": "evil.example"}), 403)
    assert is_problem(client.post("/api/v1/score", headers={"origin": "http://evil.example"}, json={}), 403)
    assert client.get("/queue", headers={"host": "[::1]:8000"}).status_code == 200
    assert client.get("/queue", headers={"host": "localhost"}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])  # noqa: S104
def test_it_does_not_start_on_an_address_that_strangers_reach(host: str) -> None:
    closed: list[bool] = []
    service = replace(service_over(FixedSource(DESK), host=host), close=lambda: closed.append(True))
    with pytest.raises(SettingsError, match="there is no valid access key"):
        create_app(service.settings, build=lambda *_given: service)
    assert closed == [True]


def test_every_answer_forbids_what_a_page_does_not_need(client: TestClient) -> None:
    for path in ("/queue", "/api/v1/queue", "/nothing", "/static/none.css"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_what_an_answer_says_itself_is_left_and_each_header_is_sent_once() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = ((b"Referrer-Policy", b"no-referrer"), (b"x-other", b"1"))
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    bounds = Bounds(frozenset(), 1_000, {})
    answer = TestClient(
        Protection(app, bounds, lambda: True), base_url="http://127.0.0.1", client=("127.0.0.1", 1)
    ).get("/")
    found = [(name.lower(), value) for name, value in answer.headers.multi_items()]
    expected = {name.lower(): value for name, value in SECURITY_HEADERS.items()}
    assert sorted(found) == sorted((expected | {"referrer-policy": "no-referrer", "x-other": "1"}).items())


def test_a_body_that_is_too_large_is_refused_also_when_its_length_is_not_announced() -> None:
    client = client_of(service_over(FixedSource(DESK), max_request_bytes=2000))
    is_problem(client.post("/api/v1/score", content=b"x" * 2001), 413)
    chunks = (b" " * 500 for _ in range(5))
    is_problem(client.post("/api/v1/score", content=chunks), 413)
