"""POST and GET /api/v1/jobs: long work is asked for, watched and cancelled."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded, gate_of
from serving.access.roles import Permission
from serving.api import asking
from serving.api.asking import ACCEPTED, asked, cancelled, refuse, seen, storing
from serving.api.job_bodies import REQUEST_EXAMPLES, JobIn, JobOut, JobPage, job_out
from serving.api.problem_schemas import problems
from serving.api.schemas import UNCHANGED
from serving.etags import FOR_ONE, etag_of, is_unchanged, not_modified
from serving.jobs.catalogue import KINDS
from serving.service import service_of

router = APIRouter(tags=["jobs"], route_class=Guarded)
JobId: TypeAlias = Annotated[int, Path(ge=1, le=2**53, description="The number of the job.")]
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
Asker: TypeAlias = Annotated[Caller, Depends(Demand(Permission.ASK_JOBS))]
Wanted: TypeAlias = Annotated[JobIn, Body(openapi_examples=REQUEST_EXAMPLES)]
Key: TypeAlias = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="Sent again with the same key, it is the same job."),
]


def shown(request: Request, job_id: int, caller: Caller) -> JobOut:
    """The job as the caller may see it now."""
    service = service_of(request)
    job = seen(service, caller, job_id)
    has_log = service.jobs is not None and service.jobs.output(job_id).is_here
    return job_out(job, gate_of(request).clock(), has_log=has_log)


@router.post(
    "/jobs",
    status_code=ACCEPTED,
    responses=problems(400, 401, 403, 413, 422, 429, 503, 507),
    summary="Start a job",
)
def ask_for_job(
    request: Request, response: Response, body: Wanted, caller: Asker, idempotency_key: Key = None
) -> JobOut:
    """It is on disk and waits its turn; `Location` is where to watch it. Which roles may start which kind: docs/api.md."""
    at, sent = gate_of(request).clock(), body.model_dump(mode="json")
    wish = asking.Request(service_of(request), caller, at, idempotency_key, sent)
    job = asked(wish, KINDS[body.kind], body.arguments)
    response.headers["Location"] = f"/api/v1/jobs/{job.job_id}"
    return shown(request, job.job_id, caller)


@router.get(
    "/jobs", response_model=JobPage, responses={304: UNCHANGED, **problems(401, 403, 422, 429, 503)}, summary="The jobs"
)
def read_jobs(
    request: Request,
    caller: Reader,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="The `next_before` of the page before.")] = None,
    kind: Annotated[
        list[str], Query(max_length=100, description="Only jobs of this kind; repeat it for any of several.")
    ] = [],  # noqa: B006 (FastAPI copies defaults)
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The jobs, newest first, without their results. A key of some teams or services sees those it asked for itself."""
    service, now = service_of(request), gate_of(request).clock()
    mine = None if caller.scope.is_everything else caller.name
    with storing():
        found = service.written().jobs.recent(limit + 1, before, kind, mine)
    runner = service.jobs
    jobs = [
        job_out(job, now, has_log=runner is not None and runner.output(job.job_id).is_here) for job in found[:limit]
    ]
    problem = runner.problem if runner is not None else None
    etag = etag_of(problem, [(job.job_id, job.state, job.step, job.progress, job.is_cancelling) for job in jobs])
    if is_unchanged(request, etag):
        return not_modified(etag)
    page = JobPage(jobs=jobs, next_before=jobs[-1].job_id if len(found) > limit else None, problem=problem)
    return JSONResponse(page.model_dump(mode="json"), headers={"ETag": etag, **FOR_ONE})


@router.get(
    "/jobs/{job_id}",
    response_model=JobOut,
    responses={304: UNCHANGED, **problems(401, 404, 422, 429, 503)},
    summary="One job: state, step, progress, result",
)
def read_job(request: Request, job_id: JobId, caller: Reader) -> Response:
    """How far it is, and once it ended what came of it. The ETag changes with anything but the seconds."""
    job = shown(request, job_id, caller)
    etag = etag_of(job.job_id, job.state, job.step, job.progress, job.is_cancelling, job.has_log)
    if is_unchanged(request, etag):
        return not_modified(etag)
    return JSONResponse(job.model_dump(mode="json"), headers={"ETag": etag, **FOR_ONE})


@router.post(
    "/jobs/{job_id}/cancel",
    responses=problems(400, 401, 403, 404, 409, 413, 422, 429, 503, 507),
    summary="End a job",
)
def cancel_job(request: Request, job_id: JobId, caller: Asker) -> JobOut:
    """A job that waits is cancelled at once, one that runs is told to end, with all it started. Whoever may start its kind may."""
    service = service_of(request)
    job = seen(service, caller, job_id)
    kind = KINDS.get(job.kind)
    if kind is not None and job.asked_by != caller.name:
        refuse(caller, kind)
    cancelled(service, caller, job, gate_of(request).clock())
    return shown(request, job_id, caller)
