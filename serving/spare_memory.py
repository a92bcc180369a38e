"""What a process that serves for long spares the machine: free memory, searches for garbage, threads that wait for each other."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow
from threadpoolctl import threadpool_limits

from features.memory.array_file import let_go
from serving.background import Loop

GROWN_MIB = 48
EVERY_SECONDS = 2.0
_M_ARENA_MAX = -8  # malloc.h


def give_back() -> bool:
    """True where the C library gave free memory back to the machine; it costs hundredths of a second.

    glibc keeps what was freed between pieces that are still in use. A scoring builds arrays as large as all that the service
    holds and lets them go again, so without this a service over 2 million events holds 500 MiB that nobody uses. Where
    another C library runs (macOS, musl), nothing happens.
    """
    trim = _malloc_trim()
    return bool(trim(0)) if trim is not None else False


def share_one_pool() -> bool:
    """True where all threads now take memory from one pool; call it before threads begin.

    glibc gives each of the first threads a pool of its own, and `give_back` cannot reach the upper end of any but the first:
    150 MiB on a large desk. Python's threads take turns anyway. Arrow, which holds the texts of data frames, has another pool
    of its own, which keeps as much as it ever needed.
    """
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    mallopt = _c_function("mallopt")
    return bool(mallopt(_M_ARENA_MAX, 1)) if mallopt is not None else False


def one_thread_for_algebra() -> None:
    """Nothing; products of matrices are worked out by the thread that asks for them, as soon as numpy is there.

    Those of a queue are small: two threads of OpenBLAS that wait for each other on processors that are busy with other requests
    take ten times as long as one. Training, in processes of its own, is left as it is.
    """
    threadpool_limits(limits=1, user_api="blas")


class Tide:
    """Sees to it that a process which has grown gives back what it can: what it freed, and what it has on the disk as well."""

    def __init__(self, resident_mib: Callable[[], float], give: Callable[[], object]) -> None:
        """`resident_mib` tells the memory of the process, `give` gives back."""
        self._resident_mib, self._give = resident_mib, give
        self._low_mib = 0.0

    def turn(self) -> bool:
        """True where the process had grown by GROWN_MIB since the last time, or since it was smallest, and gave back."""
        now_mib = self._resident_mib()
        self._low_mib = min(self._low_mib, now_mib)
        if now_mib < self._low_mib + GROWN_MIB:
            return False
        self._give()
        self._low_mib = self._resident_mib()
        return True


@contextmanager
def giving_back() -> Iterator[None]:
    """While it lasts, free memory goes back to the machine wherever it piles up: looks at news and answers leave some, too.

    Nothing where the machine does not say how much there is, or takes none back.
    """
    if _malloc_trim() is None:
        yield
        return
    loop = Loop("tide", Tide(resident_mib, _give_all).turn, lambda: EVERY_SECONDS)
    loop.start()
    try:
        yield
    finally:
        loop.stop()


def resident_mib() -> float:
    """The resident memory of this process, as Linux tells it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _give_all() -> None:
    let_go()
    give_back()


@contextmanager
def without_what_stays(is_settled: Callable[[], bool], every_seconds: float = 1.0) -> Iterator[None]:
    """While it lasts, the search for garbage leaves out what was there at its beginning, and once more when `is_settled` first holds.

    What a service has imported and put together by then it needs to its end: 400,000 objects, and looking through all of
    them holds up everybody for a quarter of a second. Only for a process that does nothing else.
    """
    gc.freeze()
    is_over = threading.Event()

    def settle() -> None:
        while not is_over.wait(every_seconds):
            if is_settled():
                gc.collect()
                gc.freeze()
                return

    threading.Thread(target=settle, name="slacast-settling", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
        gc.unfreeze()


def _malloc_trim() -> Any:
    return _c_function("malloc_trim")


@cache
def _c_function(name: str) -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None
