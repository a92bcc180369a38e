"""The scorer: every open ticket with its verdict, risk and reasons at an instant."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from features.apart import apart
from features.live import LiveHistories
from models.bundle import BreachBundle
from models.work_marks import WorkTime
from serving.handling import Handling
from serving.idle_teams import idle_teams
from serving.known_events import EventStore, Known, Touched, nothing_known
from serving.likely_end import likely_end, unseen
from serving.meanwhile import Meanwhile
from serving.queue import Queue
from serving.risk import Thresholds
from serving.scored import Scored
from serving.scored_rows import ScoredRows
from serving.scoring import LEADING, Scoring
from serving.suggested import OrderSettings, is_stale, note_of
from serving.ticket_file import TicketFile
from serving.ticket_reading import read_ticket
from serving.trail import Trail
from serving.wording import LocalTime
from sla.agreements.agreement_set import AgreementSet
from sla.events import EventLog
from sla.instants import NEVER_US, SECOND_US, to_us

NO_MODEL = "Rules only: no model is loaded"
FIRST_WORD = "Rules only: the model's first probabilities are being worked out"
NONE = np.empty(0, np.int64)
HANDLING_US = 6 * 3_600 * SECOND_US  # so often finished tickets are asked how long work takes


class Scorer:
    """Scores open tickets from a store; keeps the histories in memory, reads and builds only what is new.

    `score`, `refresh`, `glance`, `read_news`, `use` and `use_agreements` belong to one thread; `ticket`, `score_events`,
    `score_apart` and `score_by` may be called from any: what is known is replaced as a whole and never changed.
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
        order: OrderSettings | None = None,
        recall: Callable[[AgreementSet], Known] = nothing_known,
    ) -> None:
        """`recall`: what was known at the last stop, so that only newer events are read; see serving/kept_state.py."""
        self._recall = recall
        self._store, self._agreements = store, agreements
        self._time_zone = time_zone
        self._local = LocalTime.named(time_zone or desk_zone(agreements))
        self._thresholds = thresholds or Thresholds()
        self._order, self._handling = order or OrderSettings(), Handling(NEVER_US)
        self._model: tuple[BreachBundle | None, str] = (bundle, why_no_bundle)
        self._work: WorkTime | None = None
        self._known: Known | None = None
        self._kept: Known | None = None  # the same as a file holds it, once there is one
        self._touched, self._touched_since = Touched(), Touched()  # since the last queue; since `score` began
        self._last: Scored | None = None
        self._trail = Trail()  # of the last queue
        self._reading = threading.Lock()

    def use(self, bundle: BreachBundle | None, why_none: str = NO_MODEL) -> None:
        """Score with another bundle from the next scoring on, or with none and say why."""
        self._model = (bundle, why_none)

    def use_work_time(self, work: WorkTime | None) -> None:
        """Order by what another model says of the work still needed, or by category means, from the next scoring on."""
        if work is not self._work:
            self._work, self._trail = work, Trail()  # other gains: nothing that was said of any ticket holds

    def use_agreements(self, agreements: AgreementSet) -> None:
        """Judge by other agreements from the next scoring on: all that is known is built again under them."""
        with self._reading:
            self._agreements, self._last, self._handling = agreements, None, Handling(NEVER_US)
            self._local = LocalTime.named(self._time_zone or desk_zone(agreements))
            if self._known is not None:
                self._known = replace(self._known, histories=self._known.histories.under(agreements))

    def read_news(self) -> bool:
        """True where the store had events that were not known yet; they are now. Costs what the new events cost."""
        with self._reading:
            kept, self._kept = self._kept, None
            known = self._known.as_kept(kept) if self._known is not None else self._recall(self._agreements)
            last, last_of_services = self._store.last_sequence(), self._store.last_service_sequence()
            if self._known is not None and (last, last_of_services) == (
                known.last_sequence,
                known.last_service_sequence,
            ):
                self._known = known
                return False
            news = self._store.ticket_event_log(since_sequence=known.last_sequence, up_to_sequence=last)
            histories, services = known.histories.with_logs([news]), []
            if last_of_services != known.last_service_sequence:
                fresh = self._store.service_events(
                    since_sequence=known.last_service_sequence, up_to_sequence=last_of_services
                )
                histories = histories.with_service_news(fresh)
                services = fresh["service"].unique().tolist()
            for touched in (self._touched, self._touched_since):
                touched.tickets.update(news.ticket_ids.tolist())
                touched.services.update(services)
            self._known = Known(histories, last, last_of_services)
            return True

    def go_on_from(self, kept: Known) -> None:
        """Nothing; from the next reading on what is known of tickets up to an event is taken from there. Any thread may call it."""
        self._kept = kept

    @property
    def known(self) -> Known | None:
        """All that is known now and up to which event, None before the first reading."""
        return self._known

    @property
    def histories(self) -> LiveHistories:
        """All that is known now."""
        return self._remembered().histories

    def score(self, at: datetime, meanwhile: Meanwhile | None = None) -> Queue:
        """The queue of all tickets open at an aware instant, as known then.

        Where there is something to do `meanwhile`, the looks may `read_news` and `glance`: the queue then knows the news too and is of
        the instant when all was asked. Tickets with such news are asked about once more, so what is newer stays.
        """
        known = self._remembered()
        self._touched_since = Touched()
        if meanwhile is None:
            self._handling, scored = self._whole(known, at, self._last)
        else:
            last = self._last
            self._handling, scored = meanwhile.during(lambda: self._whole(known, at, last))
            if self._known is not known:
                now = meanwhile.now()
                if now < at or (self._last is not None and now < self._last.reading.at):  # the clock was set back
                    return self.score(now)
                known = self._remembered()
                scored = self._again(known, now, scored, self._touched_since)
        self._last, self._touched, self._trail = scored, Touched(), Trail()
        return self._queue(scored, known.last_sequence, trail=self._trail)

    def _whole(self, known: Known, at: datetime, last: Scored | None) -> tuple[Handling, Scored]:
        """All that is open, and what finished tickets tell of work; changes nothing, so any thread may do it."""
        handling = self._handling
        if self._model[0] is not None and self._order.is_wanted and is_stale(handling, to_us(at), HANDLING_US):
            handling = Handling.of(known.histories, LEADING, to_us(at), self._order.assumed_minutes)
        return handling, self._scoring.columns(known.histories, at, self._model[0], ordered_by=handling, earlier=last)

    def _again(self, known: Known, at: datetime, before: Scored, touched: Touched) -> Scored:
        """What was scored before as of now: the same bundle is asked about what was touched, and repeats itself on the rest."""
        bundle, handling = before.estimates.bundle, self._handling
        return self._scoring.columns(known.histories, at, bundle, before=before, touched=touched, ordered_by=handling)

    @property
    def _scoring(self) -> Scoring:
        return Scoring(self._thresholds, self._local, self._order, self._work)

    def first(self, at: datetime) -> Queue | None:
        """The queue by the rules alone, where there is a model and it takes a while until it can be asked; `score` knows nothing of it.

        On a large desk what features ask of other tickets takes much longer to put together than all verdicts.
        """
        known = self._remembered()
        if self._model[0] is None or not known.histories.is_long:
            return None
        return self._queue(self._scoring.columns(known.histories, at, None), known.last_sequence, FIRST_WORD)

    def refresh(self, at: datetime) -> Queue:
        """The queue as `score` gives it, where the bundle is asked only about tickets with news, and repeats itself on the others.

        Verdicts, times and order are those of the instant for every ticket. `Queue.asked_at` is when the bundle was last
        asked about all.
        """
        last, bundle = self._last, self._model[0]
        if last is None or bundle is None or last.estimates.bundle is not bundle or at < last.reading.at:
            return self.score(at)
        return self._refreshed(last, at)

    def glance(self, at: datetime) -> Queue | None:
        """As `refresh` while `score` is under way: by the bundle of the last queue, whatever is used by now. None where there is no last
        queue to begin from, or the clock was set back.
        """
        last = self._last
        if last is None or at < last.reading.at:
            return None
        return self._refreshed(last, at, FIRST_WORD if self._model[0] is not None else None)

    def _refreshed(self, last: Scored, at: datetime, why_none: str | None = None) -> Queue:
        known = self._remembered()
        scored = self._again(known, at, last, self._touched)
        self._last, self._touched, self._trail = scored, Touched(), self._trail.after(scored.teams_with_news)
        return self._queue(scored, known.last_sequence, why_none, self._trail)

    def score_by(self, bundle: BreachBundle, at: datetime) -> Queue:
        """The queue as another bundle would have it, for comparing; `score` and what it gave stay as they are."""
        known = self._remembered()
        return self._queue(self._scoring.columns(known.histories, at, bundle), known.last_sequence)

    def score_events(self, events: EventLog, at: datetime) -> Queue:
        """The queue of tickets that come with their events; nothing else is known and nothing is stored."""
        return self._queue(
            self._scoring.columns(LiveHistories(self._agreements).with_logs([events]), at, self._model[0]), 0
        )

    def score_apart(self, logs: Sequence[EventLog], at: datetime) -> Queue:
        """The tickets of several askers in one queue, each row as `score_events` of its asker's log has it, under its `apart_name`."""
        return self._queue(self._scoring.columns(apart(logs, self._agreements), at, self._model[0]), 0)

    def ticket(self, ticket_id: str, at: datetime, supposed: pd.DataFrame | None = None) -> TicketFile | None:
        """Everything about one ticket at an instant, open or finished; None where it is not known then.

        As it would be had the `supposed` canonical events happened too, where they are given; nothing is kept of them.
        """
        known = self._remembered().histories
        if supposed is not None:
            known = known.with_news(supposed)
        looked_at = known.looked_at(ticket_id, to_us(at))
        if looked_at is None:
            return None
        histories, looked_at = known.narrowed(looked_at)
        mine = looked_at if histories.is_open(looked_at).all() else looked_at.take(NONE)
        scored = self._scoring.columns(histories, at, self._model[0], of=mine)
        if supposed is None:
            scored = self._as_suggested(scored)
        everything = np.arange(len(mine))
        told = scored.estimates.reasons(everything)
        ((_, own, here),) = histories.parts(looked_at)
        file = read_ticket(own, int(here.ticket[0]), at, scored.rows(everything, told), told, self._local)
        bundle = scored.estimates.bundle
        return replace(
            file,
            bundle_version=scored.estimates.version,
            rules_only_reason=None if bundle else self._model[1],
            likely_end=likely_end(scored.estimates, scored.leading, own.agreements, at),
            warnings=unseen(bundle, file.facts) if len(mine) else (),
        )

    def _as_suggested(self, scored: Scored) -> Scored:
        """The same tickets with what the order of the last queue said of them."""
        last = self._last
        if last is None or last.suggestion is None:
            return scored
        return replace(scored, suggestion=last.suggestion.moved(last.places_of(scored.facts.ticket_ids.tolist())))

    def _remembered(self) -> Known:
        if self._known is None:
            self.read_news()
        assert self._known is not None  # noqa: S101 (read_news sets it)
        return self._known

    def _queue(
        self, scored: Scored, last_sequence: int, why_none: str | None = None, trail: Trail | None = None
    ) -> Queue:
        bundle = scored.estimates.bundle
        reason = None if bundle else why_none or self._model[1]
        note = note_of(self._order, reason, self._handling if scored.suggestion else None, self._work)
        return Queue(
            ScoredRows(scored, scored.suggested_order()),
            scored.reading.at,
            zone=scored.reading.local.name,
            bundle_version=bundle.version if bundle else None,
            rules_only_reason=reason,
            thresholds=self._thresholds,
            last_sequence=last_sequence,
            asked_at=scored.reading.asked_at,
            order=note.by,
            order_words=note.words,
            idle=idle_teams(scored, self._handling),
            trail=trail or Trail(),
        )


def is_scored(queue: Queue | None) -> bool:
    """Whether there is a queue, and not only what can be said before the first scoring."""
    return queue is not None and queue.rules_only_reason != FIRST_WORD


def desk_zone(agreements: AgreementSet) -> str:
    """The zone people of this desk read times in: that of the agreements, or where they leave it at UTC their first calendar's."""
    if agreements.time_zone != "UTC":
        return agreements.time_zone
    return next((calendar.zone for calendar in agreements.business_times), agreements.time_zone)
