"""Access keys and the sessions of people at the pages. Only hashes are kept: what is stored opens nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, delete, insert, select

from features.store.audit import Change, enter
from features.store.engine import reading, writing
from features.store.faults import StoreError
from features.store.tables import access_keys, key_revocations, sessions
from sla.instants import from_us, to_us


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """A key as stored. `prefix` names it and is no secret; `teams` and `services` are what it may see, empty: all."""

    prefix: str
    name: str
    role: str
    hashed: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    teams: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    def is_valid(self, at: datetime) -> bool:
        """True at an instant where it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, kw_only=True)
class StoredSession:
    """A session: `digest` is that of the secret its cookie holds, `holder` what the service knows of the person, for JSON."""

    digest: str
    holder: Mapping[str, Any]
    begun_at: datetime
    expires_at: datetime


class AccessKeys:
    """All keys ever made: they are added and revoked, never changed or removed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, key: AccessKey, origin: str | None = None) -> None:
        """Nothing; the key is stored and the audit log says so. Raises StoreError where its prefix is taken."""
        with writing(self._engine) as connection:
            if _found(connection, key.prefix) is not None:
                raise StoreError(f"there is a key {key.prefix!r} already; make another")
            values = {name: getattr(key, name) for name in ("prefix", "name", "role", "hashed", "created_by")}
            connection.execute(
                insert(access_keys).values(
                    **values,
                    teams=json.dumps(key.teams),
                    services=json.dumps(key.services),
                    created_at=to_us(key.created_at),
                    expires_at=None if key.expires_at is None else to_us(key.expires_at),
                )
            )
            told = _told(key)
            enter(connection, Change(at=key.created_at, actor=key.created_by, action="key created", subject=key.prefix, after=told, origin=origin))  # fmt: skip

    def revoke(self, prefix: str, at: datetime, by: str, origin: str | None = None) -> AccessKey:
        """The key as it was; it opens nothing from now on, nor do sessions begun with it. Raises StoreError where there is none, or it was revoked."""
        with writing(self._engine) as connection:
            found = _found(connection, prefix)
            if found is None:
                raise StoreError(f"there is no key {prefix!r}; `slacast keys list` shows them")
            if found.revoked_at is not None:
                raise StoreError(f"key {prefix!r} was revoked at {found.revoked_at.isoformat()} already")
            connection.execute(insert(key_revocations).values(prefix=prefix, revoked_at=to_us(at), revoked_by=by))
            enter(connection, Change(at=at, actor=by, action="key revoked", subject=prefix, before=_told(found), origin=origin))  # fmt: skip
            return found

    def find(self, prefix: str) -> AccessKey | None:
        """The key with that prefix, valid or not; None where there is none."""
        with reading(self._engine) as connection:
            return _found(connection, prefix)

    def all(self) -> list[AccessKey]:
        """All keys, oldest first."""
        with reading(self._engine) as connection:
            return [_key(row) for row in connection.execute(_KEYS.order_by(access_keys.c.key_id)).mappings()]

    def has_any(self) -> bool:
        """True where a key was ever made, even if none is valid any more."""
        with reading(self._engine) as connection:
            return connection.execute(select(access_keys.c.key_id).limit(1)).first() is not None


class Sessions:
    """The sessions that have neither ended nor expired."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, session: StoredSession, change: Change) -> None:
        """Nothing; the session is stored, expired ones are gone, and the audit log has the change."""
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= to_us(session.begun_at)))
            connection.execute(
                insert(sessions).values(
                    digest=session.digest,
                    holder=json.dumps(dict(session.holder), ensure_ascii=False),
                    begun_at=to_us(session.begun_at),
                    expires_at=to_us(session.expires_at),
                )
            )
            enter(connection, change)

    def find(self, digest: str, at: datetime) -> StoredSession | None:
        """The session whose secret has that digest, None where there is none at that instant."""
        query = select(sessions).where(sessions.c.digest == digest, sessions.c.expires_at > to_us(at))
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        return StoredSession(
            digest=row["digest"],
            holder=json.loads(row["holder"]),
            begun_at=from_us(row["begun_at"]),
            expires_at=from_us(row["expires_at"]),
        )

    def end(self, digest: str, change: Change) -> bool:
        """True where there was such a session; it has ended, and the audit log has the change."""
        with writing(self._engine) as connection:
            counting = connection.execution_options(preserve_rowcount=True)
            ended = counting.execute(delete(sessions).where(sessions.c.digest == digest)).rowcount > 0
            if ended:
                enter(connection, change)
            return ended


_KEYS = select(access_keys, key_revocations.c.revoked_at).outerjoin(
    key_revocations, key_revocations.c.prefix == access_keys.c.prefix
)


def _found(connection: Connection, prefix: str) -> AccessKey | None:
    row = connection.execute(_KEYS.where(access_keys.c.prefix == prefix)).mappings().first()
    return None if row is None else _key(row)


def _key(row: RowMapping) -> AccessKey:
    return AccessKey(
        **{name: row[name] for name in ("prefix", "name", "role", "hashed", "created_by")},
        created_at=from_us(row["created_at"]),
        teams=tuple(json.loads(row["teams"])),
        services=tuple(json.loads(row["services"])),
        expires_at=_instant(row["expires_at"]),
        revoked_at=_instant(row["revoked_at"]),
    )


def _told(key: AccessKey) -> dict[str, Any]:
    """What the audit log says of a key: all but its hash."""
    return {
        "name": key.name,
        "role": key.role,
        "teams": list(key.teams),
        "services": list(key.services),
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
    }


def _instant(at_us: int | None) -> datetime | None:
    return None if at_us is None else from_us(at_us)
