"""What a Prometheus server reads: how quick answers are, how old scores are, how much comes in. One registry an application."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from serving.gauges import Gauges
from serving.recorder import Recorded
from serving.service import Service
from serving.ticker import Standing

if TYPE_CHECKING:
    from fastapi import Request

    from serving.queue import Queue

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAG_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)
WATCH_SECONDS = 0.1
_MOST_WAITING = 10_000

Monotonic = Callable[[], float]


class Metrics:
    """All figures of one application, and the text of /metrics."""

    def __init__(
        self,
        service: Service,
        monotonic: Monotonic = time.monotonic,
        now: Callable[[], datetime] | None = None,
        gauges: Gauges | None = None,
    ) -> None:
        """`now`: the real time, where that is also the desk's; without it nobody can tell how long a scoring took."""
        self._monotonic, self._now = monotonic, now
        self._waiting: deque[tuple[int, float]] = deque(
            maxlen=_MOST_WAITING
        )  # last sequence of a batch, and when it was stored
        self._seen: Queue | None = None
        self._service = service
        self._recorded: Recorded | None = None
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "slacast_request_seconds",
            "Time to answer, by the route's template.",
            ("method", "route", "status"),
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        self.events = Counter(
            "slacast_events_received", "Events taken in by this process: new ones, and ones that were stored already.",
            ("kind", "result"), registry=self.registry,
        )  # fmt: skip
        self.lag = Histogram(
            "slacast_event_to_score_seconds",
            "From the moment a request's events were on disk to the first queue that knows them.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        self.took = Histogram(
            "slacast_scoring_seconds",
            "From the instant a queue tells of to the moment it was there.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        self.storing = Histogram(
            "slacast_storing_seconds",
            "From the instant a queue tells of to the moment its scores were stored, with their reasons.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )
        self.scores = Counter("slacast_scores_stored", "Scores that said something new.", registry=self.registry)
        self.scorings = Counter("slacast_scorings", "Queues scored, as far as they were seen.", registry=self.registry)
        self.registry.register(_Now(service, gauges))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Nothing; one more request is counted."""
        self.requests.labels(method, route, str(status)).observe(seconds)

    def stored(self, kind: str, inserted: int, duplicates: int, last_sequence: int) -> None:
        """Nothing; events are counted, and the lag is measured from now until a queue knows `last_sequence` (ticket events)."""
        self.events.labels(kind, "new").inc(inserted)
        self.events.labels(kind, "known").inc(duplicates)
        if inserted and kind == "ticket_events":
            self._waiting.append((last_sequence, self._monotonic()))

    def look(self, standing: Standing) -> None:
        """Nothing; where the queue is a new one, the lag of the events that it is the first to know is observed."""
        queue = standing.queue
        if queue is None or queue is self._seen:
            return
        self._seen = queue
        self.scorings.inc()
        if self._now is not None:
            scored_at = self._now() - timedelta(seconds=self._monotonic() - standing.scored_seconds)
            self.took.observe(max((scored_at - queue.as_of).total_seconds(), 0.0))
        for _ in range(len(self._waiting)):
            sequence, stored_seconds = self._waiting.popleft()
            if sequence <= queue.last_sequence:
                self.lag.observe(max(standing.scored_seconds - stored_seconds, 0.0))
            else:
                self._waiting.append((sequence, stored_seconds))

    def look_at_stored(self, recorded: Recorded | None) -> None:
        """Nothing; where something was stored anew, how long that took is observed."""
        if recorded is None or recorded is self._recorded:
            return
        self._recorded = recorded
        self.scores.inc(recorded.scores)
        if self._now is not None:
            stored_at = self._now() - timedelta(seconds=self._monotonic() - recorded.at_seconds)
            self.storing.observe(max((stored_at - recorded.queue.as_of).total_seconds(), 0.0))

    async def watch(self, standing: Callable[[], Standing]) -> None:
        """Never: looks ten times a second, until cancelled."""
        while True:
            self.look(standing())
            self.look_at_stored(self._service.recorder.recorded if self._service.recorder else None)
            await asyncio.sleep(WATCH_SECONDS)

    def text(self) -> bytes:
        """The figures in Prometheus' text format."""
        return generate_latest(self.registry)


def metrics_of(request: Request) -> Metrics:
    """The metrics of the application a request belongs to."""
    found = request.app.state.metrics
    if not isinstance(found, Metrics):
        raise TypeError("the application was not built by serving.app.application")
    return found


class _Now(Collector):
    """What is true when it is asked for, read from the service; nothing is kept."""

    def __init__(self, service: Service, gauges: Gauges | None) -> None:
        self._service, self._gauges = service, gauges

    def describe(self) -> list[Metric]:
        return []  # else the registry would collect before the service is ready

    def collect(self) -> Iterator[Metric]:
        standing = self._service.standing
        queue = standing.queue
        yield GaugeMetricFamily("slacast_scoring_fails", "1 while scoring fails and the last good queue is shown.", float(standing.problem is not None))  # fmt: skip
        yield GaugeMetricFamily("slacast_model_problem", "1 while the registry or its bundle cannot be used.", float(self._service.model_problem() is not None))  # fmt: skip
        if self._gauges is not None:
            yield from self._gauges.metrics()
        if queue is None:
            return
        yield GaugeMetricFamily("slacast_scores_age_seconds", "How long ago the queue was scored.", standing.age_seconds())  # fmt: skip
        yield GaugeMetricFamily("slacast_ticket_events_known", "The number of the last ticket event that the queue knows.", queue.last_sequence)  # fmt: skip
        yield GaugeMetricFamily("slacast_open_tickets", "Open tickets in the queue.", queue.counts.all)
        yield GaugeMetricFamily("slacast_rules_only", "1 while the rules speak alone.", float(queue.bundle_version is None))  # fmt: skip
        yield InfoMetricFamily("slacast_model", "The bundle that scored the queue.", {"version": queue.bundle_version or ""})  # fmt: skip
