"""Answers that cost nothing when nothing changed: entity tags (RFC 9110, 8.8.3)."""

from __future__ import annotations

import hashlib

from fastapi import Request
from fastapi.responses import Response

FOR_ONE = {"Cache-Control": "no-cache, private", "Vary": "Authorization, Cookie"}
"""Headers of an answer that depends on who asks, and may be kept by them as long as its tag is asked after."""


def etag_of(*parts: object) -> str:
    """A weak entity tag that differs when any part differs."""
    return f'W/"{hashlib.blake2b(repr(parts).encode(), digest_size=10).hexdigest()}"'


def is_unchanged(request: Request, etag: str) -> bool:
    """True where the caller already holds this version."""
    held = request.headers.get("if-none-match", "")
    return held.strip() == "*" or etag.removeprefix("W/") in (tag.strip().removeprefix("W/") for tag in held.split(","))


def not_modified(etag: str) -> Response:
    """The empty answer 304."""
    return Response(status_code=304, headers={"ETag": etag, **FOR_ONE})
