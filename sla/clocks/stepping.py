"""One clock on one ticket, event by event: what it does from each to the next, kept as stretches for the explanation.

The same rules over whole columns are in `sla.clocks.phases`; a test holds both to the same verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from sla.agreements.catalogue import Service
from sla.agreements.conditions import Condition
from sla.agreements.rules import EVERY_START, MERGED, ONCE
from sla.agreements.terms import Term
from sla.clocks.ticket_rows import Row, holds


class Doing(Enum):
    """What a clock does from one event to the next."""

    WAITING_TO_START = "not started"
    RUNNING = "ran"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Stretch:
    """What the clock did between two instants, and whether that time counts."""

    from_us: int
    until_us: int
    doing: Doing
    counts: bool
    row: Row  # the event it began with


@dataclass
class Measurement:
    """One run of a clock from a start to a stop or to the next start."""

    begin: int  # the row it began at
    stop: int | None = None  # the row it stopped at, while it stands
    stretches: list[Stretch] = field(default_factory=list)
    standing: list[Stretch] = field(
        default_factory=list
    )  # since the stop; they count only if the work turns out not to be over


@dataclass(frozen=True)
class Outcome:
    """Where a clock is after all events: the measurement that is current, None before any, and what the clock is doing."""

    current: Measurement | None
    doing: Doing


@dataclass(frozen=True)
class RowFacts:
    """The conditions of a term at one row."""

    start: bool
    stop: bool
    stays: bool
    cancel: bool
    reset: bool
    pause: bool


class Stepper:
    """Steps one term's clock through the rows of a ticket up to an instant."""

    def __init__(self, term: Term, services: Mapping[str, Service]) -> None:
        self.term, self.services = term, services
        self.has_started = self.has_begun_late = self.is_merged = self.is_active = self.is_done = False
        self.doing = Doing.WAITING_TO_START
        self.current: Measurement | None = None
        self.facts = RowFacts(*[False] * 6)

    def run(self, rows: Sequence[Row], governed: Sequence[bool], changed: Sequence[bool], until_us: int) -> Outcome:
        """The outcome at `until_us`; `governed[i]`: some term matches at row i, `changed[i]`: the clock restarts there."""
        for index, row in enumerate(rows):
            self._enter(index, row, governed[index], changed[index])
            ends_us = rows[index + 1].at_us if index + 1 < len(rows) else until_us
            self._stay(row, ends_us)
        return Outcome(self.current, self.doing)

    def _facts(self, row: Row) -> RowFacts:
        rules, policies = self.term.rules, self.term.policies

        def at(condition: Condition | None) -> bool:
            return holds(condition, row, self.services)

        self.is_merged = self.is_merged or at(MERGED)
        pause = at(rules.pause) or (rules.runs_while is not None and not at(rules.runs_while))
        return RowFacts(
            start=at(rules.start),
            stop=at(rules.stop) or (policies.merge == "stop" and self.is_merged),
            stays=at(rules.stays_stopped),
            cancel=at(rules.cancel) or (policies.merge == "cancel" and self.is_merged),
            reset=at(rules.reset),
            pause=pause,
        )

    def _enter(self, index: int, row: Row, governed: bool, changed: bool) -> None:
        """Take one event: decide what the clock does from here on."""
        facts = self.facts = self._facts(row)
        had_started, was_active, was = self._is_started(), self.is_active, self.doing
        # Where every start counts anew, a message to a ticket that stays closed starts nothing.
        self.has_started = self.has_started or self._starts(facts)
        self.has_begun_late = self.has_begun_late or governed
        started = self._is_started()
        doing = self._decide(facts, started)
        is_on = doing in (Doing.RUNNING, Doing.PAUSED)
        if (started and not had_started) or (
            started and is_on and (facts.reset or changed or self._begins_again(facts, was, was_active))
        ):
            self.current = Measurement(index)
        elif self.current is not None:
            self._leave_stop(doing)
        self.doing = doing
        if self.current is not None:
            self._note_stop(index, facts, doing, was)

    def _starts(self, facts: RowFacts) -> bool:
        return facts.start and not (facts.stays and self.term.rules.repeat == EVERY_START)

    def _is_started(self) -> bool:
        return self.has_started and (self.has_begun_late or self.term.policies.retroactive_start)

    def _decide(self, facts: RowFacts, started: bool) -> Doing:
        ends = (facts.stop or facts.stays) and not facts.cancel  # what is void is not over
        if self.term.rules.repeat == EVERY_START:
            self.is_active = self._starts(facts) or (self.is_active and not ends)
            is_over = not self.is_active
        elif self.term.rules.repeat == ONCE:
            self.is_done = self.is_done or (started and ends)
            is_over = self.is_done
        else:
            is_over = ends
        if not started:
            return Doing.WAITING_TO_START
        if is_over:
            return Doing.STOPPED
        if facts.cancel:
            return Doing.CANCELLED
        return Doing.PAUSED if facts.pause else Doing.RUNNING

    def _begins_again(self, facts: RowFacts, was: Doing, was_active: bool) -> bool:
        if self.term.rules.repeat == EVERY_START:
            return (self._starts(facts) and facts.stop) or not was_active
        if self.term.rules.repeat == ONCE:
            return False
        return self.term.policies.reopen == "restart" and was in (Doing.STOPPED, Doing.CANCELLED)

    @property
    def _reopens(self) -> bool:
        return self.term.rules.repeat not in (ONCE, EVERY_START)

    def _leave_stop(self, doing: Doing) -> None:
        """A clock that stood goes on: the time it stood counts if the policy says that it was never over."""
        if self.current is not None and doing is not Doing.STOPPED:
            counts = self._reopens and self.term.policies.reopen == "run_on"
            standing = self.current.standing
            self.current.stretches += standing if counts else [replace(stretch, counts=False) for stretch in standing]
            self.current.standing = []

    def _note_stop(self, index: int, facts: RowFacts, doing: Doing, was: Doing) -> None:
        current = self.current
        if current is None:
            return
        if doing not in (Doing.STOPPED, Doing.CANCELLED):
            current.stop = None
        elif doing is not was or current.stop is None:
            current.stop = index
        elif doing is Doing.STOPPED and facts.stop and self._reopens and self.term.policies.stop_at == "last":
            current.stop = index
            current.stretches += current.standing
            current.standing = []

    def _stay(self, row: Row, until_us: int) -> None:
        """Keep the stretch from a row to the next."""
        if self.current is None:
            return
        counts = self.doing is Doing.RUNNING
        if self.doing is Doing.STOPPED and self._reopens:
            self.current.standing.append(Stretch(row.at_us, until_us, self.doing, not self.facts.pause, row))
        else:
            self.current.stretches.append(Stretch(row.at_us, until_us, self.doing, counts, row))
