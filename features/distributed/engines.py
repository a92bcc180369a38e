"""Who does the work: this process, worker processes of this machine, or a cluster that runs already."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

MOST_ATTEMPTS = 5
PATIENCE = "20s"
STEALING = "distributed.scheduler.work-stealing"
SPAWNED_WITH = "distributed.nanny.pre-spawn-environ"
LARGEST_KEPT_BYTES, KEPT_BYTES = 1 << 30, 1 << 29
"""Memory that a worker frees stays its own: arrays up to the first size, half a GiB in all. Without it every array is asked
of the system again, page by page: a fifth of all processor time, and under Dask, whose own setting gives back at once, half."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # as malloc.h numbers them


class EngineError(ValueError):
    """An engine that is not installed or does not answer; the text says what to do."""


class Engine(Protocol):
    """Does the same work on many pieces. Work that was begun may be begun again: it must end the same way."""

    def map(self, what: str, work: Callable[[T], R], pieces: Sequence[T], progress: Progress) -> list[R]:
        """What `work` returns for each piece, in their order; `what` is told with the progress."""


class ThisProcess:
    """One piece after the other, here."""

    def map(self, what: str, work: Callable[[T], R], pieces: Sequence[T], progress: Progress) -> list[R]:
        """See Engine."""
        found = []
        for piece in pieces:
            found.append(work(piece))
            progress(what, len(found), len(pieces))
        return found


@dataclass(frozen=True)
class Processes:
    """Pieces on some processes of this machine."""

    pool: ProcessPoolExecutor

    def map(self, what: str, work: Callable[[T], R], pieces: Sequence[T], progress: Progress) -> list[R]:
        """See Engine."""
        found = []
        for result in self.pool.map(work, pieces):
            found.append(result)
            progress(what, len(found), len(pieces))
        return found


@contextmanager
def process_engine(workers: int) -> Iterator[Engine]:
    """An engine of this machine alone: this process, or several, started afresh (OpenMP does not survive a fork)."""
    if workers == 1:
        yield ThisProcess()
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _keep_freed_memory) as pool:
        yield Processes(pool)


def _keep_freed_memory() -> None:
    """Nothing; afterwards this process keeps what it frees, where the C library is GNU's; others have no such setting."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_option is not None:
        set_option(_M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
        set_option(_M_TRIM_THRESHOLD, KEPT_BYTES)


@dataclass(frozen=True)
class DaskEngine:
    """Pieces on the workers of a Dask cluster. What a lost worker was doing is done again by another."""

    client: Any

    def map(self, what: str, work: Callable[[T], R], pieces: Sequence[T], progress: Progress) -> list[R]:
        """See Engine."""
        from distributed import as_completed

        futures = self.client.map(work, pieces, pure=False)
        for done, _ in enumerate(as_completed(futures), start=1):
            progress(what, done, len(pieces))
        found: list[R] = self.client.gather(futures)
        return found

    def steals_work(self) -> bool:
        """Whether idle workers take tasks, with the results that these need, away from others."""
        from dask import config

        return bool(self.client.run_on_scheduler(config.get, STEALING))


@contextmanager
def dask_engine(scheduler: str | None = None, workers: int = 2, memory_limit: str = "3GiB") -> Iterator[DaskEngine]:
    """A Dask engine: the cluster whose scheduler is named (`tcp://host:port`), else `workers` processes of this machine.

    Local workers listen on the loopback address only, are started afresh (never forked: OpenMP does not survive it), and
    are kept below `memory_limit` each. A cluster's workers need this version of slacast and the same folders. Raises
    EngineError where Dask is not installed or the scheduler does not answer.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise EngineError("the engine `dask` needs its packages: pip install 'slacast[dask]'") from error
    config = {
        "distributed.worker.multiprocessing-method": "spawn",
        "distributed.scheduler.allowed-failures": MOST_ATTEMPTS,
        SPAWNED_WITH: {
            **dask.config.get(SPAWNED_WITH),
            "MALLOC_MMAP_THRESHOLD_": str(LARGEST_KEPT_BYTES),
            "MALLOC_TRIM_THRESHOLD_": str(KEPT_BYTES),
        },
        STEALING: False,  # LightGBM keeps open sockets as results: stolen to another worker they cannot go, and all wait for ever
        "distributed.admin.tick.limit": "1h",  # numpy holds the interpreter for seconds: no reason to warn
    }
    with dask.config.set(config):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout=PATIENCE)
            except (OSError, ValueError) as error:
                raise EngineError(
                    f"no Dask scheduler answers at {scheduler!r} ({error or 'timed out'}); expected an address such as tcp://host:8786"
                ) from error
            with client:
                yield DaskEngine(client)
            return
        with (
            TemporaryDirectory(prefix="slacast-dask-", ignore_cleanup_errors=True) as spilled,
            LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=memory_limit,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",  # any free port
                local_directory=spilled,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield DaskEngine(client)
