"""What goes over the wire: typed, versioned with the path /api/v1, described for OpenAPI."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.risk import Group, Risk


class TicketRow(BaseModel):
    """One open ticket in the queue. Instants are UTC, durations seconds, shares and probabilities between 0 and 1."""

    ticket_id: str
    group: Group = Field(description="The part of the queue it stands in.")
    risk: Risk = Field(description="How it stands, in one word.")
    probability: float | None = Field(
        description="Calibrated probability that the clock ends in breach; null without a model or once decided."
    )
    rules_risk: Risk = Field(description="The word the rules alone would give.")
    title: str
    priority: str
    service: str
    category: str
    team: str
    assignee: str
    customer: str
    status: str
    waiting_on: str
    opened_at: datetime | None
    waiting_since: datetime | None
    last_contact_at: datetime | None = Field(
        description="The last act of the desk: the last public comment if comments are recorded, else the last act of an agent."
    )
    target: str = Field(description="The leading clock's metric.")
    agreement: str
    verdict_state: str = Field(
        description="State of the leading clock: not_started, running, paused, met, breached, paused_and_breached, cancelled, no_agreement."
    )
    due_at: datetime | None = Field(description="When the clock runs out; for a paused clock, if it went on now.")
    breached_at: datetime | None
    target_seconds: float | None
    elapsed_working_seconds: float | None
    remaining_working_seconds: float | None = Field(description="Working time left; negative once overdue.")
    remaining_wall_seconds: float | None = Field(description="Wall-clock time until due; negative once overdue.")
    share_used: float | None
    response_state: str | None = Field(
        description="State of the first response clock while no response was given; else null."
    )
    response_due_at: datetime | None
    response_remaining_working_seconds: float | None
    why_here: str = Field(description="Why the order puts it where it is.")
    gain_per_minute: float | None = Field(
        description="What a minute of work on it saves now, in the unit of the priorities' costs; null where the rules order, or nobody can work on it."
    )
    late_if_taken_now: float | None = Field(description="The chance that it is late although it is taken now.")
    work_minutes: float | None = Field(description="Minutes of work still expected.")
    rank_in_team: int | None = Field(
        description="Its place in its team's queue by gain, whatever its group: 1 is what to take next."
    )
    bundle_version: str | None
    reasons: list[str] = Field(description="At most three reasons in words, the weightiest first.")


class LikelyEndOut(BaseModel):
    """When the leading clock will likely stop: by `early_at` for 10 of 100 tickets like this, `middle_at` for 50, `late_at` for 90.

    The working seconds are what the clock will still run until then; the instants have the waits of such tickets in them.
    """

    early_at: datetime
    middle_at: datetime
    late_at: datetime
    early_working_seconds: float
    middle_working_seconds: float
    late_working_seconds: float
    or_later: list[Literal["early", "middle", "late"]] = Field(
        default_factory=list,
        description="Ends beyond the longest times seen in training: what is told of them is the least, they are later.",
    )


class ListedTicket(TicketRow):
    """A row with when its clock will likely stop."""

    likely_end: LikelyEndOut | None = Field(
        description="Null without a model with a range, where the clock is decided, and where it was not asked for."
    )


class QueueCounts(BaseModel):
    """How many open tickets stand where; `paused` cuts across the groups."""

    all: int
    save_now: int
    safe_for_now: int
    late_or_lost: int
    paused: int
    high_risk: int


class IdleTeamOut(BaseModel):
    """A team with nothing to work on, and the ticket of another team it is qualified to take, by what it has finished before."""

    team: str
    ticket_id: str
    from_team: str
    service: str
    category: str
    finished: int = Field(description="How many tickets of this category the team finished in eight weeks.")
    words: str


class QueuePage(BaseModel):
    """A page of the queue in the order asked for, and what the scores rest on."""

    as_of: datetime = Field(description="The instant the verdicts and times are true for.")
    probabilities_as_of: datetime | None = Field(
        default=None, description="No probability is older than this; null where the rules alone speak."
    )
    scored_seconds_ago: float = Field(description="How long ago that was computed, in real time.")
    time_zone: str = Field(description="The desk's zone, in which the reasons speak.")
    bundle_version: str | None
    rules_only_reason: str | None = Field(description="Set exactly when no model is loaded: why.")
    order: str = Field(description="The queue's own order: `suggested`, by what a minute of work saves, or `rules`.")
    order_words: str = Field(description="By what it is ordered and on what that rests, as a sentence.")
    problem: str | None = Field(
        description="What is wrong at present, if anything: these are then the last good scores."
    )
    idle_teams: list[IdleTeamOut] = Field(
        description="Teams with nothing to work on, and what each could take, under no filter; empty where the rules order."
    )
    counts: QueueCounts = Field(description="Under the filters, over all groups.")
    total: int = Field(description="Rows that match, over all pages.")
    tickets: list[ListedTicket]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")


class WarningOut(BaseModel):
    """An agreed warning and when it is passed, as things stand; null while nothing runs towards it."""

    share: float
    at: datetime | None
    is_passed: bool


class StepOut(BaseModel):
    """One line of the rules' account. `doing`: ran, paused, stopped, cancelled, closed, due."""

    doing: str
    start_at: datetime
    end_at: datetime
    working_seconds: float
    text: str = Field(description="In words, in the clock's own time zone.")


