"""Everything slacast can say about one ticket at one instant: its clocks, its history, its score and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from serving.queue import Clock, QueueRow


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a clock's working time: `ran` counted towards the target, `waited` did not. `working_seconds` may be 0."""

    kind: str
    start_at: datetime
    end_at: datetime
    working_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFile:
    """One clock with its whole course. `trace` are the rules' own sentences in order; `policies` the choices that applied."""

    clock: Clock
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    paused_seconds: float = 0.0
    rule: str = ""
    policies: dict[str, str] = field(default_factory=dict)
    warnings: tuple[tuple[str, datetime], ...] = ()
    spans: tuple[Span, ...] = ()
    trace: tuple[tuple[datetime | None, str], ...] = ()


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
    """One ticket at one instant. `row` is its place in the queue, None once it is resolved, closed or cancelled."""

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

    @property
    def leading(self) -> ClockFile | None:
        """The resolution clock, else the first there is."""
        return next((item for item in self.clocks if item.clock.target == "resolution"), next(iter(self.clocks), None))
