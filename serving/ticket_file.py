"""Everything slacast can say about one ticket at one instant: its clocks, its history, its score and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from serving.likely_end import LikelyEnd
from serving.queue import QueueRow
from serving.risk import Clock


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the rules' own account: what a clock did between two instants. `doing`: ran, paused, stopped, cancelled, closed, due."""

    doing: str
    start_at: datetime
    end_at: datetime
    working_seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """An agreed warning: the share of the target, when it is passed as things stand (None: nothing runs towards it), and whether it was."""

    share: float
    at: datetime | None
    is_passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFile:
    """One clock with its whole course. `rule` names the goal, `why` says why it applies; `steps` are told in `time_zone`."""

    clock: Clock
    kind: str = ""
    owner: str = ""
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    paused_seconds: float = 0.0
    rule: str = ""
    why: str = ""
    calendar: str = ""
    time_zone: str = "UTC"
    policies: dict[str, str] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """One event as recorded: `changes` maps each column that carried news to its text ("" = cleared)."""

    event_id: str
    event_at: datetime
    recorded_at: datetime
    kind: str
    actor_kind: str = ""
    changes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WeighedReason:
    """A reason in words. `contribution` is what it adds to the log odds of a breach; None for a reason from the rules."""

    text: str
    contribution: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFile:
    """One ticket at one instant. `row` is its place in the queue, None once it is resolved, closed or cancelled.

    `likely_end` and `warnings` are the bundle's: when the leading clock will likely stop, and what it never saw in training.
    """

    ticket_id: str
    as_of: datetime
    zone: str
    row: QueueRow | None
    facts: dict[str, str]
    clocks: tuple[ClockFile, ...]
    events: tuple[EventLine, ...]
    reasons: tuple[WeighedReason, ...] = ()
    bundle_version: str | None = None
    rules_only_reason: str | None = None
    likely_end: LikelyEnd | None = None
    warnings: tuple[str, ...] = ()

    @property
    def leading(self) -> ClockFile | None:
        """The resolution clock, else the first there is."""
        return next((item for item in self.clocks if item.clock.target == "resolution"), next(iter(self.clocks), None))
