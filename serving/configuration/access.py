"""Where slacast listens, and who gets in."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from serving.configuration.values import SettingGroup, is_loopback, listed

ROLE_NAMES = ("reader", "dispatcher", "planner", "scientist", "manager", "admin")


class AccessSettings(SettingGroup):
    """Who gets in."""

    host: str = Field(
        default="127.0.0.1",
        description="The address to listen on. Any but a loopback address needs access keys or OpenID Connect (docs/access.md).",
    )
    port: int = Field(default=8000, ge=1, le=65535, description="The port to listen on.")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+$",
        description="The address people use, such as https://slacast.example.org: its host is answered, and with https cookies never travel without. Unset: the host and port listened on.",
    )
    allowed_hosts: str = Field(
        default="",
        description="Further host names that requests may name, separated by commas. Loopback names, the host listened on and that of the public URL always are.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses of proxies, separated by commas, that may say on whose behalf they ask (X-Forwarded-For, X-Forwarded-Proto).",
    )
    session_hours: float = Field(
        default=12.0, gt=0, le=720, description="How long a login at the pages lasts, in hours."
    )
    session_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="What session cookies are signed with; replicas need the same. Unset: one is made and kept in SLACAST_VAR_DIR.",
    )
    oidc_issuer: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s]+$",
        description="The OpenID Connect issuer whose people may log in. Unset: keys alone open the pages.",
    )
    oidc_client_id: str = Field(default="slacast", description="The client id that the issuer knows slacast by.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="The client secret; unset for a public client (PKCE is used in either case)."
    )
    oidc_scopes: str = Field(default="openid profile email", description="The scopes asked of the issuer.")
    oidc_role_claim: str = Field(
        default="roles",
        description="The claim of the ID token that decides the role; dots lead into objects, as in realm_access.roles.",
    )
    oidc_roles: str = Field(
        default="",
        description="Which value of that claim gives which role: value=role, separated by commas, the first that fits counts. Without a fit nobody gets in. Empty: the claim holds our own role names.",
    )
    oidc_team_claim: str | None = Field(
        default=None, description="The claim that lists the teams whose tickets the person may see. Unset: all teams."
    )

    @model_validator(mode="after")
    def _issuer_is_safe(self) -> Self:
        issuer = urlsplit(self.oidc_issuer or "")
        if issuer.scheme == "http" and not is_loopback(issuer.hostname or ""):
            raise ValueError(
                f"SLACAST_OIDC_ISSUER ({self.oidc_issuer}) must begin with https: what it says lets people in"
            )
        wrong = [pair for pair in listed(self.oidc_roles) if pair.partition("=")[2] not in ROLE_NAMES]
        if wrong:
            raise ValueError(f"SLACAST_OIDC_ROLES: {wrong[0]!r} is not VALUE=ROLE; roles are {', '.join(ROLE_NAMES)}")
        return self
