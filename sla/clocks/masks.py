"""Conditions on all rows of a log at once: a truth value a row, by looking up each distinct text only once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sla.agreements.catalogue import Service
from sla.agreements.conditions import Clause, Condition, Test
from sla.events import EventLog
from sla.instants import BoolArray


class RowMasks:
    """Where conditions hold in a log whose states are carried forward; each condition is evaluated once."""

    def __init__(self, log: EventLog, services: Mapping[str, Service]) -> None:
        self.log = log.filled()
        self.services = services
        self._known: dict[Condition, BoolArray] = {}
        self._changes: dict[str, BoolArray] = {}

    def of(self, condition: Condition | None) -> BoolArray:
        """A truth value for each row: whether the condition holds at it; None holds nowhere."""
        if condition is None:
            return np.zeros(self.log.at_us.size, dtype=np.bool_)
        if condition not in self._known:
            self._known[condition] = self._any(condition)
        return self._known[condition]

    def _any(self, condition: Condition) -> BoolArray:
        mask = self._all(condition[0])
        for clause in condition[1:]:
            mask = mask | self._all(clause)
        return mask

    def _all(self, clause: Clause) -> BoolArray:
        mask = np.ones(self.log.at_us.size, dtype=np.bool_)
        for name, test in clause.tests.items():
            mask &= self._test(name, test)
        for name in clause.changed:
            mask &= self._changed(name)
        if clause.opened is not None:
            mask &= (self.log.row_start == np.arange(mask.size)) == clause.opened
        return mask

    def _test(self, name: str, test: Test) -> BoolArray:
        column = self.log.columns.get("service" if name.startswith("service.") else name)
        if column is None:
            return np.full(self.log.at_us.size, test.holds(None))
        texts = [self._fact(name, text) for text in column.values]
        # The code of a missing value is -1, so its answer stands last.
        answers: BoolArray = np.array([*(test.holds(text) for text in texts), test.holds(None)], dtype=np.bool_)
        found: BoolArray = answers[column.codes]
        return found

    def _fact(self, name: str, text: str) -> str | None:
        if not name.startswith("service."):
            return text
        service = self.services.get(text)
        return None if service is None else service.fact(name)

    def _changed(self, name: str) -> BoolArray:
        if name not in self._changes:
            column = self.log.columns.get(name)
            changed = np.zeros(self.log.at_us.size, dtype=np.bool_)
            if column is not None and changed.size:
                changed[1:] = (column.codes[1:] != column.codes[:-1]) & (column.codes[1:] >= 0)
                changed[self.log.offsets[:-1][np.diff(self.log.offsets) > 0]] = False  # the first event changes nothing
            self._changes[name] = changed
        return self._changes[name]
