"""What was known of each ticket, step by step: one step for each record, in the order in which records arrived.

A record counts from the later of `event_at` and `recorded_at` on. Records may arrive late and out of order, so the state
after a step is, for each column, the value of the LATEST EVENT AMONG THE RECORDS THAT HAD ARRIVED: a late record about
the past fills what was unknown but never overwrites what happened after it. For logs whose records arrive in order this
is plain forward filling. Everything that features know of a ticket's path is read from these steps, so nothing recorded
after an instant can change a feature at that instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sla.clocks.row_runs import last_row
from sla.events import EventLog
from sla.instants import NEVER_US, SECOND_US, BoolArray, Int64Array

Codes = NDArray[np.int32]
S = TypeVar("S", bound=np.generic)
EVENT_COLUMNS = ("kind", "actor_kind")
"""Columns that describe one event and are not carried forward."""


@dataclass(frozen=True)
class Steps:
    """Steps of all tickets, sorted by ticket and then by arrival; arrays of one length n unless said otherwise."""

    ticket: Int64Array
    offsets: Int64Array  # tickets + 1
    known_us: Int64Array  # when the record counted first
    at_us: Int64Array  # when it happened
    row: Int64Array  # the record's row in the event log
    codes: Mapping[str, Codes]  # the state as known after the step; -1 = never heard of

    @classmethod
    def of(cls, log: EventLog) -> Steps:
        """The steps of an event log, filled or not."""
        ticket, known_us = log.row_ticket, log.known_us
        is_in_order = (known_us[1:] >= known_us[:-1]) | (ticket[1:] != ticket[:-1])
        if log.as_recorded is not None and is_in_order.all():  # then what was known is what had happened: share it
            codes = {name: column.codes for name, column in log.columns.items()}
            return cls(ticket, log.offsets, known_us, log.at_us, np.arange(len(ticket)), codes)
        log = log.unfilled()
        row = np.lexsort((known_us, ticket))  # stable: records that arrive together stay in order of event
        known_us = known_us[row]
        first_row = log.offsets[ticket]
        codes = {
            name: column.codes[row] if name in EVENT_COLUMNS else _filled(column.codes, row, first_row)
            for name, column in log.columns.items()
        }
        return cls(ticket, log.offsets, known_us, log.at_us[row], row, codes)

    def __len__(self) -> int:
        return len(self.ticket)

    @cached_property
    def has_one_each(self) -> bool:
        """Whether every ticket has one step: nothing came before any, so what tickets that come with a question have done is soon told."""
        return len(self) == len(self.offsets) - 1 and bool((np.diff(self.offsets) == 1).all())

    @property
    def is_first(self) -> BoolArray:
        """Whether the step is the first of its ticket."""
        if self.has_one_each:
            return np.ones(len(self), np.bool_)
        first: BoolArray = np.arange(len(self)) == self.offsets[self.ticket]
        return first

    @property
    def opened_us(self) -> Int64Array:
        """One a ticket: when what its first record tells of happened; 0 for a ticket without records."""
        if self.has_one_each:
            return self.at_us
        has_any = np.diff(self.offsets) > 0
        opened_us = np.zeros(len(has_any), np.int64)
        opened_us[has_any] = self.at_us[self.offsets[:-1][has_any]]
        return opened_us

    @property
    def is_last_of_second(self) -> BoolArray:
        """Whether no other record of the same ticket arrived in the same second and later."""
        return self.next_known_us // SECOND_US > self.known_us // SECOND_US

    @property
    def next_known_us(self) -> Int64Array:
        """When the same ticket's next step arrived; the largest int64 after the last."""
        later = np.full(len(self), np.iinfo(np.int64).max)
        inside = ~self.is_first[1:]
        later[:-1][inside] = self.known_us[1:][inside]
        return later

    @property
    def changes_so_far(self) -> Int64Array:
        """How many steps of the ticket changed any part of its state, this one included."""
        changes = np.zeros(len(self), np.bool_)
        for name, codes in self.codes.items():
            if name not in EVENT_COLUMNS:
                changes |= self.changed(codes)
        return self.running_total(changes)

    def changed(self, values: NDArray[np.generic]) -> BoolArray:
        """Whether `values` (one a step) differ from those of the same ticket's step before; a first step has no change."""
        out = np.zeros(len(self), np.bool_)
        if self.has_one_each:
            return out
        out[1:] = values[1:] != values[:-1]
        return out & ~self.is_first

    def previous(self, values: NDArray[S], first: int | bool) -> NDArray[S]:
        """The values (one a step) at the same ticket's step before, `first` where there is none."""
        out = np.full(len(values), first, values.dtype)
        if self.has_one_each:
            return out
        out[1:] = values[:-1]
        out[self.is_first] = first
        return out

    def running_total(self, amounts: Int64Array | BoolArray) -> Int64Array:
        """Per ticket, the sum of int amounts over its steps so far, this one included."""
        if self.has_one_each:
            return amounts.astype(np.int64)
        sums = np.cumsum(amounts, dtype=np.int64)
        first = self.offsets[self.ticket]
        total: Int64Array = sums - sums[first] + amounts[first]
        return total

    def latest(self, marked: BoolArray) -> Int64Array:
        """Per step, the ticket's last marked step so far (this one included), -1 if there is none."""
        places = np.where(marked, np.arange(len(self)), -1)
        if self.has_one_each:
            return places
        last = np.maximum.accumulate(places) if len(places) else places
        return np.where(last >= self.offsets[self.ticket], last, -1)

    def first_of_value(self, values: NDArray[np.integer[Any]]) -> BoolArray:
        """Whether the ticket holds the step's value for the first time (one whole number a step)."""
        if self.has_one_each or not len(self):
            return np.ones(len(self), np.bool_)
        least = int(values.min())
        keys = self.ticket * (int(values.max()) - least + 1) + values.astype(np.int64) - least
        order = np.argsort(keys, kind="stable")
        new = np.ones(len(self), np.bool_)
        new[1:] = keys[order][1:] != keys[order][:-1]
        out = np.empty(len(self), np.bool_)
        out[order] = new
        return out


class StepSearch:
    """Finds the step that was in force for a ticket at an instant, by halving the ticket's steps."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def at(self, ticket: Int64Array, at_us: Int64Array) -> Int64Array:
        """The last step known at each instant, those of that very instant included; -1 if nothing was known yet."""
        if len(at_us) and self._latest_us <= int(at_us.min()):  # as at any instant now: nothing to search for
            ends = self._steps.offsets[ticket + 1]
            return np.where(ends > self._steps.offsets[ticket], ends - 1, np.int64(-1))
        return last_row(self._steps.offsets, self._steps.known_us, ticket, at_us)

    @cached_property
    def _latest_us(self) -> int:
        """The latest instant at which any step became known."""
        return int(self._steps.known_us.max()) if len(self._steps) else -NEVER_US

    def before(self, ticket: Int64Array, at_us: Int64Array) -> Int64Array:
        """The last step known strictly before each instant; -1 if there was none."""
        return self.at(ticket, at_us - 1)


def _filled(codes: Codes, row: Int64Array, first_row: Int64Array) -> Codes:
    """The code of the latest event among the records that arrived so far and say something."""
    telling = np.where(codes[row] >= 0, row, -1)
    source = np.maximum.accumulate(telling) if len(telling) else telling
    filled: Codes = np.where(source >= first_row, codes[source], np.int32(-1))
    return filled
