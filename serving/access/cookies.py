"""Signed cookies: the session's, and one that lives for the moments of a login."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import Response

SESSION, LOGIN = "slacast_session", "slacast_login"
LOGIN_SECONDS = 600


class Cookies:
    """Writes and reads them. `is_secure`: the pages are reached by https, so no cookie ever travels without."""

    def __init__(self, secret: bytes, is_secure: bool) -> None:
        self._secret, self.is_secure = secret, is_secure

    def name(self, kind: str) -> str:
        """The cookie's name; with https one that a browser takes from this host alone."""
        return f"__Host-{kind}" if self.is_secure else kind

    def set(self, response: Response, kind: str, value: str, seconds: int) -> None:
        """Nothing; the response sets the cookie."""
        response.set_cookie(
            self.name(kind), value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=self.is_secure
        )

    def clear(self, response: Response, kind: str) -> None:
        """Nothing; the response takes the cookie away."""
        response.delete_cookie(self.name(kind), path="/", httponly=True, samesite="lax", secure=self.is_secure)

    def signed(self, purpose: str, value: str) -> str:
        """The value with its signature for one purpose."""
        return f"{value}.{self.mark(purpose, value)}"

    def read(self, purpose: str, text: str | None) -> str | None:
        """The value that was signed for this purpose, None for anything else."""
        value, dot, mark = (text or "").rpartition(".")
        return value if dot and self.is_mark(purpose, value, mark) else None

    def mark(self, purpose: str, value: str) -> str:
        """The signature of a value for one purpose."""
        return hmac.new(self._secret, f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()

    def is_mark(self, purpose: str, value: str, mark: str) -> bool:
        """True for the signature of that value."""
        return hmac.compare_digest(self.mark(purpose, value).encode(), mark.encode())

    def packed(self, values: dict[str, Any]) -> str:
        """What has to be known again when a login comes back, signed, with the time it was made."""
        text = json.dumps({**values, "made": int(time.time())}).encode()
        return self.signed("login", base64.urlsafe_b64encode(text).decode())

    def unpacked(self, text: str | None) -> dict[str, Any]:
        """The values that were packed in the last ten minutes; empty for anything else."""
        value = self.read("login", text)
        if value is None:
            return {}
        found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(value))
        return found if time.time() - found["made"] < LOGIN_SECONDS else {}


def secret_bytes(given: str | None, var_dir: Path) -> bytes:
    """The secret that signs cookies: the one given, else one in `var_dir`, made on first use and readable by its owner alone."""
    if given:
        return given.encode()
    path = var_dir / "session.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"session.key.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
        with suppress(FileExistsError):  # of two processes that begin at once, both use the first one's
            os.link(fresh, path)
        fresh.unlink()
    return path.read_bytes()
