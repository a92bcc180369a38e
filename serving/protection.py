"""What stands before every route: this machine only, bounded bodies, and headers that keep a browser from running a stranger's text."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import MEDIA_TYPE, ProblemDocument
from serving.settings import is_loopback

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


class Protection:
    """ASGI middleware. Without keys only loopback clients that name a loopback host are answered (so no DNS rebinding)."""

    def __init__(self, app: ASGIApp, max_request_bytes: int) -> None:
        self.app, self.max_request_bytes = app, max_request_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _answer(scope, send, *refusal)
            return
        await self.app(scope, self._bounded(receive), _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        if (client := scope.get("client")) and not is_loopback(client[0]):
            return 403, "slacast has no access keys yet and answers on this machine only."
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if not is_loopback(host):
            return (
                403,
                f"The request names the host {host[:100]!r}; without access keys only localhost and 127.0.0.1 are answered.",
            )
        if not _is_same_origin(scope["method"], headers):
            return 403, "The request comes from another site's page."
        length = headers.get("content-length", "0")
        if not length.isdigit():
            return 400, "Content-Length is not a number."
        return (413, self._too_large()) if int(length) > self.max_request_bytes else None

    def _too_large(self) -> str:
        return (
            f"The body is larger than {self.max_request_bytes:,} bytes (SLACAST_MAX_REQUEST_BYTES); send it in parts."
        )

    def _bounded(self, receive: Receive) -> Receive:
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_request_bytes:
                raise HTTPException(413, self._too_large())  # FastAPI turns anything else into a 400
            return message

        return bounded


def _is_same_origin(method: str, headers: Headers) -> bool:
    """True unless a browser says that another site's page sends something that may change state."""
    origin = headers.get("origin")
    if method in ("GET", "HEAD", "OPTIONS") or origin is None:
        return True
    return urlsplit(origin).netloc == headers.get("host", "")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


async def _answer(scope: Scope, send: Send, status: int, detail: str) -> None:
    body = json.dumps(ProblemDocument(status, detail, scope["path"]).content()).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
