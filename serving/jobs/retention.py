"""How long the logs of jobs are kept: what a job said is removed some time after it ended, and the audit log says so first."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from features.store.audit import Change

log = logging.getLogger(__name__)
LOOK_SECONDS = 3600.0
ACTOR, ACTION = "slacast", "old job logs removed"
_AT_ONCE = 500


class JobEnds(Protocol):
    """What is needed of features.store.jobs.Jobs."""

    def ended_before(self, numbers: Sequence[int], before: datetime) -> list[int]:
        """Those of the jobs that ended before an instant."""


class AuditLog(Protocol):
    """What is needed of features.store.audit.Audit."""

    def append(self, change: Change) -> None:
        """Nothing; the change is on disk."""


class LogRetention:
    """Removes the folders of jobs that ended more than so many days ago; once an hour, however often it is asked.

    A folder of a job that the store does not know stays: it may be another store's.
    """

    def __init__(
        self, folder: Path, jobs: JobEnds, audit: AuditLog, days: float, clock: Callable[[], datetime]
    ) -> None:
        """`days`: 0 keeps them. `clock`: aware, real time."""
        self._folder, self._jobs, self._audit, self._days, self._clock = folder, jobs, audit, days, clock
        self._next_seconds = float("-inf")

    def turn(self) -> int:
        """How many were removed now; raises the store's errors and OSError, and is tried again in an hour."""
        now = time.monotonic()
        if not self._days or now < self._next_seconds:
            return 0
        self._next_seconds = now + LOOK_SECONDS
        return self.remove(self._clock())

    def remove(self, at: datetime) -> int:
        """How many were removed; the same at an instant."""
        before = at - timedelta(days=self._days)
        numbers = sorted(int(found.name) for found in self._folder.glob("[0-9]*") if found.name.isdecimal())
        removed = 0
        for first in range(0, len(numbers), _AT_ONCE):
            old = self._jobs.ended_before(numbers[first : first + _AT_ONCE], before)
            if old:
                self._audit.append(
                    Change(
                        at=at,
                        actor=ACTOR,
                        action=ACTION,
                        subject=f"ended before {before.isoformat()}",
                        after={"jobs": old},
                    )
                )
            for number in old:
                shutil.rmtree(self._folder / str(number))
            removed += len(old)
        if removed:
            log.info("the logs of %d jobs that ended before %s are removed", removed, before.isoformat())
        return removed
