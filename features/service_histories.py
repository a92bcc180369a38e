"""Service histories: outages, degradations, maintenance, changes and alerts of services, as sums along time.

An event counts from the later of `event_at` and `recorded_at` on, like a record of a ticket. Only an announcement (a
change or a maintenance that is recorded before it begins) counts earlier: as something ahead, from its record until it
begins. A service is in an outage while more outages began than ended, as far as records have arrived; an end without a
known beginning ends nothing. Of outages that overlap each must end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.prefix_sums import KeyedSums, Timeline
from sla.events import Column, EventLog
from sla.instants import DAY_US, BoolArray, Int64Array

COUNTED = ("outage", "degradation", "maintenance", "change", "alert")
"""Kinds whose beginnings are counted; checks and samples of latency are too many to tell anything by their number."""
LASTING = ("outage", "degradation", "maintenance")
ANNOUNCED = ("maintenance", "change")
AHEAD_US = DAY_US

BEGUN, ON_NOW, AHEAD, LAST_BEGUN, LAST_ENDED = "begun", "on now", "ahead", "last begun", "last ended"


@dataclass(frozen=True)
class ServiceSums:
    """Sums by service along time: `columns` names each pair of a kind and what is summed of it.

    Key 0 is no service, key k + 1 the service `names[k]`. "begun" counts beginnings, "on now" those not ended, "ahead"
    announcements that begin within 24 hours; "last begun" and "last ended" add up to an instant in microseconds, 0 for
    never: what each record adds to the latest instant known.
    """

    columns: dict[tuple[str, str], int]
    timeline: Timeline
    sums: KeyedSums


class ServiceHistories:
    """The events of services, sorted by service and instant, with what was known of each when."""

    def __init__(self, log: EventLog) -> None:
        self.log = log

    @classmethod
    def from_events(cls, events: pd.DataFrame) -> ServiceHistories:
        """Service histories of canonical service events (features/schema.py) in any order of rows."""
        return cls(
            EventLog.from_columns(
                events["service"].to_numpy(object),
                _instants_us(events["event_at"]),
                _instants_us(events["recorded_at"]),
                events["event_id"].to_numpy(object),
                {name: Column.from_values(events[name].to_numpy(object)) for name in ("kind", "phase")},
            )
        )

    @classmethod
    def none(cls) -> ServiceHistories:
        """Histories of no service, always the same: who knows of none asks for their sums with every ticket."""
        return _of_nothing()

    @property
    def names(self) -> tuple[str, ...]:
        """The services that have events, sorted."""
        return tuple(str(name) for name in self.log.ticket_ids)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The counted kinds that occur, in the order of COUNTED."""
        return tuple(kind for kind in COUNTED if self._is("kind", kind).any())

    def known_by(self, at_us: int) -> ServiceHistories:
        """The histories as recorded by an instant: an announcement stays, although it has not begun."""
        rows = np.flatnonzero(self.log.recorded_us <= at_us)
        counts = np.bincount(self.log.row_ticket[rows], minlength=self.log.ticket_ids.size).astype(np.int64)
        return ServiceHistories(self.log.select(rows, np.flatnonzero(counts), counts[counts > 0]))

    @cached_property
    def sums(self) -> ServiceSums:
        """What happened to each service, as sums along time."""
        known = _Arrivals.of(self.log)
        amounts: dict[tuple[str, str], Int64Array] = {}
        for kind in COUNTED:
            is_kind, starts, ends = self._is("kind", kind), self._is("phase", "start"), self._is("phase", "end")
            begins, ends = is_kind & ~ends, is_kind & ~starts
            amounts[kind, BEGUN] = begins[known.row].astype(np.int64)
            if kind in LASTING:
                amounts[kind, ON_NOW] = known.on_now((is_kind & starts)[known.row], (is_kind & ~begins)[known.row])
            if kind == "outage":
                amounts[kind, LAST_BEGUN] = known.latest(begins)
                amounts[kind, LAST_ENDED] = known.latest(ends)
        columns = {name: place for place, name in enumerate(amounts)}
        at_us, service, ahead = self._announcements(len(columns))
        columns |= {(kind, AHEAD): len(amounts) + place for place, kind in enumerate(ANNOUNCED)}
        table = np.zeros((len(known.row), len(columns)), np.int64)
        table[:, : len(amounts)] = np.stack(list(amounts.values()), axis=1)
        timeline = Timeline.of(np.concatenate([known.at_us, at_us]))
        keys = np.concatenate([known.service, service]) + 1
        return ServiceSums(columns, timeline, KeyedSums(timeline, keys, len(self.names) + 1, np.vstack([table, ahead])))

    def _announcements(self, first: int) -> tuple[Int64Array, Int64Array, NDArray[np.int64]]:
        """Instants, services and amounts (columns from `first` on, one a kind): within 24 hours, and begun."""
        log = self.log
        kinds = np.stack([self._is("kind", kind) & ~self._is("phase", "end") for kind in ANNOUNCED], axis=1)
        rows = np.flatnonzero(kinds.any(axis=1) & (log.recorded_us < log.at_us))
        amounts = np.zeros((len(rows), first + len(ANNOUNCED)), np.int64)
        amounts[:, first:] = kinds[rows]
        near_us = np.maximum(log.recorded_us[rows], log.at_us[rows] - AHEAD_US)
        service = log.row_ticket[rows]
        return (
            np.concatenate([near_us, log.at_us[rows]]),
            np.concatenate([service, service]),
            np.vstack([amounts, -amounts]),
        )

    def _is(self, column: str, text: str) -> BoolArray:
        found = self.log.columns[column]
        wanted = [code for code, value in enumerate(found.values) if value == text]
        return np.isin(found.codes, wanted)


