"""Jobs as they go over the wire; what may be asked for is described kind by kind from the catalogue."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, Union

from pydantic import BaseModel, ConfigDict, Field, create_model

from features.store.jobs import StoredJob
from serving.jobs.catalogue import KINDS
from serving.jobs.kinds import JobArguments, JobKind

JobState: TypeAlias = Literal["waiting", "running", "succeeded", "failed", "cancelled", "interrupted"]


class JobRequest(BaseModel):
    """A job that is asked for: its kind and what that takes."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    arguments: JobArguments


def request_of(kind: JobKind) -> type[JobRequest]:
    """The body that asks for a job of one kind."""
    words = "".join(part.capitalize() for part in kind.name.replace("_", "-").split("-"))
    fields: dict[str, Any] = {"kind": (Literal[kind.name], ...)}
    is_needed = any(field.is_required() for field in kind.arguments.model_fields.values())
    fields["arguments"] = (kind.arguments, ... if is_needed else kind.arguments())
    return create_model(f"{words}JobIn", __base__=JobRequest, __doc__=f"{kind.about}.", **fields)


if TYPE_CHECKING:
    JobIn: TypeAlias = JobRequest
else:
    _REQUESTS = tuple(request_of(kind) for kind in KINDS.values() if kind.is_listed)
    JobIn = Annotated[Union[_REQUESTS], Field(discriminator="kind")]  # noqa: UP007 (made of a list)


REQUEST_EXAMPLES: dict[str, Any] = {
    kind.name: {"summary": kind.about, "value": {"kind": kind.name, "arguments": kind.example()}}
    for kind in KINDS.values()
    if kind.is_listed
}


class JobOut(BaseModel):
    """A job as it stands."""

    job_id: int
    kind: str
    about: str = Field(description="The kind in words.")
    arguments: dict[str, Any]
    state: JobState = Field(
        description="`interrupted`: the service that ran it ended first; what it had not finished is not done."
    )
    step: str | None = Field(description="What it does, or did last.")
    progress: float | None = Field(description="How much of the step is done, where it is known: a share of 1.")
    seconds: float | None = Field(description="How long it has been running, or ran; null while it waits.")
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    is_cancelling: bool = Field(description="It was told to end and has not yet.")
    problem: str | None = Field(description="Why it did not succeed, in a sentence.")
    has_log: bool = Field(description="Whether its log can be read here; it is kept on the machine where it ran.")
    result: Any = Field(default=None, description="What it printed; null until it succeeded, and in lists.")


class JobPage(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[JobOut]
    next_before: int | None = Field(description="Pass as `before` for the next page; null on the last.")
    problem: str | None = Field(description="Why jobs are not looked after at present, if so.")


def job_out(job: StoredJob, now: datetime, *, has_log: bool) -> JobOut:
    """The job for the wire."""
    kind = KINDS.get(job.kind)
    ran = None if job.started_at is None else ((job.ended_at or now) - job.started_at).total_seconds()
    names = ("job_id", "kind", "state", "step", "progress", "asked_by", "asked_at", "started_at", "ended_at", "problem", "result")  # fmt: skip
    return JobOut(
        **{name: getattr(job, name) for name in names},
        about=kind.about if kind else job.kind,
        arguments=dict(job.arguments),
        seconds=None if ran is None else round(max(ran, 0.0), 1),
        is_cancelling=job.is_open and job.cancel_asked_at is not None,
        has_log=has_log,
    )
