"""The clocks of one ticket, with the reasons: the path for explanations, pages and what-if. Many tickets: `sla.clocks.replay`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.credits import penalty_of
from sla.agreements.terms import Clock, Term
from sla.clocks.reading import Governing, Reading, governing_at
from sla.clocks.stepping import Measurement, Stepper, Stretch
from sla.clocks.ticket_rows import Row, matching_term, rows_with_dates, visible_rows, why_governing
from sla.clocks.trace import trace
from sla.clocks.verdict import AgreedWarning, Verdict
from sla.clocks.verdicts import VerdictState
from sla.events import TicketEvent
from sla.instants import SECOND_US, from_us, to_us


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

    def _governing(self, rows: Sequence[Row]) -> Governing:
        return governing_at([matching_term(self.clock, rows, row, self.agreements.services) for row in rows])

    def _judge(self, rows: Sequence[Row], at_us: int, restarted: bool | None) -> tuple[Verdict, int]:
        """The verdict, and the row its measurement began at (0 when there is nothing before it)."""
        governing = self._governing(rows)
        term = governing.term
        if term is None or not term.measures:
            return self._without_agreement(term, rows, at_us, is_current=restarted is None), 0
        outcome = Stepper(term, self.agreements.services).run(rows, governing.governed, governing.changed, at_us)
        calendar = self.agreements.business_time(term)
        reading = Reading(term, calendar, rows, outcome, at_us)
        why = why_governing(term, rows[-1], self.agreements.services)
        verdict = _told(reading, self.ticket_id, self.clock.name, why, restarted)
        return verdict, 0 if outcome.current is None else outcome.current.begin

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


def _told(reading: Reading, ticket_id: str, target: str, why: str, restarted: bool | None) -> Verdict:
    """The verdict; `restarted` tells of an earlier measurement whether changed terms ended it."""
    term, current, target_us, limit_us = reading.term, reading.current, reading.target_us, reading.limit_us
    is_late, state, stopped_us = reading.is_late, reading.state, reading.stopped_us
    if restarted is not None and stopped_us is None:
        stopped_us, state = reading.at_us, _ended(state, restarted)
    due_us = reading.due_us
    return Verdict(
        ticket_id=ticket_id,
        target=target,
        as_of=from_us(reading.at_us),
        state=state,
        agreement=term.agreement_name,
        agreement_version=term.agreement_version,
        kind=term.kind,
        owner=term.owner,
        calendar=reading.calendar.name,
        time_zone=reading.calendar.zone,
        rule=term.rule,
        why=why,
        measurement=0,
        is_current=restarted is None,
        started_at=None if current is None else from_us(reading.rows[current.begin].at_us),
        due_at=None if due_us is None else from_us(due_us),
        breached_at=None if reading.breached_us is None else from_us(reading.breached_us),
        stopped_at=None if stopped_us is None else from_us(stopped_us),
        target_seconds=None if target_us is None else target_us / SECOND_US,
        elapsed_seconds=reading.elapsed_us / SECOND_US,
        paused_seconds=reading.paused_us / SECOND_US,
        remaining_seconds=None if target_us is None else (target_us - reading.elapsed_us) / SECOND_US,
        remaining_wall_seconds=None
        if due_us is None or stopped_us is not None
        else (due_us - reading.at_us) / SECOND_US,
        share_used=None if not target_us else reading.elapsed_us / target_us,
        warnings=() if current is None or target_us is None else _warnings(reading, target_us),
        penalty=_penalty(reading, limit_us, is_late),
        currency=term.penalty.currency if term.penalty else "",
        policies=term.policies.model_dump(),
        trace=() if current is None else trace(reading.calendar, _shown(current), due_us, stopped_us),
    )


def _warnings(reading: Reading, target_us: int) -> tuple[AgreedWarning, ...]:
    warnings = []
    for share in reading.term.warnings:
        amount_us = round(share * target_us)
        passed = reading.elapsed_us >= amount_us
        falls = passed or not reading.stands
        warnings.append(AgreedWarning(share, from_us(reading.used_up_us(amount_us)) if falls else None, passed))
    return tuple(warnings)


def _penalty(reading: Reading, limit_us: int | None, is_late: bool) -> float | None:
    if reading.term.penalty is None:
        return None
    return penalty_of(reading.term.penalty, reading.elapsed_us - limit_us if is_late and limit_us is not None else 0)


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
