"""Histories: the events of many tickets in order, with what was known of each ticket step by step.

This is what features, labels and snapshots read. Everything derived is built once, vectorised, on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.knowledge import Steps, StepSearch
from features.schema import ATTRIBUTE_PREFIX, STATE_COLUMNS
from features.service_histories import ServiceHistories
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import VerdictArrays, verdicts_at
from sla.events import Column, EventLog
from sla.instants import Int64Array, to_us

T = TypeVar("T")
FEW_TICKETS, FEW_STEPS = 1_000, 5_000
NO_CODE = -2  # of no text, and not that of what is unknown
Desk: TypeAlias = tuple[tuple["Histories", int], ...]
"""Histories whose sums over other tickets are added (+1) or taken away (-1)."""


class Histories:
    """The histories of t tickets under an agreement set: an event log and its steps.

    `log` is filled (see EventLog.filled), for reading what a ticket looked like after a record; `steps` are in order of
    arrival and are what point-in-time code reads. Records of one ticket that bear the same instant count one microsecond
    after each other (`recorded_us` says so), because many systems write whole seconds or minutes: the instant itself
    shows the ticket after the first of them, as the desk first saw it. `services` tells what happened to the services that
    tickets name; without service events it is empty.

    Sums over other tickets run over the tickets of these histories, or over those of the `desk` where there is one: so
    histories of a few tickets can be looked at among all others (see features/live.py).
    """

    desk: Desk = ()

    def __init__(self, log: EventLog, agreements: AgreementSet, services: ServiceHistories | None = None) -> None:
        self._given, self._is_told_apart = log, True
        self.agreements = agreements
        self.services = services or ServiceHistories.none()
        self._built: dict[str, Any] = {}
        self._code_maps: WeakKeyDictionary[Histories, dict[Any, Any]] = WeakKeyDictionary()

    @classmethod
    def from_events(
        cls, events: pd.DataFrame, agreements: AgreementSet, service_events: pd.DataFrame | None = None
    ) -> Histories:
        """Histories of canonical ticket events and service events (features/schema.py) in any order of rows."""
        services = None if service_events is None else ServiceHistories.from_events(service_events)
        return cls.from_log(log_of(events), agreements, services)

    @classmethod
    def from_log(cls, log: EventLog, agreements: AgreementSet, services: ServiceHistories | None = None) -> Histories:
        """Histories of a log as recorded, in which records of one instant are not told apart yet."""
        found = cls(log, agreements, services)
        found._is_told_apart = False
        return found

    @property
    def log(self) -> EventLog:
        """The events, filled."""
        kept: EventLog | None = self._built.get("log")  # it is asked for at every turn
        if kept is not None:
            return kept
        return self.once("log", lambda: (self._given if self._is_told_apart else _told_apart(self._given)).filled())

    def among(self, desk: Desk, services: ServiceHistories) -> Histories:
        """The same histories, sharing what is built of them, with the sums over other tickets run over a desk.

        A desk of nothing but these histories is none: their own sums are those of the desk.
        """
        seen = Histories.__new__(type(self))
        seen.__dict__.update(self.__dict__)
        is_nobody_else = len(desk) == 1 and desk[0][1] == 1 and self.is_same(desk[0][0])
        seen.desk, seen.services = () if is_nobody_else else desk, services
        return seen

    def is_same(self, other: Histories) -> bool:
        """Whether both are the same histories, whatever desk they are looked at among."""
        return self._built is other._built

    @property
    def ticket_ids(self) -> NDArray[np.object_]:
        """The ids of the t tickets, sorted; every `ticket` index of snapshots and steps points here."""
        return self._given.ticket_ids

    @property
    def steps(self) -> Steps:
        """What was known, step by step."""
        kept: Steps | None = self._built.get("steps")  # as of the log
        return self.once("steps", lambda: Steps.of(self.log)) if kept is None else kept

    @property
    def search(self) -> StepSearch:
        """Finds the step in force for a ticket at an instant."""
        return self.once("search", lambda: StepSearch(self.steps))

    @cached_property
    def last_known_us(self) -> int:
        """When the last record of all became known; 0 for an empty log."""
        return int(self.steps.known_us.max()) if len(self.steps) else 0

    def known_by(self, at: datetime | int) -> Histories:
        """The histories as they were known at an instant (aware datetime or microseconds): later records are gone."""
        at_us = at if isinstance(at, int) else to_us(at)
        return Histories(self.log.visible(at_us), self.agreements, self.services.known_by(at_us))

    def codes(self, column: str) -> NDArray[np.int32]:
        """The codes of a column after each step, -1 where nothing is known; all -1 if the log has no such column."""
        found = self.steps.codes.get(column)
        return np.full(len(self.steps), -1, np.int32) if found is None else found

    def values(self, column: str) -> tuple[str, ...]:
        """The texts that the codes of a column stand for."""
        found = self._given.columns.get(column)
        return () if found is None else found.values

    def is_value(self, column: str, *texts: str) -> NDArray[np.bool_]:
        """Whether a column holds one of the texts, for each step."""
        wanted = [code for code, text in enumerate(self.values(column)) if text in texts]
        if len(wanted) > 1:
            return np.isin(self.codes(column), wanted)
        is_so: NDArray[np.bool_] = self.codes(column) == (wanted[0] if wanted else NO_CODE)
        return is_so

    def is_named(self, column: str) -> NDArray[np.bool_]:
        """Whether a column is known and not empty, for each step."""
        is_known: NDArray[np.bool_] = self.codes(column) >= 0
        return is_known & ~self.is_value(column, "") if "" in self.values(column) else is_known

    def states_at(self, ticket: Int64Array, at_us: Int64Array, column: str) -> NDArray[np.object_]:
        """The text a column held for tickets at instants, as known then; None where nothing was known."""
        texts = np.array([*self.values(column), None], dtype=object)
        step = self.search.at(ticket, at_us)
        found: NDArray[np.object_] = texts[np.where(step >= 0, self.codes(column)[step], -1)]
        return found

    def verdicts(self, target: str, ticket: Int64Array, at_us: Int64Array) -> VerdictArrays:
        """The verdicts of a target on tickets at instants (see verdicts_at), to be read only.

        The last answer about few tickets is kept: whoever asks about a ticket asks for its row and for its features.
        """
        name = f"last verdicts on {target}"
        kept: tuple[Int64Array, Int64Array, VerdictArrays] | None = self._built.get(name)
        if kept is not None and np.array_equal(kept[0], ticket) and np.array_equal(kept[1], at_us):
            return kept[2]
        if len(ticket) <= FEW_TICKETS:
            found = self._verdicts_of_few(target, ticket, at_us)
            self._built[name] = ticket.copy(), at_us.copy(), found
            return found
        return verdicts_at(self.log, self.agreements, target, ticket, at_us)

    def step_verdicts(self, target: str) -> VerdictArrays:
        """The verdict of a target on each step's ticket when the step became known, to be read only; kept of few steps alone."""
        kept: VerdictArrays | None = self._built.get(_of_steps(target))
        if kept is not None:
            return kept
        return verdicts_at(self.log, self.agreements, target, self.steps.ticket, self.steps.known_us)

    def _verdicts_of_few(self, target: str, ticket: Int64Array, at_us: Int64Array) -> VerdictArrays:
        """The same as `verdicts`; of short histories those of all steps are found beside them, which features ask for next."""
        steps = self.steps
        if len(steps) > FEW_STEPS or _of_steps(target) in self._built:
            return verdicts_at(self.log, self.agreements, target, ticket, at_us)
        tickets, instants = np.concatenate([ticket, steps.ticket]), np.concatenate([at_us, steps.known_us])
        found = verdicts_at(self.log, self.agreements, target, tickets, instants)
        self._built[_of_steps(target)] = found.take(np.arange(len(ticket), len(tickets)))
        return found.take(np.arange(len(ticket)))

    def once(self, name: str, build: Callable[[], T]) -> T:
        """What `build` returns, built at the first call under this name and kept.

        Threads may share histories: two that ask at the same time may both build, and what they build is equal.
        """
        if name not in self._built:
            self._built[name] = build()
        return self._built[name]  # type: ignore[no-any-return]

    def code_map(self, key: Hashable, other: Histories, build: Callable[[], T]) -> T:
        """What `build` returns, built once for a key and other histories, and kept as long as those live."""
        maps = self._code_maps.setdefault(other, {})
        if key not in maps:
            maps[key] = build()
        return maps[key]  # type: ignore[no-any-return]


