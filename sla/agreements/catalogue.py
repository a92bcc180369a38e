"""The service catalogue as written: what the organisation offers, who answers for it and what it rests on."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from sla.durations import Duration, DurationText

CRITICALITIES = ("low", "medium", "high", "critical")


def _real_time(length: Duration) -> Duration:
    if length.counts_days:
        raise ValueError(f'"{length}" depends on a calendar: recovery is measured on the clock; write hours, as "8 h"')
    return length


Length = Annotated[DurationText, AfterValidator(_real_time)]


class Continuity(BaseModel):
    """How a service is to come back after a disaster, and when that was last tried."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recovery_time: Length | None = Field(
        None, description="recovery time objective (RTO): the longest an outage may last"
    )
    recovery_point: Length | None = Field(
        None, description="recovery point objective (RPO): from how long before an outage data may be lost"
    )
    exercise_every_days: int | None = Field(None, ge=1, description="how often its recovery is to be exercised")
    exercised_on: dt.date | None = Field(None, description="when that was last done")


class Service(BaseModel):
    """One service of the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    description: str = Field("", description="for readers")
    owner: str | None = Field(None, description="the person or role that answers for it")
    criticality: Literal["low", "medium", "high", "critical"] | None = Field(
        None, description="conditions can ask for it as `service.criticality`"
    )
    business_value: str = Field("", description="what it is worth to the business, in its own words or units")
    depends_on: tuple[str, ...] = Field((), description="services it needs to work")
    hours: str | None = Field(None, description="calendar in which the service is promised")
    availability_percent: float | None = Field(
        None, gt=0, lt=100, description="promised availability within those hours"
    )
    availability_days: int = Field(
        30,
        ge=1,
        le=366,
        description="the rolling period over which that is promised; its error budget is of this period",
    )
    continuity: Continuity | None = Field(None, description="recovery objectives and exercises")

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is newer than the format, where it is left at its default: a file keeps its fingerprint."""
        found: dict[str, Any] = handler(self)
        newer = ("availability_days", "continuity")
        return {
            key: value
            for key, value in found.items()
            if key not in newer or getattr(self, key) != type(self).model_fields[key].default
        }

    def fact(self, name: str) -> str | None:
        """The text of one catalogue fact for conditions (`service.criticality`, ...), None where the catalogue is silent."""
        return getattr(self, name.removeprefix("service.")) or None
