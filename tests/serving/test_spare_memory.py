"""Free memory goes back to the machine where the C library can, and nothing breaks where it cannot."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from serving import spare_memory

PROGRAM = """
import os, sys
from serving.spare_memory import give_back
def resident_mib():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
kept, held = [], []
for _ in range(4000):  # blocks below the size that glibc maps, with something that stays between them
    held.append(bytearray(60_000))
    kept.append(bytearray(600))
del held
before = resident_mib()
give_back()
print(before - resident_mib())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read as Linux tells it")
def test_what_was_freed_between_used_pieces_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    if spare_memory._malloc_trim() is None:
        pytest.skip("this C library has no malloc_trim")
    assert float(done.stdout) > 100  # of 240 MB


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have other memory")
def test_threads_can_share_one_pool_of_memory() -> None:
    said = "from serving.spare_memory import _malloc_trim, share_one_pool; print(share_one_pool() or _malloc_trim() is None)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_texts_of_data_frames_lie_in_the_pool_that_gives_back() -> None:
    said = (
        "import pyarrow, pandas; from serving.spare_memory import share_one_pool; share_one_pool();"
        "pool = pyarrow.system_memory_pool(); before = pool.bytes_allocated(); text = pandas.Series(['a' * 90] * 100_000);"
        "print(pool.backend_name, pyarrow.default_memory_pool().backend_name, pool.bytes_allocated() - before > 9_000_000)"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["system", "system", "True"]


STAYS = """
import gc, threading
from serving.spare_memory import without_what_stays
may_settle, was_asked = threading.Event(), threading.Event()
def is_settled():
    was_asked.set()
    return may_settle.is_set()
gc.collect()
with without_what_stays(is_settled, 0.001):
    first = gc.get_freeze_count()
    built = [[number] for number in range(50_000)]
    assert was_asked.wait(30)
    before = gc.get_freeze_count()
    may_settle.set()
    for thread in threading.enumerate():
        if thread.name == "slacast-settling":
            thread.join(30)
    settled = gc.get_freeze_count()
print(first > 1_000, before == first, settled - first >= 50_000, gc.get_freeze_count())
"""


def test_what_stays_is_left_out_of_the_search_for_garbage_at_the_beginning_and_when_all_is_there() -> None:
    done = subprocess.run([sys.executable, "-c", STAYS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True", "0"]


ALGEBRA = """
import numpy
from threadpoolctl import threadpool_info
from serving.spare_memory import one_thread_for_algebra
def threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
before = len(threads())
one_thread_for_algebra()
print(before, threads() == [1] * before)
"""


def test_products_of_matrices_take_one_thread() -> None:
    done = subprocess.run([sys.executable, "-c", ALGEBRA], capture_output=True, text=True, check=True)
    libraries, is_one = done.stdout.split()
    assert (int(libraries) > 0, is_one) == (True, "True")


def test_a_process_gives_back_when_it_has_grown_since_it_was_smallest() -> None:
    grown, given = spare_memory.GROWN_MIB, []
    sizes = iter(
        [300.0, 200.0, 200.0 + grown - 1, 200.0 + grown, 210.0, 210.0 + grown - 1, 150.0, 150.0 + grown, 150.0]
    )
    tide = spare_memory.Tide(lambda: next(sizes), lambda: given.append(True))
    tide.turn()  # gives, for it began at nothing; 200 are left
    assert [tide.turn() for _ in range(5)] == [False, True, False, False, True]
    assert len(given) == 3


GIVING = """
import sys, threading, time
from serving import spare_memory
spare_memory.EVERY_SECONDS = 0.01
import numpy as np
from pathlib import Path
from features.memory.array_file import ArrayFile, ArrayWriter
path = Path(sys.argv[1])
with path.open("wb") as file:
    writer = ArrayWriter(file)
    writer.put("numbers", np.arange(20_000_000))
    writer.finish({})
numbers = ArrayFile(path).array("numbers")
assert int(numbers.sum()) == 199999990000000
resident = spare_memory.resident_mib
before = resident()
with spare_memory.giving_back():
    until = time.monotonic() + 30
    while resident() > before - 100 and time.monotonic() < until:
        time.sleep(0.01)
    low = resident()
names = {thread.name for thread in threading.enumerate()}
print(before - low > 100, numbers[12_345_678], "slacast-tide" in names)
"""


def test_a_service_keeps_what_it_has_on_the_disk_there_alone(tmp_path: Path) -> None:
    if spare_memory._malloc_trim() is None:
        pytest.skip("this C library has no malloc_trim")
    done = subprocess.run([sys.executable, "-c", GIVING, str(tmp_path / "arrays")], capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.split() == ["True", "12345678", "False"]


def test_without_glibc_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_memory, "_malloc_trim", lambda: None)
    with spare_memory.giving_back():
        assert "slacast-tide" not in {thread.name for thread in threading.enumerate()}


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_memory, "_malloc_trim", lambda: None)
    assert spare_memory.give_back() is False
