"""The agreements by version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row, Select, insert, select

from features.store.engine import reading, writing
from features.store.faults import StoreError
from features.store.tables import agreements
from sla.instants import to_us

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class AgreementVersion:
    """The text of the agreements as saved at an instant (aware UTC)."""

    version: int
    saved_at: datetime
    sha256: str
    text: str


class Agreements:
    """Versions of the agreements' text, numbered from 1."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(self, text: str, at: datetime) -> int:
        """The version under which the text is stored; the same version as before if the text is the newest one.

        Raises StoreError where the newest version was saved after `at`: what was in force at an instant never changes.
        """
        digest = hashlib.sha256(text.encode()).hexdigest()
        with writing(self._engine) as connection:
            newest = connection.execute(_newest()).first()
            if newest is not None and newest.sha256 == digest:
                return int(newest.version)
            if newest is not None and newest.saved_at > to_us(at):
                raise StoreError(
                    f"agreements: version {newest.version} was saved at {_of(newest).saved_at.isoformat()}, after "
                    f"{at.isoformat()}; the past does not change, so save the new version at a later instant"
                )
            values = {"saved_at": to_us(at), "sha256": digest, "text": text}
            return int(
                connection.execute(insert(agreements).values(values).returning(agreements.c.version)).scalar_one()
            )

    def latest(self) -> AgreementVersion | None:
        """The newest version, or None."""
        return self._first(_newest())

    def version(self, number: int) -> AgreementVersion:
        """That version; StoreError where there is none."""
        found = self._first(select(agreements).where(agreements.c.version == number))
        if found is None:
            known = ", ".join(str(one.version) for one in self.all()) or "none"
            raise StoreError(f"the store holds no version {number} of the agreements; stored: {known}")
        return found

    def in_force(self, at: datetime) -> AgreementVersion | None:
        """The version that was the newest at an instant, or None before the first."""
        return self._first(_newest().where(agreements.c.saved_at <= to_us(at)))

    def all(self) -> list[AgreementVersion]:
        """All versions, oldest first."""
        with reading(self._engine) as connection:
            return [_of(row) for row in connection.execute(select(agreements).order_by(agreements.c.version))]

    def _first(self, query: Select[Any]) -> AgreementVersion | None:
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return None if row is None else _of(row)


def _newest() -> Select[Any]:
    return select(agreements).order_by(agreements.c.version.desc()).limit(1)


def _of(row: Row[Any]) -> AgreementVersion:
    return AgreementVersion(row.version, _EPOCH + timedelta(microseconds=row.saved_at), row.sha256, row.text)
