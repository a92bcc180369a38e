"""How long a target is in working time, given when its clock started: fixed, or so many working days by the calendar's rule."""

from __future__ import annotations

import numpy as np

from sla.business_time import BusinessTime
from sla.instants import Int64Array
from sla.terms import Term
from sla.working_days import WorkingDays


def target_us_from(term: Term, calendar: BusinessTime, start_us: Int64Array) -> Int64Array:
    """The working time that the term allows to clocks started at these instants, int64 microseconds.

    Working days become the opening time from the start to the instant that the calendar's day rule names, so that
    waiting moves their due time in working seconds like that of every other target.
    """
    if term.within is None:
        raise ValueError(f"{term.rule}: no agreement, so there is no length to ask for")
    if not term.within.counts_days:
        return np.full(start_us.shape, term.within.amount_us, dtype=np.int64)
    due_us = WorkingDays(calendar).add_us(start_us, np.full(start_us.shape, term.within.working_days, dtype=np.int64))
    return calendar.elapsed_us(start_us, due_us)