def _of_steps(target: str) -> str:
    return f"step verdicts on {target}"


def log_of(events: pd.DataFrame) -> EventLog:
    """The log of canonical ticket events in any order of rows, as recorded."""
    names = [
        name
        for name in events.columns
        if name in (*STATE_COLUMNS, "kind", "actor_kind") or name.startswith(ATTRIBUTE_PREFIX)
    ]
    return EventLog.from_columns(
        events["ticket_id"].to_numpy(object),
        _instants_us(events["event_at"]),
        _instants_us(events["recorded_at"]),
        events["event_id"].to_numpy(object),
        {name: _column(events[name]) for name in names},
    )


def _told_apart(log: EventLog) -> EventLog:
    if len(log.at_us) == len(log.ticket_ids) and (np.diff(log.offsets) == 1).all():  # no ticket has two
        return log
    order = np.lexsort((log.known_us, log.row_ticket))
    known_us = log.known_us[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (known_us[1:] != known_us[:-1]) | (log.row_ticket[order][1:] != log.row_ticket[order][:-1])
    places = np.arange(len(order))
    since = places - np.maximum.accumulate(np.where(begins, places, 0)) if len(order) else places
    recorded_us = log.recorded_us.copy()
    recorded_us[order[since > 0]] = (known_us + since)[since > 0]
    return replace(log, recorded_us=recorded_us)


def _instants_us(instants: pd.Series[Any]) -> Int64Array:
    values: Int64Array = instants.dt.tz_convert("UTC").to_numpy("datetime64[us]").view("int64")
    return values


def _column(values: pd.Series[Any]) -> Column:
    codes, texts = pd.factorize(values, sort=True)
    return Column(codes.astype(np.int32), tuple(str(text) for text in texts))
