"""Live histories: everything known so far in memory, brought up to date in time proportional to the new events.

Histories are arrays and are never changed. What is new makes a small layer of its own: the touched tickets whole, with
all their events, and beside them what earlier layers held of these tickets, to be taken away from all sums. Sums are of
integers and add up ticket by ticket, so layers together give exactly what one rebuild would. Layers are merged when a
later one has grown to a share of the one before it (as in a log-structured merge tree: O'Neil and others, 1996), so an
event is built again only a few times, whatever the size of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.histories import Desk, Histories, log_of
from features.layers import NOTHING, Kept, Layer, Tickets, distinct, joined
from features.pipeline import feature_values
from features.service_histories import ServiceHistories
from features.shared_indices import Index, indices_of
from features.snapshots import SnapshotKind, Snapshots, is_open
from features.spec import FeatureSpec
from features.text import TextEncoder
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import VerdictArrays, VerdictState
from sla.events import EventLog
from sla.instants import BoolArray, Int64Array


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
    kept: Kept = field(default_factory=Kept)
    rows_built: int = 0
    others: LiveHistories | None = field(default=None, repr=False)  # all tickets, where these are some of them
    _desks: dict[Any, Desk] = field(default_factory=dict, init=False, repr=False, compare=False)

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
        fresh = joined(logs)
        if not len(fresh.at_us):
            return self
        layers, gone = self._parted(fresh.ticket_ids)
        log = distinct(joined([gone, fresh]))
        if len(log.at_us) == len(gone.at_us):
            return self
        layers.append(Layer.of(log, gone, self.agreements, self.kept))
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
        log = joined([part.current() for part in self._held])
        layers = (Layer.of(log, joined([]), agreements, self.kept),) if len(log.at_us) else ()
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
        return layers, joined(gone)

    # ---- asking

    @cached_property
    def _held(self) -> tuple[Tickets, ...]:
        return tuple(part for layer in self.layers for part in (layer.open, layer.over) if len(part))

    @cached_property
    def _first(self) -> Int64Array:
        """The number of the first ticket of each part."""
        return np.cumsum([0, *(len(part.log.ticket_ids) for part in self._held)])

    @property
    def is_long(self) -> bool:
        """Whether there are so many events that only what is recent of the sums over all tickets is kept one by one."""
        return any(part.is_long for part in self._held)

    @property
    def rows(self) -> int:
        """How many rows are in memory."""
        return sum(len(layer) for layer in self.layers)

    @property
    def made_sums(self) -> frozenset[object]:
        """Which sums are made of which parts, where only what is recent of them is kept."""
        return frozenset((place, name) for place, part in enumerate(self._held) for name in part.recent_desks())

    def _desk(self, indices: tuple[Index, ...] | None = None, target: str = "") -> Desk:
        """All histories: whole, or as far as they answer for some indices. Put together once for each."""
        if self.others is not None:
            return self.others._desk(indices, target)
        if (indices, target) not in self._desks:
            self._desks[indices, target] = self._among(
                lambda part: part.histories if indices is None else part.among_others(indices, target)
            )
        return self._desks[indices, target]

    def _among(self, seen: Callable[[Tickets], Histories]) -> Desk:
        if sum(part.is_long for part in self._held) > 1:  # each is made when it is first asked for
            with ThreadPoolExecutor(len(self._held)) as pool:
                held = [(histories, 1) for histories in pool.map(seen, self._held)]
        else:
            held = [(seen(part), 1) for part in self._held]
        return (*held, *((seen(layer.gone), -1) for layer in self.layers if len(layer.gone)))

    def logs(self) -> list[EventLog]:
        """All events that are known, in parts; each ticket is whole in one of them."""
        return [part.current() for part in self._held]

    def number(self, ticket_id: str) -> int | None:
        """The number of a ticket, None if nothing was ever heard of it."""
        number = int(self.numbers(np.array([ticket_id], object))[0])
        return None if number < 0 else number

    def numbers(self, ticket_ids: NDArray[np.object_]) -> Int64Array:
        """The number of each ticket, -1 for those of which nothing was ever heard."""
        found = np.full(len(ticket_ids), -1)
        for part, first in zip(self._held, self._first.tolist(), strict=False):  # a later layer knows better
            place = part.places(ticket_ids)
            found[place >= 0] = place[place >= 0] + first
        return found

    def places_among(self, snapshots: Snapshots, before: LiveHistories, then: Snapshots) -> Int64Array:
        """Where each snapshot's ticket is among snapshots `then` of an earlier state, -1 where it is not there."""
        where = np.full(int(before._first[-1]) + 1, -1)
        where[then.ticket] = np.arange(len(then))
        same = {id(part.log): first for part, first in zip(before._held, before._first.tolist(), strict=False)}
        found = np.full(len(snapshots), -1)
        for index, rows in self._by_part(snapshots):
            log, ticket = self._held[index].log, snapshots.ticket[rows] - self._first[index]
            if id(log) in same:
                found[rows] = where[same[id(log)] + ticket]
            else:
                found[rows] = before._places(log.ticket_ids[ticket], where)
        return found

    def _places(self, ticket_ids: NDArray[np.object_], where: Int64Array) -> Int64Array:
        """What `where` says of each ticket's number: of the one that is not superseded, -1 where it says nothing of any."""
        found = np.full(len(ticket_ids), -1)
        for part, first in zip(self._held, self._first.tolist(), strict=False):
            place = part.places(ticket_ids)
            found = np.maximum(found, np.where(place >= 0, where[place + first], -1))
        return found

    def open_snapshots(self, at_us: int) -> Snapshots:
        """A LIVE snapshot of every ticket that was open as known at an instant."""
        opened = [part.open_at(at_us) + first for part, first in zip(self._held, self._first.tolist(), strict=False)]
        ticket = np.concatenate([NOTHING, *opened])
        return Snapshots(ticket, np.full(len(ticket), at_us), np.full(len(ticket), SnapshotKind.LIVE, np.int8))

    def looked_at(self, ticket_id: str, at_us: int) -> Snapshots | None:
        """A LIVE snapshot of one ticket, open or over; None where nothing was known of it at the instant."""
        number = self.number(ticket_id)
        if number is None:
            return None
        kind = np.array([SnapshotKind.LIVE], np.int8)
        snapshots = Snapshots(np.array([number]), np.array([at_us]), kind)
        ((_, histories, mine),) = self.parts(snapshots)
        return snapshots if histories.search.at(mine.ticket, mine.at_us)[0] >= 0 else None

    def learned(self, snapshots: Snapshots, since_us: int) -> BoolArray:
        """Whether anything became known of each snapshot's ticket after an instant and up to its own."""
        found = np.zeros(len(snapshots), np.bool_)
        for rows, histories, mine in self.parts(snapshots):
            search = histories.search
            found[rows] = search.at(mine.ticket, mine.at_us) > search.at(mine.ticket, np.full(len(rows), since_us))
        return found

    def is_open(self, snapshots: Snapshots) -> BoolArray:
        """Whether each snapshot's ticket was open as known then; something must have been known."""
        found = np.zeros(len(snapshots), np.bool_)
        for rows, histories, mine in self.parts(snapshots):
            found[rows] = is_open(histories)[histories.search.at(mine.ticket, mine.at_us)]
        return found

    def parts(
        self, snapshots: Snapshots, desk: Desk | None = None
    ) -> Iterator[tuple[Int64Array, Histories, Snapshots]]:
        """The snapshots by the histories that hold their tickets: places, histories among all others, snapshots there."""
        for index, rows in self._by_part(snapshots):
            mine = snapshots.take(rows)
            histories, ticket = self._held[index].histories_of(mine.ticket - self._first[index])
            yield rows, histories.among(desk or self._desk(), self.services), replace(mine, ticket=ticket)

    def narrowed(self, snapshots: Snapshots) -> tuple[LiveHistories, Snapshots]:
        """Histories of the snapshots' tickets alone, looked at among all others as here, and the snapshots there.

        What is asked of a few tickets more than once is then read from their events once. They are given no news.
        """
        layers, ticket, first = [], np.empty(len(snapshots), np.int64), 0
        nobody = Tickets(joined([]), self.agreements, self.kept)
        for index, rows in self._by_part(snapshots):
            wanted, places = np.unique(snapshots.ticket[rows] - self._first[index], return_inverse=True)
            layers.append(Layer(self._held[index].alone(wanted), nobody, nobody))
            ticket[rows] = first + places
            first += len(wanted)
        some = LiveHistories(self.agreements, self.services, tuple(layers), kept=self.kept, others=self.others or self)
        return some, replace(snapshots, ticket=ticket)

    def _by_part(self, snapshots: Snapshots) -> Iterator[tuple[int, Int64Array]]:
        if len(self._held) == 1 and len(snapshots):
            yield 0, np.arange(len(snapshots))
            return
        owner = np.searchsorted(self._first, snapshots.ticket, side="right") - 1
        for index in np.flatnonzero(np.bincount(owner)).tolist():
            yield index, np.flatnonzero(owner == index)

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
        desk = self._desk(indices_of(spec.settings), target)
        for rows, histories, mine in self.parts(snapshots, desk):
            columns[:, rows] = feature_values(histories, mine, spec, target, text=text).T
        return pd.DataFrame(columns.T, columns=spec.columns, copy=False)

    def verdicts(self, snapshots: Snapshots, target: str) -> VerdictArrays:
        """The verdict on a target at each snapshot, to be read only; no agreement where no agreement has the target."""
        if target not in self.agreements.clocks:
            return VerdictArrays.blank(len(snapshots), VerdictState.NO_AGREEMENT)
        parts = [
            (rows, histories.verdicts(target, mine.ticket, mine.at_us))
            for rows, histories, mine in self.parts(snapshots)
        ]
        if len(parts) == 1:  # all snapshots, in their order
            return parts[0][1]
        found = VerdictArrays.blank(len(snapshots), VerdictState.NO_AGREEMENT)
        for rows, verdicts in parts:
            found.place(rows, verdicts)
        return found
