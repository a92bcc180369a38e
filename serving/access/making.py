"""Keys made, listed: what `slacast keys` does and says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.store.access_keys import AccessKey
from features.store.repository import Store
from serving.access.roles import Role
from serving.access.tokens import Token, Verifier
from serving.wording import one_line


class KeyMakingError(ValueError):
    """A key that cannot be made."""


@dataclass(frozen=True)
class MadeKey:
    """A new key with its secret, to be shown once."""

    key: AccessKey
    token: Token

    def text(self) -> str:
        """What a person is shown."""
        until = (
            "until it is revoked" if self.key.expires_at is None else f"until {self.key.expires_at:%Y-%m-%d %H:%M} UTC"
        )
        return (
            f"{self.token.text}\n\nThis is the key, and the only time it is shown. Role {self.key.role}, for {_scope(self.key)}, good {until}.\n"
            f"Send it as `Authorization: Bearer ...`. Revoke it with: slacast keys revoke {self.key.prefix}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The same for machines."""
        return {"key": self.token.text, **told(self.key)}


@dataclass(frozen=True)
class KeyList:
    """All keys, as of an instant."""

    keys: tuple[AccessKey, ...]
    at: datetime

    def text(self) -> str:
        """A line a key."""
        if not self.keys:
            return "There are no access keys. Make one: slacast keys create --name NAME --role admin"
        rows = [("KEY", "ROLE", "STATE", "FOR", "NAME")]
        rows += [(key.prefix, key.role, state(key, self.at), _scope(key), one_line(key.name)) for key in self.keys]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(
            "  ".join([*(part.ljust(width) for part, width in zip(row, widths, strict=False)), row[4]]) for row in rows
        )

    def to_dict(self) -> dict[str, Any]:
        """The same for machines."""
        return {"keys": [{**told(key), "state": state(key, self.at)} for key in self.keys]}


def make_key(
    store: Store, name: str, role: str, teams: list[str], services: list[str], expires_at: datetime | None, at: datetime, by: str
) -> MadeKey:  # fmt: skip
    """A new key, stored hashed; the audit log says who made it. Raises ValueError for an empty name."""
    if not name.strip() or len(name) > 100:
        raise KeyMakingError("a key needs a name of 1 to 100 characters: who or what will use it")
    token = Token.fresh()
    key = AccessKey(
        prefix=token.prefix,
        name=name.strip(),
        role=Role(role).value,
        hashed=Verifier().hashed(token),
        created_at=at,
        created_by=by,
        expires_at=expires_at,
        teams=tuple(teams),
        services=tuple(services),
    )
    store.access_keys.add(key)
    return MadeKey(key, token)


def state(key: AccessKey, at: datetime) -> str:
    """Whether a key is good, in words."""
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "valid"
    return f"{'valid until' if at < key.expires_at else 'expired'} {key.expires_at:%Y-%m-%d}"


def told(key: AccessKey) -> dict[str, Any]:
    """What may be told of a key."""
    instants = ("created_at", "expires_at", "revoked_at")
    return {
        **{name: getattr(key, name) for name in ("prefix", "name", "role", "created_by")},
        "teams": list(key.teams),
        "services": list(key.services),
        **{name: None if (at := getattr(key, name)) is None else at.isoformat() for name in instants},
    }


def _scope(key: AccessKey) -> str:
    return ", ".join([*(f"team {one_line(team)}" for team in key.teams), *(f"service {one_line(name)}" for name in key.services)]) or "everything"  # fmt: skip
