"""What stands before every route: known hosts, this machine only while there are no keys, bounded bodies, and headers that keep a browser from running a stranger's text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.configuration.values import is_loopback, listed
from serving.problems import MEDIA_TYPE, ProblemDocument
from serving.settings import Settings

INGEST = "/api/v1/events"

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_ENCODED = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


@dataclass(frozen=True)
class Bounds:
    """What is let through: hosts that requests may name beside loopback ones, and the size of bodies, by path where it differs."""

    hosts: frozenset[str]
    max_bytes: int
    max_bytes_at: Mapping[str, int]

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """The bounds that the settings set."""
        public = urlsplit(settings.public_url or "").hostname
        hosts = {settings.host, *listed(settings.allowed_hosts), *([public] if public else [])}
        named = frozenset(host.lower() for host in hosts)
        return cls(named, settings.max_request_bytes, {INGEST: settings.max_ingest_bytes})


class Protection:
    """ASGI middleware. Without keys only loopback clients that name a loopback host are answered (so no DNS rebinding)."""

    def __init__(self, app: ASGIApp, bounds: Bounds, stands_open: Callable[[], bool]) -> None:
        self.app, self.bounds, self.stands_open = app, bounds, stands_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self.bounds.max_bytes_at.get(scope["path"], self.bounds.max_bytes)
        refusal = self._refusal(scope, most)
        if refusal is not None:
            await _answer(scope, send, *refusal)
            return
        await self.app(scope, _bounded(receive, most), _with_headers(send))

    def _refusal(self, scope: Scope, most: int) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        is_open = self.stands_open()
        if is_open and (client := scope.get("client")) and not is_loopback(client[0]):
            return 403, "slacast has no access keys yet and answers on this machine only."
        host = _host_of(headers)
        if not is_loopback(host) and (is_open or host not in self.bounds.hosts):
            expected = "without access keys only localhost and 127.0.0.1 are answered" if is_open else "it is not one of ours (SLACAST_ALLOWED_HOSTS)"  # fmt: skip
            return 403, f"The request names the host {host[:100]!r}; {expected}."
        if not _is_same_origin(scope["method"], headers):
            return 403, "The request comes from another site's page."
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return 400, "Content-Length is not a number."
        return (413, _too_large(most)) if int(length[:20]) > most else None


def _host_of(headers: Headers) -> str:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:  # a bracket that does not close
        return ""


def _too_large(most: int) -> str:
    return f"The body is larger than {most:,} bytes (SLACAST_MAX_REQUEST_BYTES, SLACAST_MAX_INGEST_BYTES); send it in parts."


def _bounded(receive: Receive, most: int) -> Receive:
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, _too_large(most))  # FastAPI turns anything else into a 400
        return message

    return bounded


def _is_same_origin(method: str, headers: Headers) -> bool:
    """True unless a browser says that another site's page sends something that may change state."""
    origin = headers.get("origin")
    if method in ("GET", "HEAD", "OPTIONS") or origin is None:
        return True
    try:
        return urlsplit(origin).netloc == headers.get("host", "")
    except ValueError:
        return False


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            given = {name.lower() for name, _value in headers}
            message["headers"] = [*headers, *(one for one in _ENCODED if one[0] not in given)]
        await send(message)

    return sending


async def _answer(scope: Scope, send: Send, status: int, detail: str) -> None:
    body = json.dumps(ProblemDocument(status, detail, scope["path"]).content()).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    headers += _ENCODED
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
