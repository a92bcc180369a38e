"""Import and features of large logs: seconds, peak memory and growth, and whether a Dask cluster gives the same numbers.

Made-up exports of 100,000 events and ten times as many each, up to ten million (benchmarks/_large_log.py). Each step runs in
a process of its own, so its peak memory is its own: that of the process, and of as many workers as it has the largest.
"""

from __future__ import annotations

import hashlib
import math
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks._large_log import write_export

ROOT = Path(__file__).resolve().parents[1]
AGREEMENTS = ROOT / "examples" / "uci-incidents" / "agreements.yaml"
SMALLEST, LARGEST = 100_000, 10_000_000
WORKERS, MEMORY_LIMIT = 2, "3GiB"
DASK_ROWS = 400_000  # other partitions than the local engine's, so that equality says something
BEGAN = time.perf_counter()  # of this process: each stage has its own
Figures = dict[str, float | int | None]


def measure(largest: int = LARGEST, scratch: Path | None = None) -> Figures:
    """The figures of the largest log, `slope` over all sizes (1 = twice the events, twice the seconds) and `dask_equal`."""
    sizes = [SMALLEST * 10**power for power in range(round(math.log10(largest / SMALLEST)) + 1)]
    seconds: list[float] = []
    events: list[int] = []
    same: list[bool] = []
    for size in sizes:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            found = _of_size(size, Path(folder))
        events.append(int(found["events"]))
        seconds.append(found["import_seconds"] + found["features_seconds"])
        same.append(bool(found["is_same"]))
    # One size has no growth: null, because NaN is no JSON.
    slope = round(float(np.polyfit(np.log(events), np.log(seconds), 1)[0]), 3) if len(sizes) > 1 else None
    names = ("events", "snapshots", "import_seconds", "features_seconds", "dask_seconds", "peak_mib", "dask_worker_mib")
    return {f"large_{name}": found[name] for name in names} | {"slope": slope, "dask_equal": int(all(same))}


def _of_size(size: int, folder: Path) -> dict[str, float]:
    alone(write_export, folder, size)
    imported = _told(size, "import", alone(import_export, folder, size))
    local = _told(size, "features", alone(local_features, folder))
    dask = _told(size, "features on Dask", alone(dask_features, folder))
    is_same = bool(alone(digests, folder / "local")["columns"] == alone(digests, folder / "dask")["columns"])
    if size == SMALLEST:
        is_same &= bool(alone(in_memory, folder)["columns"] == alone(digests, folder / "local")["columns"])
    found: dict[str, float] = {
        "events": imported["events"],
        "snapshots": local["rows"],
        "import_seconds": round(imported["seconds"], 1),
        "features_seconds": round(local["seconds"], 1),
        "dask_seconds": round(dask["seconds"], 1),
        "peak_mib": round(max(imported["peak_mib"], local["peak_mib"])),
        "dask_worker_mib": round(dask["worker_mib"]),
        "is_same": is_same,
    }
    print(
        f"{found}, processor: import {imported['cpu_seconds']:.0f} s, features {local['cpu_seconds']:.0f} s", flush=True
    )
    return found


def import_export(folder: Path, size: int) -> dict[str, Any]:
    """How many events one import from the file into SQLite stored."""
    from features.importing import import_file

    (export,) = folder.glob(f"export-*-{size}.parquet")
    report = import_file(export, folder / "mapping.yaml", f"sqlite:///{folder / 'log.db'}", progress=_tell)
    return {"events": report.to_dict()["stored"]["inserted"]}


def local_features(folder: Path) -> dict[str, Any]:
    """How many rows this machine's processes wrote, the features chosen from the log."""
    from features.distributed.building import ROWS_A_PARTITION
    from features.distributed.engines import process_engine

    with process_engine(WORKERS) as engine:
        return _features(folder, folder / "local", engine, ROWS_A_PARTITION)


def dask_features(folder: Path) -> dict[str, Any]:
    """How many rows a Dask cluster of this machine wrote, with the features chosen before."""
    from features.distributed.engines import dask_engine

    with dask_engine(None, WORKERS, MEMORY_LIMIT) as engine:
        return _features(folder, folder / "dask", engine, DASK_ROWS)


