"""Verdicts a while later: where nothing became known of a ticket in between, only time has passed, the same for all clocks of a calendar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.target_length import as_named_us
from sla.agreements.terms import Term
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import NEVER_US, BoolArray, Int64Array
from sla.working_time.business_time import BusinessTime

_ON = (VerdictState.RUNNING, VerdictState.PAUSED, VerdictState.BREACHED, VerdictState.PAUSED_AND_BREACHED)
_WAITING = (VerdictState.PAUSED, VerdictState.PAUSED_AND_BREACHED)


def verdicts_later(
    before: VerdictArrays, agreements: AgreementSet, target: str, since_us: int, at_us: int
) -> tuple[VerdictArrays, BoolArray]:
    """The verdicts on a target at `at_us` of m tickets that had those `before` at `since_us`, and which must be asked for instead.

    Holds for tickets of which no row became known after `since_us`, up to `at_us`. Asked for (`verdicts_at`) must be the clocks
    whose target, with its grace, was used up meanwhile, and all where an agreement's dates lie in between. `begin_row` stays what it was.
    Raises ValueError where `at_us` comes first, KeyError for a target that no agreement has.
    """
    if at_us < since_us:
        raise ValueError(f"{at_us} us is before {since_us} us: verdicts can only be carried on to later instants")
    clock = agreements.clock(target)
    anew = np.zeros(len(before), np.bool_)
    if any(since_us < date_us for date_us in clock.validity_dates_us(at_us)):
        return before, ~anew
    later = replace(
        before,
        elapsed_us=before.elapsed_us.copy(),
        remaining_us=before.remaining_us.copy(),
        paused_us=before.paused_us.copy(),
        due_us=before.due_us.copy(),
    )
    is_on = before.is_in(*_ON) & (before.stopped_us == NEVER_US)
    for index in np.unique(before.term[is_on]).tolist():
        term, places = clock.terms[index], np.flatnonzero(is_on & (before.term == index))
        anew[places] = _moved(later, term, agreements.business_time(term), places, since_us, at_us)
    return later, anew


def _moved(
    later: VerdictArrays, term: Term, calendar: BusinessTime, places: Int64Array, since_us: int, at_us: int
) -> BoolArray:
    """Which of the clocks at some places, all of one term, are newly late; the others were written as they are now."""
    passed_us = calendar.elapsed_between(since_us, at_us)
    waits = later.is_in(*_WAITING)[places]
    waiting, running = places[waits], places[~waits]
    later.elapsed_us[running] += passed_us
    later.remaining_us[running] -= passed_us
    later.paused_us[waiting] += passed_us
    waiting = waiting[later.remaining_us[waiting] > 0]
    due_us = calendar.due_us(np.full(len(waiting), at_us), later.remaining_us[waiting])
    later.due_us[waiting] = as_named_us(term, calendar, later.started_us[waiting], due_us)
    is_late: BoolArray = (later.state[places] == VerdictState.RUNNING) & (later.remaining_us[places] < -term.grace_us)
    return is_late
