"""Who changed what, when: rows are only added, the database itself refuses anything else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, insert, select

from features.store.engine import reading, writing
from features.store.tables import audit
from sla.instants import from_us, to_us

_ENTRY = insert(audit)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change. `before` and `after` are plain values for JSON (None: there was, or is, nothing); never a secret."""

    at: datetime
    actor: str
    action: str
    subject: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    origin: str | None = None  # the address it came from


@dataclass(frozen=True)
class AuditEntry:
    """A stored change with its number."""

    number: int
    change: Change


class Audit:
    """The audit log."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, change: Change) -> None:
        """Nothing; the change is on disk."""
        with writing(self._engine) as connection:
            enter(connection, change)

    def read(
        self,
        *,
        before_number: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        actor: str | None = None,
        action: str | None = None,
        limit: int = 100,
    ) -> list[AuditEntry]:
        """At most `limit` entries, newest first, of those with these values between two instants, both included."""
        wanted = [audit.c[name] == value for name, value in (("actor", actor), ("action", action)) if value is not None]
        wanted += [] if before_number is None else [audit.c.audit_id < before_number]
        wanted += [] if since is None else [audit.c.at >= to_us(since)]
        wanted += [] if until is None else [audit.c.at <= to_us(until)]
        query = select(audit).where(*wanted).order_by(audit.c.audit_id.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]


def enter(connection: Connection, change: Change) -> None:
    """Nothing; the change is part of the connection's transaction, so that it is recorded exactly if what it tells of is."""
    entry = {
        "at": to_us(change.at),
        "actor": change.actor,
        "action": change.action,
        "subject": change.subject,
        "state_before": _written(change.before),
        "state_after": _written(change.after),
        "origin": change.origin,
    }
    connection.execute(_ENTRY, entry)


def audit_note(tell: Callable[[Any], Change]) -> Callable[[Connection, Any], None]:
    """A note for an append (see Store.append_ticket_events) that records what `tell` makes of its report."""
    return lambda connection, report: enter(connection, tell(report))


def _written(state: Mapping[str, Any] | None) -> str | None:
    return None if state is None else json.dumps(state, ensure_ascii=False, sort_keys=True)


def _entry(row: RowMapping) -> AuditEntry:
    states = {
        name: None if row[f"state_{name}"] is None else json.loads(row[f"state_{name}"]) for name in ("before", "after")
    }
    change = Change(
        at=from_us(row["at"]),
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        origin=row["origin"],
        **states,
    )
    return AuditEntry(int(row["audit_id"]), change)
