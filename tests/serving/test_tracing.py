"""Spans: one a request, tick, job and delivery, with nothing in them that people wrote; none unless asked for."""

import random
import time
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from features.store.repository import open_store
from serving.alerting.courier import Courier
from serving.alerting.sending import DeliveryError
from serving.jobs.runner import JobRunner
from serving.settings import Settings, SettingsError
from serving.tracing import OpenTracing, Tracing, tracing_of
from tests.serving.alert_receivers import hook
from tests.serving.job_desk import KINDS, PROGRAM, asked, until
from tests.serving.real_desk import AT
from tests.serving.stored_desk import Desk, event

TITLE = "Zarathustra's printer"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Kept:
    """A tracing whose spans stay in memory."""

    def __init__(self):
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = OpenTracing(provider)

    @property
    def spans(self):
        return self._exporter.get_finished_spans()

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    def text(self):
        return " ".join(span.to_json() for span in self.spans)


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def desk(prepared_desk: Path, tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("serving.workplace.tracing_of", lambda _settings: kept.tracing)
    found = Desk(prepared_desk, tmp_path)
    yield found
    found.close()


def test_a_request_is_a_span_by_route_and_status_and_not_by_address(desk: Desk, kept: Kept):
    desk.client().get(f"/api/v1/tickets/{TITLE}", headers={"traceparent": PARENT})
    assert desk.client().get("/api/v1/queue", params={"text": TITLE}).status_code == 200
    assert TITLE not in kept.text()
    (span,) = kept.named("GET /api/v1/tickets/{ticket_id:path}")
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/api/v1/tickets/{ticket_id:path}",
        "http.response.status_code": 404,
    }
    assert span.kind is SpanKind.SERVER
    assert span.status.status_code is StatusCode.UNSET
    assert f"00-{span.context.trace_id:032x}-{span.parent.span_id:016x}-01" == PARENT


def test_a_request_that_fails_names_the_kind_of_error_alone(desk: Desk, kept: Kept):
    def fails(*_):
        raise LookupError(TITLE)

    desk.service.ticker._source._scorer.ticket = fails
    assert desk.client().get("/api/v1/tickets/N1").status_code == 500
    (span,) = kept.named("GET /api/v1/tickets/{ticket_id:path}")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "LookupError"
    assert not span.events
    assert "Zarathustra" not in kept.text()


def test_what_a_probe_asks_is_no_span(desk: Desk, kept: Kept):
    for path in ("/healthz", "/readyz", "/metrics"):
        desk.client().get(path)
    assert not [span for span in kept.spans if span.kind is SpanKind.SERVER]


def test_the_log_line_of_a_request_names_its_trace(desk: Desk, kept: Kept, caplog: pytest.LogCaptureFixture):
    with caplog.at_level("INFO", "serving.observation"):
        desk.client().get("/api/v1/queue", headers={"traceparent": PARENT})
    assert caplog.records[-1].slacast_fields["trace_id"] == PARENT.split("-")[1]


def test_a_tick_reads_scores_and_is_stored_in_one_trace(desk: Desk, kept: Kept):
    ticker, recorder = desk.service.ticker, desk.service.recorder
    (first,) = kept.named("tick")
    assert (first.attributes["slacast.scored"], first.parent) == ("all", None)
    assert desk.client().post("/api/v1/events", json=[event(attributes={"title": TITLE})]).status_code == 201
    assert ticker.step()
    assert recorder.step()
    _, tick = kept.named("tick")
    assert tick.attributes["slacast.scored"] == "news"
    parts = {span.name: span for span in kept.spans if span.parent and span.parent.span_id == tick.context.span_id}
    assert set(parts) == {"read news", "score", "store scores"}
    assert parts["score"].attributes["slacast.open_tickets"] == len(ticker.standing.queue.rows) > 0
    assert parts["store scores"].attributes["slacast.scores"] == desk.service.recorder.recorded.scores > 0
    assert tick.start_time == parts["read news"].start_time
    assert "Zarathustra" not in kept.text()


def test_a_look_without_news_is_no_span_and_one_that_fails_is(desk: Desk, kept: Kept):
    count = len(kept.spans)
    desk.service.ticker.step()
    assert len(kept.spans) == count

    def fails():
        raise OSError(TITLE)

    desk.service.ticker._source._scorer.read_news = fails
    desk.service.ticker.step()
    (span,) = kept.spans[count:]
    assert (span.name, span.attributes["error.type"]) == ("read news", "OSError")
    assert "Zarathustra" not in kept.text()


