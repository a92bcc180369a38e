"""The events that the scorer has read, and where from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pandas as pd

from features.live import LiveHistories
from serving.facts import Facts
from sla.agreements.agreement_set import AgreementSet
from sla.events import EventLog
from sla.instants import BoolArray


class EventStore(Protocol):
    """What the scorer needs of features.store.Store."""

    def last_sequence(self) -> int:
        """The highest sequence number of the ticket events."""

    def ticket_event_log(self, *, since_sequence: int, up_to_sequence: int) -> EventLog:
        """The log of the ticket events above one sequence number and up to another."""

    def last_service_sequence(self) -> int:
        """The highest sequence number of the service events."""

    def service_events(self, *, since_sequence: int, up_to_sequence: int) -> pd.DataFrame:
        """The service events above one sequence number and up to another."""


@dataclass(frozen=True)
class Known:
    """The events read so far; replaced as a whole, so that a reader in another thread sees one state or the next."""

    histories: LiveHistories
    last_sequence: int = 0
    last_service_sequence: int = 0

    def as_kept(self, kept: Known | None) -> Known:
        """The same, up to some event as it was `kept`, where that was under the same agreements."""
        if kept is None or kept.last_sequence > self.last_sequence:
            return self
        if kept.histories.agreements is not self.histories.agreements:
            return self
        histories = replace(kept.histories, services=self.histories.services)
        return replace(self, histories=histories, last_sequence=kept.last_sequence)


def nothing_known(agreements: AgreementSet) -> Known:
    """What is known before the first event is read."""
    return Known(LiveHistories(agreements))


@dataclass
class Touched:
    """What had news since the last queue."""

    tickets: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)

    def by_service(self, facts: Facts) -> BoolArray:
        """Whether each ticket's service had news."""
        if not self.services:
            return np.zeros(len(facts.ticket_ids), np.bool_)
        return facts.texts["service"].is_among(self.services)
