"""Verdicts of few tickets with few events, event by event: columns take many times as long before the first of them is read.

The rules of the explanations (`sla.clocks.stepping`), asked for figures alone. Tests hold them to those of columns, to the
last number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.terms import Clock, Term
from sla.clocks.reading import Reading, governing_at
from sla.clocks.stepping import Stepper
from sla.clocks.ticket_rows import Row, matching_term, visible_rows
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.events import EventLog
from sla.instants import NEVER_US, Int64Array

FEW_ROWS = 40
"""So many rows are stepped through, those of each query counted, in less time than columns take to begin with."""
_NOT_STARTED = (VerdictState.NOT_STARTED, -1, 0, 0, 0, *[NEVER_US] * 4, -1, -1, -1, -1)
_NO_AGREEMENT = (VerdictState.NO_AGREEMENT, *_NOT_STARTED[1:])


@dataclass(frozen=True)
class _Life:
    """All rows of a ticket, when each became known, the term that matches at each, and the place of the first in the log."""

    rows: Sequence[Row]
    known_us: Sequence[int]
    matched: Sequence[Term | None]
    first: int


def verdicts_of_few(
    log: EventLog, agreements: AgreementSet, clock: Clock, ticket: Int64Array, at_us: Int64Array
) -> VerdictArrays | None:
    """The verdicts of a clock as `verdicts_at` gives them; None where columns must be asked.

    That is where the tickets have many rows, where one became known out of order, and where an agreement's dates are rows too.
    """
    if len(ticket) > FEW_ROWS or int((log.offsets[ticket + 1] - log.offsets[ticket]).sum()) > FEW_ROWS:
        return None
    if clock.validity_dates_us():
        return None
    lives: dict[int, _Life] = {}
    found = []
    for index, instant_us in zip(ticket.tolist(), at_us.tolist(), strict=True):
        life = lives.get(index) or _life(log, agreements, clock, index)
        if any(later < earlier for earlier, later in pairwise(life.known_us)):
            return None
        lives[index] = life
        found.append(_figures(life, agreements, instant_us))
    return VerdictArrays.of_rows(found)


def _life(log: EventLog, agreements: AgreementSet, clock: Clock, ticket: int) -> _Life:
    events = log.events_of(str(log.ticket_ids[ticket]))
    rows = visible_rows(events, NEVER_US)
    known_us = [max(event.at_us, event.recorded_us) for event in events]
    matched = [matching_term(clock, rows, row, agreements.services) for row in rows]
    return _Life(rows, known_us, matched, int(log.offsets[ticket]))


def _figures(life: _Life, agreements: AgreementSet, at_us: int) -> tuple[int, ...]:
    """The verdict at an instant, in the order of the arrays."""
    count = bisect_right(life.known_us, at_us)
    if not count:
        return _NOT_STARTED
    rows, governing = life.rows[:count], governing_at(life.matched[:count])
    term = governing.term
    if term is None or not term.measures:
        return _NO_AGREEMENT
    outcome = Stepper(term, agreements.services).run(rows, governing.governed, governing.changed, at_us)
    read = Reading(term, agreements.business_time(term), rows, outcome, at_us)
    return (
        read.state,
        -1 if read.target_us is None else read.target_us,
        read.elapsed_us,
        read.paused_us,
        0 if read.target_us is None else read.target_us - read.elapsed_us,
        *(
            NEVER_US if one is None else one
            for one in (read.started_us, read.due_us, read.breached_us, read.stopped_us)
        ),
        *(term.agreement, term.calendar, term.index),
        -1 if read.current is None else life.first + read.current.begin,
    )
