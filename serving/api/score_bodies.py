"""The body of POST /api/v1/score."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from features.schema import ACTOR_KINDS, STATUSES, TICKET_KINDS, WAITING_ON
from serving.sent_instants import Instant

Text = Annotated[str, Field(max_length=1_000_000)]
Identifier = Annotated[str, Field(min_length=1, max_length=500)]


class EventIn(BaseModel):
    """One event of a ticket to score, as docs/data-contract.md describes it. Absent: no news; empty text: cleared."""

    model_config = ConfigDict(extra="forbid", str_max_length=1_000_000)

    event_at: Instant
    recorded_at: Instant | None = Field(default=None, description="When it was known; absent: when it happened.")
    event_id: Identifier | None = Field(
        default=None, description="Absent: made from the ticket, the instant and the place in the list."
    )
    kind: str = Field(default="updated", json_schema_extra={"enum": [*TICKET_KINDS]})
    status: str | None = Field(default=None, json_schema_extra={"enum": [*STATUSES, None]})
    waiting_on: str | None = Field(default=None, json_schema_extra={"enum": [*WAITING_ON, "", None]})
    priority: str | None = None
    service: str | None = None
    category: str | None = None
    team: str | None = None
    assignee: str | None = None
    customer: str | None = None
    channel: str | None = None
    actor_kind: str | None = Field(default=None, json_schema_extra={"enum": [*ACTOR_KINDS, "", None]})
    attributes: dict[str, Text] = Field(
        default_factory=dict, description="Free attributes, such as title.", max_length=100
    )


class TicketIn(BaseModel):
    """A ticket to score, with all its events so far, in any order."""

    model_config = ConfigDict(extra="forbid")

    ticket_id: Identifier
    events: list[EventIn] = Field(min_length=1, max_length=10_000)


class ScoreIn(BaseModel):
    """Tickets to score. Nothing is stored."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "as_of": "2026-05-18T10:00:00+02:00",
                    "tickets": [
                        {
                            "ticket_id": "INC1",
                            "events": [
                                {
                                    "event_at": "2026-05-15T09:30:00+02:00",
                                    "kind": "created",
                                    "status": "open",
                                    "priority": "3",
                                    "team": "desk",
                                    "attributes": {"title": "Printer on floor 2 is offline"},
                                }
                            ],
                        }
                    ],
                }
            ]
        },
    )

    as_of: Instant | None = Field(default=None, description="The instant to score for; absent: now.")
    tickets: list[TicketIn] = Field(min_length=1)
    likely_end: bool = Field(
        default=True, description="False leaves out when they will likely end, which takes a while."
    )


def in_order(ticket: TicketIn) -> list[EventIn]:
    """The events of a ticket in the order in which they happened."""
    return sorted(ticket.events, key=lambda event: event.event_at)  # stable: the order sent decides ties
