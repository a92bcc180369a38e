"""What the routes work with: the settings, the running ticker and the scorer, put together once by `create_app`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from serving.alerting.watchman import Watchman
from serving.jobs.runner import JobRunner
from serving.kept_pages import KeptPages
from serving.kept_state import KeptState
from serving.problems import ProblemError
from serving.queue import Queue
from serving.recorder import Recorder
from serving.remaining_time import RemainingTimeChampion
from serving.services.making import Basis
from serving.settings import Settings
from serving.ticker import Standing, Ticker
from serving.ticket_file import TicketFile
from serving.tracing import Tracing
from serving.watch import Watch

if TYPE_CHECKING:  # a report on the command line needs no web framework
    import pandas as pd
    from fastapi import Request

    from features.live import LiveHistories
    from features.store.repository import Store
    from sla.events import EventLog


class TicketSource(Protocol):
    """What the routes ask the scorer for, beside the queue the ticker holds."""

    @property
    def histories(self) -> LiveHistories:
        """All that is known now."""

    def ticket(self, ticket_id: str, at: datetime, supposed: pd.DataFrame | None = None) -> TicketFile | None:
        """Everything about one ticket; None for a ticket that is not known at that instant. `supposed`: had these events happened too."""

    def score_events(self, events: EventLog, at: datetime) -> Queue:
        """The queue of tickets that come with their events, against the served bundle and agreements."""

    def score_apart(self, logs: Sequence[EventLog], at: datetime) -> Queue:
        """The same of several logs in one queue, none knowing the others; ids are features.apart's."""


class ServiceSource(Protocol):
    """Where how services stand is kept up to date: serving.services.keeper.Keeper."""

    @property
    def basis(self) -> Basis | None:
        """The newest board with what it was made from, None until the first; it is replaced as a whole."""

    def start(self) -> None:
        """Begin in the background."""

    def stop(self) -> None:
        """End it."""


@dataclass(frozen=True)
class Service:
    """One running service."""

    settings: Settings
    clock: Callable[[], datetime]
    source: TicketSource
    ticker: Ticker
    model_problem: Callable[[], str | None] = lambda: None
    close: Callable[[], None] = lambda: None
    store: Store | None = None  # None: nothing can be written
    watch: Watch | None = None
    recorder: Recorder | None = None  # None: this process stores no scores and sends no alerts
    watchman: Watchman | None = None  # None: there are no alert rules here
    jobs: JobRunner | None = None  # None: there is no store to keep jobs in
    services: ServiceSource | None = None  # None: there is no store to read events of services from
    ends: RemainingTimeChampion | None = None  # None: no model is wanted
    kept: KeptState | None = None  # None: what is known is not kept for the next start
    tracing: Tracing = field(default_factory=Tracing)
    pages: KeptPages = field(default_factory=KeptPages)

    def start(self) -> None:
        """Begin all that runs in the background."""
        for part in (self.watch, self.watchman, self.recorder, self.ticker, self.jobs, self.services, self.kept):
            if part is not None:
                part.start()

    def stop(self) -> None:
        """End it: what was scored is stored, and the right to act given back; the store stays open."""
        for part in (self.kept, self.services, self.jobs, self.ticker, self.watch, self.recorder, self.watchman):
            if part is not None:
                part.stop()

    def degraded(self) -> list[str]:
        """What is wrong though the queue is served, in sentences: with the model, the agreements, with storing scores, with jobs."""
        parts = (self.recorder, self.jobs)
        found = [self.model_problem(), *(part.problem for part in parts if part is not None)]
        return [text for text in found if text]

    def written(self) -> Store:
        """The store; ProblemError 503 where there is none to write to."""
        if self.store is None:
            raise ProblemError(503, "This service has no store, so nothing can be written.")
        return self.store

    @property
    def standing(self) -> Standing:
        """The last good queue and what is wrong."""
        return self.ticker.standing

    def queue(self) -> tuple[Queue, Standing]:
        """The last good queue; ProblemError 503 while there is none yet."""
        standing = self.standing
        if standing.queue is None:
            why = f"Scoring fails: {standing.problem}" if standing.problem else "The first scoring is under way"
            raise ProblemError(503, f"{why}. Try again in a moment; /readyz says when.")
        return standing.queue, standing


def service_of(request: Request) -> Service:
    """The service a request belongs to."""
    service = request.app.state.service
    if not isinstance(service, Service):
        raise TypeError("the application was not built by serving.app.create_app")
    return service
