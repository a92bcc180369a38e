"""Who does the jobs: claims what waits, starts its process, tells how far it is, and says how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from features.store.faults import StoreError
from features.store.jobs import CANCELLED, FAILED, INTERRUPTED, SUCCEEDED, JobEnd, StoredJob
from serving.background import Loop, Trouble
from serving.jobs.catalogue import KINDS
from serving.jobs.kinds import JobKind, JobOrder
from serving.jobs.output import MOST_LOG_BYTES, JobOutput
from serving.jobs.process import GRACE_SECONDS, SLACAST, JobProcess, environment_of
from serving.lease import process_name
from serving.settings import Settings
from serving.tracing import Tracing

log = logging.getLogger(__name__)
MOST_SHORT = 2
RENEW_SECONDS = 1.0
_BUSY_SECONDS, _IDLE_SECONDS, _LOOK_SECONDS = 0.1, 2.0, 5.0


class JobTable(Protocol):
    """What is needed of features.store.jobs.Jobs."""

    def claim(self, holder: str, *, is_short: bool, most_running: int) -> StoredJob | None:
        """A job that waited, ours from now on."""

    def renew(self, job_id: int, holder: str, step: str | None, progress: float | None) -> StoredJob | None:
        """The job as it stands; None where it is not ours any more."""

    def end(self, job_id: int, holder: str, end: JobEnd) -> bool:
        """True where it was still ours."""

    def interrupt_silent(self, holder: str, silence_seconds: float) -> list[int]:
        """The jobs of holders that are gone."""


@dataclass
class _Running:
    job: StoredJob
    process: JobProcess
    output: JobOutput
    renewed_seconds: float
    began_ns: int = field(default_factory=time.time_ns)
    why_stopped: JobEnd | None = None


class JobRunner:
    """Does jobs in the background, `settings.jobs_at_once` long ones at once; one thread works, any may `wake` it."""

    def __init__(
        self,
        jobs: JobTable,
        settings: Settings,
        *,
        kinds: Mapping[str, JobKind] = KINDS,
        program: Sequence[str] = SLACAST,
        ended: Callable[[StoredJob], None] = lambda _job: None,
        tracing: Tracing | None = None,
        tidy: Callable[[], object] = lambda: None,
    ) -> None:
        """`ended` is told of each job that succeeded, such as a training after which there may be another champion.

        `tidy` is asked at every round, when all else is done.
        """
        self.kinds = kinds
        self.holder = process_name()
        self._jobs, self._settings, self._program, self._ended = jobs, settings, tuple(program), ended
        self._folder, self._tracing, self._tidy = folder_of(settings), tracing or Tracing(), tidy
        self._running: dict[int, _Running] = {}
        self._looked_seconds = float("-inf")
        self._loop = Loop("jobs", self.step, lambda: _BUSY_SECONDS if self._running else _IDLE_SECONDS)
        self._trouble = Trouble("Jobs cannot be looked after")

    @property
    def problem(self) -> str | None:
        """Why jobs are not looked after now."""
        return self._trouble.words

    def output(self, job_id: int) -> JobOutput:
        """Where the output of a job is, if it ran on this machine."""
        return JobOutput(self._folder / str(job_id))

    def wake(self) -> None:
        """Look at once: something waits, or is to be cancelled."""
        self._loop.wake()

    def start(self) -> None:
        """Begin to do jobs in the background."""
        if self._settings.jobs_at_once > 0:
            self._loop.start()

    def stop(self) -> None:
        """End what runs; it counts as interrupted."""
        self._loop.stop()
        for one in self._running.values():
            one.process.stop()
            one.why_stopped = one.why_stopped or JobEnd(
                state=INTERRUPTED, problem="The service was stopped; start it again."
            )
        deadline = time.monotonic() + GRACE_SECONDS
        while self._running and time.monotonic() < deadline:
            self._attended_if_possible()
            time.sleep(0.02)
        for one in self._running.values():
            one.process.kill()
        self._attended_if_possible()

    def _attended_if_possible(self) -> None:
        """As `_attended`; a store that is gone keeps no process alive: others find its jobs silent and say so."""
        try:
            self._attended()
        except StoreError as fault:
            self._trouble.met(fault)

    def step(self) -> None:
        """Nothing; one round: look after what runs, claim what waits, and give up what others left."""
        try:
            self._attended()
            self._look_for_silent()
            for is_short, most in ((True, MOST_SHORT), (False, self._settings.jobs_at_once)):
                while (found := self._jobs.claim(self.holder, is_short=is_short, most_running=most)) is not None:
                    self._begin(found)
            self._tidy()
            self._trouble.over()
        except (StoreError, OSError) as fault:  # jobs that run go on, and the next round tries again
            self._trouble.met(fault)

    def _begin(self, job: StoredJob) -> None:
        output = self.output(job.job_id)
        try:
            output.folder.mkdir(parents=True, exist_ok=True)
            words = self._words(job, output.folder)
            environment = environment_of(self._settings, job.asked_by)
            process = JobProcess([*self._program, *words], output.folder, environment)
        except (OSError, ValueError) as fault:
            self._jobs.end(job.job_id, self.holder, JobEnd(state=FAILED, problem=f"It could not be started: {fault}"))
            return
        log.info("job %d begins: slacast %s", job.job_id, " ".join(words))
        self._running[job.job_id] = _Running(job, process, output, time.monotonic())

    def _words(self, job: StoredJob, folder: Path) -> list[str]:
        kind = self.kinds.get(job.kind)
        if kind is None:
            raise ValueError(f"this version of slacast knows no jobs of the kind {job.kind!r}")
        return kind.command(
            kind.arguments.model_validate(job.arguments), JobOrder(folder, self._settings, job.asked_by)
        )

    def _attended(self) -> None:
        for number, one in list(self._running.items()):
            code = one.process.poll()
            if code is not None:
                self._end(number, one, code)
            elif time.monotonic() - one.renewed_seconds >= RENEW_SECONDS:
                self._renew(number, one)

    def _renew(self, number: int, one: _Running) -> None:
        if one.output.log_bytes() > MOST_LOG_BYTES and not one.process.was_stopped:
            one.process.stop()
            one.why_stopped = JobEnd(state=FAILED, problem=f"It wrote more than {MOST_LOG_BYTES:,} bytes to its log.")
        found = self._jobs.renew(number, self.holder, *one.output.step())
        one.renewed_seconds = time.monotonic()
        if found is None:  # others took it for lost: what it would still do counts no more
            log.warning("job %d is not ours any more and is ended", number)
            one.process.kill()
            del self._running[number]
        elif found.cancel_asked_at is not None and not one.process.was_stopped:
            one.process.stop()
            one.why_stopped = JobEnd(state=CANCELLED, problem="cancelled while it ran")

    def _end(self, number: int, one: _Running, code: int) -> None:
        """Say how it ended; where the store cannot be told, it is tried again at the next round."""
        self._jobs.renew(number, self.holder, *one.output.step())
        end = _end_of(one, code)
        was_ours = self._jobs.end(number, self.holder, end)
        del self._running[number]
        self._tracing.past(
            f"job {one.job.kind}",
            one.began_ns,
            failed_by=None if end.state == SUCCEEDED else end.state,
            slacast__job=number,
            slacast__exit_code=code,
        )
        log.info("job %d %s%s", number, end.state, f": {end.problem}" if end.problem else "")
        if was_ours and end.state == SUCCEEDED:
            self._ended(one.job)

    def _look_for_silent(self) -> None:
        now = time.monotonic()
        if now - self._looked_seconds >= _LOOK_SECONDS:
            for number in self._jobs.interrupt_silent(self.holder, self._settings.lease_seconds):
                log.warning("job %d is interrupted: whoever did it is gone", number)
            self._looked_seconds = now


def folder_of(settings: Settings) -> Path:
    """Where the folders of jobs are, by their numbers."""
    return settings.var_dir / "jobs"


def _end_of(one: _Running, code: int) -> JobEnd:
    if code == 0:  # it was done before it could be stopped
        return JobEnd(state=SUCCEEDED, exit_code=0, result=one.output.result())
    if one.why_stopped is not None:
        return JobEnd(state=one.why_stopped.state, problem=one.why_stopped.problem, exit_code=code)
    ended = f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return JobEnd(state=FAILED, problem=one.output.last_words() or ended, exit_code=code, result=one.output.result())
