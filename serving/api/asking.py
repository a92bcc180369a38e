"""How a job is asked for, found and cancelled on behalf of a caller."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

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


def asked(
    service: Service, caller: Caller, kind: JobKind, arguments: JobArguments, at: datetime, key: str | None = None
) -> StoredJob:
    """The job, on disk; under an Idempotency-Key that came before, the one asked for then.

    ProblemError 403 where the caller may not, 422 for a key of another request, 429 where too many wait, 503 and 507 where
    nothing can be stored.
    """
    refuse(caller, kind)
    plain = arguments.model_dump(mode="json")
    digest = hashlib.sha256(f"job\0{kind.name}\0{json.dumps(plain, sort_keys=True)}".encode()).hexdigest()
    with storing():
        found = _kept(service, caller, key, digest, at)
        if found is None:
            try:
                found = service.written().jobs.add(_wish(caller, kind, plain, at, key, digest), MOST_WAITING)
            except AnsweredError:  # the same request, at the same moment
                found = _kept(service, caller, key, digest, at)
    if found is None:
        raise ProblemError(503, "The job that this Idempotency-Key stands for cannot be found; try another key.")
    if service.jobs is not None:
        service.jobs.wake()
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


def _kept(service: Service, caller: Caller, key: str | None, digest: str, at: datetime) -> StoredJob | None:
    kept = None if key is None else service.written().idempotency.find(caller.name, key, at)
    if kept is None:
        return None
    if kept.digest != digest:
        detail = "This Idempotency-Key came with another request before; use a new one for each request."
        raise ProblemError(422, detail, (Fault("Idempotency-Key", detail),))
    return service.written().jobs.find(int(kept.body))


def _wish(
    caller: Caller, kind: JobKind, plain: dict[str, object], at: datetime, key: str | None, digest: str
) -> JobWish:
    def remembered(job_id: int) -> KeptAnswer:
        return KeptAnswer(caller=caller.name, key=key or "", digest=digest, status=ACCEPTED, body=str(job_id), at=at)

    return JobWish(
        kind=kind.name,
        arguments=plain,
        asked_by=caller.name,
        is_short=kind.is_short,
        audit=lambda job_id: _change(caller, "job asked for", job_id, at, kind=kind.name, arguments=plain),
        notes=[] if key is None else [answer_note(remembered)],
    )


def _change(caller: Caller, action: str, job_id: int, at: datetime, **said: object) -> Change:
    return Change(at=at, actor=caller.name, action=action, subject=f"job {job_id}", after=said, origin=caller.address)
