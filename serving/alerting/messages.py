"""Notices in words, and as the rows that are stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from serving.alerting.memory import SENT, Event, Notice
from serving.alerting.rules import Rule
from serving.queue import QueueRow
from serving.wording import LocalTime, one_line, percent
from sla.instants import from_us

SHOWN_TICKETS = 10
_ABOUT = {"risk": "is likely to miss", "warning": "has passed a warning of", "breach": "has missed"}
_MANY = {"risk": "are likely to miss", "warning": "have passed a warning of", "breach": "have missed"}
_WAS = {"outage_risk": "an outage was likely", "burn_rate": "its error budget burned too fast"}  # over by now
_TARGETS = {"resolution": "its resolution target", "first_response": "its first response target"}
COLUMNS = ("key", "rule", "subject_kind", "subject", "event", "raised_at", "severity", "message", "details")


def frame_of(
    notices: Sequence[Notice], rules: Mapping[str, Rule], rows: Mapping[int, QueueRow], local: LocalTime
) -> pd.DataFrame:
    """The notices as rows of features.store.alerts; `rows`: the tickets by their place, of those that are told about."""
    return pd.DataFrame([_row(notice, rules[notice.rule], rows, local) for notice in notices], columns=list(COLUMNS))


def channels_of(notices: Sequence[Notice], rules: Mapping[str, Rule]) -> list[tuple[str, ...]]:
    """The channels each notice is sent on; most are sent on none."""
    return [rules[notice.rule].channels if is_sent(notice, rules[notice.rule]) else () for notice in notices]


def is_sent(notice: Notice, rule: Rule) -> bool:
    """True where people are told, and not only the store."""
    return notice.event in SENT and (rule.recovery_notice or notice.event is not Event.RECOVERED)


def notices_of(frame: pd.DataFrame) -> list[Notice]:
    """The notices that stored rows speak of, in their order; all that a memory needs of them."""
    found = []
    for row in frame.to_dict("records"):
        details: dict[str, Any] = json.loads(row["details"])
        at_us = row["raised_at"].value // 1000
        found.append(
            Notice(row["rule"], row["subject"], Event(row["event"]), at_us, details["begun_us"], details["raised_us"])
        )
    return found


def _row(notice: Notice, rule: Rule, rows: Mapping[int, QueueRow], local: LocalTime) -> dict[str, Any]:
    tickets = [rows[place] for place in notice.places if place in rows]
    details: dict[str, Any] = {
        "begun_us": notice.begun_us,
        "raised_us": notice.raised_us,
        "kind": rule.kind,
        "value": None if notice.value is None else round(notice.value, 4),
        "tickets": [_facts(row) for row in tickets[:SHOWN_TICKETS]],
        "ticket_count": len(notice.places),
    }
    details |= {"cause": notice.cause} if notice.cause else {}
    details |= {"held_back": notice.count} if notice.event is Event.SUMMARY else {}
    identity = json.dumps([notice.rule, rule.subject_kind, notice.subject, notice.event, notice.begun_us, notice.at_us])
    return {
        "key": hashlib.sha256(identity.encode()).hexdigest()[:32],
        "rule": notice.rule,
        "subject_kind": "rule" if notice.event is Event.SUMMARY else rule.subject_kind,
        "subject": notice.subject,
        "event": notice.event.value,
        "raised_at": from_us(notice.at_us),
        "severity": rule.severity,
        "message": one_line(message_of(notice, rule, tickets, local)),
        "details": json.dumps(details, ensure_ascii=False, allow_nan=False),
    }


def _facts(row: QueueRow) -> dict[str, Any]:
    clock = row.clock
    return {
        "ticket_id": row.ticket_id,
        "priority": row.priority,
        "service": row.service,
        "team": row.team,
        "assignee": row.assignee,
        "probability": row.probability,
        "due_at": None if clock.due_at is None else clock.due_at.isoformat(),
        "remaining_working_seconds": clock.remaining_working_seconds,
    }


def message_of(notice: Notice, rule: Rule, tickets: Sequence[QueueRow], local: LocalTime) -> str:
    """One line that says what happened. Titles are left out: they are what people wrote, and this goes to other systems."""
    if notice.event is Event.SUMMARY:
        return _summary(notice, rule, local)
    if notice.event is Event.RECOVERED:
        return f"Over: {_subject(notice, rule)}, {notice.cause} ({rule.name})"
    if notice.event is not Event.RAISED:
        return f"{_subject(notice, rule)}: {notice.event.value} ({rule.name})"
    if rule.is_of_services:
        text = f"{_subject(notice, rule)}: {notice.words or _WAS[rule.kind]}"
    else:
        text = _of_one(notice, rule, tickets) if rule.one_alert_per == "ticket" else _of_many(notice, rule, tickets)
    since = notice.at_us - notice.begun_us
    waited = f"; so since {local.day(from_us(notice.begun_us))}, held until now" if since else ""
    return f"{text}{waited} ({rule.name})"


def _of_one(notice: Notice, rule: Rule, tickets: Sequence[QueueRow]) -> str:
    text = f"{notice.subject} {_ABOUT[rule.kind]} {_TARGETS[rule.target]}"
    if not tickets:
        return text
    row = tickets[0]
    known = [f"priority {row.priority}" if row.priority else "", row.service, row.team, row.assignee or "nobody's yet"]
    amount = f", {percent(notice.value)}" if notice.value is not None and rule.kind == "risk" else ""
    return f"{text}{amount}: {', '.join(word for word in known if word)}. {row.why_here}".rstrip(". ")


def _of_many(notice: Notice, rule: Rule, tickets: Iterable[QueueRow]) -> str:
    count = len(notice.places)
    named = ", ".join(row.ticket_id for row in list(tickets)[:SHOWN_TICKETS])
    verb = _ABOUT[rule.kind] if count == 1 else _MANY[rule.kind]
    target = _TARGETS[rule.target] if count == 1 else _TARGETS[rule.target].replace("its", "their")
    more = f" and {count - SHOWN_TICKETS} more" if count > SHOWN_TICKETS else ""
    listed = f": {named}{more}" if named else ""
    return f"{_subject(notice, rule)}: {count} ticket{'' if count == 1 else 's'} {verb} {target}{listed}"


def _subject(notice: Notice, rule: Rule) -> str:
    return notice.subject if rule.subject_kind == "ticket" else f"{rule.subject_kind} {notice.subject}"


def _summary(notice: Notice, rule: Rule, local: LocalTime) -> str:
    hour = local.day(from_us(notice.begun_us))
    return (
        f"{notice.count} more alert{'' if notice.count == 1 else 's'} of {rule.name} were held back in the hour "
        f"from {hour}: no more than {rule.max_per_hour} an hour are sent"
    )
