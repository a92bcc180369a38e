"""Why a ticket stands where it stands, in words, from the rules alone."""

from __future__ import annotations

from datetime import datetime

from serving.queue import QueueRow
from serving.risk import LATE, WAITING, Clock, Group, Risk, Thresholds, is_due_soon
from serving.wording import LocalTime, percent, relative, wall_time, working_time

_WAITS_FOR = {
    "customer": "the customer",
    "supplier": "the supplier",
    "problem": "a problem record",
    "evidence": "evidence",
    "change": "a change",
}
_NO_CLOCK = {
    "no_agreement": "No agreement covers this ticket",
    "not_started": "The resolution clock has not started",
    "met": "The resolution target was met; the ticket is still open",
    "cancelled": "The resolution clock was cancelled",
}


def waits_for(waiting_on: str) -> str:
    """What a waiting ticket waits for, in words."""
    return _WAITS_FOR.get(waiting_on, "something not recorded")


def usage(clock: Clock) -> str | None:
    """`62 % of its 30 working hours used`; None without a target."""
    if clock.share_used is None or clock.target_seconds is None:
        return None
    return f"{percent(clock.share_used)} of its {_working_hours(clock.target_seconds)} used"


def _working_hours(seconds: float) -> str:
    if seconds < 2 * 3600:
        return f"{round(seconds / 60)} working minutes"
    return f"{seconds / 3600:.4g} working hours"


def reasons_of(row: QueueRow, told: tuple[str, ...], as_of: datetime, local: LocalTime) -> tuple[str, ...]:
    """The model's reasons where it was asked, else the rules'; a paused ticket says first what it waits for."""
    if not told:
        return rule_reasons(row, as_of, local)
    if row.risk in WAITING:
        return (_waiting(row, as_of, local), *told)[:3]
    return told


def rule_reasons(row: QueueRow, as_of: datetime, local: LocalTime) -> tuple[str, ...]:
    """Up to three reasons from the rules, the weightiest first."""
    clock = row.clock
    found = [_breach(row, as_of, local)] if row.risk in LATE else []
    if row.risk in WAITING:
        found.insert(0, _waiting(row, as_of, local))
    if row.risk is Risk.NO_CLOCK:
        found.append(_NO_CLOCK.get(clock.state, "No resolution clock is running"))
    if row.risk is Risk.BREACHED and row.last_contact_at:
        found.insert(0, f"Last contact {relative(-(as_of - row.last_contact_at).total_seconds())}")
    found += [text for text in (usage(clock), _response(row.response), _owner(row)) if text]
    return tuple(found[:3])


def _breach(row: QueueRow, as_of: datetime, local: LocalTime) -> str:
    late = working_time(-(row.clock.remaining_working_seconds or 0.0))
    if row.clock.breached_at is None:
        return f"Breached, {late} of working time over its target"
    return f"Breached {local.short(row.clock.breached_at, as_of)}, {late} of working time over its target"


def _owner(row: QueueRow) -> str | None:
    return None if row.assignee else "Nobody is assigned"


def _waiting(row: QueueRow, as_of: datetime, local: LocalTime) -> str:
    what = f"Waiting on {waits_for(row.waiting_on)}"
    if row.waiting_since is None:
        return what
    return f"{what} since {local.short(row.waiting_since, as_of)} {local.zone_name(row.waiting_since)}"


def _response(response: Clock | None) -> str | None:
    if response is None:
        return None
    left = response.remaining_working_seconds
    if response.state in ("breached", "paused_and_breached"):
        return "First response is overdue"
    return "No response yet" if left is None else f"No response yet, {working_time(left)} left for it"


def why_here(row: QueueRow, as_of: datetime, thresholds: Thresholds) -> str:
    """The sentence that says why the order puts the ticket where it is."""
    if row.group is Group.LATE_OR_LOST:
        touched = row.last_contact_at or row.opened_at
        return (
            f"Late: last contact {relative(-(as_of - touched).total_seconds())}"
            if touched
            else "Late: no contact recorded"
        )
    hours = f"{thresholds.save_within_working_hours:g} working hours"
    if row.group is Group.SAVE_NOW:
        return (
            f"Due within {hours}"
            if is_due_soon(row.clock, thresholds)
            else f"High risk, though more than {hours} are left"
        )
    if row.risk is Risk.PAUSED:
        waited = f" for {wall_time((as_of - row.waiting_since).total_seconds())}" if row.waiting_since else ""
        return f"Clock paused: waits on {waits_for(row.waiting_on)}{waited}"
    if row.risk is Risk.NO_CLOCK:
        return "No resolution clock is running"
    return f"More than {hours} left, no high risk"
