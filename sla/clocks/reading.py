"""The figures of one clock on one ticket, read off what it did from event to event; and which of its terms governs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sla.agreements.target_length import as_named_us, target_us_from
from sla.agreements.terms import Term
from sla.clocks.stepping import Doing, Outcome, Stretch
from sla.clocks.ticket_rows import Row
from sla.clocks.verdicts import VerdictState
from sla.instants import Int64Array
from sla.working_time.business_time import BusinessTime

_KEPT = {
    Doing.WAITING_TO_START: VerdictState.NOT_STARTED,
    Doing.RUNNING: VerdictState.RUNNING,
    Doing.PAUSED: VerdictState.PAUSED,
    Doing.STOPPED: VerdictState.MET,
    Doing.CANCELLED: VerdictState.CANCELLED,
}


@dataclass(frozen=True)
class Governing:
    """What the matching of a clock says about a ticket: the term that decides now, and where the clock starts again."""

    term: Term | None
    governed: list[bool]
    changed: list[bool]


def governing_at(matched: Sequence[Term | None]) -> Governing:
    """What governs a ticket at the last of its rows, given the term that matches it at each of them."""
    measured = [term if term is not None and term.measures else None for term in matched]
    first = next((index for index, term in enumerate(measured) if term is not None), None)
    changed = [False] * len(matched)
    governed = [term is not None for term in measured]
    if first is None:
        return Governing(matched[-1] if matched else None, governed, changed)
    opening = measured[first]
    policy = opening.policies.priority_change if opening is not None else "recompute"
    if policy == "restart":
        for index in range(first + 1, len(matched)):
            changed[index] = measured[index] is not None and measured[index] is not measured[index - 1]
    return Governing(opening if policy == "keep" else matched[-1], governed, changed)


class Reading:
    """The figures of one measurement: int microseconds, None for what there is none of; see `VerdictArrays` for their meaning."""

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

    @cached_property
    def started_us(self) -> int | None:
        """When the measurement began."""
        return None if self.current is None else self.rows[self.current.begin].at_us

    @cached_property
    def target_us(self) -> int | None:
        """The length of the target; working days have none before the clock starts."""
        within = self.term.within
        if within is not None and not within.counts_days:
            return within.amount_us
        return (
            None if self.started_us is None else int(target_us_from(self.term, self.calendar, _one(self.started_us))[0])
        )

    @cached_property
    def limit_us(self) -> int | None:
        """The target with its grace."""
        return None if self.target_us is None else self.target_us + self.term.grace_us

    @property
    def is_late(self) -> bool:
        """Whether more than the limit was used."""
        return self.current is not None and self.limit_us is not None and self.elapsed_us > self.limit_us

    @property
    def state(self) -> VerdictState:
        """What the clock is doing, and whether the target is kept."""
        doing = self.outcome.doing
        if self.is_late and doing is not Doing.CANCELLED:
            return VerdictState.PAUSED_AND_BREACHED if doing is Doing.PAUSED else VerdictState.BREACHED
        return _KEPT[doing]

    @cached_property
    def due_us(self) -> int | None:
        """When the target is used up, in the words of its day rule; None before the clock starts."""
        if self.started_us is None or self.target_us is None:
            return None
        used_up_us = self.used_up_us(self.target_us)
        if self.term.within is None or not self.term.within.counts_days:
            return used_up_us
        return int(as_named_us(self.term, self.calendar, _one(self.started_us), _one(used_up_us))[0])

    @cached_property
    def stopped_us(self) -> int | None:
        """When it stopped or was cancelled, while it stands."""
        if self.current is None or self.current.stop is None or not self.stands:
            return None
        return self.rows[self.current.stop].at_us

    def used_up_us(self, amount_us: int) -> int:
        """When so much has run: in the past, or as things stand, or as they stood at the stop."""
        ran = 0
        for stretch in self.counted:
            worked = self._worked(stretch)
            if ran + worked >= amount_us:
                return self.calendar.due_after(stretch.from_us, amount_us - ran)
            ran += worked
        return self.calendar.due_after(self.at_us if self.stopped_us is None else self.stopped_us, amount_us - ran)

    @cached_property
    def breached_us(self) -> int | None:
        """The last instant at which the limit was not exceeded, None while it is not."""
        if not self.is_late or self.limit_us is None:
            return None
        ran = 0
        for stretch in self.counted:
            worked = self._worked(stretch)
            if ran + worked > self.limit_us:
                used_up_us = self.calendar.due_after(stretch.from_us, self.limit_us - ran)
                return int(self.calendar.next_open_us(_one(used_up_us))[0])
            ran += worked
        raise AssertionError("a clock that is not late has no breach")


def _one(at_us: int) -> Int64Array:
    return np.array([at_us], dtype=np.int64)
