"""The clocks of many tickets at one instant, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sla.agreements.agreement_set import AgreementSet
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.events import EventLog
from sla.instants import NEVER_US, SECOND_US, BoolArray, Int64Array


@dataclass
class ClockTable:
    """One row for each ticket, target and measurement that ever started, ordered by ticket, target and measurement.

    `ticket` indexes `ticket_ids`, `target` indexes `targets`; `measurement` counts from 0 within a clock, the last one is
    current. `verdicts` has one entry a row.
    """

    ticket_ids: NDArray[np.object_]
    targets: tuple[str, ...]
    agreements: AgreementSet
    as_of_us: int
    ticket: Int64Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    target: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    measurement: Int64Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    verdicts: VerdictArrays = field(default_factory=lambda: VerdictArrays.blank(0, VerdictState.NOT_STARTED))
    _parts: list[tuple[Int64Array, NDArray[np.int32], Int64Array, VerdictArrays]] = field(
        default_factory=list, repr=False
    )

    def __len__(self) -> int:
        return int(self.ticket.size)

    @classmethod
    def empty(cls, log: EventLog, agreements: AgreementSet, as_of_us: int) -> ClockTable:
        """A table without rows, to be filled with `add` and `finished`."""
        return cls(log.ticket_ids, tuple(agreements.clocks), agreements, as_of_us)

    def add(self, target: str, ticket: Int64Array, measurement: Int64Array, verdicts: VerdictArrays) -> None:
        """Take the measurements of one clock."""
        code = np.full(ticket.size, self.targets.index(target), dtype=np.int32)
        self._parts.append((ticket, code, measurement, verdicts))

    def finished(self) -> ClockTable:
        """This table with the rows of all clocks in order."""
        if self._parts:
            ticket = np.concatenate([part[0] for part in self._parts])
            # Within a ticket, parts come in the order of targets and measurements.
            order = np.argsort(ticket, kind="stable")
            self.ticket = ticket[order]
            self.target = np.concatenate([part[1] for part in self._parts])[order]
            self.measurement = np.concatenate([part[2] for part in self._parts])[order]
            self.verdicts = VerdictArrays.joined([part[3] for part in self._parts]).take(order)
            self._parts.clear()
        return self

    @property
    def is_current(self) -> BoolArray:
        """Whether each row is the latest measurement of its clock."""
        last = np.ones(len(self), dtype=np.bool_)
        last[:-1] = (self.ticket[1:] != self.ticket[:-1]) | (self.target[1:] != self.target[:-1])
        return last

    def rows_of(self, target: str, current_only: bool = True) -> Int64Array:
        """The rows of one target. Raises ValueError for a target that no agreement has."""
        chosen = self.target == self.targets.index(target)
        return np.flatnonzero(chosen & self.is_current if current_only else chosen).astype(np.int64)

    def to_columns(self) -> Mapping[str, NDArray[Any]]:
        """The table as columns for a CSV or Parquet file: texts, seconds, and instants as datetime64[us] in UTC (NaT = none)."""
        found = self.verdicts
        names = np.array([*(agreement.name for agreement in self.agreements.agreements), ""], dtype=object)
        calendars = np.array([*self.agreements.calendar_names, ""], dtype=object)
        states = np.array([state.words for state in VerdictState], dtype=object)
        rules = {
            name: np.array([*(term.rule for term in clock.terms), ""], dtype=object)
            for name, clock in self.agreements.clocks.items()
        }
        rule = np.full(len(self), "", dtype=object)
        for code, name in enumerate(self.targets):
            rows = self.target == code
            rule[rows] = rules[name][found.term[rows]]
        return {
            "ticket_id": self.ticket_ids[self.ticket],
            "target": np.array(self.targets, dtype=object)[self.target] if self.targets else rule,
            "measurement": self.measurement,
            "is_current": self.is_current,
            "state": states[found.state],
            "is_breached": found.is_breached,
            "agreement": names[found.agreement],
            "rule": rule,
            "calendar": calendars[found.calendar],
            "started_at": _instants(found.started_us),
            "due_at": _instants(found.due_us),
            "breached_at": _instants(found.breached_us),
            "stopped_at": _instants(found.stopped_us),
            "target_seconds": found.target_us / SECOND_US,
            "elapsed_seconds": found.elapsed_us / SECOND_US,
            "paused_seconds": found.paused_us / SECOND_US,
            "remaining_seconds": found.remaining_us / SECOND_US,
        }


def _instants(at_us: Int64Array) -> NDArray[np.datetime64]:
    instants = at_us.astype("datetime64[us]")
    instants[at_us == NEVER_US] = np.datetime64("NaT")
    return instants
