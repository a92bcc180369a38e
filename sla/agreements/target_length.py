"""How long a target is in working time, given when its clock started: fixed, or so many working days by the calendar's rule."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sla.agreements.terms import Term
from sla.instants import Int64Array
from sla.working_time.business_time import BusinessTime
from sla.working_time.working_days import WorkingDays


@lru_cache(maxsize=64)
def working_days_of(calendar: BusinessTime) -> WorkingDays:
    """The working days of a calendar, kept while it is in use: their dates are laid out once, not for each question."""
    return WorkingDays(calendar)


def target_us_from(term: Term, calendar: BusinessTime, start_us: Int64Array) -> Int64Array:
    """The working time that the term allows to clocks started at these instants, int64 microseconds.

    Working days become the opening time from the start to the instant that the calendar's day rule names, so that
    waiting moves their due time in working seconds like that of every other target.
    """
    if term.within is None:
        raise ValueError(f"{term.rule}: no agreement, so there is no length to ask for")
    if not term.within.counts_days:
        return np.full(start_us.shape, term.within.amount_us, dtype=np.int64)
    return calendar.elapsed_us(start_us, _named_us(term, calendar, start_us))


def as_named_us(term: Term, calendar: BusinessTime, start_us: Int64Array, due_us: Int64Array) -> Int64Array:
    """The due times, in the words of the day rule where a target counts working days.

    Between a closing and the next opening no working time passes, so that all of it is the same instant to a clock; to a
    person, "Tuesday at opening" and "Monday at closing" are not. The rule's own instant is shown where it is meant.
    """
    if term.within is None or not term.within.counts_days:
        return due_us
    named = _named_us(term, calendar, start_us)
    return np.where(calendar.elapsed_us(due_us, named) == 0, named, due_us)


def _named_us(term: Term, calendar: BusinessTime, start_us: Int64Array) -> Int64Array:
    days = 0 if term.within is None else term.within.working_days
    return working_days_of(calendar).add_us(start_us, np.full(start_us.shape, days, dtype=np.int64))
