"""Jobs that move a model's aliases. They take seconds and have routes of their own, which ask for a reason."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from serving.access.roles import Permission
from serving.jobs.kinds import JobArguments, JobKind, JobOrder, options

ModelName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$", description="The registered model.")]
Reason = Annotated[str, Field(min_length=3, max_length=2000, description="Why; it is kept with the model.")]


class PromoteArguments(JobArguments):
    """Make a version the champion."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "breach", "number": 3, "reason": "new team"}]})

    name: ModelName
    number: Annotated[int, Field(ge=1, le=2**31 - 1)]
    reason: Reason


class RollbackArguments(JobArguments):
    """Take back the last promotion."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "breach", "reason": "false alarms"}]})

    name: ModelName
    reason: Reason


def _promote(given: PromoteArguments, order: JobOrder) -> list[str]:
    said = options(reason=given.reason, by=order.asked_by)
    return ["models", "promote", given.name, str(given.number), *said, "--json"]


def _rollback(given: RollbackArguments, order: JobOrder) -> list[str]:
    return ["models", "rollback", given.name, *options(reason=given.reason, by=order.asked_by), "--json"]


PROMOTE = JobKind(
    name="promote",
    about="Promote a model",
    permission=Permission.PROMOTE,
    arguments=PromoteArguments,
    command=_promote,
    is_short=True,
    is_listed=False,
)
ROLLBACK = JobKind(
    name="rollback",
    about="Roll a model back",
    permission=Permission.PROMOTE,
    arguments=RollbackArguments,
    command=_rollback,
    is_short=True,
    is_listed=False,
)
