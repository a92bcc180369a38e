"""The columns of a written queue: one flat record a row, the same names in JSON and CSV."""

from __future__ import annotations

from datetime import UTC, datetime

from serving.queue import QueueRow
from serving.risk import Clock, Group, Risk

Value = str | float | None


def record(row: QueueRow) -> dict[str, Value]:
    """One row as plain values: instants in ISO 8601 UTC, durations in seconds, shares between 0 and 1."""
    clock, response = row.clock, row.response
    return {
        "ticket_id": row.ticket_id,
        "group": row.group.value,
        "risk": row.risk.value,
        "probability": _rounded(row.probability, 4),
        "rules_risk": row.rules_risk.value,
        "title": row.title,
        "priority": row.priority,
        "service": row.service,
        "category": row.category,
        "team": row.team,
        "assignee": row.assignee,
        "customer": row.customer,
        "status": row.status,
        "waiting_on": row.waiting_on,
        "opened_at": iso(row.opened_at),
        "waiting_since": iso(row.waiting_since),
        "last_contact_at": iso(row.last_contact_at),
        "target": clock.target,
        "agreement": clock.agreement,
        "verdict_state": clock.state,
        "due_at": iso(clock.due_at),
        "breached_at": iso(clock.breached_at),
        "target_seconds": _rounded(clock.target_seconds, 3),
        "elapsed_working_seconds": _rounded(clock.elapsed_seconds, 3),
        "remaining_working_seconds": _rounded(clock.remaining_working_seconds, 3),
        "remaining_wall_seconds": _rounded(clock.remaining_wall_seconds, 3),
        "share_used": _rounded(clock.share_used, 4),
        "response_state": response.state if response else None,
        "response_due_at": iso(response.due_at) if response else None,
        "response_remaining_working_seconds": _rounded(_left(response), 3),
        "why_here": row.why_here,
        "gain_per_minute": _rounded(row.gain_per_minute, 6),
        "late_if_taken_now": _rounded(row.late_if_taken_now, 4),
        "work_minutes": _rounded(row.work_minutes, 1),
        "rank_in_team": row.rank_in_team,
        "bundle_version": row.bundle_version,
    }


def names() -> list[str]:
    """The names of the columns, in order."""
    blank = QueueRow(
        ticket_id="",
        clock=Clock(target="", state=""),
        risk=Risk.NO_CLOCK,
        rules_risk=Risk.NO_CLOCK,
        group=Group.SAFE_FOR_NOW,
    )
    return list(record(blank))


def iso(at: datetime | None) -> str | None:
    """An instant as `2016-05-16T08:00:00Z`, with microseconds only where there are some."""
    if at is None:
        return None
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat().removesuffix("+00:00") + "Z"


def _left(clock: Clock | None) -> float | None:
    return clock.remaining_working_seconds if clock else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
