"""What the queue calls its tickets, and in which order it puts them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import AwareDatetime, Field, field_validator, model_validator

from serving.configuration.values import SettingGroup, costs_of


class QueueSettings(SettingGroup):
    """What the queue says."""

    poll_seconds: int = Field(default=15, ge=1, description="How often an open page asks for changes.")
    page_size: int = Field(default=50, ge=5, le=200, description="Tickets on one page of the queue.")
    high_risk_from: float = Field(
        default=0.5, gt=0, lt=1, description="A probability of breach from here on is called high risk (▲)."
    )
    some_risk_from: float = Field(
        default=0.2, gt=0, lt=1, description="A probability of breach from here on is called some risk (◆)."
    )
    rules_high_risk_from: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Without a model: the share of the target used from which a ticket is called high risk.",
    )
    rules_some_risk_from: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Without a model: the share of the target used from which a ticket is called some risk.",
    )
    save_within_working_hours: float = Field(
        default=16.0,
        gt=0,
        description="A running clock with at most this many working hours left belongs to the group 'save now'.",
    )
    queue_order: Literal["suggested", "rules"] = Field(
        default="suggested",
        description="The queue's own order while a model is served: `suggested`, by what a minute of work saves (docs/dispatch.md), or `rules`, by due time. Without a model it is `rules`.",
    )
    guard: float = Field(
        default=0.003,
        ge=0,
        le=1,
        description="Suggested order: what a ticket is worth that is late by one whole target, relative to one that presses and can be saved. 0 has the fewest breaches and the longest lateness.",
    )
    response_weight: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Suggested order: what a first response in time is worth relative to a resolution in time; counts where a first response is agreed.",
    )
    priority_weights: str = Field(
        default="1=20,2=8,3=3,4=1",
        description="Suggested order: what a breach costs by priority, priority=cost separated by commas; the least of them for any other priority.",
    )
    oldest_every: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Suggested order: one pick in so many takes the oldest ticket of the team, where a hard limit of age is agreed (5 is usual). 0: none does.",
    )
    switchback_from: AwareDatetime | None = Field(
        default=None,
        description="Suggested order: from this instant on (ISO 8601 with offset, best a Monday at midnight) each team has it in one week of two, and due times in the other, so that `slacast report suggestions` can tell what it is worth.",
    )
    assumed_work_minutes: float = Field(
        default=60.0,
        gt=0,
        description="Suggested order: hands-on minutes a ticket needs, while fewer than 30 finished tickets tell.",
    )

    @field_validator("priority_weights")
    @classmethod
    def _weights_are_costs(cls, value: str) -> str:
        costs_of(value)
        return value

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Self:
        for low, high in (("some_risk_from", "high_risk_from"), ("rules_some_risk_from", "rules_high_risk_from")):
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(
                    f"SLACAST_{low.upper()} ({getattr(self, low)}) must be below SLACAST_{high.upper()} ({getattr(self, high)})"
                )
        return self
