"""Answers kept under a caller's own key, so that a request sent again is answered again and not done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select

from features.store.engine import reading
from features.store.faults import StoreError
from features.store.tables import idempotency
from sla.instants import to_us

KEPT = timedelta(days=2)


class AnsweredError(StoreError):
    """Another request with the same key was answered meanwhile; nothing of this one was stored."""


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """An answer, and the digest of the request that it answers."""

    caller: str
    key: str
    digest: str
    status: int
    body: str
    at: datetime


class Idempotency:
    """The kept answers of the last two days."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, caller: str, key: str, at: datetime) -> KeptAnswer | None:
        """What this caller was answered under this key in the two days before an instant."""
        query = select(idempotency).where(
            idempotency.c.caller == caller, idempotency.c.key == key, idempotency.c.at > to_us(at - KEPT)
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        return KeptAnswer(
            caller=caller, key=key, digest=row["digest"], status=int(row["status"]), body=row["body"], at=at
        )


def answer_note(tell: Callable[[Any], KeptAnswer]) -> Callable[[Connection, Any], None]:
    """A note for an append (see Store.append_ticket_events) that keeps the answer `tell` makes of its report; AnsweredError for a taken key."""

    def note(connection: Connection, report: Any) -> None:
        answer = tell(report)
        connection.execute(delete(idempotency).where(idempotency.c.at <= to_us(answer.at - KEPT)))
        same = [idempotency.c.caller == answer.caller, idempotency.c.key == answer.key]
        if connection.execute(select(idempotency.c.answer_id).where(*same)).first() is not None:
            raise AnsweredError("a request with this Idempotency-Key was answered meanwhile")
        values = {name: getattr(answer, name) for name in ("caller", "key", "digest", "status", "body")}
        connection.execute(insert(idempotency).values(at=to_us(answer.at), **values))

    return note
