"""Targets as written: what is measured, when its clock starts, pauses and stops, and how long it may take for whom."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from sla.agreements.conditions import Condition
from sla.agreements.policies import PolicyChoices
from sla.durations import Duration, DurationText, parse_duration

METRICS = ("first_response", "next_response", "periodic_update", "resolution", "team_time", "supplier_time")
NO_AGREEMENT: Final = "no agreement"
Item = TypeVar("Item")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


def some(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The items. Raises ValueError when there are none."""
    if not items:
        raise ValueError("an empty list: write at least one item")
    return items


def _within(value: object) -> Duration | Literal["no agreement"]:
    return NO_AGREEMENT if value == NO_AGREEMENT else parse_duration(value)


Within = Annotated[
    Duration | Literal["no agreement"],
    PlainValidator(_within),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "examples": ["30 min", "8 h", "50 working hours", "3 working days", "no agreement"],
        }
    ),
]


class Penalty(_Part):
    """What a breach costs, in one currency: an amount for the breach, one for each started working hour beyond it, and a cap."""

    per_breach: float = Field(0.0, ge=0, description="for the breach as such")
    per_started_hour: float = Field(0.0, ge=0, description="for each started working hour beyond the target")
    cap: float | None = Field(None, ge=0, description="the most one ticket can cost")
    currency: str = Field("", description="for readers")

    @model_validator(mode="after")
    def _costs_something(self) -> Penalty:
        if not self.per_breach and not self.per_started_hour:
            raise ValueError(
                "a penalty without per_breach and per_started_hour costs nothing: write one of them, or leave the penalty out"
            )
        return self


class ServiceCredit(_Part):
    """A credit on the periodic fee when the share of tickets that met the target falls below a limit."""

    below_percent: float = Field(gt=0, le=100, description="owed when a smaller share met the target")
    credit_percent: float = Field(gt=0, le=100, description="of the periodic fee; the highest that is owed counts")


class Goal(_Part):
    """How long the target may take, on which calendar, for tickets that meet a condition; the first goal that matches decides."""

    name: str = Field("", description="how explanations call this rule")
    applies_to: Condition | None = Field(None, description="which tickets; left out = every ticket")
    default: bool = Field(False, description="true on a goal without applies_to: it is meant for all other tickets")
    within: Within = Field(description='a length of opening time, or "no agreement" to measure nothing')
    calendar: str | None = Field(
        None, description="a calendar of this file; left out = the target's or the agreement's"
    )

    @model_validator(mode="after")
    def _default_matches_all(self) -> Goal:
        if self.default and self.applies_to is not None:
            raise ValueError("a default goal is for all other tickets: leave out applies_to, or write default: false")
        return self


def _shares(value: object) -> object:
    if not isinstance(value, list | tuple):
        value = [value]
    return [
        float(item[:-1]) / 100
        if isinstance(item, str) and item.endswith("%") and item[:-1].strip().replace(".", "", 1).isdigit()
        else item
        for item in value
    ]


_SHARE = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "string", "pattern": "^[0-9.]+%$"},
    ]
}
Warnings = Annotated[
    tuple[Annotated[float, Field(gt=0, lt=1)], ...],
    BeforeValidator(_shares),
    WithJsonSchema({"anyOf": [_SHARE, {"type": "array", "items": _SHARE}]}),
]


class Target(_Part):
    """One promise of an agreement: a metric, the events that govern its clock, and goals in order."""

    metric: str = Field(description=f"one of {', '.join(METRICS)}, or a name of your own with start and stop")
    goals: Annotated[tuple[Goal, ...], AfterValidator(some)] = Field(
        description="in order: the first that matches decides"
    )
    calendar: str | None = Field(None, description="for goals that name none")
    owner: str | None = Field(None, description="who answers for it; left out = the agreement's owner")
    start: Condition | None = Field(None, description="the event or state that starts the clock")
    pause: Condition | None = Field(None, description="states in which the clock waits")
    runs_while: Condition | None = Field(None, description="states outside of which the clock waits")
    stop: Condition | None = Field(None, description="the event or state that stops it")
    stays_stopped: Condition | None = Field(
        None, description="states in which a stopped clock is not reopened; a running clock stops there too"
    )
    reset: Condition | None = Field(None, description="events that end the measurement and begin the next one")
    cancel: Condition | None = Field(None, description="states in which it is void; by default `status: cancelled`")
    repeat: Literal["once", "every_start", "on_reopen"] | None = Field(
        None, description="measured once; again at every start; or as long as the stop condition no longer holds"
    )
    warnings: Warnings = Field((), description="shares of the target, for example 75% or 0.75")
    grace: DurationText | None = Field(None, description="a breach counts only this much later; the due time stays")
    penalty: Penalty | None = Field(None, description="what a breach costs")
    credits: tuple[ServiceCredit, ...] = Field((), description="what a bad period costs")
    policies: PolicyChoices = Field(PolicyChoices(), description="settings for this target")

    @model_validator(mode="after")
    def _complete(self) -> Target:
        missing = [name for name in ("start", "stop") if getattr(self, name) is None]
        if self.metric not in METRICS and missing:
            raise ValueError(
                f'metric "{self.metric}" is none of {", ".join(METRICS)}; one of your own needs {" and ".join(missing)}: the events that begin and end it'
            )
        if self.grace is not None and self.grace.counts_days:
            raise ValueError("grace is a length of opening time: write hours or minutes")
        return self
