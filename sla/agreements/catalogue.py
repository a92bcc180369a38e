"""The service catalogue as written: what the organisation offers, who answers for it and what it rests on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

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


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f'"{twice[0]}" is named twice: one service cannot stand in for itself; name each once')
    return names


Parts = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_each_once)]
_WAYS = ("all_of", "any_of", "some_of")


class Group(BaseModel):
    """What a service is made of: other services, of which all, any or a number must work."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        json_schema_extra={
            "oneOf": [{"required": ["all_of"]}, {"required": ["any_of"]}, {"required": ["some_of", "needed"]}],
            "dependentRequired": {"needed": ["some_of"]},
        },
    )

    all_of: Parts | None = Field(None, description="services that must all work")
    any_of: Parts | None = Field(None, description="services of which one must work")
    some_of: Parts | None = Field(None, description="services of which `needed` must work")
    needed: int | None = Field(None, ge=1, description="how many of `some_of`")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Group:
        given = [name for name in _WAYS if getattr(self, name) is not None]
        if len(given) != 1:
            found = "nothing" if not given else " and ".join(given)
            raise ValueError(
                f"found {found}; write exactly one of all_of, any_of and some_of, for example any_of: [Line 1, Line 2]"
            )
        if (self.some_of is None) != (self.needed is None):
            missing = "needed: how many of some_of must work" if self.some_of else "some_of: needed counts these alone"
            raise ValueError(f"write {missing}, for example needed: 2, some_of: [Node 1, Node 2, Node 3]")
        if self.needed is not None and self.needed > len(self.parts):
            raise ValueError(f"needed is {self.needed}, but some_of names {len(self.parts)}: expected at most as many")
        return self

    @property
    def way(self) -> str:
        """The key that names the parts."""
        return next(name for name in _WAYS if getattr(self, name) is not None)

    @property
    def parts(self) -> tuple[str, ...]:
        """The services it is made of."""
        return self.all_of or self.any_of or self.some_of or ()

    @property
    def parts_needed(self) -> int:
        """How many of them must work."""
        return self.needed or (len(self.parts) if self.all_of else 1)


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
    made_of: Group | None = Field(
        None, description="services of which all, any or a number must work for this one to work"
    )
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
        newer = ("availability_days", "continuity", "made_of")
        return {
            key: value
            for key, value in found.items()
            if key not in newer or getattr(self, key) != type(self).model_fields[key].default
        }

    @property
    def parts(self) -> tuple[str, ...]:
        """The services it is made of, none where it is no group."""
        return self.made_of.parts if self.made_of else ()

    @property
    def cannot_do_without(self) -> tuple[str, ...]:
        """The services each of which takes this one down with it: all that it depends on, and parts that must all work."""
        has_spare = self.made_of is None or self.made_of.parts_needed < len(self.parts)
        return self.depends_on if has_spare else (*self.depends_on, *self.parts)

    def fact(self, name: str) -> str | None:
        """The text of one catalogue fact for conditions (`service.criticality`, ...), None where the catalogue is silent."""
        return getattr(self, name.removeprefix("service.")) or None


def groups_among(services: Mapping[str, Service]) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Of each service made of others: how many of its parts must work, and which they are."""
    return {name: (one.made_of.parts_needed, one.parts) for name, one in services.items() if one.made_of}
