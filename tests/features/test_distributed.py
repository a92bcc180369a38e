"""Features of partitions with merged sums are those of one machine, bit by bit, whoever does the work and whatever breaks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.distributed.building import Request, build
from features.distributed.engines import DaskEngine, EngineError, ThisProcess, dask_engine
from features.distributed.partitions import read_partition, split
from features.event_files import write_events
from features.histories import Histories
from features.matrix_files import Sampling, tables, write
from features.schema import SchemaError
from features.shared_indices import MissingIndexError, indices_of
from tests.features.desk_logs import agreements, busy_log, busy_services, full_spec

SAMPLING = Sampling(grid_one_in=5, seed=3)
KEYS = ["ticket_id", "at", "kind"]


@pytest.fixture(scope="module")
def dask() -> Iterator[DaskEngine]:
    with dask_engine(memory_limit="1GiB") as engine:
        yield engine


def _written(events: pd.DataFrame, folder: Path, files: int = 2) -> Path:
    shuffled = np.random.default_rng(1).permutation(len(events))
    write_events((events.iloc[rows] for rows in np.array_split(shuffled, files)), folder / "in")
    return folder / "in"


def _request(events: pd.DataFrame, folder: Path, rows_a_partition: int = 40) -> Request:
    written = _written(events, folder)
    return Request(
        written,
        folder / "out",
        folder / "tmp",
        agreements(),
        full_spec(),
        sampling=SAMPLING,
        service_events=busy_services(1),
        rows_a_partition=rows_a_partition,
    )


def _local(events: pd.DataFrame) -> pd.DataFrame:
    histories = Histories.from_events(events, agreements(), busy_services(1))
    return _sorted(tables(histories, SAMPLING.of(histories), full_spec(), "resolution", block_rows=70))


def _found(request: Request) -> pd.DataFrame:
    return _sorted(_written_tables(request))


def _written_tables(request: Request) -> Iterator[pa.Table]:
    return (pq.read_table(path) for path in sorted(request.out.glob("*.parquet")))


def _sorted(parts: Iterator[pa.Table]) -> pd.DataFrame:
    return pa.concat_tables(parts).to_pandas().sort_values(KEYS, kind="stable", ignore_index=True)


@pytest.mark.parametrize("rows_a_partition", [15, 60, 10_000])
def test_partitions_of_any_size_give_the_features_of_one_machine(tmp_path, rows_a_partition):
    events = busy_log(7, tickets=20, events=160)
    request = _request(events, tmp_path, rows_a_partition)
    rows = build(request, ThisProcess())
    local = _local(events)
    assert rows == len(local) > 200
    pd.testing.assert_frame_equal(_found(request), local, check_exact=True)


def test_rows_at_events_come_in_the_order_of_one_machine(tmp_path):
    events = busy_log(8, tickets=20, events=160)
    written = _written(events, tmp_path)
    request = Request(written, tmp_path / "out", tmp_path / "tmp", agreements(), full_spec(), rows_a_partition=30)
    build(request, ThisProcess())
    histories = Histories.from_events(events, agreements())
    local = pa.concat_tables(tables(histories, Sampling().of(histories), full_spec(), "resolution"))
    assert len(list(request.out.iterdir())) > 3
    found = pa.concat_tables(_written_tables(request))
    pd.testing.assert_frame_equal(found.to_pandas(), local.to_pandas(), check_exact=True)


def test_a_forgotten_index_is_a_fault_and_not_a_zero(tmp_path, monkeypatch):
    asked = indices_of(full_spec().settings)
    monkeypatch.setattr("features.distributed.building.indices_of", lambda _settings: asked[:-1])
    request = _request(busy_log(7, tickets=20, events=160), tmp_path)
    with pytest.raises(MissingIndexError, match='nobody made "outcomes of resolution by'):
        build(request, ThisProcess())


def test_worker_processes_give_the_features_of_one_machine(tmp_path, dask):
    events = busy_log(9, tickets=20, events=160)
    request = _request(events, tmp_path)
    build(request, dask)
    pd.testing.assert_frame_equal(_found(request), _local(events), check_exact=True)


def test_a_worker_killed_in_the_middle_does_not_change_the_result(tmp_path, dask):
    events = busy_log(10, tickets=20, events=160)
    request = _request(events, tmp_path, rows_a_partition=15)
    killed: list[int] = []

    def kill_one(what: str, done: int, total: int) -> None:
        if what == "computing features" and not killed:
            assert done < total
            killed.append(next(iter(dask.client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    build(request, dask, kill_one)
    assert killed
    pd.testing.assert_frame_equal(_found(request), _local(events), check_exact=True)


def test_workers_of_this_machine_take_no_task_away_from_one_another(dask):
    """Growing trees together leaves open sockets as results: a task that is taken away waits for one of them for ever."""
    assert not dask.steals_work()


def test_a_fault_in_the_events_is_told_as_on_one_machine(tmp_path, dask):
    events = busy_log(1, tickets=20, events=160)
    events.loc[3, "status"] = "forgotten"
    with pytest.raises(SchemaError, match=r"part-0000\d: .*'status' holds \['forgotten'\]"):
        build(_request(events, tmp_path), dask)


def test_a_folder_without_events_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(SchemaError, match="holds no Parquet files"):
        split(tmp_path / "in", tmp_path / "out", 10, ThisProcess(), lambda *_: None)


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setattr("features.distributed.engines.PATIENCE", "0.2s")
    engine = dask_engine(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(EngineError, match="no Dask scheduler answers at 'tcp://127"), engine:
        pass


def test_each_ticket_lies_in_one_partition_and_no_event_is_lost(tmp_path):
    events = busy_log(3, tickets=30, events=300)
    folders = split(_written(events, tmp_path, files=3), tmp_path / "out", 40, ThisProcess(), lambda *_: None)
    parts = [read_partition(folder) for folder in folders]
    assert len(parts) > 4
    tickets = [set(part["ticket_id"]) for part in parts]
    assert sum(map(len, tickets)) == events["ticket_id"].nunique()
    assert all(max(one) < min(other) for one, other in pairwise(tickets))
    assert sorted(pd.concat(parts)["event_id"]) == sorted(events["event_id"])


def test_a_written_file_appears_whole_and_only_where_there_are_rows(tmp_path):
    histories = Histories.from_events(busy_log(2), agreements())
    snapshots = Sampling().of(histories)
    assert write(tmp_path / "rows.parquet", histories, snapshots, full_spec(), "resolution", block_rows=10) > 10
    assert write(tmp_path / "none.parquet", histories, snapshots.take(np.arange(0)), full_spec(), "resolution") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]
