"""A ticket as it would be after a change made now: the rules' verdicts and the bundle's estimate, beside those without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd

from features.schema import INSTANT_DTYPE, conform_ticket_events
from serving.queue import QueueRow
from serving.service import TicketSource
from serving.ticket_file import ClockFile, EventLine, TicketFile
from serving.ticket_reading import clock_files
from sla.clocks.what_if import Supposition, what_if
from sla.events import TicketEvent
from sla.instants import to_us

CHANGEABLE = ("priority", "team", "assignee", "service", "category")
_JUST_AFTER = timedelta(milliseconds=1)  # records of one instant are told apart by microseconds
ASSOCIATION = (
    "The probability is an estimate from association: tickets that looked like this one after such a change ended so. "
    "It does not prove that the change would cause it."
)


@dataclass(frozen=True)
class Change:
    """What is supposed: other values of attributes from now on, other versions of agreements and other calendars, by name."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    calendars: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_of_agreements(self) -> bool:
        """True where the rules themselves are supposed to differ, which the bundle has never seen."""
        return bool(self.versions or self.calendars)


@dataclass(frozen=True)
class Supposed:
    """A ticket at an instant as it is and as it would be. `clocks`: pairs; rows are None for a ticket that is finished then."""

    ticket_id: str
    at: datetime
    clocks: tuple[tuple[ClockFile | None, ClockFile | None], ...]
    actual: QueueRow | None
    supposed: QueueRow | None
    warning: str


def suppose(source: TicketSource, ticket_id: str, now: datetime, at: datetime, change: Change) -> Supposed | None:
    """The ticket at an instant, had the change been made `now`; None for a ticket that is not known.

    Raises ValueError for an agreement, version or calendar that there is not.
    """
    looked_at = max(at, now + _JUST_AFTER)
    actual = source.ticket(ticket_id, looked_at)
    if actual is None:
        return None
    since = now if change.attributes else None
    supposition = Supposition(change.attributes, since, change.versions, change.calendars)
    compared = what_if(_events(actual), source.histories.agreements, looked_at, supposition)
    pairs = [(clock_files([one.actual]), clock_files([one.supposed])) for one in compared]
    supposed = actual
    if change.attributes:
        supposed = source.ticket(ticket_id, looked_at, _as_event(ticket_id, now, change.attributes)) or actual
    return Supposed(
        ticket_id,
        looked_at,
        tuple((next(iter(before), None), next(iter(after), None)) for before, after in pairs if before or after),
        actual.row,
        None if change.is_of_agreements else supposed.row,
        _warning(change, actual),
    )


def _events(found: TicketFile) -> list[TicketEvent]:
    return [_event(found.ticket_id, line) for line in found.events]


def _event(ticket_id: str, line: EventLine) -> TicketEvent:
    values = {"kind": line.kind, **line.changes} | ({"actor_kind": line.actor_kind} if line.actor_kind else {})
    return TicketEvent(ticket_id, line.event_id, to_us(line.event_at), to_us(line.recorded_at), values)


def _as_event(ticket_id: str, now: datetime, attributes: Mapping[str, str]) -> pd.DataFrame:
    row = {"event_id": f"{ticket_id}/~supposed", "ticket_id": ticket_id, "kind": "updated", **attributes}
    instant = pd.Series([now]).astype(INSTANT_DTYPE)
    return conform_ticket_events(pd.DataFrame([row]).assign(event_at=instant, recorded_at=instant))


def _warning(change: Change, actual: TicketFile) -> str:
    if change.is_of_agreements:
        return "Under other agreements only the rules' verdicts are given: the model never saw tickets under them."
    if actual.rules_only_reason is not None:
        return f"{actual.rules_only_reason}. Verdicts come from the agreements alone."
    return ASSOCIATION
