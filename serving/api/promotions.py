"""POST /api/v1/models/{name}/promote and /rollback: who serves is changed by hand, with a reason."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from features.store.jobs import FAILED, SUCCEEDED, StoredJob
from models.registry import CHAMPION, champion, registered
from models.versions import ModelVersion, RegisteredModel, RegistryError
from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded, gate_of
from serving.access.roles import Permission
from serving.api import asking
from serving.api.job_bodies import JobOut, job_out
from serving.api.problem_schemas import problems
from serving.jobs.promoting import PROMOTE, ROLLBACK, ModelName, PromoteArguments, Reason, RollbackArguments
from serving.problems import Fault, ProblemError
from serving.service import Service, service_of

router = APIRouter(tags=["models"], route_class=Guarded)
PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.05
Name: TypeAlias = Annotated[ModelName, Path()]
Scientist: TypeAlias = Annotated[Caller, Depends(Demand(Permission.PROMOTE))]
Key: TypeAlias = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="Sent again with the same key, it is done once."),
]
_LATER: dict[int | str, dict[str, Any]] = {
    202: {
        "model": JobOut,
        "description": "It takes longer than half a minute, or waits: `Location` is the job to watch.",
    }
}


class PromoteIn(BaseModel):
    """Which version is to serve, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"version": "challenger", "reason": "The champion does not know the new team."}]
        },
    )

    version: str = Field(
        pattern=r"^[A-Za-z0-9_.-]{1,100}$",
        description="A version by its number (3 or v3) or by its alias (challenger).",
    )
    reason: Reason
    overrule_gate: bool = Field(default=False, description="Promote it although the gate kept it out.")


class RollbackIn(BaseModel):
    """Why the last promotion is taken back."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "Too many false alarms since Monday."}]}
    )

    reason: Reason


class PromotionOut(BaseModel):
    """A move of the aliases as it is written down with the model."""

    model: str
    kind: Literal["promotion", "rollback"]
    number: int = Field(description="The version that is champion now.")
    before: dict[str, int] = Field(description="The aliases as they were.")
    after: dict[str, int]
    by: str
    at: datetime
    reason: str
    job_id: int


@router.post(
    "/models/{name}/promote",
    response_model=PromotionOut,
    responses={**_LATER, **problems(400, 401, 403, 404, 409, 413, 422, 429, 503, 507)},
    summary="Make a version the champion",
)
def promote(request: Request, name: Name, body: PromoteIn, caller: Scientist, idempotency_key: Key = None) -> Response:
    """Its bundle is loaded first, and one that cannot be served is refused. The service takes it up at once afterwards.

    A version that the gate kept out is refused (409) with the gate's reason, unless `overrule_gate` says otherwise.
    """
    sent = {"promote": name, **body.model_dump()}
    wish = asking.Request(service_of(request), caller, gate_of(request).clock(), idempotency_key, sent)
    job = wish.kept()
    if job is None:
        asking.refuse(caller, PROMOTE)
        one = _promotable(wish.service, name, body)
        job = asking.asked(wish, PROMOTE, PromoteArguments(name=name, number=one.number, reason=body.reason))
    return _answer(wish, job, name, gate_of(request).clock)


@router.post(
    "/models/{name}/rollback",
    response_model=PromotionOut,
    responses={**_LATER, **problems(400, 401, 403, 404, 409, 413, 422, 429, 503, 507)},
    summary="Take back the last promotion",
)
def roll_back(
    request: Request, name: Name, body: RollbackIn, caller: Scientist, idempotency_key: Key = None
) -> Response:
    """The previous champion serves again and every alias is where it was. Again goes one promotion further back."""
    sent = {"rollback": name, **body.model_dump()}
    wish = asking.Request(service_of(request), caller, gate_of(request).clock(), idempotency_key, sent)
    job = wish.kept()
    if job is None:
        asking.refuse(caller, ROLLBACK)
        _known(wish.service, name)
        job = asking.asked(wish, ROLLBACK, RollbackArguments(name=name, reason=body.reason))
    return _answer(wish, job, name, gate_of(request).clock)


def _known(service: Service, name: str) -> RegisteredModel:
    """The registered model; ProblemError 404 where there is none, 503 where the registry cannot be asked."""
    uri = service.settings.mlflow_uri
    try:
        return registered(uri, name)
    except RegistryError as fault:
        status = 404 if champion(uri, name).is_reachable else 503
        raise ProblemError(status, str(fault)) from fault


def _promotable(service: Service, name: str, body: PromoteIn) -> ModelVersion:
    """The version that is meant; ProblemError 422 where there is none, 409 where it is champion or the gate kept it out."""
    found = _known(service, name)
    try:
        one = found.find(body.version)
    except RegistryError as fault:
        raise ProblemError(422, str(fault), (Fault("#/version", str(fault)),)) from fault
    if found.aliases.get(CHAMPION) == one.number:
        raise ProblemError(409, f"{one.version} is the champion already.")
    if one.gate == "failed" and not body.overrule_gate:
        why = one.gate_reason.rstrip(".")
        raise ProblemError(
            409, f"The gate kept {one.version} out: {why}. With `overrule_gate` it is promoted all the same."
        )
    return one


def _answer(wish: asking.Request, job: StoredJob, name: str, clock: Any) -> Response:
    """How the job ended; 202 with the job itself where it has not within half a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    found: StoredJob | None = job
    while found is not None and found.is_open and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        with asking.storing():
            found = wish.service.written().jobs.find(job.job_id)
    if found is None or found.is_open:
        later = job_out(found or job, clock(), has_log=False).model_dump(mode="json")
        return JSONResponse(later, asking.ACCEPTED, {"Location": f"/api/v1/jobs/{job.job_id}"})
    if found.state != SUCCEEDED:
        detail = f"Nothing was changed: {(found.problem or found.state).rstrip('.')}. See job {job.job_id}."
        raise ProblemError(422 if found.state == FAILED else 503, detail)
    done = PromotionOut(model=name, job_id=job.job_id, **{key: found.result[key] for key in _SAID})
    return JSONResponse(done.model_dump(mode="json"))


_SAID = ("kind", "number", "before", "after", "by", "at", "reason")
