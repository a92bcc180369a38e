"""What was known of a desk at an instant, in plain loops: the slow and obvious ground of the second implementation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from features.histories import Histories
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import VerdictArrays, verdicts_at

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
STATE = ("status", "waiting_on", "priority", "service", "category", "team", "assignee", "customer", "channel")


@dataclass
class Record:
    """One record of a ticket: when it happened, when it counted first, what it says."""

    ticket: str
    event_id: str
    at_us: int
    known_us: int
    says: dict[str, str]


@dataclass
class Step:
    """What was known of a ticket after a record arrived."""

    known_us: int
    at_us: int
    state: dict[str, str]
    says: dict[str, str]
    since_us: dict[str, int] = field(default_factory=dict)

    def get(self, column: str) -> str | None:
        return self.state.get(column)

    @property
    def is_open(self) -> bool:
        return self.get("status") not in ("resolved", "closed", "cancelled")

    @property
    def is_waiting(self) -> bool:
        return self.get("status") == "waiting"


class SlowDesk:
    """The records of a frame, and what can be asked of them with loops."""

    def __init__(
        self, frame: pd.DataFrame, agreements: AgreementSet, target: str, services: pd.DataFrame | None = None
    ) -> None:
        self.happenings = [] if services is None else [_happening(row) for row in services.to_dict("records")]
        self.frame, self.agreements, self.target = frame, agreements, target
        self.records: dict[str, list[Record]] = {}
        for row in frame.to_dict("records"):
            says = {
                name: value
                for name, value in row.items()
                if isinstance(value, str) and name not in ("event_id", "ticket_id")
            }
            at_us, known_us = (row[name].value // 1000 for name in ("event_at", "recorded_at"))
            record = Record(row["ticket_id"], row["event_id"], at_us, max(at_us, known_us), says)
            self.records.setdefault(record.ticket, []).append(record)
        for records in self.records.values():
            _tell_apart(records)
        self.steps = {ticket: _steps(records) for ticket, records in self.records.items()}
        self.scanned = cache(self._scanned)
        self.decided = cache(self._decided)
        self.worked = cache(self._worked)
        self.verdict = cache(self._verdict)

    def steps_until(self, ticket: str, at_us: int) -> list[Step]:
        return [step for step in self.steps[ticket] if step.known_us <= at_us]

    def _verdict(self, ticket: str, at_us: int) -> dict[str, int]:
        """The verdict at an instant, from a log that holds this ticket alone."""
        found = self._verdicts(ticket, [at_us])
        return {name: int(array[0]) for name, array in vars(found).items()}

    def _verdicts(self, ticket: str, instants: list[int]) -> VerdictArrays:
        alone = Histories.from_events(self.frame[self.frame["ticket_id"] == ticket], self.agreements)
        nobody_else = np.zeros(len(instants), np.int64)
        return verdicts_at(alone.log, self.agreements, self.target, nobody_else, np.array(instants, np.int64))

    def _scanned(self, ticket: str) -> list[tuple[int, int, int, int, int]]:
        """(instant, state, started, stopped, elapsed) at each instant at which something may change."""
        instants = self._instants(ticket)
        found = self._verdicts(ticket, instants)
        columns = (found.state, found.started_us, found.stopped_us, found.elapsed_us)
        return list(zip(instants, *(column.tolist() for column in columns), strict=True))

    def _instants(self, ticket: str) -> list[int]:
        """Each instant at which something may change: records, and just after each minute."""
        steps = self.steps[ticket]
        first, last = steps[0].known_us, steps[-1].known_us + 3 * DAY_US
        minutes = range(first - first % MINUTE_US + 1, last, MINUTE_US)
        return sorted(at for at in {*minutes, *(step.known_us for step in steps)} if at >= first)

    def _decided(self, ticket: str) -> list[tuple[int, int, int, Step]]:
        """(known from, known until, broken, step whose keys count) for each outcome of a ticket, taken back ones too."""
        entries: list[list[Any]] = []
        before, started, was = None, None, None
        for at, state, begun, _, _ in self.scanned(ticket):
            outcome = {3: 0, 4: 1, 5: 1}.get(state)
            is_new = started is not None and begun > started and was is not None
            if is_new:
                before = None
            if outcome != before:
                if before is not None:
                    entries[-1][1] = at
                if outcome is not None:
                    entries.append([at, math.inf, outcome, self.steps_until(ticket, at)[-1]])
            before, was, started = outcome, outcome, begun
        return [tuple(entry) for entry in entries]

    def _worked(self, ticket: str) -> list[tuple[int, int, float, Step]]:
        """(known from, known until, log(1 + hours), step whose keys count) for each end of work, taken back ones too."""
        entries: list[list[Any]] = []
        before, started, was = None, None, None
        points = {step.known_us for step in self.steps[ticket]}
        for at, state, begun, stopped, elapsed in self.scanned(ticket):
            is_new = started is not None and begun > started and was
            started, was = begun, state in (3, 4, 5)
            if is_new:
                before = None
            if at not in points:
                continue
            is_stopped = state in (3, 4) and stopped < 2**62
            length = math.log1p(max(elapsed, 0) / HOUR_US) if is_stopped else None
            if length != before:
                if before is not None:
                    entries[-1][1] = at
                if length is not None:
                    entries.append([at, math.inf, length, self.steps_until(ticket, at)[-1]])
            before = length
        return [tuple(entry) for entry in entries]

    def tickets(self) -> Iterator[str]:
        yield from self.records


@dataclass
class Happening:
    """One service event."""

    event_id: str
    service: str
    kind: str
    phase: str
    at_us: int
    recorded_us: int

    @property
    def known_us(self) -> int:
        return max(self.at_us, self.recorded_us)


def _happening(row: dict[Any, Any]) -> Happening:
    at_us, recorded_us = (row[name].value // 1000 for name in ("event_at", "recorded_at"))
    return Happening(row["event_id"], row["service"], row["kind"], row["phase"], at_us, recorded_us)


def _tell_apart(records: list[Record]) -> None:
    """Records of one instant count one microsecond after each other, in order of event."""
    records.sort(key=lambda record: (record.at_us, record.event_id))
    seen: dict[int, int] = {}
    for record in records:
        as_written = record.known_us
        record.known_us += seen.get(as_written, 0)
        seen[as_written] = seen.get(as_written, 0) + 1


def _steps(records: list[Record]) -> list[Step]:
    """One step a record in order of arrival; each column shows the latest event among those that arrived."""
    steps: list[Step] = []
    arrived: list[Record] = []
    for record in sorted(records, key=lambda record: record.known_us):
        arrived.append(record)
        state: dict[str, str] = {}
        for one in sorted(arrived, key=lambda one: (one.at_us, one.event_id)):
            state |= {name: value for name, value in one.says.items() if name not in ("kind", "actor_kind")}
        step = Step(record.known_us, record.at_us, state, record.says)
        for column in ("status", "team", "assignee"):
            same = bool(steps) and steps[-1].get(column) == step.get(column)
            step.since_us[column] = steps[-1].since_us[column] if same else record.at_us
        steps.append(step)
    return steps
