"""Spans of what a process does, for OpenTelemetry; off unless SLACAST_TRACING asks for them.

A span holds names, counts and kinds of error: no address, no query, no text of a ticket, no message of an exception.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from serving.settings import Settings, SettingsError

if TYPE_CHECKING:  # imported only where spans are wanted
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

Value = str | int | float | bool
Kind = Literal["internal", "server", "client"]
SERVICE = "slacast"
EXPORTER = "opentelemetry.exporter.otlp.proto.http"
CLOSE_SECONDS = 5.0


class Note:
    """What is still to be said of a piece of work while it is done; this one is written nowhere."""

    def tell(self, **values: Value) -> None:
        """Add named values; in a name `__` stands for a dot."""

    def rename(self, name: str) -> None:
        """Call it something else."""

    def fail(self, kind: str) -> None:
        """It failed, by such an error."""

    @property
    def context(self) -> Context | None:
        """What `parent` takes: where this is a part of."""
        return None

    @property
    def trace_id(self) -> str:
        """The trace it belongs to, in hexadecimal; "" where nobody keeps it."""
        return ""


class Tracing:
    """Makes spans; this one makes none and costs next to nothing."""

    is_on = False

    @contextmanager
    def span(
        self,
        name: str,
        kind: Kind = "internal",
        *,
        parent: Context | None = None,
        began_ns: int | None = None,
        **values: Value,
    ) -> Iterator[Note]:
        """Around a piece of work: its note. What it raises is told by the class alone, and raised on.

        `parent`: what it is a part of, where that is not the span around it. `began_ns`: of the system's clock, where it began earlier.
        """
        yield Note()

    def past(
        self, name: str, began_ns: int, ended_ns: int | None = None, *, failed_by: str | None = None, **values: Value
    ) -> None:
        """Tell a piece of work that is over, a part of the span around it; it ended now unless told otherwise."""

    def sent_along(self, headers: Mapping[str, str]) -> Context | None:
        """What whoever asks says that his request is a part of."""
        return None

    def close(self) -> None:
        """Send what was not sent yet."""


class _Written(Note):
    """The note of a span that is kept."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def tell(self, **values: Value) -> None:
        for name, value in values.items():
            self._span.set_attribute(_dotted(name), value)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, kind: str) -> None:
        from opentelemetry.trace import StatusCode

        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)

    @property
    def context(self) -> Context:
        from opentelemetry.trace import set_span_in_context

        return set_span_in_context(self._span)

    @property
    def trace_id(self) -> str:
        return f"{self._span.get_span_context().trace_id:032x}"


class OpenTracing(Tracing):
    """Makes spans by a provider of OpenTelemetry's SDK, which it closes in the end."""

    is_on = True

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(SERVICE)

    @contextmanager
    def span(
        self,
        name: str,
        kind: Kind = "internal",
        *,
        parent: Context | None = None,
        began_ns: int | None = None,
        **values: Value,
    ) -> Iterator[Note]:
        """As `Tracing.span`."""
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(
            name,
            parent,
            SpanKind[kind.upper()],
            {_dotted(key): value for key, value in values.items()},
            start_time=began_ns,
            record_exception=False,  # its text may hold what people wrote
            set_status_on_exception=False,
        ) as span:
            note = _Written(span)
            try:
                yield note
            except Exception as fault:
                note.fail(type(fault).__name__)
                raise

    def past(
        self, name: str, began_ns: int, ended_ns: int | None = None, *, failed_by: str | None = None, **values: Value
    ) -> None:
        """As `Tracing.past`."""
        said = {_dotted(key): value for key, value in values.items()}
        span = self._tracer.start_span(name, attributes=said, start_time=began_ns)
        if failed_by is not None:
            _Written(span).fail(failed_by)
        span.end(ended_ns)

    def sent_along(self, headers: Mapping[str, str]) -> Context:
        """As `Tracing.sent_along`, read as OTEL_PROPAGATORS says."""
        from opentelemetry.propagate import extract

        return extract(headers)

    def close(self) -> None:
        """As `Tracing.close`; does not wait long for a collector that does not answer: its spans are lost."""
        closing = threading.Thread(target=self._provider.shutdown, name="slacast-tracing", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


def tracing_of(settings: Settings) -> Tracing:
    """What makes the spans that the settings and the standard OTEL_* variables ask for.

    Raises SettingsError where the exporter is not installed, or the variables ask for another than OTLP over HTTP.
    """
    wanted = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if settings.tracing == "off" or is_disabled or wanted == "none":
        return Tracing()
    _refuse_other_than(("OTEL_TRACES_EXPORTER",), "otlp")
    _refuse_other_than(("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf")
    if not _is_installed():
        raise SettingsError(
            "SLACAST_TRACING is 'otlp', but what sends spans is not installed: pip install 'slacast[otel]' "
            "(opentelemetry-exporter-otlp-proto-http), or set SLACAST_TRACING=off"
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    said = Resource.create()
    if str(said.attributes.get("service.name", "")).startswith("unknown_service"):
        said = said.merge(Resource({"service.name": SERVICE}))
    provider = TracerProvider(resource=said, shutdown_on_exit=False)  # `close` does it
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter())
    )  # in a thread of its own; drops what is too much
    return OpenTracing(provider)


def _refuse_other_than(names: tuple[str, ...], expected: str) -> None:
    """The first of the variables that is set counts."""
    for name in names:
        if found := os.environ.get(name, "").strip():
            if found != expected:
                raise SettingsError(
                    f"{name} is {found!r}; slacast sends spans by {expected} alone. Correct or unset it."
                )
            return


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec(EXPORTER) is not None
    except ModuleNotFoundError:  # not even the folder it would lie in
        return False


def _dotted(name: str) -> str:
    return name.replace("__", ".")
