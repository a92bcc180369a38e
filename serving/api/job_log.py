"""GET /api/v1/jobs/{id}/log: what a job says, so far or as it comes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from features.store.faults import StoreError
from serving.access.caller import Caller
from serving.access.decisions import Guarded
from serving.api.asking import seen
from serving.api.jobs import JobId, Reader
from serving.api.problem_schemas import problems
from serving.jobs.output import JobOutput
from serving.problems import ProblemError
from serving.service import Service, service_of

router = APIRouter(tags=["jobs"], route_class=Guarded)
STREAM_SECONDS = 120.0
LOOK_SECONDS = 0.3
_MOST_BYTES = 1024 * 1024
_OFFSET = Query(ge=0, le=2**53, description="Where to begin, in bytes: the X-Next-Offset of the part before.")
_EXAMPLE = "[  0.0 s] reading the events\n[  4.2 s] building features 40 %\n"
_EVENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
    "description": "One event: lines of the log (`id`: where to go on), or how the job stands (`event`: step, end).",
}
_STREAM = {"id": "62", "data": "[  0.0 s] reading the events\n[  4.2 s] building features 40 %"}


def output_of(service: Service, caller: Caller, job_id: int) -> tuple[JobOutput, bool]:
    """Where the job's output is, and whether it still grows; ProblemError 404 where it is not on this machine."""
    job = seen(service, caller, job_id)
    output = None if service.jobs is None else service.jobs.output(job_id)
    if output is None or (job.started_at is not None and not output.is_here):
        where = f"with {job.holder}, where it ran" if job.holder else "elsewhere"
        raise ProblemError(404, f"The log of job {job_id} is not here; it is {where}, or was removed.")
    return output, job.is_open


@router.get(
    "/jobs/{job_id}/log",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": _EXAMPLE}}}, **problems(401, 404, 422, 429, 503)},
    summary="What a job says, as text",
)
def read_log(request: Request, job_id: JobId, caller: Reader, offset: Annotated[int, _OFFSET] = 0) -> Response:
    """The log from an offset on, at most 1 MiB, in whole lines. `X-Next-Offset` is where the next part begins."""
    output, is_open = output_of(service_of(request), caller, job_id)
    part = output.log(offset, _MOST_BYTES, is_growing=is_open)
    headers = {"X-Next-Offset": str(part.next_offset), "Cache-Control": "no-store"}
    return PlainTextResponse(part.text, headers=headers)


@router.get(
    "/jobs/{job_id}/log/stream",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"schema": _EVENT, "example": _STREAM}}},
        **problems(401, 404, 422, 429, 503),
    },
    summary="What a job says, as it comes (server-sent events)",
)
def stream_log(
    request: Request,
    job_id: JobId,
    caller: Reader,
    last_event_id: Annotated[
        int, Header(ge=0, le=2**53, description="Where to go on; browsers send it by themselves.")
    ] = 0,
) -> Response:
    """Lines as they are written; an event `step` when step, progress or state change, and `end` when there is no more.

    After two minutes it ends without that, and the browser asks again from where it was.
    """
    service = service_of(request)
    output_of(service, caller, job_id)
    return StreamingResponse(
        _events(service, caller, job_id, last_event_id),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(service: Service, caller: Caller, job_id: int, offset: int) -> AsyncIterator[str]:
    until, told = time.monotonic() + STREAM_SECONDS, ""
    while time.monotonic() < until:
        try:
            job = await run_in_threadpool(seen, service, caller, job_id)
            output, _is_open = await run_in_threadpool(output_of, service, caller, job_id)
        except (ProblemError, StoreError):  # the store is gone: the browser comes back
            return
        part = await run_in_threadpool(output.log, offset, _MOST_BYTES, is_growing=job.is_open)
        if part.next_offset > offset:
            offset = part.next_offset
            lines = "".join(f"data: {line}\n" for line in part.text.splitlines())
            yield f"id: {offset}\n{lines}\n"
            continue
        said = json.dumps({"state": job.state, "step": job.step, "progress": job.progress, "problem": job.problem})
        if not job.is_open:
            yield f"event: end\ndata: {said}\n\n"
            return
        if said != told:
            told = said
            yield f"event: step\ndata: {said}\n\n"
        await asyncio.sleep(LOOK_SECONDS)
