"""Channels as written: where notices go. Secrets are named here by their environment variables and held nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from serving.configuration.values import is_loopback

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_OF_KIND = {
    "webhook": {"url", "url_from", "secret_from", "allow_http"},
    "slack": {"url", "url_from", "allow_http"},
    "email": {"host", "port", "security", "user", "password_from", "sender", "to"},
}
_SPECIAL = {key for keys in _OF_KIND.values() for key in keys}


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(
            "this is the NAME of an environment variable, such as ALERTS_SECRET; the secret itself must not be in the file"
        )
    return name


Variable = Annotated[str, AfterValidator(_variable)]


class Channel(BaseModel):
    """One place that notices go to."""

    # A secret that was written here by mistake is not shown in the error.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)

    kind: Literal["webhook", "slack", "email"] = Field(
        description="JSON of ours with a signature, JSON as Slack takes it, or a mail"
    )
    description: str = Field("", description="for readers")
    url: str | None = Field(None, description="of webhook and slack: the address, without any secret")
    url_from: Variable | None = Field(
        None,
        description="of webhook and slack: the environment variable with the address, where that is a secret itself",
    )
    secret_from: Variable | None = Field(
        None, description="of webhook: the environment variable with the key that bodies are signed with"
    )
    allow_http: bool = Field(False, description="also send without TLS to another machine")
    host: str | None = Field(None, description="of email: the SMTP server")
    port: int = Field(587, ge=1, le=65535, description="of email")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="of email; `none` is taken for a server on this machine only"
    )
    user: str | None = Field(None, description="of email: the name to log in with")
    password_from: Variable | None = Field(None, description="of email: the environment variable with the password")
    sender: str | None = Field(None, description="of email: the From address")
    to: tuple[str, ...] = Field((), description="of email: the recipients")
    timeout_seconds: float = Field(10.0, gt=0, le=120, description="how long each step of a delivery may take")
    attempts: int = Field(8, ge=1, le=50, description="a notice that failed so often is given up and listed")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Channel:
        strange = sorted((self.model_fields_set & _SPECIAL) - _OF_KIND[self.kind])
        if strange:
            raise ValueError(f"{', '.join(strange)} means nothing in a channel of kind {self.kind}; take it out")
        if self.kind == "email":
            self._check_mail()
        elif (self.url is None) == (self.url_from is None):
            raise ValueError("write either url or url_from")
        elif self.url is not None:
            refuse_unsafe(self.url, self.allow_http)
        return self

    def _check_mail(self) -> None:
        missing = [key for key in ("host", "sender", "to") if not getattr(self, key)]
        if missing:
            raise ValueError(f"a channel of kind email needs {' and '.join(missing)}")
        for address in (self.sender or "", *self.to):
            if "@" not in address or any(sign.isspace() or not sign.isprintable() for sign in address):
                raise ValueError(f"{address!r} is not an address such as desk@example.org")
        if (self.user is None) != (self.password_from is None):
            raise ValueError("user and password_from belong together: write both or neither")
        if self.security == "none" and not is_loopback(self.host or ""):
            raise ValueError("security: none sends in the clear: write starttls or tls, or a server on this machine")

    def variables(self) -> list[str]:
        """The environment variables that a delivery needs."""
        return [name for name in (self.url_from, self.secret_from, self.password_from) if name is not None]

    def address(self, environment: Mapping[str, str]) -> str:
        """The URL, from the environment where it is a secret; ValueError, which does not show it, for one that is not safe."""
        if self.url is not None:
            return self.url
        url = environment[self.url_from or ""]
        try:
            refuse_unsafe(url, self.allow_http)
        except ValueError as error:
            raise ValueError(f"the address in {self.url_from}: {error}") from None
        return url


def refuse_unsafe(url: str, may_be_open: bool) -> None:
    """Nothing, or ValueError, which does not show the address, for one that a notice must not be sent to."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or any(sign.isspace() or ord(sign) < 33 for sign in url):
        raise ValueError("not an address such as https://chat.example.org/hook")
    if parts.username or parts.password:
        raise ValueError(
            "an address with a name or password in it would be written to logs on its way; use secret_from"
        )
    if parts.scheme == "http" and not is_loopback(host) and not may_be_open:
        raise ValueError(
            "http to another machine can be read and changed on its way: write https, or allow_http: true if you must"
        )
