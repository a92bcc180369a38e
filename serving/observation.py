"""What is seen of every request: an id for its log lines, one line when it is answered, its time for the metrics, and its span."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.log_lines import FIELDS, REQUEST_ID
from serving.tracing import Note, Tracing

log = logging.getLogger(__name__)
HEADER = "X-Request-ID"
UNMATCHED = "(none)"
_GIVEN = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_ABORTED = 499
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

Answered = Callable[[str, str, int, float], None]


class Observation:
    """ASGI middleware around all others. `templates` gives a route's path by its function; `answered` gets method, template, status, seconds."""

    def __init__(
        self, app: ASGIApp, templates: Mapping[Any, str], answered: Answered, tracing: Tracing | None = None
    ) -> None:
        self.app, self.templates, self.answered = app, templates, answered
        self.tracing = tracing or Tracing()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        REQUEST_ID.set(_id_of(headers))  # each request has a context of its own, which ends with it
        if not self.tracing.is_on or scope["path"] in _QUIET:
            await self._observed(scope, receive, send, Note())
            return
        with self.tracing.span(_method_of(scope), "server", parent=self.tracing.sent_along(headers)) as note:
            await self._observed(scope, receive, send, note)

    async def _observed(self, scope: Scope, receive: Receive, send: Send, note: Note) -> None:
        request_id = REQUEST_ID.get()
        began, status = time.perf_counter(), _ABORTED

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).setdefault(HEADER, request_id)
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except (
            Exception
        ):  # looked at, not held: every failure is counted, and answered further out by the handler for surprises
            status = 500
            raise
        finally:
            self._tell(scope, status, time.perf_counter() - began, note)

    def _tell(self, scope: Scope, status: int, seconds: float, note: Note) -> None:
        method = _method_of(scope)
        route = self.templates.get(scope.get("endpoint"), UNMATCHED)
        self.answered(method, route, status, seconds)
        note.rename(f"{method} {route}")
        note.tell(http__request__method=method, http__route=route, http__response__status_code=status)
        if status >= 500:
            note.fail(str(status))
        level = logging.DEBUG if route in _QUIET and status < 400 else logging.INFO
        said = {"method": method, "route": route, "status": status, "milliseconds": round(seconds * 1000, 1)}
        if note.trace_id:
            said["trace_id"] = note.trace_id
        log.log(level, "answered", extra={FIELDS: said})


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method_of(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _id_of(headers: Headers) -> str:
    """The id a proxy gave, where it is a plain one; else a new one."""
    given = headers.get(HEADER, "")
    return given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
