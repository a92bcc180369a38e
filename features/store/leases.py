"""Leases: who may act, when several processes could. Held for a while, renewed, taken over when the holder stops renewing.

All time is the database's, so that the clocks of machines need not agree; see docs/decisions/0011-one-scorer-acts.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, Row, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from features.store.engine import amending, reading
from features.store.faults import StoreError
from features.store.tables import leases
from sla.instants import from_us

NowUs: TypeAlias = Callable[[Connection], int]


class LeaseLostError(StoreError):
    """Another process holds the lease by now; what was to be stored under it was not."""


@dataclass(frozen=True)
class Lease:
    """A name held by one holder. `turn` grows with every change of holder, so that a late writer of an earlier turn is known."""

    name: str
    holder: str
    turn: int
    acquired_at: datetime
    expires_at: datetime


class Leases:
    """The leases of a store."""

    def __init__(self, engine: Engine, now_us: NowUs | None = None) -> None:
        self._engine, self._now_us = engine, now_us or database_now_us

    def take(self, name: str, holder: str, seconds: float) -> Lease:
        """The lease as it stands afterwards: the holder's, renewed or newly taken, unless another holds it still.

        A lease is free when it has run out, or when it was renewed in what is the future now: then the database's clock
        was set back, and waiting for the end might last for ever.
        """
        with amending(self._engine) as connection:
            row = self._row(connection, name)
            at_us = self._now_us(connection)
            if row.holder != holder and row.renewed_at <= at_us < row.expires_at:
                return _lease(row)
            is_mine = row.holder == holder
            values = {
                "holder": holder,
                "turn": row.turn if is_mine else row.turn + 1,
                "acquired_at": row.acquired_at if is_mine else at_us,
                "renewed_at": at_us,
                "expires_at": at_us + round(seconds * 1_000_000),
            }
            seen = [leases.c.name == name, leases.c.turn == row.turn, leases.c.holder == row.holder]
            if connection.execute(update(leases).where(*seen).values(values)).rowcount != 1:
                raise LeaseLostError(f"the lease {name!r} changed hands while it was taken")
            return _lease(self._row(connection, name))

    def release(self, lease: Lease) -> bool:
        """True where the lease was still held; it is free at once."""
        with amending(self._engine) as connection:
            freed = update(leases).where(*_is_held(lease)).values(holder="", expires_at=0, turn=lease.turn + 1)
            return connection.execute(freed).rowcount == 1

    def find(self, name: str) -> Lease | None:
        """The lease as it stands, run out or not; None where nobody holds it."""
        with reading(self._engine) as connection:
            row = connection.execute(select(leases).where(leases.c.name == name)).first()
        return None if row is None or not row.holder else _lease(row)

    def _row(self, connection: Connection, name: str) -> Row[Any]:
        """The lease, locked until the transaction ends; a free one is made where there was none."""
        query = select(leases).where(leases.c.name == name).with_for_update()
        row = connection.execute(query).first()
        if row is not None:
            return row
        free = {"name": name, "holder": "", "turn": 0, "acquired_at": 0, "renewed_at": 0, "expires_at": 0}
        add = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(add(leases).values(free).on_conflict_do_nothing())  # another may make it meanwhile
        return connection.execute(query).one()


def holding(lease: Lease) -> Callable[[Connection], None]:
    """A condition of a transaction: that the lease is still held; LeaseLostError where it is not. Nobody takes it before the commit."""

    def condition(connection: Connection) -> None:
        held = select(leases.c.lease_id).where(*_is_held(lease)).with_for_update(read=True)
        if connection.execute(held).first() is None:
            raise LeaseLostError(f"{lease.holder} no longer holds the lease {lease.name!r}; nothing was stored")

    return condition


def database_now_us(connection: Connection) -> int:
    """The database's clock, which all processes share, in microseconds since 1970 UTC."""
    if connection.dialect.name == "postgresql":
        asked = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    else:
        asked = "SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"
    return int(connection.execute(text(asked)).scalar_one())


def _is_held(lease: Lease) -> list[Any]:
    return [leases.c.name == lease.name, leases.c.holder == lease.holder, leases.c.turn == lease.turn]


def _lease(row: Row[Any]) -> Lease:
    return Lease(row.name, row.holder, int(row.turn), from_us(row.acquired_at), from_us(row.expires_at))
