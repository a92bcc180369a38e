"""What is known of each service at an instant: its outages, degradations, maintenance and changes, and the history they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from features.outages.ledger import Ledger
from features.outages.spans import Spans, spans_of
from sla.instants import NEVER_US, SECOND_US, Int64Array
from sla.services.service_history import FAR_PAST_US, ServiceHistory, ServiceState
from sla.working_time.interval_sets import Intervals

DATA_LOST = "attributes.data_lost_seconds"


@dataclass(frozen=True)
class Happened:
    """Spans by service as known at an instant: an end that was not recorded by then is not known."""

    ledger: Ledger
    at_us: int
    outages: Spans
    degradations: Spans
    maintenance: Spans
    changes: Spans
    data_lost: dict[str, float]  # seconds, the worst that an outage of the service reported

    @classmethod
    def of(cls, events: pd.DataFrame, ledger: Ledger, at_us: int) -> Happened:
        """What canonical service events recorded by the instant tell; `ledger` is of the same events."""
        place = {name: number for number, name in enumerate(ledger.names)}
        lasting = events[events["kind"].isin(("degradation", "maintenance", "change"))]
        found = {
            kind: _known(spans_of(lasting, kind, place), at_us) for kind in ("degradation", "maintenance", "change")
        }
        lost: dict[str, float] = {}
        if DATA_LOST in events:
            told = events[events["kind"].isin(ledger.kinds) & events[DATA_LOST].notna()]
            seconds = pd.to_numeric(told[DATA_LOST], errors="coerce")
            lost = {str(name): float(worst) for name, worst in seconds.groupby(told["service"]).max().dropna().items()}
        return cls(
            ledger,
            at_us,
            _known(ledger.outages, at_us),
            found["degradation"],
            found["maintenance"],
            found["change"],
            lost,
        )

    @cached_property
    def place(self) -> dict[str, int]:
        """The place of each service that has events."""
        return {name: number for number, name in enumerate(self.ledger.names)}

    def of_service(self, spans: Spans, place: int) -> Spans:
        """The spans of one service."""
        low, high = np.searchsorted(spans.service, [place, place + 1])
        chosen = np.zeros(len(spans.service), np.bool_)
        chosen[low:high] = True
        return spans.where(chosen)

    def history(self, service: str) -> ServiceHistory:
        """The states of a service: down, degraded, unknown where nobody watched it; unknown throughout without events."""
        place = self.place.get(service)
        if place is None:
            return ServiceHistory(np.zeros(0, np.int64), np.array([ServiceState.UNKNOWN], np.int8))
        down, degraded = self.of_service(self.outages, place), self.of_service(self.degradations, place)
        unknown = self._unwatched(place)
        parts = (
            (down.begin_us, down.end_us, ServiceState.DOWN),
            (degraded.begin_us, degraded.end_us, ServiceState.DEGRADED),
            (*unknown, ServiceState.UNKNOWN),
        )
        states = np.concatenate([np.full(len(begin), state, np.int8) for begin, _, state in parts])
        begin = np.concatenate([begin for begin, _, _ in parts])
        end = np.concatenate([end for _, end, _ in parts])
        maintenance = self.of_service(self.maintenance, place)
        has_length = end > begin
        return ServiceHistory.from_periods(
            begin[has_length], end[has_length], states[has_length], (maintenance.begin_us, maintenance.end_us)
        )

    def _unwatched(self, place: int) -> Intervals:
        """When nobody looked: before the first record, and where checks are made, while they fell silent."""
        watching = self.ledger.watching
        low, high = np.searchsorted(watching.service, [place, place + 1])
        if low == high:
            return np.array([FAR_PAST_US]), self.ledger.watch_since_us[place : place + 1]
        begin = watching.begin[low:high] * SECOND_US
        end = (watching.end[low:high] + watching.silent) * SECOND_US
        return np.append(FAR_PAST_US, end), np.append(begin, NEVER_US)


def quiet(spans: Iterable[Intervals], start_us: int, end_us: int) -> bool:
    """Whether none of the intervals touches the window."""
    return not any(((begin < end_us) & (end > start_us)).any() for begin, end in spans)


def _known(spans: Spans, at_us: int) -> Spans:
    """The spans whose beginning was known, each with its end if that was known; announced ones have yet to begin."""
    was_announced = spans.begin_us > at_us  # its record came with the events, before the instant
    found = spans.where((spans.known_us <= at_us) | was_announced)
    has_end = (found.end_known_us <= at_us) | (found.begin_us > at_us)  # an end that is announced is no fact yet
    end_us: Int64Array = np.where(has_end, found.end_us, NEVER_US)
    return Spans(found.service, found.begin_us, end_us, found.known_us, found.end_known_us)
