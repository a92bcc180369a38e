"""Live histories: everything known so far in memory, brought up to date in time proportional to the new events.

Histories are arrays and are never changed. What is new makes a small layer of its own: the touched tickets whole, with
all their events, and beside them what earlier layers held of these tickets, to be taken away from all sums. Sums are of
integers and add up ticket by ticket, so layers together give exactly what one rebuild would. Layers are merged when a
later one has grown to a share of the one before it (as in a log-structured merge tree: O'Neil and others, 1996), so an
event is built again only a few times, whatever the size of the log. In each layer, tickets that are over lie apart:
live, they are asked for nothing but their sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.histories import Desk, Histories, log_of
from features.pipeline import build
from features.service_histories import ServiceHistories
from features.snapshots import OPEN_STATUSES, SnapshotKind, Snapshots, is_open, open_snapshots
from features.spec import FeatureSpec
from features.text import TextEncoder
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import VerdictArrays, VerdictState, verdicts_at
from sla.events import EventLog
from sla.instants import BoolArray, Int64Array

NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True)
class Tickets:
    """Some tickets whole: their events as recorded, their histories, and which of them a later layer holds anew."""

    log: EventLog
    histories: Histories
    superseded: Int64Array = field(default_factory=lambda: NOTHING)

    @classmethod
    def of(cls, log: EventLog, agreements: AgreementSet) -> Tickets:
        """The tickets of a log as recorded."""
        return cls(log, Histories.from_log(log, agreements))

    def __len__(self) -> int:
        return len(self.log.at_us)

    def places(self, ticket_ids: NDArray[np.object_]) -> Int64Array:
        """The place of each ticket, -1 for those that are not here."""
        known = self.log.ticket_ids
        if not len(known):
            return np.full(len(ticket_ids), -1)
        place = np.minimum(np.searchsorted(known, ticket_ids), len(known) - 1)
        return np.where(known[place] == ticket_ids, place, -1)

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
    def of(cls, log: EventLog, gone: EventLog, agreements: AgreementSet) -> Layer:
        """The layer of a log as recorded that takes the place of what earlier layers hold of its tickets."""
        goes_on = _is_open_at_last(log)
        parts = (log.of_tickets(np.flatnonzero(goes_on)), log.of_tickets(np.flatnonzero(~goes_on)), gone)
        return cls(*(Tickets.of(part, agreements) for part in parts))

    def __len__(self) -> int:
        return len(self.open) + len(self.over) + len(self.gone)

    def merged(self, later: Layer, agreements: AgreementSet) -> Layer:
        """One layer for this one and the next."""
        kept = [tickets.current() for tickets in (self.open, self.over)]
        ids = later.gone.log.ticket_ids
        is_from_here = (self.open.places(ids) >= 0) | (self.over.places(ids) >= 0)
        gone = [self.gone.log, later.gone.log.of_tickets(np.flatnonzero(~is_from_here))]
        return Layer.of(_joined([*kept, later.open.log, later.over.log]), _joined(gone), agreements)


@dataclass(frozen=True)
class LiveHistories:
    """All tickets known so far. Never changed: `with_news` returns others, so readers in other threads see one state.

    A ticket's number (in snapshots) holds for one state only. A layer is merged into the one before it when that has at
    most `share` times its rows, or `fewest` rows; `rows_built` counts all rows of which histories were ever made.
    """

    agreements: AgreementSet
    services: ServiceHistories = field(default_factory=ServiceHistories.none)
    layers: tuple[Layer, ...] = ()
    share: int = 8
    fewest: int = 2_000
    rows_built: int = 0

    @classmethod
    def of(cls, events: pd.DataFrame, agreements: AgreementSet) -> LiveHistories:
        """The state that knows these canonical ticket events."""
        return cls(agreements).with_news(events)

    def with_news(self, events: pd.DataFrame) -> LiveHistories:
        """The state that knows further ticket events too: late, early, about tickets finished or never heard of.

        Events known already (the same ticket, instant and id) change nothing.
        """
        return self.with_logs([log_of(events)])

    def with_logs(self, logs: Sequence[EventLog]) -> LiveHistories:
        """The same for events that are logs already (features.histories.log_of), so that few frames need be in memory."""
        fresh = _joined(logs)
        if not len(fresh.at_us):
            return self
        layers, gone = self._parted(fresh.ticket_ids)
        log = _distinct(_joined([gone, fresh]))
        if len(log.at_us) == len(gone.at_us):
            return self
        layers.append(Layer.of(log, gone, self.agreements))
        rows_built = self.rows_built + len(layers[-1])
        while len(layers) > 1 and len(layers[-2]) <= max(self.share * len(layers[-1]), self.fewest):
            later = layers.pop()
            layers[-1] = layers[-1].merged(later, self.agreements)
            rows_built += len(layers[-1])
        return replace(self, layers=tuple(layers), rows_built=rows_built)

    def with_service_news(self, events: pd.DataFrame) -> LiveHistories:
        """The state that knows further service events too."""
        fresh = ServiceHistories.from_events(events)
        return replace(self, services=ServiceHistories(EventLog.joined([self.services.log, fresh.log])))

    def under(self, agreements: AgreementSet) -> LiveHistories:
        """The same events under other agreements: everything is built again."""
        log = _joined([part.current() for part in self._held])
        layers = (Layer.of(log, _joined([]), agreements),) if len(log.at_us) else ()
        return replace(self, agreements=agreements, layers=layers, rows_built=self.rows_built + len(log.at_us))

    def _parted(self, ticket_ids: NDArray[np.object_]) -> tuple[list[Layer], EventLog]:
        """The layers with some tickets superseded, and the events that they held of these."""
        layers, gone, wanted = list(self.layers), [], ticket_ids
        for index in reversed(range(len(layers))):
            layer = layers[index]
            parts = []
            for tickets in (layer.open, layer.over):
                places = tickets.places(wanted)
                found = places[places >= 0]
                wanted = wanted[places < 0]
                gone.append(tickets.log.of_tickets(found))
                parts.append(tickets.without(found))
            layers[index] = replace(layer, open=parts[0], over=parts[1])
        return layers, _joined(gone)

    # ---- asking

    @cached_property
    def _held(self) -> tuple[Tickets, ...]:
        return tuple(part for layer in self.layers for part in (layer.open, layer.over) if len(part))

    @cached_property
    def _first(self) -> Int64Array:
        """The number of the first ticket of each part."""
        return np.cumsum([0, *(len(part.log.ticket_ids) for part in self._held)])

    @cached_property
    def _desk(self) -> Desk:
        held = [(part.histories, 1) for part in self._held]
        return (*held, *((layer.gone.histories, -1) for layer in self.layers if len(layer.gone)))

    def number(self, ticket_id: str) -> int | None:
        """The number of a ticket, None if nothing was ever heard of it."""
        wanted = np.array([ticket_id], object)
        for index in reversed(range(len(self._held))):  # a later layer knows better
            place = int(self._held[index].places(wanted)[0])
            if place >= 0:
                return int(self._first[index]) + place
        return None

    def open_snapshots(self, at_us: int) -> Snapshots:
        """A LIVE snapshot of every ticket that was open as known at an instant."""
        found = []
        for part, first in zip(self._held, self._first.tolist(), strict=False):
            if self._is_over(part) and at_us >= part.histories.last_known_us:
                continue
            opened = open_snapshots(part.histories, at_us)
            opened = opened.take(~np.isin(opened.ticket, part.superseded))
            found.append(replace(opened, ticket=opened.ticket + first))
        return Snapshots.concatenated(found) if found else Snapshots(NOTHING, NOTHING, NOTHING.astype(np.int8))

    def looked_at(self, ticket_id: str, at_us: int) -> Snapshots | None:
        """A LIVE snapshot of one ticket, open or over; None where nothing was known of it at the instant."""
        number = self.number(ticket_id)
        if number is None:
            return None
        kind = np.array([SnapshotKind.LIVE], np.int8)
        snapshots = Snapshots(np.array([number]), np.array([at_us]), kind)
        ((_, histories, mine),) = self.parts(snapshots)
        return snapshots if histories.search.at(mine.ticket, mine.at_us)[0] >= 0 else None

    def is_open(self, snapshots: Snapshots) -> BoolArray:
        """Whether each snapshot's ticket was open as known then; something must have been known."""
        found = np.zeros(len(snapshots), np.bool_)
        for rows, histories, mine in self.parts(snapshots):
            found[rows] = is_open(histories)[histories.search.at(mine.ticket, mine.at_us)]
        return found

    def _is_over(self, part: Tickets) -> bool:
        return any(part is layer.over for layer in self.layers)

    def parts(self, snapshots: Snapshots) -> Iterator[tuple[Int64Array, Histories, Snapshots]]:
        """The snapshots by the histories that hold their tickets: places, histories among all others, snapshots there."""
        owner = np.searchsorted(self._first, snapshots.ticket, side="right") - 1
        for index in np.unique(owner).tolist():
            rows = np.flatnonzero(owner == index)
            mine = snapshots.take(rows)
            mine = replace(mine, ticket=mine.ticket - self._first[index])
            yield rows, self._held[index].histories.among(self._desk, self.services), mine

    def ticket_ids(self, snapshots: Snapshots) -> NDArray[np.object_]:
        """The id of each snapshot's ticket."""
        ids = np.empty(len(snapshots), object)
        for rows, histories, mine in self.parts(snapshots):
            ids[rows] = histories.ticket_ids[mine.ticket]
        return ids

    def matrix(
        self,
        snapshots: Snapshots,
        spec: FeatureSpec,
        target: str = "resolution",
        *,
        text: TextEncoder | None = None,
    ) -> pd.DataFrame:
        """The feature matrix of the snapshots, exactly as `features.pipeline.build` over one rebuild would give it."""
        columns = np.empty((len(spec.features), len(snapshots)), np.float64)
        for rows, histories, mine in self.parts(snapshots):
            columns[:, rows] = build(histories, mine, spec, target, text=text).to_numpy().T
        return pd.DataFrame(columns.T, columns=spec.names, copy=False)

    def verdicts(self, snapshots: Snapshots, target: str) -> VerdictArrays:
        """The verdict on a target at each snapshot; no agreement where no agreement has the target."""
        found = VerdictArrays.blank(len(snapshots), VerdictState.NO_AGREEMENT)
        if target in self.agreements.clocks:
            for rows, histories, mine in self.parts(snapshots):
                found.place(rows, verdicts_at(histories.log, self.agreements, target, mine.ticket, mine.at_us))
        return found


def _joined(logs: Sequence[EventLog]) -> EventLog:
    filled = [log for log in logs if len(log.at_us)]
    if not filled:
        nothing = np.empty(0, object)
        return EventLog.from_columns(nothing, [], [], nothing, {})
    return filled[0] if len(filled) == 1 else EventLog.joined(filled)


def _distinct(log: EventLog) -> EventLog:
    """The log without events that it holds twice; they lie side by side, because rows are sorted."""
    same = (log.row_ticket[1:] == log.row_ticket[:-1]) & (log.at_us[1:] == log.at_us[:-1])
    places = np.flatnonzero(same)
    again = places[log.event_ids[places] == log.event_ids[places + 1]] + 1
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
