"""The choices that systems make differently and rarely write down: each one named, with a default, shown in every explanation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(
            f"{value.isoformat()} has no time zone: write an offset, for example {value.isoformat()}+00:00"
        )
    return value


AwareInstant = Annotated[datetime, AfterValidator(_aware)]


class PolicyChoices(BaseModel):
    """Policy settings as written: what is left out is decided one level up (target, agreement, file, built-in default)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    priority_change: Literal["recompute", "keep", "restart"] | None = Field(
        None,
        description="when other terms match in mid-ticket: judge by the new ones from the start, keep the first, or start again at the change",
    )
    reopen: Literal["continue", "run_on", "restart", "final"] | None = Field(
        None,
        description="time while resolved does not count; counts as if never resolved; the clock starts again; the first stop is final",
    )
    stop_at: Literal["first", "last"] | None = Field(
        None, description="which of several stop events in a row stops the clock, when it is recorded more than once"
    )
    reassign: Literal["continue", "restart"] | None = Field(None, description="what a change of team does to the clock")
    merge: Literal["cancel", "stop", "continue"] | None = Field(
        None, description="what merging the ticket into another does to the clock"
    )
    first_response: Literal["public_reply", "any_action", "status_change", "assignment"] | None = Field(
        None, description="which act of an agent is the first response"
    )
    ola_start: Literal["assignment", "creation"] | None = Field(
        None, description="time in a team counts from its assignment, or from the opening of the ticket whoever has it"
    )
    retroactive_start: bool | None = Field(
        None,
        description="an agreement that matches later counts from the original start, not from when it first matched",
    )
    version: Literal["opened", "current"] | None = Field(
        None,
        description="the version of an agreement valid when the ticket was opened, or the one valid now: a new one takes hold of tickets that are not over on its own date",
    )
    enforce_from: AwareInstant | None = Field(None, description="tickets opened before this instant are not measured")


class Policies(BaseModel):
    """Policy settings in force for one target: every choice made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    priority_change: Literal["recompute", "keep", "restart"] = "recompute"
    reopen: Literal["continue", "run_on", "restart", "final"] = "continue"
    stop_at: Literal["first", "last"] = "first"
    reassign: Literal["continue", "restart"] = "continue"
    merge: Literal["cancel", "stop", "continue"] = "cancel"
    first_response: Literal["public_reply", "any_action", "status_change", "assignment"] = "public_reply"
    ola_start: Literal["assignment", "creation"] = "assignment"
    retroactive_start: bool = True
    version: Literal["opened", "current"] = "opened"
    enforce_from: AwareInstant | None = None

    def overridden_by(self, choices: PolicyChoices) -> Policies:
        """These settings with the choices made on a more specific level."""
        made: dict[str, Any] = choices.model_dump(exclude_none=True)
        return self.model_copy(update=made) if made else self
