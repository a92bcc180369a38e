"""One ticket's events as rows with their state carried forward, and conditions on a single row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sla.agreements.catalogue import Service
from sla.agreements.conditions import Clause, Condition, describe
from sla.agreements.terms import Clock, Term
from sla.events import OVER, ROW_COLUMNS, TicketEvent
from sla.instants import NEVER_US, to_us


@dataclass(frozen=True)
class Row:
    """What is known about a ticket after one event."""

    at_us: int
    event_id: str
    state: Mapping[str, str]  # carried forward; what belongs to this event only (kind, actor_kind) is in it too
    changed: frozenset[str]
    is_first: bool


def visible_rows(events: Sequence[TicketEvent], at_us: int) -> list[Row]:
    """The rows known at an instant (they had happened and were recorded), by `at_us`, ties by event id."""
    seen = [event for event in events if event.at_us <= at_us and event.recorded_us <= at_us]
    seen.sort(key=lambda event: (event.at_us, event.event_id))
    rows: list[Row] = []
    state: dict[str, str] = {}
    for event in seen:
        changed = frozenset(name for name, text in event.values.items() if rows and state.get(name) != text)
        state = {name: text for name, text in state.items() if name not in ROW_COLUMNS} | dict(event.values)
        rows.append(Row(event.at_us, event.event_id, state, changed, not rows))
    return rows


def rows_with_dates(rows: Sequence[Row], dates_us: Sequence[int]) -> list[Row]:
    """The rows with one for each of the dates that found the ticket not over, before the events of the same instant.

    To a clock such a date is an event without news: the state is that of the row before.
    """
    found = list(rows)
    for date_us in dates_us:
        before = [row for row in found if row.at_us < date_us]
        if before and before[-1].state.get("status") not in OVER:
            state = {name: text for name, text in before[-1].state.items() if name not in ROW_COLUMNS}
            found.insert(len(before), Row(date_us, "", state, frozenset(), is_first=False))
    return found


def holds(condition: Condition | None, row: Row, services: Mapping[str, Service]) -> bool:
    """True when one clause of the condition holds at the row; None never holds."""
    return condition is not None and any(_clause_holds(clause, row, services) for clause in condition)


def _clause_holds(clause: Clause, row: Row, services: Mapping[str, Service]) -> bool:
    if clause.opened is not None and clause.opened != row.is_first:
        return False
    if not row.changed.issuperset(clause.changed):
        return False
    return all(test.holds(_text(name, row, services)) for name, test in clause.tests.items())


def _text(name: str, row: Row, services: Mapping[str, Service]) -> str | None:
    if not name.startswith("service."):
        return row.state.get(name)
    service = services.get(row.state.get("service", ""))
    return None if service is None else service.fact(name)


def matching_term(clock: Clock, rows: Sequence[Row], row: Row, services: Mapping[str, Service]) -> Term | None:
    """The first term of the clock that is in force and matches the ticket at a row; it may say `no agreement`."""
    for term in clock.terms:
        judged_us = row.at_us if term.policies.version == "current" else rows[0].at_us
        enforced_us = -NEVER_US if term.policies.enforce_from is None else to_us(term.policies.enforce_from)
        in_force = term.valid_from_us <= judged_us < term.valid_until_us and rows[0].at_us >= enforced_us
        wanted = [condition for condition in (term.agreement_applies_to, term.goal_applies_to) if condition is not None]
        if in_force and all(holds(condition, row, services) for condition in wanted):
            return term
    return None


def why_governing(term: Term, row: Row, services: Mapping[str, Service]) -> str:
    """Why a term decides, in words; `row` is the latest of the ticket."""
    wanted = [condition for condition in (term.agreement_applies_to, term.goal_applies_to) if condition is not None]
    if not wanted:
        return (
            "it applies to every ticket"
            if term.index == 0
            else "it applies to every ticket that no rule before it takes"
        )
    if not all(holds(condition, row, services) for condition in wanted):
        return "it applied when the clock started, and the policy keeps it"
    return "it applies because " + ", and ".join(describe(condition) for condition in wanted)