@cache
def _of_nothing() -> ServiceHistories:
    nothing = np.empty(0, object)
    return ServiceHistories(EventLog.from_columns(nothing, [], [], nothing, {"kind": nothing, "phase": nothing}))


@dataclass(frozen=True)
class _Arrivals:
    """The rows of a log by service and arrival; of one instant the ends come last, so that what took no time is over too."""

    log: EventLog
    row: Int64Array
    service: Int64Array
    at_us: Int64Array  # since when the row counts

    @classmethod
    def of(cls, log: EventLog) -> _Arrivals:
        phase = log.columns["phase"]
        is_end = np.array([*(value == "end" for value in phase.values), False])[phase.codes]  # code -1 is the last
        row = np.lexsort((is_end, log.known_us, log.row_ticket))
        return cls(log, row, log.row_ticket[row], log.known_us[row])

    def on_now(self, begins: BoolArray, ends: BoolArray) -> Int64Array:
        """What each arrival adds to the number of things going on, which never falls below zero."""
        balance = np.cumsum(begins.astype(np.int64) - ends)
        first = self.log.offsets[self.service]
        balance -= np.append(balance, 0)[first - 1]  # of the services before; place -1 is the appended zero
        far = 2 * len(balance) + 2  # each service lies so far below the one before that none remembers it
        lowest = np.minimum.accumulate(np.minimum(balance, 0) - self.service * far) + self.service * far
        return self._added(balance - lowest)

    def latest(self, marked: BoolArray) -> Int64Array:
        """What each arrival adds to the latest instant of the marked rows; rows of a service are in order of instant."""
        places = np.where(marked[self.row], self.row, -1)
        last = np.maximum.accumulate(places) if len(places) else places
        return self._added(np.where(last >= self.log.offsets[self.service], self.log.at_us[last], 0))

    def _added(self, level: Int64Array) -> Int64Array:
        before = np.zeros_like(level)
        before[1:] = level[:-1]
        before[self.log.offsets[:-1][np.diff(self.log.offsets) > 0]] = 0
        return level - before


def _instants_us(instants: pd.Series[Any]) -> Int64Array:
    values: Int64Array = instants.dt.tz_convert("UTC").to_numpy("datetime64[us]").view("int64")
    return values