def test_a_job_is_a_span_from_its_start_to_how_it_ended(tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROOT", str(Path(__file__).resolve().parents[2]))
    settings = Settings(database_url=f"sqlite:///{tmp_path}/desk.db", var_dir=tmp_path)
    with open_store(settings.database_url) as store:
        runner = JobRunner(store.jobs, settings, kinds=KINDS, program=PROGRAM, tracing=kept.tracing)
        before_ns = time.time_ns()
        for count, (doing, kind) in enumerate((("answer", None), ("fail", "failed")), 1):
            number = asked(store, doing)
            until(runner, lambda count=count: len(kept.spans) == count)
            span = kept.spans[-1]
            assert (span.name, span.attributes["slacast.job"]) == ("job try", number)
            assert span.attributes.get("error.type") == kind
            assert before_ns < span.start_time < span.end_time < time.time_ns()
    assert "no events to learn from" not in kept.text()


class Outbox:
    """An alert that waits, in the place of the store's."""

    def __init__(self):
        self.recorded = []

    def waiting(self, _channel, _at):
        return [(2, {"alert_id": 7, "rule": "Late", "message": TITLE})]

    def record(self, attempt):
        self.recorded.append(attempt)


def test_each_attempt_to_deliver_is_a_span_without_the_message(kept: Kept):
    def refuses(_alert, _at):
        raise DeliveryError(TITLE)

    for send in (refuses, lambda _alert, _at: None):
        outbox = Outbox()
        courier = Courier(
            "pager", send, outbox, clock=lambda: AT, attempts=9, chance=random.Random(1), tracing=kept.tracing
        )
        courier.deliver()
        assert len(outbox.recorded) == 1
    failed, delivered = kept.named("deliver alert")
    said = {"slacast.alert": 7, "slacast.rule": "Late", "slacast.channel": "pager", "slacast.attempt": 3}
    assert dict(delivered.attributes) == said
    assert dict(failed.attributes) == {**said, "error.type": "DeliveryError"}
    assert delivered.kind is SpanKind.CLIENT
    assert "Zarathustra" not in kept.text()


def test_spans_reach_a_collector_by_the_standard_variables_and_nothing_else_does(
    prepared_desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    with hook() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=desk")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")  # the web framework's own, which would tell addresses
        desk = Desk(prepared_desk, tmp_path, tracing="otlp")
        with desk.client() as client:
            assert client.get("/api/v1/queue", params={"text": TITLE}).status_code == 200
    assert {path for path, _, _ in collector.got} == {"/v1/traces"}
    assert all(headers["x-team"] == "desk" for _, headers, _ in collector.got)
    told = [ExportTraceServiceRequest.FromString(body) for _, _, body in collector.got]
    resources = [one.resource for request in told for one in request.resource_spans]
    said = {one.key: one.value.string_value for one in resources[0].attributes}
    assert said["service.name"] == "slacast"
    assert said["deployment.environment.name"] == "test"
    names = {
        span.name
        for request in told
        for one in request.resource_spans
        for scope in one.scope_spans
        for span in scope.spans
    }
    assert {"GET /api/v1/queue", "tick", "score", "store scores"} <= names
    assert not [body for _, _, body in collector.got if b"Zarathustra" in body]


def test_a_service_name_of_ones_own_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "desk-west")
    tracing = tracing_of(Settings(tracing="otlp"))
    assert tracing._provider.resource.attributes["service.name"] == "desk-west"
    tracing.close()


@pytest.mark.parametrize(
    ("chosen", "variables"),
    [("off", {}), ("otlp", {"OTEL_SDK_DISABLED": "true"}), ("otlp", {"OTEL_TRACES_EXPORTER": "none"})],
)
def test_there_are_no_spans_unless_they_are_asked_for(chosen, variables, monkeypatch: pytest.MonkeyPatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert type(tracing_of(Settings(tracing=chosen))) is Tracing
    assert Settings().tracing == "off"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_the_name_of_the_variable(name, value, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name} is {value!r}"):
        tracing_of(Settings(tracing="otlp"))


def test_a_missing_exporter_is_a_sentence_that_says_what_to_install(
    prepared_desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("serving.tracing.EXPORTER", "opentelemetry.exporter.nowhere.http")
    with pytest.raises(SettingsError, match=r"pip install 'slacast\[otel\]'"):
        Desk(prepared_desk, tmp_path, tracing="otlp")
