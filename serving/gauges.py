"""Figures that take a look at the store: taken in a thread of their own, so that a scrape of /metrics costs nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from prometheus_client.core import GaugeMetricFamily, Metric

from features.store.alerts import AlertFigures
from features.store.faults import StoreError
from serving.background import Loop, Trouble
from serving.quality.came_true import CameTrue, came_true
from serving.service import Service

LOOK_SECONDS = 30.0
JUDGE_SECONDS = 3600.0
_FIRST_JUDGED_SECONDS = 60.0


@dataclass(frozen=True)
class Taken:
    """What was found at the last look that succeeded."""

    alerts: AlertFigures | None = None
    jobs: Mapping[str, int] = field(default_factory=dict)
    came_true: tuple[CameTrue, ...] = ()


class Gauges:
    """Looks at alerts and jobs twice a minute, and once an hour at how scores came true. `taken` is replaced as a whole."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._next_judged = time.monotonic() + _FIRST_JUDGED_SECONDS
        self._loop = Loop("gauges", self._look, lambda: LOOK_SECONDS)
        self._trouble = Trouble("Figures cannot be taken")
        self.taken = Taken()

    def start(self) -> None:
        """Begin to look in the background."""
        if self._service.store is not None:
            self._loop.start()

    def stop(self) -> None:
        """End it; does not wait long for a look under way."""
        self._loop.stop(timeout_seconds=1.0)

    def _look(self) -> None:
        is_due = time.monotonic() >= self._next_judged
        self.look(judges=is_due)
        if is_due:
            self._next_judged = time.monotonic() + JUDGE_SECONDS

    def look(self, *, judges: bool) -> None:
        """Nothing; the figures are those of now. What fails is logged, and the last figures stay."""
        try:
            store = self._service.written()
            found = replace(self.taken, alerts=store.alerts.figures(), jobs=store.jobs.counts())
            if judges and self._service.settings.use_model:
                settings = self._service.settings
                found = replace(
                    found,
                    came_true=tuple(
                        came_true(
                            store.predictions,
                            self._service.source.histories,
                            self._service.clock(),
                            window=timedelta(days=settings.judged_days),
                            delay=timedelta(days=settings.judged_after_days),
                        )
                    ),
                )
        except StoreError as fault:
            self._trouble.met(fault)
        else:
            self.taken = found
            self._trouble.over()

    def metrics(self) -> list[Metric]:
        """The figures for Prometheus."""
        return [*self._of_alerts(), *self._of_jobs(), *_of_scores(self.taken.came_true)]

    def _of_alerts(self) -> list[Metric]:
        figures = self.taken.alerts
        if figures is None:
            return []
        told = GaugeMetricFamily("slacast_alerts", "Alerts stored by rule and event; held and dropped ones met a bound.", labels=("rule", "event"))  # fmt: skip
        for (rule, event), count in figures.events.items():
            told.add_metric((rule, event), count)
        tries = GaugeMetricFamily("slacast_alert_deliveries", "Attempts to deliver by channel and how they ended; dead: given up.", labels=("channel", "state"))  # fmt: skip
        for (channel, state), count in figures.deliveries.items():
            tries.add_metric((channel, state), count)
        waiting = GaugeMetricFamily("slacast_alerts_waiting", "Deliveries in the outbox.", figures.waiting)
        bound = GaugeMetricFamily("slacast_alerts_bound_per_hour", "The most alerts an hour by rule; all: of all rules together.", labels=("rule",))  # fmt: skip
        for rule, most in (self._service.watchman.bounds if self._service.watchman else {}).items():
            bound.add_metric((rule,), most)
        return [told, tries, waiting, bound]

    def _of_jobs(self) -> list[Metric]:
        found = GaugeMetricFamily("slacast_jobs", "Jobs by state.", labels=("state",))
        for state, count in self.taken.jobs.items():
            found.add_metric((state,), count)
        return [found]


def _of_scores(found: tuple[CameTrue, ...]) -> list[Metric]:
    texts = {
        "tickets": "Tickets whose stored scores are judged: those of the last closed window with known outcomes.",
        "expected": "The mean probability of breach that was said of them.",
        "observed": "The share of them that breached.",
        "calibration_error": "Mean distance of expected and observed over ten bins.",
        "brier": "Mean squared distance of probability from outcome.",
    }
    families: list[Metric] = []
    for name, text in texts.items():
        family = GaugeMetricFamily(f"slacast_judged_{name}", text, labels=("version", "shadow"))
        for one in found:
            if one.tickets:
                family.add_metric((one.bundle_version, str(one.is_shadow).lower()), getattr(one, name))
        families.append(family)
    return families
