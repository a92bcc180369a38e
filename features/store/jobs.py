"""Jobs: long work that was asked for, who does it, how far it is and what became of it. All time is the database's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, func, insert, or_, select, update

from features.store.audit import Change, enter
from features.store.engine import amending, reading, writing
from features.store.faults import StoreError
from features.store.leases import NowUs, database_now_us
from features.store.tables import jobs
from sla.instants import from_us, to_us

WAITING: Final = "waiting"
RUNNING: Final = "running"
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
INTERRUPTED: Final = "interrupted"  # the service that ran it ended first
STATES: Final = (WAITING, RUNNING, SUCCEEDED, FAILED, CANCELLED, INTERRUPTED)
OPEN: Final = (WAITING, RUNNING)
_LISTED = [column for column in jobs.columns if column.name != "result"]
_INSTANTS = ("asked_at", "started_at", "seen_at", "cancel_asked_at", "ended_at")


class QueueFullError(StoreError):
    """As many jobs wait as may; nothing was stored."""


@dataclass(frozen=True, kw_only=True)
class StoredJob:
    """A job as it stands. `progress` is a share of 1, None where nobody knows; `result` is read by `find` alone."""

    job_id: int
    kind: str
    arguments: Mapping[str, Any]
    asked_by: str
    state: str
    is_short: bool
    asked_at: datetime
    started_at: datetime | None = None
    seen_at: datetime | None = None
    cancel_asked_at: datetime | None = None
    ended_at: datetime | None = None
    holder: str | None = None
    step: str | None = None
    problem: str | None = None
    progress: float | None = None
    exit_code: int | None = None
    result: Any = None

    @property
    def is_open(self) -> bool:
        """True until it ended."""
        return self.state in OPEN


@dataclass(frozen=True, kw_only=True)
class JobWish:
    """A job that is asked for. `audit` tells the change for the audit log from the number that the job gets."""

    kind: str
    arguments: Mapping[str, Any]
    asked_by: str
    is_short: bool
    audit: Callable[[int], Change]
    notes: Sequence[Callable[[Connection, int], None]] = ()  # done in the same transaction: see answer_note


@dataclass(frozen=True, kw_only=True)
class JobEnd:
    """How a job ended. `problem` is a sentence, None where it succeeded."""

    state: str
    problem: str | None = None
    exit_code: int | None = None
    result: Any = None


class Jobs:
    """The jobs of a store: asked for by any process, each done by one of them."""

    def __init__(self, engine: Engine, now_us: NowUs | None = None) -> None:
        self._engine, self._now_us = engine, now_us or database_now_us

    def add(self, wish: JobWish, most_waiting: int) -> StoredJob:
        """The job, waiting, on disk with its line in the audit log. QueueFullError where `most_waiting` wait already."""
        with writing(self._engine) as connection:
            waiting = connection.execute(_count(jobs.c.state == WAITING, jobs.c.is_short == wish.is_short)).scalar_one()
            if waiting >= most_waiting:
                raise QueueFullError(f"{waiting} jobs wait already; try again when some of them are done")
            values = {name: getattr(wish, name) for name in ("kind", "asked_by", "is_short")}
            arguments = json.dumps(dict(wish.arguments), ensure_ascii=False)
            row = insert(jobs).values(**values, arguments=arguments, state=WAITING, asked_at=self._now_us(connection))
            (number,) = connection.execute(row).inserted_primary_key or (0,)
            enter(connection, wish.audit(int(number)))
            for note in wish.notes:
                note(connection, int(number))
            return _job(connection.execute(select(jobs).where(jobs.c.job_id == number)).mappings().one())

    def find(self, job_id: int) -> StoredJob | None:
        """The job with its result; None where there is none of that number."""
        with reading(self._engine) as connection:
            row = connection.execute(select(jobs).where(jobs.c.job_id == job_id)).mappings().first()
        return None if row is None else _job(row)

    def recent(
        self, limit: int, before_id: int | None = None, kinds: Sequence[str] = (), asked_by: str | None = None
    ) -> list[StoredJob]:
        """The last `limit` jobs with a number below one, newest first, without results; of any kind where none is named."""
        wanted: list[ColumnElement[bool]] = [jobs.c.kind.in_(list(kinds))] if kinds else []
        wanted += [] if asked_by is None else [jobs.c.asked_by == asked_by]
        wanted += [] if before_id is None else [jobs.c.job_id < before_id]
        query = select(*_LISTED).where(*wanted).order_by(jobs.c.job_id.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    def ended_before(self, numbers: Sequence[int], before: datetime) -> list[int]:
        """Those of the jobs, in order, that ended before an instant."""
        wanted = [jobs.c.job_id.in_(list(numbers)), jobs.c.ended_at < to_us(before)]
        with reading(self._engine) as connection:
            found = connection.execute(select(jobs.c.job_id).where(*wanted).order_by(jobs.c.job_id)).scalars()
            return [int(number) for number in found]

    def counts(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        query = select(jobs.c.state, func.count()).group_by(jobs.c.state)
        with reading(self._engine) as connection:
            found = {str(state): int(count) for state, count in connection.execute(query)}
        return {state: found.get(state, 0) for state in STATES}

    def claim(self, holder: str, *, is_short: bool, most_running: int) -> StoredJob | None:
        """The job that waited longest, `holder`'s from now on; None where none waits, or `most_running` run on this store."""
        mine = [jobs.c.state == WAITING, jobs.c.is_short == is_short]
        with reading(self._engine) as connection:  # mostly none waits: nobody's turn to write is taken for that
            if connection.execute(select(jobs.c.job_id).where(*mine).limit(1)).first() is None:
                return None
        with writing(self._engine) as connection:
            running = connection.execute(_count(jobs.c.state == RUNNING, jobs.c.is_short == is_short)).scalar_one()
            oldest = select(jobs.c.job_id).where(*mine).order_by(jobs.c.job_id).limit(1)
            number = None if running >= most_running else connection.execute(oldest).scalar()
            if number is None:
                return None
            at_us = self._now_us(connection)
            taken = {"state": RUNNING, "holder": holder, "started_at": at_us, "seen_at": at_us}
            connection.execute(update(jobs).where(jobs.c.job_id == number).values(**taken))
            return _job(connection.execute(select(jobs).where(jobs.c.job_id == number)).mappings().one())

    def renew(self, job_id: int, holder: str, step: str | None, progress: float | None) -> StoredJob | None:
        """The job as it stands with how far it is; None where it is not the holder's any more."""
        with amending(self._engine) as connection:
            values = {"seen_at": self._now_us(connection), "step": step, "progress": progress}
            counting = connection.execution_options(preserve_rowcount=True)
            mine = [jobs.c.job_id == job_id, jobs.c.holder == holder, jobs.c.state == RUNNING]
            if counting.execute(update(jobs).where(*mine).values(**values)).rowcount != 1:
                return None
            return _job(connection.execute(select(*_LISTED).where(jobs.c.job_id == job_id)).mappings().one())

    def end(self, job_id: int, holder: str, end: JobEnd) -> bool:
        """True where the job was the holder's; it has ended so."""
        with amending(self._engine) as connection:
            values: dict[str, Any] = {
                "state": end.state,
                "problem": end.problem,
                "exit_code": end.exit_code,
                "result": None if end.result is None else json.dumps(end.result, ensure_ascii=False),
                "ended_at": self._now_us(connection),
            }
            if end.state == SUCCEEDED:
                values["progress"] = 1.0
            counting = connection.execution_options(preserve_rowcount=True)
            mine = [jobs.c.job_id == job_id, jobs.c.holder == holder, jobs.c.state == RUNNING]
            return counting.execute(update(jobs).where(*mine).values(**values)).rowcount == 1

    def cancel(self, job_id: int, change: Change) -> StoredJob | None:
        """The job: cancelled where it waited, about to be where it runs, unchanged where it ended. None where there is none."""
        with writing(self._engine) as connection:
            found = select(jobs).where(jobs.c.job_id == job_id)
            row = connection.execute(found.with_for_update()).mappings().first()
            if row is None or row["state"] not in OPEN or row["cancel_asked_at"] is not None:
                return None if row is None else _job(row)
            at_us = self._now_us(connection)
            ended = {"state": CANCELLED, "ended_at": at_us, "problem": f"cancelled by {change.actor} before it began"}
            values = {"cancel_asked_at": at_us, **(ended if row["state"] == WAITING else {})}
            connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(**values))
            enter(connection, change)
            return _job(connection.execute(found).mappings().one())

    def interrupt_silent(self, holder: str, silence_seconds: float) -> list[int]:
        """The numbers of the jobs of other holders that were not heard of for so long: they count as interrupted now.

        One that was seen in what is the future now is among them: the database's clock was set back since.
        """
        silent = [jobs.c.state == RUNNING, jobs.c.holder != holder]
        with reading(self._engine) as connection:
            at_us = self._now_us(connection)
            slack_us = round(silence_seconds * 1_000_000)
            silent.append(or_(jobs.c.seen_at < at_us - slack_us, jobs.c.seen_at > at_us + slack_us))
            numbers = list(connection.execute(select(jobs.c.job_id).where(*silent)).scalars())
        if not numbers:
            return []
        problem = "The service that ran it ended without a word; what it had not finished by then is not done."
        with amending(self._engine) as connection:
            ended = {"state": INTERRUPTED, "ended_at": self._now_us(connection), "problem": problem}
            connection.execute(update(jobs).where(*silent, jobs.c.job_id.in_(numbers)).values(**ended))
        return [int(number) for number in numbers]


def _count(*wanted: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(jobs).where(*wanted)


def _job(row: RowMapping) -> StoredJob:
    values = dict(row)
    values["arguments"] = json.loads(row["arguments"])
    values |= {name: None if row[name] is None else from_us(row[name]) for name in _INSTANTS}
    values["is_short"] = bool(row["is_short"])
    values["result"] = None if row.get("result") is None else json.loads(row["result"])
    return StoredJob(**values)
