"""The service catalogue as written: what the organisation offers, who answers for it and what it rests on."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CRITICALITIES = ("low", "medium", "high", "critical")


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

    def fact(self, name: str) -> str | None:
        """The text of one catalogue fact for conditions (`service.criticality`, ...), None where the catalogue is silent."""
        return getattr(self, name.removeprefix("service.")) or None
