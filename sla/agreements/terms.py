"""What is left of an agreement when every default is filled in: clocks, each with its terms in order of precedence.

A term is one goal of one target of one agreement. A clock is one measurement on a ticket; its first term that matches
the ticket decides. Everything here is resolved, so that evaluation has no cases left that depend on how it was written.
"""

from __future__ import annotations

from dataclasses import dataclass

from sla.agreements.conditions import Condition
from sla.agreements.policies import Policies
from sla.agreements.rules import Rules
from sla.agreements.targets import Penalty
from sla.durations import Duration
from sla.instants import NEVER_US


@dataclass(frozen=True)
class Term:
    """One goal with all that governs it."""

    clock: str
    index: int  # in its clock, in order of precedence
    metric: str
    agreement: int  # in the file
    agreement_name: str
    agreement_version: str
    kind: str
    rule: str  # how explanations call the goal
    agreement_applies_to: Condition | None
    goal_applies_to: Condition | None
    valid_from_us: int
    valid_until_us: int  # exclusive
    within: Duration | None  # None = explicitly no agreement
    calendar: int  # in the file; -1 = none
    rules: Rules
    policies: Policies
    warnings: tuple[float, ...]
    grace_us: int
    penalty: Penalty | None
    owner: str | None
    party: str

    @property
    def measures(self) -> bool:
        """False for a goal that says `no agreement`."""
        return self.within is not None


@dataclass(frozen=True)
class Clock:
    """One measurement: `name` is the metric for an SLA, `metric:team` for an OLA, `metric:supplier` for a UC."""

    name: str
    metric: str
    party: str
    terms: tuple[Term, ...]

    def validity_dates_us(self, until_us: int = NEVER_US) -> tuple[int, ...]:
        """The instants, up to `until_us`, at which other terms may come to hold although nobody touches the ticket.

        Under `version: current` an agreement takes hold of tickets that are not over on the date itself, not at their next
        event. Usually there is none.
        """
        dates_us = {
            date_us
            for term in self.terms
            if term.policies.version == "current"
            for date_us in (term.valid_from_us, term.valid_until_us)
            if -NEVER_US < date_us < NEVER_US and date_us <= until_us
        }
        return tuple(sorted(dates_us))
