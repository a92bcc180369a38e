"""Jobs that do what they are told, at once: a small script in the place of the command line."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from features.store import Store
from features.store.audit import Change
from features.store.jobs import JobWish
from serving.access.roles import Permission
from serving.jobs import catalogue, runner
from serving.jobs.kinds import JobArguments, JobKind, JobOrder
from serving.jobs.runner import JobRunner
from sla.instants import from_us
from tests.serving.stored_desk import Desk

SCRIPT = """
import json, os, signal, subprocess, sys, threading, time
sys.path.insert(0, os.environ["ROOT"])
from commands.starter import follow_starter
follow_starter()
doing = sys.argv[1]
def say(line): print(line, file=sys.stderr, flush=True)
say("[  0.0 s] reading the events")
if doing == "answer":
    say("[  0.1 s] building features 40 %")
    print(json.dumps({"who": os.environ["LOGNAME"], "store": os.environ["SLACAST_DATABASE_URL"], "nice": os.nice(0)}))
elif doing == "text":
    print("AUC 0.81\\nslk_abcdefgh_topsecret")
elif doing == "fail":
    say("slacast: there are no events to learn from")
    sys.exit(1)
elif doing == "crash":
    raise RuntimeError("postgresql://ada:secret@host/db is gone")
elif doing == "flood":
    for _ in range(20):
        say("x" * 1024 * 1024)
    time.sleep(60)
elif doing == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("[  0.1 s] not listening")
    time.sleep(60)
elif doing == "family":
    child = subprocess.Popen(["sleep", "60"])
    say(f"[  0.1 s] child {child.pid}")
    time.sleep(60)
else:
    say("[  0.1 s] waiting")
    time.sleep(60)
"""
JOBS = "/api/v1/jobs"
PROGRAM = (sys.executable, "-S", "-c", SCRIPT)


class TestArguments(JobArguments):
    __test__ = False
    doing: Literal["answer", "text", "fail", "crash", "flood", "stubborn", "family", "wait", "impossible"] = "answer"


def _command(given: TestArguments, order: JobOrder) -> list[str]:
    if given.doing == "impossible":
        raise ValueError("there is nothing to do it with")
    assert order.folder.is_dir()
    return [given.doing]


TRY = JobKind(name="try", about="Try something", permission=Permission.TRAIN, arguments=TestArguments, command=_command)
QUICK = JobKind(
    name="quick",
    about="Try something quick",
    permission=Permission.PLAN,
    arguments=TestArguments,
    command=_command,
    is_short=True,
    is_about_all=False,
)
KINDS = {kind.name: kind for kind in (TRY, QUICK)}


def asked(store: Store, doing: str = "answer", kind: str = "try", **arguments: Any) -> int:
    """The number of a job that waits."""
    said = Change(at=from_us(0), actor="Ada", action="job asked for", subject=kind)
    wish = JobWish(
        kind=kind,
        arguments={"doing": doing, **arguments},
        asked_by="Ada",
        is_short=kind == "quick",
        audit=lambda _number: said,
    )
    return store.jobs.add(wish, 100).job_id


def until(runner: JobRunner, holds: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `holds` gives once it is true, while the runner works."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        runner.step()
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError("it never came true")


@contextmanager
def working_desk(prepared: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A guarded service whose jobs are the small script."""
    monkeypatch.setenv("ROOT", str(Path(__file__).parents[2]))
    monkeypatch.setattr(runner, "RENEW_SECONDS", 0.0)
    found = Desk(prepared, folder, requests_per_second=1e6)
    kinds = {**catalogue.KINDS, **{name: replace(kind, command=_doing) for name, kind in catalogue.KINDS.items()}}
    found.service = replace(
        found.service, jobs=JobRunner(found.store.jobs, found.settings, kinds=kinds, program=PROGRAM)
    )
    found.add_keys()
    yield found
    worker(found).stop()
    found.close()


def _doing(given: Any, _order: JobOrder) -> list[str]:
    return ["wait" if getattr(given, "seed", 0) == 7 else "answer"]


def worker(desk: Desk) -> JobRunner:
    """What runs the jobs of a desk."""
    assert desk.service.jobs is not None
    return desk.service.jobs


def ended(job: dict[str, Any]) -> dict[str, Any] | None:
    return None if job["state"] in ("waiting", "running") else job
