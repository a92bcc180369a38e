"""The scorer: every open ticket with its verdict, risk and reasons at an instant."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import numpy as np
import pandas as pd

from features.histories import log_of
from features.live import LiveHistories
from features.snapshots import Snapshots
from models.bundle import BreachBundle
from serving.estimates import Estimates
from serving.facts import Facts
from serving.queue import Queue, Thresholds
from serving.scored import Reading, Scored, ScoredRows
from serving.ticket_file import TicketFile
from serving.ticket_reading import read_ticket
from serving.wording import LocalTime
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import VerdictState
from sla.instants import to_us

NO_MODEL = "Rules only: no model is loaded"
LEADING, RESPONSE = "resolution", "first_response"
_UNDECIDED = (VerdictState.RUNNING, VerdictState.PAUSED)
NONE = np.empty(0, np.int64)


class EventStore(Protocol):
    """What the scorer needs of features.store.Store."""

    def last_sequence(self) -> int:
        """The highest sequence number of the ticket events."""

    def ticket_event_chunks(self, *, since_sequence: int, up_to_sequence: int) -> Iterator[pd.DataFrame]:
        """The ticket events above one sequence number and up to another, some at a time."""


@dataclass(frozen=True)
class _Known:
    """The events read so far; replaced as a whole, so that a reader in another thread sees one state or the next."""

    histories: LiveHistories
    last_sequence: int


class Scorer:
    """Scores open tickets from a store; keeps the histories in memory, reads and builds only what is new.

    `score`, `read_news`, `use` and `use_agreements` belong to one thread; `ticket` and `score_events` may be called from
    any: what is known is replaced as a whole and never changed.
    """

    def __init__(
        self,
        store: EventStore,
        agreements: AgreementSet,
        bundle: BreachBundle | None = None,
        *,
        why_no_bundle: str = NO_MODEL,
        time_zone: str | None = None,
        thresholds: Thresholds | None = None,
    ) -> None:
        self._store, self._agreements = store, agreements
        self._time_zone = time_zone
        self._local = LocalTime.named(time_zone or desk_zone(agreements))
        self._thresholds = thresholds or Thresholds()
        self._model: tuple[BreachBundle | None, str] = (bundle, why_no_bundle)
        self._known: _Known | None = None
        self._reading = threading.Lock()

    def use(self, bundle: BreachBundle | None, why_none: str = NO_MODEL) -> None:
        """Score with another bundle from the next scoring on, or with none and say why."""
        self._model = (bundle, why_none)

    def use_agreements(self, agreements: AgreementSet) -> None:
        """Judge by other agreements from the next scoring on: all that is known is built again under them."""
        with self._reading:
            self._agreements = agreements
            self._local = LocalTime.named(self._time_zone or desk_zone(agreements))
            if self._known is not None:
                self._known = replace(self._known, histories=self._known.histories.under(agreements))

    def read_news(self) -> bool:
        """True where the store had events that were not known yet; they are now. Costs what the new events cost."""
        with self._reading:
            known = self._known
            seen = known.last_sequence if known else 0
            last = self._store.last_sequence()
            if known is not None and last == seen:
                return False
            fresh = self._store.ticket_event_chunks(since_sequence=seen, up_to_sequence=last)
            before = known.histories if known else LiveHistories(self._agreements)
            self._known = _Known(before.with_logs([log_of(chunk) for chunk in fresh]), last)
            return True

    @property
    def histories(self) -> LiveHistories:
        """All that is known now."""
        return self._remembered().histories

    def score(self, at: datetime) -> Queue:
        """The queue of all tickets open at an aware instant, as known then."""
        if self._known is None:
            self.read_news()
        known = self._remembered()
        return self._scored(known.histories, at, known.last_sequence)[0]

    def score_events(self, events: pd.DataFrame, at: datetime) -> Queue:
        """The queue of tickets that come with their events; nothing else is known and nothing is stored."""
        return self._scored(LiveHistories.of(events, self._agreements), at, 0)[0]

    def ticket(self, ticket_id: str, at: datetime, supposed: pd.DataFrame | None = None) -> TicketFile | None:
        """Everything about one ticket at an instant, open or finished; None where it is not known then.

        As it would be had the `supposed` canonical events happened too, where they are given; nothing is kept of them.
        """
        known = self._remembered()
        if supposed is not None:
            known = replace(known, histories=known.histories.with_news(supposed))
        looked_at = known.histories.looked_at(ticket_id, to_us(at))
        if looked_at is None:
            return None
        mine = looked_at if known.histories.is_open(looked_at).all() else looked_at.take(NONE)
        queue, estimates = self._scored(known.histories, at, known.last_sequence, mine)
        (_, histories, here) = next(known.histories.parts(looked_at))
        told = estimates.reasons(np.zeros(1, np.int64))[0] if len(mine) else []
        return read_ticket(histories, int(here.ticket[0]), at, queue, told, self._local)

    def _remembered(self) -> _Known:
        if self._known is None:
            self.read_news()
        assert self._known is not None  # noqa: S101 (read_news sets it)
        return self._known

    def _scored(
        self, histories: LiveHistories, at: datetime, last_sequence: int, of: Snapshots | None = None
    ) -> tuple[Queue, Estimates]:
        """The queue of all open tickets, or of the given snapshots, and what the bundle said, by their place."""
        bundle, why_none = self._model
        snapshots = histories.open_snapshots(to_us(at)) if of is None else of
        leading = histories.verdicts(snapshots, LEADING)
        undecided = np.isin(leading.state, _UNDECIDED)
        estimates = Estimates.by(bundle, histories, snapshots, undecided) if bundle else Estimates.none(len(snapshots))
        reading = Reading(at, histories.agreements, self._thresholds, self._local, LEADING, RESPONSE)
        response = histories.verdicts(snapshots, RESPONSE)
        scored = Scored(Facts.of(histories, snapshots), leading, response, estimates, reading)
        queue = Queue(
            ScoredRows(scored, scored.suggested_order()),
            at,
            zone=self._local.name,
            bundle_version=bundle.version if bundle else None,
            rules_only_reason=None if bundle else why_none,
            thresholds=self._thresholds,
            last_sequence=last_sequence,
        )
        return queue, estimates


def desk_zone(agreements: AgreementSet) -> str:
    """The zone people of this desk read times in: that of the agreements, or where they leave it at UTC their first calendar's."""
    if agreements.time_zone != "UTC":
        return agreements.time_zone
    return next((calendar.zone for calendar in agreements.business_times), agreements.time_zone)
