"""The clocks of one ticket, with the reasons: the path for explanations, pages and what-if. Many tickets: `sla.clocks.replay`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.credits import penalty_of
from sla.agreements.target_length import as_named_us, target_us_from
from sla.agreements.terms import Clock, Term
from sla.clocks.stepping import Doing, Measurement, Outcome, Stepper, Stretch
from sla.clocks.ticket_rows import Row, matching_term, rows_with_dates, visible_rows, why_governing
from sla.clocks.trace import trace
from sla.clocks.verdict import AgreedWarning, Verdict
from sla.clocks.verdicts import VerdictState
from sla.events import TicketEvent
from sla.instants import SECOND_US, from_us, to_us
from sla.working_time.business_time import BusinessTime


def replay_ticket(
    events: Sequence[TicketEvent],
    agreements: AgreementSet,
    at: datetime,
    targets: Sequence[str] | None = None,
    earlier: bool = False,
) -> list[Verdict]:
    """The verdicts on one ticket's clocks at an instant (aware), one for each clock of the agreements, in file order.

    Only events that had happened and were recorded by then count, in the order of `at_us`, ties by event id. `targets`
    limits the clocks; `earlier` adds the measurements that ended before the current one (answered messages, restarts),
    each before the one that followed. Raises ValueError for events of several tickets, KeyError for an unknown target.
    """
    tickets = {event.ticket_id for event in events}
    if len(tickets) > 1:
        raise ValueError(
            f"events of {len(tickets)} tickets, {', '.join(sorted(tickets)[:3])}: replay one ticket at a time"
        )
    at_us = to_us(at)
    rows = visible_rows(events, at_us)
    ticket_id = next(iter(tickets), "")
    verdicts: list[Verdict] = []
    for name in agreements.clocks if targets is None else targets:
        verdicts += _Case(ticket_id, agreements, agreements.clock(name)).verdicts(rows, at_us, earlier)
    return verdicts


@dataclass(frozen=True)
class _Governing:
    """What the matching of a clock says about a ticket: the term that decides now, and where the clock starts again."""

    term: Term | None
    governed: list[bool]
    changed: list[bool]


class _Case:
    """One clock on one ticket."""

    def __init__(self, ticket_id: str, agreements: AgreementSet, clock: Clock) -> None:
        self.ticket_id, self.agreements, self.clock = ticket_id, agreements, clock

    def verdicts(self, rows: Sequence[Row], at_us: int, earlier: bool) -> list[Verdict]:
        """The current verdict, after the earlier ones if they are wanted."""
        rows = rows_with_dates(rows, self.clock.validity_dates_us(at_us))
        found = [self._judge(rows, at_us, restarted=None)]
        while earlier and (begin := found[0][1]):
            # The measurement before: what was so just before the next began, which ended it.
            changed = self._governing(rows).changed[begin]
            found.insert(0, self._judge(rows[:begin], rows[begin].at_us, restarted=changed))
            rows = rows[:begin]
        verdicts = [verdict for verdict, _ in found if verdict.is_current or verdict.started_at is not None]
        return [_numbered(verdict, number) for number, verdict in enumerate(verdicts)]

    def _governing(self, rows: Sequence[Row]) -> _Governing:
        matched = [matching_term(self.clock, rows, row, self.agreements.services) for row in rows]
        measured = [term if term is not None and term.measures else None for term in matched]
        first = next((index for index, term in enumerate(measured) if term is not None), None)
        changed = [False] * len(rows)
        governed = [term is not None for term in measured]
        if first is None or not rows:
            return _Governing(matched[-1] if matched else None, governed, changed)
        opening = measured[first]
        policy = opening.policies.priority_change if opening is not None else "recompute"
        if policy == "restart":
            for index in range(first + 1, len(rows)):
                changed[index] = measured[index] is not None and measured[index] is not measured[index - 1]
        return _Governing(opening if policy == "keep" else matched[-1], governed, changed)

    def _judge(self, rows: Sequence[Row], at_us: int, restarted: bool | None) -> tuple[Verdict, int]:
        """The verdict, and the row its measurement began at (0 when there is nothing before it)."""
        governing = self._governing(rows)
        term = governing.term
        if term is None or not term.measures:
            return self._without_agreement(term, rows, at_us, is_current=restarted is None), 0
        outcome = Stepper(term, self.agreements.services).run(rows, governing.governed, governing.changed, at_us)
        calendar = self.agreements.business_time(term)
        reading = _Reading(term, calendar, rows, outcome, at_us)
        why = why_governing(term, rows[-1], self.agreements.services)
        return reading.verdict(
            self.ticket_id, self.clock.name, why, restarted
        ), 0 if outcome.current is None else outcome.current.begin

    def _without_agreement(self, term: Term | None, rows: Sequence[Row], at_us: int, is_current: bool) -> Verdict:
        if term is not None:
            why = f'"{term.rule}" says that there is no agreement'
        else:
            why = "nothing is known of the ticket" if not rows else "no valid agreement matches the ticket"
        return Verdict(
            ticket_id=self.ticket_id,
            target=self.clock.name,
            as_of=from_us(at_us),
            state=VerdictState.NO_AGREEMENT if rows else VerdictState.NOT_STARTED,
            agreement=None if term is None else term.agreement_name,
            agreement_version=None if term is None else term.agreement_version,
            kind=None if term is None else term.kind,
            owner=None if term is None else term.owner,
            calendar=None,
            time_zone=self.agreements.time_zone,
            rule=None if term is None else term.rule,
            why=why,
            measurement=0,
            is_current=is_current,
            started_at=None,
            due_at=None,
            breached_at=None,
            stopped_at=None,
            target_seconds=None,
            elapsed_seconds=0.0,
            paused_seconds=0.0,
            remaining_seconds=None,
            remaining_wall_seconds=None,
            share_used=None,
            warnings=(),
            penalty=None,
            currency="",
            policies={} if term is None else term.policies.model_dump(),
            trace=(),
        )


class _Reading:
    """The figures of one measurement, read off its stretches."""

    def __init__(self, term: Term, calendar: BusinessTime, rows: Sequence[Row], outcome: Outcome, at_us: int) -> None:
        self.term, self.calendar, self.rows, self.outcome, self.at_us = term, calendar, rows, outcome, at_us
        self.current = outcome.current
        stretches = self.current.stretches if self.current else []
        self.counted = [stretch for stretch in stretches if stretch.counts]
        self.elapsed_us = sum(self._worked(stretch) for stretch in self.counted)
        self.paused_us = sum(self._worked(stretch) for stretch in stretches if stretch.doing is Doing.PAUSED)
        self.stands = outcome.doing in (Doing.STOPPED, Doing.CANCELLED)

    def _worked(self, stretch: Stretch) -> int:
        return self.calendar.elapsed_between(stretch.from_us, stretch.until_us)

    def verdict(self, ticket_id: str, target: str, why: str, restarted: bool | None) -> Verdict:
        """The verdict; `restarted` tells of an earlier measurement whether changed terms ended it."""
        term, current = self.term, self.current
        target_us = self._target_us(current)
        limit_us = None if target_us is None else target_us + term.grace_us
        is_late = limit_us is not None and current is not None and self.elapsed_us > limit_us
        state, stopped_us = self._state(is_late), self._stopped_us()
        if restarted is not None and stopped_us is None:
            stopped_us, state = self.at_us, _ended(state, restarted)
        due_us = None if current is None or target_us is None else self._due_us(target_us, current)
        return Verdict(
            ticket_id=ticket_id,
            target=target,
            as_of=from_us(self.at_us),
            state=state,
            agreement=term.agreement_name,
            agreement_version=term.agreement_version,
            kind=term.kind,
            owner=term.owner,
            calendar=self.calendar.name,
            time_zone=self.calendar.zone,
            rule=term.rule,
            why=why,
            measurement=0,
            is_current=restarted is None,
            started_at=None if current is None else from_us(self.rows[current.begin].at_us),
            due_at=None if due_us is None else from_us(due_us),
            breached_at=from_us(self._breach_us(limit_us)) if is_late and limit_us is not None else None,
            stopped_at=None if stopped_us is None else from_us(stopped_us),
            target_seconds=None if target_us is None else target_us / SECOND_US,
            elapsed_seconds=self.elapsed_us / SECOND_US,
            paused_seconds=self.paused_us / SECOND_US,
            remaining_seconds=None if target_us is None else (target_us - self.elapsed_us) / SECOND_US,
            remaining_wall_seconds=None
            if due_us is None or stopped_us is not None
            else (due_us - self.at_us) / SECOND_US,
            share_used=None if not target_us else self.elapsed_us / target_us,
            warnings=() if current is None or target_us is None else self._warnings(target_us, current),
            penalty=self._penalty(limit_us, is_late),
            currency=term.penalty.currency if term.penalty else "",
            policies=term.policies.model_dump(),
            trace=() if current is None else trace(self.calendar, _shown(current), due_us, stopped_us),
        )

    def _target_us(self, current: Measurement | None) -> int | None:
        if current is not None:
            return int(
                target_us_from(self.term, self.calendar, np.array([self.rows[current.begin].at_us], dtype=np.int64))[0]
            )
        within = self.term.within
        return None if within is None or within.counts_days else within.amount_us

    def _due_us(self, target_us: int, current: Measurement) -> int:
        began = np.array([self.rows[current.begin].at_us], dtype=np.int64)
        used_up = np.array([self._used_up(target_us, current)], dtype=np.int64)
        return int(as_named_us(self.term, self.calendar, began, used_up)[0])

    def _state(self, is_late: bool) -> VerdictState:
        kept = {
            Doing.WAITING_TO_START: VerdictState.NOT_STARTED,
            Doing.RUNNING: VerdictState.RUNNING,
            Doing.PAUSED: VerdictState.PAUSED,
            Doing.STOPPED: VerdictState.MET,
            Doing.CANCELLED: VerdictState.CANCELLED,
        }
        doing = self.outcome.doing
        if is_late and doing is not Doing.CANCELLED:
            return VerdictState.PAUSED_AND_BREACHED if doing is Doing.PAUSED else VerdictState.BREACHED
        return kept[doing]

    def _stopped_us(self) -> int | None:
        if self.current is None or self.current.stop is None or not self.stands:
            return None
        return self.rows[self.current.stop].at_us

    def _used_up(self, amount_us: int, current: Measurement) -> int:
        """When so much has run: in the past, or as things stand, or as they stood at the stop."""
        ran = 0
        for stretch in self.counted:
            worked = self._worked(stretch)
            if ran + worked >= amount_us:
                return self.calendar.due_after(stretch.from_us, amount_us - ran)
            ran += worked
        stopped_us = self._stopped_us()
        return self.calendar.due_after(self.at_us if stopped_us is None else stopped_us, amount_us - ran)

    def _breach_us(self, limit_us: int) -> int:
        ran = 0
        for stretch in self.counted:
            worked = self._worked(stretch)
            if ran + worked > limit_us:
                used_up = self.calendar.due_after(stretch.from_us, limit_us - ran)
                return int(self.calendar.next_open_us(np.array([used_up], dtype=np.int64))[0])
            ran += worked
        raise AssertionError("a clock that is not late has no breach")

    def _warnings(self, target_us: int, current: Measurement) -> tuple[AgreedWarning, ...]:
        warnings = []
        for share in self.term.warnings:
            amount_us = round(share * target_us)
            passed = self.elapsed_us >= amount_us
            falls = passed or not self.stands
            warnings.append(AgreedWarning(share, from_us(self._used_up(amount_us, current)) if falls else None, passed))
        return tuple(warnings)

    def _penalty(self, limit_us: int | None, is_late: bool) -> float | None:
        if self.term.penalty is None:
            return None
        return penalty_of(self.term.penalty, self.elapsed_us - limit_us if is_late and limit_us is not None else 0)


def _shown(current: Measurement) -> list[Stretch]:
    """All stretches in order; those since the stop do not count while nobody has reopened the ticket."""
    return [*current.stretches, *(replace(stretch, counts=False) for stretch in current.standing)]


def _ended(state: VerdictState, restarted: bool) -> VerdictState:
    """What an earlier measurement that was still on when the next began came to."""
    if state in (VerdictState.RUNNING, VerdictState.PAUSED):
        return VerdictState.CANCELLED if restarted else VerdictState.MET
    return VerdictState.BREACHED if state is VerdictState.PAUSED_AND_BREACHED else state


def _numbered(verdict: Verdict, number: int) -> Verdict:
    return replace(verdict, measurement=number)