class ClockOut(BaseModel):
    """One clock of a ticket with its whole course."""

    target: str
    agreement: str
    state: str
    started_at: datetime | None
    due_at: datetime | None
    breached_at: datetime | None
    stopped_at: datetime | None
    target_seconds: float | None
    elapsed_seconds: float | None
    paused_seconds: float
    remaining_working_seconds: float | None
    remaining_wall_seconds: float | None
    share_used: float | None
    kind: str = Field(description="SLA, OLA or UC.")
    owner: str
    rule: str = Field(description="The goal that decides.")
    why: str = Field(description="Why it applies.")
    calendar: str
    time_zone: str
    policies: dict[str, str] = Field(description="The choices in force, by name.")
    warnings: list[WarningOut]
    trace: list[StepOut]


class EventOut(BaseModel):
    """One event as recorded."""

    event_id: str
    event_at: datetime
    recorded_at: datetime
    kind: str
    actor_kind: str
    changes: dict[str, str] = Field(description="The columns that carried news; an empty text means cleared.")


class ReasonOut(BaseModel):
    """A reason in words; `contribution` is what it adds to the log odds of a breach, null for the rules' own reasons."""

    text: str
    contribution: float | None


class ExpectedEndOut(BaseModel):
    """When the remaining-time model expects a ticket to end: half of such tickets end before (docs/remaining-time.md)."""

    ends_at: datetime
    hours_ahead: float = Field(description="Wall-clock hours from `as_of`.")
    version: str = Field(description="The model that says so.")


class ScoredTicketOut(ListedTicket):
    """One ticket that came with its events: its row, when it will likely end, and what the model never saw of it."""

    warnings: list[str] = Field(description="What of this ticket no ticket had in training, such as a new team.")


class TicketOut(BaseModel):
    """One ticket: where it stands, all its clocks with their trace, its events and its score."""

    ticket_id: str
    as_of: datetime
    time_zone: str
    is_open: bool
    facts: dict[str, str] = Field(description="The state the events add up to.")
    score: TicketRow | None = Field(description="Its row in the queue; null once it is resolved, closed or cancelled.")
    reasons: list[ReasonOut]
    clocks: list[ClockOut]
    events: list[EventOut]
    bundle_version: str | None
    rules_only_reason: str | None
    likely_end: LikelyEndOut | None = Field(
        default=None, description="Null without a model, or where the clock is decided or waits for nothing."
    )
    expected_end: ExpectedEndOut | None = Field(
        default=None, description="Null without a registered remaining-time model, and for a ticket that is over."
    )
    warnings: list[str] = Field(
        default_factory=list, description="What of this ticket no ticket had in training, such as a new team."
    )


class Health(BaseModel):
    """The process answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether the service can do its work, and what it does it with."""

    status: Literal["ready", "not ready"]
    why: list[str] = Field(
        description="What is missing or degraded, in sentences; empty when all is well, and for who may not read."
    )
    access: str = Field(description="Who is let in.")
    as_of: datetime | None = None
    scored_seconds_ago: float | None = None
    open_tickets: int | None = None
    bundle_version: str | None = None


UNCHANGED: dict[str, Any] = {"description": "Nothing changed since the version named in If-None-Match."}
