"""Login by OpenID Connect: the authorization code flow with PKCE (RFC 7636), by Authlib."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2 import OAuth2Error
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from serving.access.roles import Role
from serving.configuration.values import listed
from serving.settings import Settings

log = logging.getLogger(__name__)
_ALGORITHMS = ["RS256", "PS256", "ES256", "RS384", "ES384", "RS512", "ES512", "EdDSA"]  # none that needs no key
_WAIT_SECONDS = 10.0
_KEPT_SECONDS = 600.0


class OpenIdError(ValueError):
    """A login that did not succeed; the text may be shown to whoever tried."""


@dataclass(frozen=True)
class Begun:
    """A login under way: where to send the browser, and what has to be known again when it comes back."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Person:
    """Somebody the issuer vouches for. `teams` empty: all."""

    name: str
    role: Role
    teams: list[str]


class OpenId:
    """The issuer that the settings name. What it says of itself is asked on first use and every ten minutes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._issuer = (settings.oidc_issuer or "").rstrip("/")
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.redirect_uri = f"{settings.public_url or f'http://{host}:{settings.port}'}/login/callback"
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, Any], KeySet] | None = None

    def begin(self) -> Begun:
        """A login to send the browser to. Raises OpenIdError where the issuer does not answer."""
        metadata, _keys = self._metadata()
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        address, state = self._session().create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        return Begun(address, state, nonce, verifier)

    def person(self, code: str, verifier: str, nonce: str) -> Person:
        """Who came back with this code. Raises OpenIdError for a code or token that is not good, and for a person without a role."""
        metadata, keys = self._metadata()
        try:
            tokens = self._session().fetch_token(
                metadata["token_endpoint"], code=code, code_verifier=verifier, grant_type="authorization_code", timeout=_WAIT_SECONDS
            )  # fmt: skip
            claims = self._claims(str(tokens["id_token"]), keys, metadata, nonce)
        except (OAuthError, OAuth2Error, JoseError, requests.RequestException, KeyError, ValueError) as error:
            log.warning("an OpenID login failed: %s", type(error).__name__)  # its text may hold the token
            raise OpenIdError(
                "The issuer's answer could not be trusted. Begin again; the log names the kind of fault."
            ) from error
        return person_of(claims, self._settings)

    def _claims(self, token: str, keys: KeySet, metadata: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        read = jwt.decode(token, self._with(token, keys), algorithms=_ALGORITHMS)
        options = {
            "iss": {"essential": True, "value": metadata["issuer"]},
            "aud": {"essential": True, "value": self._settings.oidc_client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        claims = CodeIDToken(
            read.claims, read.header, options, {"nonce": nonce, "client_id": self._settings.oidc_client_id}
        )
        claims.validate(now=int(time.time()), leeway=60)
        found: Mapping[str, Any] = read.claims
        return found

    def _with(self, token: str, keys: KeySet) -> KeySet:
        """The issuer's keys, asked for anew where it signed with one we do not know yet."""
        kid = jwt_header(token).get("kid")
        known = {key.kid for key in keys.keys}
        return keys if kid is None or kid in known else self._metadata(is_stale=True)[1]

    def _metadata(self, *, is_stale: bool = False) -> tuple[dict[str, Any], KeySet]:
        with self._lock:
            if self._known is not None and not is_stale and time.monotonic() - self._known[0] < _KEPT_SECONDS:
                return self._known[1], self._known[2]
            try:
                metadata: dict[str, Any] = _json(f"{self._issuer}/.well-known/openid-configuration")
                if str(metadata["issuer"]).rstrip("/") != self._issuer:
                    raise OpenIdError(
                        f"The issuer calls itself {str(metadata['issuer'])[:200]!r}, not {self._issuer!r}."
                    )
                keys = KeySet.import_key_set(_json(metadata["jwks_uri"]))
            except (requests.RequestException, KeyError, JoseError) as error:
                log.warning("the OpenID issuer does not answer as one: %s", type(error).__name__)
                raise OpenIdError(
                    "The OpenID Connect issuer does not answer at present. Try again in a moment."
                ) from error
            self._known = (time.monotonic(), metadata, keys)
            return metadata, keys

    def _session(self) -> OAuth2Session:
        secret = self._settings.oidc_client_secret
        return OAuth2Session(
            self._settings.oidc_client_id,
            secret.get_secret_value() if secret else None,
            scope=self._settings.oidc_scopes,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
        )


def person_of(claims: Mapping[str, Any], settings: Settings) -> Person:
    """The person that claims tell of. Raises OpenIdError where they give no role, or no team though teams are asked for."""
    name = str(claims.get("email") or claims.get("preferred_username") or claims["sub"])[:200]
    values = claimed(claims, settings.oidc_role_claim)
    given = dict(pair.partition("=")[::2] for pair in listed(settings.oidc_roles)) or {
        role.value: role.value for role in Role
    }
    role = next((Role(role) for value, role in given.items() if value in values), None)
    if role is None:
        raise OpenIdError(f"{name} is known to the issuer, but has no role here. An administrator gives it there.")
    if settings.oidc_team_claim is None:
        return Person(name, role, [])
    teams = claimed(claims, settings.oidc_team_claim)
    if not teams:
        raise OpenIdError(f"{name} is known to the issuer, but belongs to no team there.")
    return Person(name, role, teams)


def claimed(claims: Mapping[str, Any], path: str) -> list[str]:
    """The texts at a claim: a list's, or one; dots lead into objects."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return [found]
    return [value for value in found if isinstance(value, str)] if isinstance(found, list) else []


def jwt_header(token: str) -> dict[str, Any]:
    """The header of a token, not trusted yet."""
    from joserfc.jws import extract_compact

    found: dict[str, Any] = extract_compact(token.encode()).headers()
    return found


def _json(address: str) -> Any:
    answer = requests.get(address, timeout=_WAIT_SECONDS)
    answer.raise_for_status()
    return answer.json()
