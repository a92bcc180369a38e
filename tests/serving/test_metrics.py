"""What /metrics tells, and that log lines are whole, named by their request and free of secrets."""

import asyncio
import io
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.access.roles import Role
from serving.log_lines import REQUEST_ID, set_up_logging, without_secrets
from serving.metrics import Metrics
from serving.recorder import Recorded
from serving.ticker import Standing
from tests.serving.builders import FixedSource, busy_desk, client_of, service_over
from tests.serving.stored_desk import TOKENS, Desk, event


def figures(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_by_template_and_status_not_by_address():
    client = client_of(service_over(FixedSource(busy_desk(20))))
    for number in range(3):
        client.get(f"/api/v1/tickets/nobody-{number}")
    client.get("/no/such/page/ever")
    found = figures(client.get("/metrics").text)
    counted = {labels: value for (name, labels), value in found.items() if name == "slacast_request_seconds_count"}
    of_tickets = (("method", "GET"), ("route", "/api/v1/tickets/{ticket_id:path}"), ("status", "404"))
    assert counted[of_tickets] == 3
    assert counted[("method", "GET"), ("route", "(none)"), ("status", "404")] == 1
    assert not [labels for labels in counted if "nobody" in str(labels) or "such" in str(labels)]


def test_a_surprise_counts_as_500():
    source = FixedSource(busy_desk(5))
    client = client_of(service_over(source))
    source.ticket = lambda *_: 1 / 0
    assert client.get("/api/v1/tickets/T1").status_code == 500
    assert [labels for (name, labels) in figures(client.get("/metrics").text) if ("status", "500") in labels]


def test_the_state_of_the_scores_is_told_as_it_is():
    queue = busy_desk(20)
    source = FixedSource(queue)
    service = service_over(source)
    client = client_of(service)
    found = figures(client.get("/metrics").text)
    assert found["slacast_open_tickets", ()] == queue.counts.all == 20
    assert found["slacast_scoring_fails", ()] == 0
    assert found["slacast_model_info", (("version", "breach v7"),)] == 1
    assert 0 <= found["slacast_scores_age_seconds", ()] < 60
    source.failure, source.has_news = "no luck", True
    service.ticker.step()
    assert figures(client.get("/metrics").text)["slacast_scoring_fails", ()] == 1


def test_events_are_counted_once_however_often_their_answer_is_given(desk: Desk):
    client = desk.client()
    for _ in range(2):
        client.post("/api/v1/events", json=[event(1), event(2)], headers={"Idempotency-Key": "a"})
    client.post("/api/v1/events", json=[event(1), event(3)])
    found = figures(client.get("/metrics").text)
    of = ("kind", "ticket_events")
    assert found["slacast_events_received_total", (of, ("result", "new"))] == 3
    assert found["slacast_events_received_total", (of, ("result", "known"))] == 1


def test_lag_lasts_from_the_disk_to_the_first_queue_that_knows_the_events():
    now = [100.0]
    queue = busy_desk(3)
    metrics = Metrics(service_over(FixedSource(queue)), lambda: now[0])
    last = queue.last_sequence
    metrics.stored("ticket_events", 5, 0, last)
    now[0] = 103.0
    metrics.stored("ticket_events", 5, 0, last + 1)  # not known to the queue yet
    metrics.look(Standing(queue, 104.0))
    metrics.look(Standing(queue, 104.0))  # the same queue is looked at once
    found = figures(metrics.text().decode())
    assert found["slacast_event_to_score_seconds_count", ()] == 1
    assert found["slacast_event_to_score_seconds_sum", ()] == 4.0
    assert found["slacast_scorings_total", ()] == 1


def test_a_scoring_lasts_from_the_instant_it_tells_of_until_its_queue_is_there():
    queue = busy_desk(3)
    metrics = Metrics(service_over(FixedSource(queue)), lambda: 100.0, lambda: queue.as_of + timedelta(seconds=9))
    metrics.look(Standing(queue, 97.0))  # seen three seconds after it was there
    found = figures(metrics.text().decode())
    assert found["slacast_scoring_seconds_sum", ()] == 6.0


def test_storing_is_timed_from_the_queues_instant_and_its_scores_are_counted_once():
    queue = busy_desk(3)
    metrics = Metrics(service_over(FixedSource(queue)), lambda: 100.0, lambda: queue.as_of + timedelta(seconds=9))
    recorded = Recorded(queue, 2, 97.0)  # stored three seconds before anybody looked
    for _ in range(2):
        metrics.look_at_stored(recorded)
    found = figures(metrics.text().decode())
    assert found["slacast_storing_seconds_sum", ()] == 6.0
    assert found["slacast_storing_seconds_count", ()] == 1
    assert found["slacast_scores_stored_total", ()] == 2


def test_two_applications_share_no_figure():
    first, second = (client_of(service_over(FixedSource(busy_desk(3)))) for _ in range(2))
    first.get("/api/v1/queue")
    assert "/api/v1/queue" in first.get("/metrics").text
    assert "/api/v1/queue" not in second.get("/metrics").text


def test_figures_about_all_tickets_are_not_for_a_key_that_may_see_some(desk: Desk):
    desk.add_keys(Role.READER, teams=("Network",))
    desk.add_keys(Role.ADMIN)
    assert desk.client().get("/metrics").status_code == 401
    assert desk.client(Role.READER).get("/metrics").status_code == 403
    assert desk.client(Role.ADMIN).get("/metrics").status_code == 200


def test_watching_sees_a_queue_that_came_meanwhile():
    service = service_over(FixedSource(busy_desk(3)))
    metrics = Metrics(service)

    async def run() -> None:
        watching = asyncio.create_task(metrics.watch(lambda: service.standing))
        await asyncio.sleep(0)
        service.ticker.step()
        await asyncio.sleep(0.25)
        watching.cancel()

    asyncio.run(run())
    assert figures(metrics.text().decode())["slacast_scorings_total", ()] == 1


@pytest.fixture
def lines():
    """The log as a stream; the root logger is as before afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_every_line_is_one_json_object_with_the_request_it_belongs_to(lines: io.StringIO):
    client = client_of(service_over(FixedSource(busy_desk(3))))
    set_up_logging("info", "json", lines)
    answer = client.get("/api/v1/queue", headers={"X-Request-ID": "from-the-proxy.1"})
    client.get("/api/v1/queue", headers={"X-Request-ID": "forged\tid"})
    assert answer.headers["X-Request-ID"] == "from-the-proxy.1"
    read = [json.loads(line) for line in lines.getvalue().splitlines()]
    answered = [line for line in read if line["message"] == "answered"]
    assert answered[0]["request_id"] == "from-the-proxy.1"
    assert (answered[0]["route"], answered[0]["status"]) == ("/api/v1/queue", 200)
    assert len(answered[1]["request_id"]) == 32
    assert datetime.fromisoformat(answered[0]["at"]).tzinfo == UTC


@pytest.mark.parametrize("line_format", ["json", "text"])
def test_nothing_secret_is_in_a_line_whoever_logs_it(line_format: str, lines: io.StringIO):
    token = TOKENS[Role.ADMIN].text
    set_up_logging("info", line_format, lines)
    log = logging.getLogger("anything")
    log.info("headers: Authorization: Bearer %s", token)
    log.info("Bearer eyJhbGciOi.J9.xyz and Cookie: session=abc123; other=def456")
    log.info("postgresql://me:hunter2@db/slacast", extra={"slacast_fields": {"url": "postgresql://me:hunter2@db/x"}})
    log.error("failed", exc_info=ValueError(f"client_secret=geheim9 {token}"))
    said = lines.getvalue()
    for secret in (token, token.split("_", 2)[2], "eyJhbGciOi", "abc123", "def456", "hunter2", "geheim9"):
        assert secret not in said
    assert "ValueError" in said
    assert "postgresql://me:***@db" in said


def test_a_key_that_is_sent_is_in_no_line_of_the_service(desk: Desk, lines: io.StringIO):
    desk.add_keys(Role.READER)
    set_up_logging("debug", "json", lines)
    for token in (TOKENS[Role.READER].text, "slk_wrongwro_secretpart"):
        desk.client(token=token).get("/api/v1/queue")
        desk.client().post("/login", data={"key": token}, headers={"accept": "text/html"})
    said = lines.getvalue()
    assert "answered" in said
    assert TOKENS[Role.READER].text.split("_", 2)[2] not in said
    assert "secretpart" not in said


def test_what_a_stranger_sends_begins_no_line_of_its_own(lines: io.StringIO):
    set_up_logging("info", "text", lines)
    REQUEST_ID.set("")
    logging.getLogger("x").info("title %s", "a\n2026-01-01T00:00:00Z INFO forged")
    assert len(lines.getvalue().splitlines()) == 1


def test_plain_words_stay_as_they_are():
    plain = "stored 12 events of INC12; secretary at example.org:80 has a token"
    assert without_secrets(plain) == plain
