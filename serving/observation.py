"""What is seen of every request: an id for its log lines, one line when it is answered, and its time for the metrics."""

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

log = logging.getLogger(__name__)
HEADER = "X-Request-ID"
UNMATCHED = "(none)"
_GIVEN = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_ABORTED = 499
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

Answered = Callable[[str, str, int, float], None]


class Observation:
    """ASGI middleware around all others. `templates` gives a route's path by its function; `answered` gets method, template, status, seconds."""

    def __init__(self, app: ASGIApp, templates: Mapping[Any, str], answered: Answered) -> None:
        self.app, self.templates, self.answered = app, templates, answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _id_of(Headers(scope=scope))
        REQUEST_ID.set(request_id)  # each request has a context of its own, which ends with it
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
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = self.templates.get(scope.get("endpoint"), UNMATCHED)
        self.answered(method, route, status, seconds)
        level = logging.DEBUG if route in _QUIET and status < 400 else logging.INFO
        said = {"method": method, "route": route, "status": status, "milliseconds": round(seconds * 1000, 1)}
        log.log(level, "answered", extra={FIELDS: said})


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _id_of(headers: Headers) -> str:
    """The id a proxy gave, where it is a plain one; else a new one."""
    given = headers.get(HEADER, "")
    return given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
