"""How a job is asked for, found and cancelled on behalf of a caller."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.store.audit import Change
from features.store.engine import FULL
from features.store.faults import StoreError
from features.store.idempotency import AnsweredError, KeptAnswer, answer_note
from features.store.jobs import JobWish, QueueFullError, StoredJob
from serving.access.caller import Caller
from serving.access.roles import roles_with
from serving.jobs.kinds import JobArguments, JobKind
from serving.problems import Fault, ProblemError
from serving.service import Service

log = logging.getLogger(__name__)
MOST_WAITING = 50
ACCEPTED = 202


@dataclass(frozen=True)
class Request:
    """What a caller sent, for who must recognise it when it is sent again under its Idempotency-Key."""

    service: Service
    caller: Caller
    at: datetime
    key: str | None
    sent: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """What it is recognised by."""
        return hashlib.sha256(b"job\0" + json.dumps(dict(self.sent), sort_keys=True).encode()).hexdigest()

    def kept(self) -> StoredJob | None:
        """The job it was answered with before; ProblemError 422 where the key came with another request."""
        with storing():
            return _kept(self)


def asked(request: Request, kind: JobKind, arguments: JobArguments) -> StoredJob:
    """The job, on disk; under an Idempotency-Key that came before, the one asked for then.

    ProblemError 403 where the caller may not, 422 for a key of another request, 429 where too many wait, 503 and 507 where
    nothing can be stored.
    """
    refuse(request.caller, kind)
    jobs = request.service.written().jobs
    with storing():
        found = _kept(request)
        if found is None:
            try:
                found = jobs.add(_wish(request, kind, arguments.model_dump(mode="json")), MOST_WAITING)
            except AnsweredError:  # the same request, at the same moment
                found = _kept(request)
    if found is None:
        raise ProblemError(503, "The job that this Idempotency-Key stands for cannot be found; try another key.")
    if request.service.jobs is not None:
        request.service.jobs.wake()
    return found


def refuse(caller: Caller, kind: JobKind) -> None:
    """Nothing, or ProblemError 403 where the caller may not start jobs of this kind."""
    if not caller.may(kind.permission):
        roles = ", ".join(roles_with(kind.permission))
        raise ProblemError(403, f"The role {caller.role.value} may not {kind.permission.value}; these may: {roles}.")
    if kind.is_about_all and not caller.scope.is_everything:
        raise ProblemError(403, f"This is about all tickets; this key may see {caller.scope.words()}.")


def seen(service: Service, caller: Caller, job_id: int) -> StoredJob:
    """The job of that number; ProblemError 404 where there is none that the caller may see: a key of some teams sees its own."""
    with storing():
        found = service.written().jobs.find(job_id)
    if found is None or not (caller.scope.is_everything or found.asked_by == caller.name):
        raise ProblemError(404, f"There is no job {job_id}.")
    return found


def cancelled(service: Service, caller: Caller, job: StoredJob, at: datetime) -> StoredJob:
    """The job, cancelled or about to be; ProblemError 409 where it ended before."""
    if not job.is_open:
        raise ProblemError(409, f"Job {job.job_id} ended before: {job.state}.")
    change = _change(caller, "job cancelled", job.job_id, at, kind=job.kind)
    with storing():
        found = service.written().jobs.cancel(job.job_id, change)
    if found is None:
        raise ProblemError(404, f"There is no job {job.job_id}.")
    if service.jobs is not None:
        service.jobs.wake()
    return found


@contextmanager
def storing() -> Iterator[None]:
    """A block whose store errors become problems."""
    try:
        yield
    except AnsweredError:
        raise
    except QueueFullError as error:
        raise ProblemError(429, f"{error}.", headers={"Retry-After": "60"}) from error
    except StoreError as error:
        log.exception("the store cannot be used for jobs")
        if str(error).endswith(FULL):
            raise ProblemError(507, "The disk of the store is full; nothing was stored.") from error
        raise ProblemError(503, "The store cannot be used at present; nothing was stored.") from error


def _kept(request: Request) -> StoredJob | None:
    store = request.service.written()
    kept = None if request.key is None else store.idempotency.find(request.caller.name, request.key, request.at)
    if kept is None:
        return None
    if kept.digest != request.digest:
        detail = "This Idempotency-Key came with another request before; use a new one for each request."
        raise ProblemError(422, detail, (Fault("Idempotency-Key", detail),))
    return store.jobs.find(int(kept.body))


def _wish(request: Request, kind: JobKind, plain: dict[str, Any]) -> JobWish:
    caller, key = request.caller, request.key

    def remembered(job_id: int) -> KeptAnswer:
        digest, body = request.digest, str(job_id)
        return KeptAnswer(caller=caller.name, key=key or "", digest=digest, status=ACCEPTED, body=body, at=request.at)

    return JobWish(
        kind=kind.name,
        arguments=plain,
        asked_by=caller.name,
        is_short=kind.is_short,
        audit=lambda job_id: _change(caller, "job asked for", job_id, request.at, kind=kind.name, arguments=plain),
        notes=[] if key is None else [answer_note(remembered)],
    )


def _change(caller: Caller, action: str, job_id: int, at: datetime, **said: object) -> Change:
    return Change(at=at, actor=caller.name, action=action, subject=f"job {job_id}", after=said, origin=caller.address)