def _features(folder: Path, out: Path, engine: Any, rows: int) -> dict[str, Any]:
    from features.distributed.from_store import SPEC, Wanted, write_features
    from features.spec import FeatureSpec
    from features.store import open_store
    from sla.agreements.loading import load_agreements

    chosen = folder / "local" / SPEC
    spec = FeatureSpec.from_json(chosen.read_text(encoding="utf-8")) if chosen.exists() else None
    with open_store(f"sqlite:///{folder / 'log.db'}") as store:
        wanted = Wanted(store, out, load_agreements(AGREEMENTS), spec=spec, rows_a_partition=rows)
        return write_features(wanted, engine, _tell).to_dict()


def in_memory(folder: Path) -> dict[str, Any]:
    """Digests of the columns as one call over the whole log in memory gives them."""
    from features.distributed.from_store import SPEC
    from features.histories import Histories
    from features.matrix_files import Sampling, tables
    from features.spec import FeatureSpec
    from features.store import open_store
    from sla.agreements.loading import load_agreements

    spec = FeatureSpec.from_json((folder / "local" / SPEC).read_text(encoding="utf-8"))
    with open_store(f"sqlite:///{folder / 'log.db'}") as store:
        histories = Histories.from_events(store.ticket_events(), load_agreements(AGREEMENTS))
    whole = tables(histories, Sampling().of(histories), spec, "resolution", block_rows=1 << 40)
    return {"columns": _digests(whole)}


def digests(folder: Path) -> dict[str, Any]:
    """A digest of each column of the files in order: equal where every bit is."""
    files = (pq.ParquetFile(path) for path in sorted(folder.glob("*.parquet")))
    return {"columns": _digests(pa.Table.from_batches([batch]) for file in files for batch in file.iter_batches())}


def _digests(parts: Iterable[pa.Table]) -> dict[str, str]:
    found: dict[str, Any] = {}
    for part in parts:
        for name in part.column_names:
            column = part[name].combine_chunks()
            if pa.types.is_large_string(column.type) or pa.types.is_string(column.type):
                texts = column.cast(pa.large_string())
                bounds = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
                found.setdefault(f"{name}, lengths", hashlib.blake2b()).update(np.diff(bounds).data)
                written = memoryview(texts.buffers()[2])[int(bounds[0]) : int(bounds[-1])]
                found.setdefault(name, hashlib.blake2b()).update(written)
            else:
                values = np.ascontiguousarray(column.fill_null(0).to_numpy(zero_copy_only=False))
                found.setdefault(name, hashlib.blake2b()).update(values.view(np.uint8).data)
    return {name: one.hexdigest() for name, one in found.items()}


def alone(step: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """What a step returns in a fresh process (a dictionary, or nothing), with its seconds and peak memory."""
    answers, mine = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_timed, args=(mine, step, arguments))
    process.start()
    mine.close()
    try:
        found: dict[str, Any] = answers.recv()
    finally:
        process.join()
    return found


def _timed(answer: Any, step: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    began = time.perf_counter()
    returned = step(*arguments)
    found = returned if isinstance(returned, dict) else {}
    own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    worker_mib = workers.ru_maxrss / 1024
    found |= {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": own.ru_utime + own.ru_stime + workers.ru_utime + workers.ru_stime,
        "peak_mib": own.ru_maxrss / 1024 + WORKERS * worker_mib,
        "worker_mib": worker_mib,
    }
    answer.send(found)


def _tell(what: str, done: int, total: int) -> None:
    if done in (0, total) or done % max(total // 4, 1) == 0:
        print(f"  {time.perf_counter() - BEGAN:7.1f} s {what} {done}/{total}", flush=True)


def _told(size: int, stage: str, found: dict[str, Any]) -> dict[str, Any]:
    print(
        f"{size:,} events, {stage}: {found['seconds']:.1f} s, processor {found['cpu_seconds']:.1f} s, "
        f"peak {found['peak_mib']:,.0f} MiB",
        flush=True,
    )
    return found
