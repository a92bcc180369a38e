"""The gate: who asks, whether they may, and how often."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request

from features.store.access_keys import AccessKey, StoredSession
from features.store.audit import Change
from features.store.faults import StoreError
from features.store.repository import Store
from serving.access.caller import LOCAL, Caller, Scope
from serving.access.cookies import SESSION, Cookies, secret_bytes
from serving.access.limits import Buckets
from serving.access.lookup import MARGIN_SECONDS, Lookup
from serving.access.roles import Role
from serving.access.tokens import Token, Verifier
from serving.problems import ProblemError
from serving.settings import Settings

log = logging.getLogger(__name__)
_LOOK_AGAIN_SECONDS = 1.0
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_NO_KEY = "This needs an access key: send it as `Authorization: Bearer slk_...`, or log in at /login."
_WRONG_KEY = "This key is not one of ours, was revoked, or has expired."


class Gate:
    """Tells who asks. Open for one user on this machine while no key was ever made and no issuer is set; once closed, closed."""

    def __init__(self, settings: Settings, store: Store | None, clock: Callable[[], datetime]) -> None:
        self.settings, self.store, self.clock = settings, store, clock
        self.verifier = Verifier()
        self._callers = Buckets(settings.requests_per_second, 3 * settings.requests_per_second)
        self._failures = Buckets(settings.failed_logins_per_minute / 60, settings.failed_logins_per_minute)
        self._closed = settings.oidc_issuer is not None
        self._looked_seconds = -_LOOK_AGAIN_SECONDS
        self._cookies: Cookies | None = None
        self._lock = threading.Lock()
        self._keys: Lookup[AccessKey] = Lookup(lambda prefix: self._opened().access_keys.find(prefix))
        self._sessions: Lookup[StoredSession] = Lookup(
            lambda digest: self._opened().sessions.find(digest, self.clock())
        )

    @property
    def stands_open(self) -> bool:
        """Whether the gate was open when last looked at; costs nothing."""
        return not self._closed

    def is_open(self) -> bool:
        """True where anyone at this machine is let in; a key made meanwhile closes the gate within a second."""
        now = time.monotonic()
        if not self._closed and self.store is not None and now - self._looked_seconds >= _LOOK_AGAIN_SECONDS:
            self._looked_seconds = now
            try:
                self._closed = self.store.access_keys.has_any()
            except StoreError:
                log.warning("whether there are access keys cannot be asked at present")
            if self._closed:
                log.info("access keys exist: nothing is answered without one")
        return not self._closed

    def has_valid_key(self) -> bool:
        """True where somebody could get in with a key now."""
        return self.store is not None and any(key.is_valid(self.clock()) for key in self.store.access_keys.all())

    @property
    def cookies(self) -> Cookies:
        """What signs the cookies, ready on first use."""
        with self._lock:
            if self._cookies is None:
                given = self.settings.session_secret
                secret = secret_bytes(given.get_secret_value() if given else None, self.settings.var_dir)
                is_secure = (self.settings.public_url or "").startswith("https://")
                self._cookies = Cookies(secret, is_secure)
            return self._cookies

    def caller(self, request: Request, csrf: str | None = None) -> Caller:
        """Who asks. ProblemError 401 without or with a wrong key, 403 for a form that was not ours, 429 for too many requests."""
        address = address_of(request)
        found = self._known(request, address)
        if found is None:
            self._charge(f"address {address}")
            raise ProblemError(401, _NO_KEY, headers={"WWW-Authenticate": "Bearer"})
        if found.how != "open":
            self._charge(found.name)
        if found.csrf is not None and request.method not in SAFE_METHODS:
            given = csrf or request.headers.get("x-csrf-token") or ""
            if not secrets.compare_digest(given.encode(), found.csrf.encode()):
                raise ProblemError(403, "The form is out of date or was not sent by our page; load the page again.")
        return found

    def is_at_hand(self, request: Request) -> bool:
        """Whether `caller` would ask nobody now: neither the store, nor a hash that takes long to compute.

        False says nothing. It leaves a tenth of a second for what is true to stay true until the caller is asked for.
        """
        given = request.headers.get("authorization")
        if given is None:
            looked_lately = time.monotonic() - self._looked_seconds < _LOOK_AGAIN_SECONDS - MARGIN_SECONDS
            return not self._closed and (self.store is None or looked_lately)
        token = Token.read(given.partition(" ")[2].strip())
        key = None if token is None else self._keys.at_hand(token.prefix)
        return token is not None and key is not None and self.verifier.was_right(token, key.hashed)

    def visitor(self, request: Request) -> Caller | None:
        """Who asks at a page for everyone; None for a stranger. A wrong key is as good as none here."""
        try:
            return self._known(request, address_of(request))
        except ProblemError:
            return None

    def _known(self, request: Request, address: str) -> Caller | None:
        given = request.headers.get("authorization")
        if given is not None:
            scheme, _space, text = given.partition(" ")
            if scheme.lower() != "bearer":
                raise ProblemError(401, _NO_KEY, headers={"WWW-Authenticate": "Bearer"})
            return caller_of(self.key(text.strip(), address), address)
        if self.is_open():
            return replace(LOCAL, address=address)
        return self._session(request, address)

    def key(self, text: str, address: str) -> AccessKey:
        """The valid key of that text; ProblemError 401 for any other, 429 after too many of those from one address."""
        wait = self._failures.wait_seconds(address, 0)
        if wait:
            raise _too_many("Too many wrong keys from this address.", wait)
        token = Token.read(text)
        found = None if token is None else self._keys.get(token.prefix)
        if (
            token is None
            or found is None
            or not found.is_valid(self.clock())
            or not self.verifier.is_right(token, found.hashed)
        ):
            self._failures.wait_seconds(address)
            log.warning("a wrong key was sent from %s", address)
            raise ProblemError(401, _WRONG_KEY, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return found

    def begin_session(self, holder: dict[str, Any], name: str, address: str, ends_at: datetime | None = None) -> str:
        """The value of a cookie that stands for this holder (name, role, teams, services, key) until the session ends."""
        at, secret = self.clock(), secrets.token_urlsafe(32)
        expires_at = min(filter(None, (at + timedelta(hours=self.settings.session_hours), ends_at)))
        session = StoredSession(digest=_digest(secret), holder=holder, begun_at=at, expires_at=expires_at)
        said = {part: holder[part] for part in ("role", "teams", "services")}
        change = Change(at=at, actor=name, action="logged in", subject=name, after=said, origin=address)
        self._opened().sessions.begin(session, change)
        return self.cookies.signed(SESSION, secret)

    def end_session(self, request: Request, caller: Caller) -> None:
        """Nothing; the session of this request opens nothing from now on."""
        secret = self._session_secret(request)
        if secret is not None:
            change = Change(
                at=self.clock(), actor=caller.name, action="logged out", subject=caller.name, origin=caller.address
            )
            self._opened().sessions.end(_digest(secret), change)
            self._sessions.forget(_digest(secret))

    def _session(self, request: Request, address: str) -> Caller | None:
        secret = self._session_secret(request)
        found = None if secret is None else self._sessions.get(_digest(secret))
        if secret is None or found is None or found.expires_at <= self.clock():
            return None
        holder = found.holder
        if holder["key"] is not None:  # a key that is revoked takes the sessions begun with it along
            key = self._keys.get(holder["key"])
            if key is None or not key.is_valid(self.clock()):
                return None
        return Caller(
            name=str(holder["name"]),
            role=Role(holder["role"]),
            scope=Scope(tuple(holder["teams"]), tuple(holder["services"])),
            how="session",
            csrf=self.cookies.mark("csrf", secret),
            address=address,
        )

    def _session_secret(self, request: Request) -> str | None:
        sent = {SESSION, f"__Host-{SESSION}"} & request.cookies.keys()
        return self.cookies.read(SESSION, request.cookies.get(self.cookies.name(SESSION))) if sent else None

    def _opened(self) -> Store:
        if self.store is None:
            raise StoreError("this service has no store, so there are no keys")
        return self.store

    def _charge(self, name: str) -> None:
        wait = self._callers.wait_seconds(name)
        if wait:
            limit = f"{self.settings.requests_per_second:g} requests a second (SLACAST_REQUESTS_PER_SECOND)"
            raise _too_many(f"More than {limit}.", wait)


def caller_of(key: AccessKey, address: str | None) -> Caller:
    """The caller that a valid key stands for."""
    return Caller(
        f"key {key.prefix} ({key.name})", Role(key.role), Scope(key.teams, key.services), "key", None, address
    )


def address_of(request: Request) -> str:
    """The address that asks."""
    return request.client.host if request.client else "unknown"


def _too_many(detail: str, wait_seconds: float) -> ProblemError:
    seconds = max(1, round(wait_seconds + 0.5))
    return ProblemError(429, f"{detail} Try again in {seconds} s.", headers={"Retry-After": str(seconds)})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
