"""The verdict on one clock of one ticket, with everything a person needs to follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sla.clocks.verdicts import VerdictState


@dataclass(frozen=True)
class AgreedWarning:
    """An agreed warning: the share of the target and the instant it falls, as things stand; None while nothing runs towards it."""

    share: float
    at: datetime | None
    is_passed: bool


@dataclass(frozen=True)
class TraceStep:
    """One line of the explanation: what the clock did between two instants (UTC), and the working time of it."""

    from_at: datetime
    until_at: datetime
    doing: str  # ran, paused, stopped, cancelled, closed
    worked_seconds: float
    text: str


@dataclass(frozen=True)
class Verdict:
    """What is true of one clock at `as_of`. Instants are aware UTC, lengths are seconds of working time unless named otherwise.

    `due_at`: when the target is used up: in the past for a breached clock, as if it resumed at once for a waiting one, what
    would have been for one that stopped in time. `breached_at`: the last instant at which the target, with its grace, was
    not exceeded, None when it is kept so far. `remaining_wall_seconds`: from `as_of` to `due_at`, None once stopped.
    `share_used` is exact; nothing is rounded before it is compared.
    """

    ticket_id: str
    target: str
    as_of: datetime
    state: VerdictState
    agreement: str | None
    agreement_version: str | None
    kind: str | None
    owner: str | None
    calendar: str | None
    time_zone: str
    rule: str | None
    why: str
    measurement: int
    is_current: bool
    started_at: datetime | None
    due_at: datetime | None
    breached_at: datetime | None
    stopped_at: datetime | None
    target_seconds: float | None
    elapsed_seconds: float
    paused_seconds: float
    remaining_seconds: float | None
    remaining_wall_seconds: float | None
    share_used: float | None
    warnings: tuple[AgreedWarning, ...]
    penalty: float | None
    currency: str
    policies: Mapping[str, Any]
    trace: tuple[TraceStep, ...]

    @property
    def is_breached(self) -> bool:
        """True when the promise is broken, whether the clock still runs, waits or stopped late."""
        return self.state in (VerdictState.BREACHED, VerdictState.PAUSED_AND_BREACHED)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain values for JSON: instants in ISO 8601, the state as a word."""
        values = {name: _plain(value) for name, value in self.__dict__.items()}
        return values | {"state": self.state.words, "is_breached": self.is_breached}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, AgreedWarning | TraceStep):
        return {name: _plain(item) for name, item in value.__dict__.items()}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value
