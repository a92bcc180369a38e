"""Layers of live histories: tickets as of some news, whole, and what earlier layers hold of them.

In each layer tickets that are over lie apart: live, they are asked for nothing but their sums, of which only what is recent
is kept one by one (see features/recent_sums.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.histories import Histories
from features.recent_sums import MOST_COLUMNS, Recent
from features.shared_indices import Index, IndexedDesk
from features.snapshots import OPEN_STATUSES, is_open
from sla.agreements.agreement_set import AgreementSet
from sla.events import EventLog
from sla.instants import DAY_US, BoolArray, Int64Array

NOTHING = np.empty(0, np.int64)
T = TypeVar("T")


@dataclass(frozen=True)
class Kept:
    """How much of the sums over other tickets is kept in memory: changes of the last `recent_us` before the last record one by one.

    Of at most `few_tickets` histories of their own are made: a page must not look through the rows of all open tickets.
    The longest window a feature looks back is four weeks; earlier instants cost whole histories. Parts of at most
    `whole_rows` are kept whole. Sums are made of about `block_rows` at a time.
    """

    recent_us: int = 35 * DAY_US
    whole_rows: int = 20_000
    block_rows: int = 125_000
    few_tickets: int = 200


class Whole:
    """What makes the histories of all tickets of a log, when they are first asked for."""

    def __init__(self, log: EventLog, agreements: AgreementSet) -> None:
        self._log, self._agreements = log, agreements
        self._made: Histories | None = None

    @property
    def histories(self) -> Histories:
        """The histories, made once."""
        if self._made is None:
            self._made = Histories.from_log(self._log, self._agreements)
        return self._made


@dataclass(frozen=True)
class Tickets:
    """Some tickets whole: their events as recorded, their histories, and which of them a later layer holds anew.

    What is made of the events is made when it is asked for, once for all copies that differ in `superseded` alone.
    """

    log: EventLog
    agreements: AgreementSet
    kept: Kept
    are_over: bool = False
    superseded: Int64Array = field(default_factory=lambda: NOTHING)
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def histories(self) -> Histories:
        """The histories of all of the tickets."""
        return self._whole.histories

    @property
    def _whole(self) -> Whole:
        return self._once("whole", lambda: Whole(self.log, self.agreements))

    @property
    def is_long(self) -> bool:
        """Whether only what is recent of the sums is kept, and of tickets that are over no histories."""
        return len(self) > self.kept.whole_rows

    def histories_of(self, tickets: Int64Array) -> tuple[Histories, Int64Array]:
        """Histories that hold some tickets (places), and the place of each of them there."""
        if not self.is_long or (len(tickets) > self.kept.few_tickets and not self.are_over):
            return self.histories, tickets
        wanted, places = np.unique(tickets, return_inverse=True)
        return Histories.from_log(self.log.of_tickets(wanted), self.agreements), places.reshape(-1)

    def open_at(self, at_us: int) -> Int64Array:
        """The places of the tickets that were open as known at an instant and are not superseded, ascending."""
        asked = np.arange(len(self.log.ticket_ids))
        if self.are_over:
            asked = np.flatnonzero(self._settled_us > at_us)
        if len(self.superseded):
            asked = np.setdiff1d(asked, self.superseded, assume_unique=True)
        if not len(asked):
            return asked
        histories, places = self.histories_of(asked)
        step = histories.search.at(places, np.full(len(places), at_us))
        opened: Int64Array = asked[(step >= 0) & is_open(histories)[step]]
        return opened

    @property
    def _settled_us(self) -> Int64Array:
        """One a ticket: when all its records are known, those of one instant a microsecond after each other."""
        counts = np.diff(self.log.offsets)
        return self._once("settled", lambda: np.maximum.reduceat(self._known_us, self.log.offsets[:-1]) + counts)

    @property
    def _known_us(self) -> Int64Array:
        """When each row counts; of tickets that are over it is asked seldom, and not kept."""
        return np.maximum(self.log.at_us, self.log.recorded_us)

    def among_others(self, indices: tuple[Index, ...], target: str) -> Histories:
        """Histories that answer for these tickets where features ask for sums over other tickets."""
        if not self.is_long or any(len(index.key) > MOST_COLUMNS for index in indices):
            return self.histories
        return self._once((indices, target), lambda: self._recent(indices, target))

    def _recent(self, indices: tuple[Index, ...], target: str) -> IndexedDesk:
        recent = self.recent(indices, target, int(self._known_us.max()) - self.kept.recent_us)
        return recent.desk(self._blocks() if self.are_over else [lambda: self.histories])

    def recent(self, indices: tuple[Index, ...], target: str, since_us: int) -> Recent:
        """What makes the sums over these tickets that are kept from an instant on."""
        whole = self._whole  # and not `self`, which holds what is made of it: what refers to itself is freed late
        return Recent(self.log, self.agreements, since_us, indices, target, lambda: whole.histories)

    def recent_desks(self) -> dict[tuple[tuple[Index, ...], str], tuple[IndexedDesk, int]]:
        """The sums made so far of which only what is recent is kept, and since when, by their indices and target."""
        made = dict(self._made)  # another thread may be making more
        return {name: (desk, desk.since_us) for name, desk in made.items() if isinstance(desk, IndexedDesk)}

    def know_recent(self, recent: Recent, desk: IndexedDesk) -> None:
        """Nothing; afterwards these sums, made elsewhere, answer for the tickets."""
        self._made[tuple(recent.indices), recent.target] = desk

    def _blocks(self) -> list[Callable[[], Histories]]:
        """What makes histories of some of the tickets, and of the next."""
        edges = np.searchsorted(self.log.offsets, np.arange(0, len(self) + self.kept.block_rows, self.kept.block_rows))
        bounds = np.unique(np.minimum(edges, len(self.log.ticket_ids))).tolist()
        return [partial(self._block, first, last) for first, last in pairwise(bounds)]

    def _block(self, first: int, last: int) -> Histories:
        return Histories.from_log(self.log.of_tickets(np.arange(first, last)), self.agreements)

    def _once(self, name: Any, make: Callable[[], T]) -> T:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self.log.at_us)

    def places(self, ticket_ids: NDArray[np.object_]) -> Int64Array:
        """The place of each ticket, -1 for those that are not here."""
        known = self.log.ticket_ids
        if not len(known):
            return np.full(len(ticket_ids), -1)
        place = np.minimum(np.searchsorted(known, ticket_ids), len(known) - 1)
        return np.where(known[place] == ticket_ids, place, -1)

    def alone(self, places: Int64Array) -> Tickets:
        """Those at some places (ascending), with what is made of them."""
        return Tickets(self.log.of_tickets(places), self.agreements, self.kept, self.are_over)

    def without(self, places: Int64Array) -> Tickets:
        """The same tickets, of which those at some places are now held by a later layer."""
        return replace(self, superseded=np.union1d(self.superseded, places)) if len(places) else self

    def current(self) -> EventLog:
        """The events of the tickets that no later layer holds."""
        if not len(self.superseded):
            return self.log
        return self.log.of_tickets(np.setdiff1d(np.arange(len(self.log.ticket_ids)), self.superseded))


@dataclass(frozen=True)
class Layer:
    """Tickets as of some news: those still open and those that are over; `gone`: what earlier layers hold of them."""

    open: Tickets
    over: Tickets
    gone: Tickets

    @classmethod
    def of(cls, log: EventLog, gone: EventLog, agreements: AgreementSet, kept: Kept) -> Layer:
        """The layer of a log as recorded that takes the place of what earlier layers hold of its tickets."""
        goes_on = _is_open_at_last(log)
        opened, over = (
            log.of_tickets(some) if len(some) else joined([]) for some in map(np.flatnonzero, (goes_on, ~goes_on))
        )
        return cls(
            Tickets(_stored(opened, kept), agreements, kept),
            Tickets(_stored(over, kept), agreements, kept, are_over=True),
            Tickets(gone, agreements, kept),
        )

    def __len__(self) -> int:
        return len(self.open) + len(self.over) + len(self.gone)

    def merged(self, later: Layer, agreements: AgreementSet) -> Layer:
        """One layer for this one and the next."""
        current = [tickets.current() for tickets in (self.open, self.over)]
        ids = later.gone.log.ticket_ids
        is_from_here = (self.open.places(ids) >= 0) | (self.over.places(ids) >= 0)
        gone = [self.gone.log, later.gone.log.of_tickets(np.flatnonzero(~is_from_here))]
        return Layer.of(joined([*current, later.open.log, later.over.log]), joined(gone), agreements, self.open.kept)


def _stored(log: EventLog, kept: Kept) -> EventLog:
    """The log as it is kept: a long one packed."""
    return log.packed() if len(log.at_us) > kept.whole_rows else log


def joined(logs: Sequence[EventLog]) -> EventLog:
    """One log of the events of some."""
    filled = [log for log in logs if len(log.at_us)]
    if not filled:
        return _nothing_logged()
    return filled[0] if len(filled) == 1 else EventLog.joined(filled)


@cache
def _nothing_logged() -> EventLog:
    nothing = np.empty(0, object)
    return EventLog.from_columns(nothing, [], [], nothing, {})


def distinct(log: EventLog) -> EventLog:
    """The log without events that it holds twice; they lie side by side, because rows are sorted."""
    same = (log.row_ticket[1:] == log.row_ticket[:-1]) & (log.at_us[1:] == log.at_us[:-1])
    places = np.flatnonzero(same)
    ticket_ids, at_us = log.ticket_ids[log.row_ticket[places]], log.at_us[places]
    again = places[log.ids.is_same(places, places + 1, ticket_ids, at_us)] + 1
    if not len(again):
        return log
    rows = np.delete(np.arange(len(log.at_us)), again)
    counts = np.bincount(log.row_ticket[rows], minlength=len(log.ticket_ids)).astype(np.int64)
    return log.select(rows, np.arange(len(log.ticket_ids)), counts)


def _is_open_at_last(log: EventLog) -> BoolArray:
    """Whether each ticket is open when all its records are known."""
    status = log.columns.get("status")
    if status is None or not len(log.at_us):
        return np.ones(len(log.ticket_ids), np.bool_)
    opens = np.array([*(text in OPEN_STATUSES for text in status.values), True])
    goes_on: BoolArray = opens[status.filled(log.row_start).codes[log.offsets[1:] - 1]]
    return goes_on
