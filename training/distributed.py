"""From a log of any size to a registered breach model: features by the workers of an engine, learned from a sample of tickets."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.distributed.building import ROWS_A_PARTITION
from features.distributed.desk import SharedDesk, Tickets
from features.distributed.engines import STEALING, DaskEngine, Engine
from features.distributed.partitions import ids_of, read_partition, split
from features.distributed.shared_sums import mapped, write_arrays
from features.event_files import write_events
from features.histories import Histories
from features.schema import conform_ticket_events
from features.store import Store
from models.scales import Float64Array
from sla.agreements.agreement_set import AgreementSet
from sla.instants import to_us
from training.building import HistoryRows, fingerprint_of, row_hashes
from training.dask_trees import ClusterTrees
from training.lifecycle import TrainResponse, train_from
from training.partition_rows import PartitionRows, Parts
from training.plan import Plan, TrainingError
from training.sampling import Surveyed
from training.splits import instant
from training.steps import Progress, Steps

HASHES = "hashes"


@dataclass(frozen=True)
class DistributedRequest:
    """What to train on: an open store, its events as known at `until`, or a folder of Parquet files of canonical events.

    With `grows_on_cluster` the direct trees learn from all rows, on the cluster of a Dask engine; the other members and all
    rehearsals learn from the sample.
    A cluster's workers must see `plan.var_dir` (files in between go below it) and such a folder under the same paths.
    """

    log: Store | Path
    agreements: AgreementSet
    plan: Plan
    until: datetime | None = None
    rows_a_partition: int = ROWS_A_PARTITION
    grows_on_cluster: bool = False


@dataclass(frozen=True)
class _Survey:
    """One partition to look at: `end_us` is when all is known, `columns` are those of the whole log."""

    tickets: Tickets
    plan: Plan
    end_us: int
    columns: tuple[str, ...]
    folder: Path


@dataclass(frozen=True)
class _Found:
    tickets: Surveyed
    last_known_us: int


@dataclass(frozen=True)
class _Keeping:
    tickets: Tickets
    stands_for: Float64Array  # a ticket of the partition, in order of ids; 0: left out
    folder: Path


def train_distributed(
    request: DistributedRequest, engine: Engine, progress: Progress = lambda _step: None
) -> TrainResponse:
    """The response of a training whose features the engine's workers make, partition by partition, among all tickets.

    Where the log has more rows than `plan.settings.most_rows`, whole tickets are sampled (training/sampling.py). Where it
    has not, rows, labels and features are those of `training.breach.train_breach`. Raises TrainingError when the log
    cannot teach.
    """
    steps = Steps(progress)
    request.plan.var_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".training-", dir=request.plan.var_dir) as scratch:
        source, plan = partition_source(request, engine, steps, Path(scratch).resolve())
        if request.grows_on_cluster:
            plan = replace(plan, direct=_cluster_trees(source, plan, engine))
        return train_from(source, plan, steps)


def _cluster_trees(source: PartitionRows, plan: Plan, engine: Engine) -> ClusterTrees:
    if not isinstance(engine, DaskEngine):
        raise TrainingError("only a Dask cluster can grow trees together; expected a Dask engine: --engine dask")
    if engine.steals_work():
        raise TrainingError(
            f"the Dask scheduler has {STEALING} on, with which growing trees together may wait for ever; expected it off. "
            "Start the scheduler with DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING=False, or leave --dask-training out."
        )
    parts = source.parts
    return ClusterTrees(engine.client, parts.desk, parts.last_known_us, plan.settings.grid_one_in)


def partition_source(
    request: DistributedRequest, engine: Engine, steps: Steps, scratch: Path
) -> tuple[PartitionRows, Plan]:
    """The rows to learn from, and the plan with the periods that the whole log speaks for."""
    plan = request.plan
    steps.begin("sorting events by ticket")
    events, service_events = _events(request, scratch)
    folders = split(events, scratch / "events", request.rows_a_partition, engine, _quietly)
    partitions = [Tickets(folder, request.agreements, service_events) for folder in folders]
    steps.begin("reading histories and labels")
    end_us = max(engine.map("looking for the end", _last_known_us, folders, _quietly))
    columns = tuple(sorted({name for folder in folders for name in _columns(folder)}))
    surveys = [_Survey(one, plan, end_us, columns, scratch / "survey" / one.folder.name) for one in partitions]
    found = engine.map("looking at the tickets", _look, surveys, _quietly)
    everyone = Surveyed.concatenated([one.tickets for one in found])
    last_known_us = max(one.last_known_us for one in found)
    stands_for, plan = _chosen(everyone, last_known_us, plan)
    steps.begin("taking the tickets to learn from")
    bounds = np.cumsum([0, *(len(one.tickets.draw) for one in found)])
    keepings = [
        _Keeping(tickets, stands_for[first:last], scratch / "sample" / tickets.folder.name)
        for tickets, first, last in zip(partitions, bounds, bounds[1:], strict=False)
    ]
    counts = np.array(engine.map("taking tickets", _keep, keepings, _quietly), np.int64)
    sample = tuple(
        replace(one.tickets, folder=one.folder) for one, count in zip(keepings, counts, strict=True) if count
    )
    desk = SharedDesk(partitions, plan.target, scratch, engine, _quietly)
    first_ticket = np.concatenate([[0], np.cumsum(counts[counts > 0])[:-1]])
    histories = _read(sample)
    histories.last_known_us = last_known_us
    rows = HistoryRows.of_histories(
        histories,
        plan.target,
        plan.settings.grid_one_in,
        plan.seed,
        _fingerprint(columns, [one.folder for one in surveys], service_events),
        None if (stands_for == 1.0).all() else stands_for[stands_for > 0],
    )
    return PartitionRows.over(rows, Parts(desk, sample, first_ticket, last_known_us)), plan


def _quietly(_what: str, _done: int, _total: int) -> None:
    """Steps tell where a training is."""


def _events(request: DistributedRequest, scratch: Path) -> tuple[Path, pd.DataFrame | None]:
    if isinstance(request.log, Path):
        return request.log.resolve(), None
    folder = scratch / "log"
    if not write_events(request.log.ticket_event_chunks(until=request.until), folder):
        raise TrainingError(
            f"{request.log.url} holds no events to learn from. First: slacast import FILE --mapping mapping.yaml"
        )
    services = request.log.service_events(until=request.until)
    return folder, None if services.empty else services


def _columns(folder: Path) -> list[str]:
    return [name for path in folder.glob("*.parquet") for name in pq.read_schema(path).names]


def _last_known_us(folder: Path) -> int:
    """The last instant that a partition names."""
    table = [pq.read_table(path, partitioning=None) for path in folder.glob("*.parquet")]
    instants = [
        column
        for part in table
        for name in ("event_at", "recorded_at")
        if name in part.column_names
        for column in [part[name]]
    ]
    return max(to_us(value) for column in instants if (value := pa.compute.max(column).as_py()) is not None)


def _look(survey: _Survey) -> _Found:
    events = read_partition(survey.tickets.folder)
    write_arrays(survey.folder, {HASHES: row_hashes(events, survey.columns)})
    histories = Histories.from_events(events, survey.tickets.agreements, survey.tickets.service_events)
    last_known_us = histories.last_known_us
    histories.last_known_us = survey.end_us
    plan = survey.plan
    rows = HistoryRows.of_histories(histories, plan.target, plan.settings.grid_one_in, plan.seed, "")
    draw = pd.util.hash_array(histories.ticket_ids.astype(object), categorize=False)
    return _Found(Surveyed.of(rows.labelled, draw), last_known_us)


def _chosen(everyone: Surveyed, end_us: int, plan: Plan) -> tuple[Float64Array, Plan]:
    """How many tickets each ticket stands for, and the plan: periods of a sampled log are those of the whole one."""
    if everyone.rows.sum() <= plan.settings.most_rows:
        return np.ones(len(everyone.draw)), plan
    if not (everyone.breached >= 0).any():
        return np.ones(len(everyone.draw)), plan
    cut_us = None if plan.cut is None else to_us(plan.cut)
    until_us = None if plan.judge_until is None else to_us(plan.judge_until)
    periods = everyone.periods(end_us, cut_us, until_us, weeks_judged=plan.settings.weeks_judged)
    plan = replace(plan, cut=instant(periods.cut_us), judge_until=instant(periods.until_us))
    return everyone.stands_for(periods.cut_us, plan.settings.most_rows), plan


def _keep(keeping: _Keeping) -> int:
    """How many tickets were written."""
    keeping.folder.mkdir(parents=True, exist_ok=True)
    tables = {path: pq.read_table(path, partitioning=None) for path in sorted(keeping.tickets.folder.glob("*.parquet"))}
    ids = {path: ids_of(table) for path, table in tables.items()}
    names = np.unique(np.concatenate([one.to_numpy(zero_copy_only=False).astype(object) for one in ids.values()]))
    kept = pa.array(names[keeping.stands_for > 0], pa.large_string())
    for path, table in tables.items():
        found = table.filter(pa.compute.is_in(ids[path], kept))
        unfinished = (keeping.folder / path.name).with_suffix(".unfinished")
        pq.write_table(found, unfinished, compression="lz4")
        unfinished.replace(keeping.folder / path.name)
    return len(kept)


def _read(sample: tuple[Tickets, ...]) -> Histories:
    pieces = [pq.read_table(path, partitioning=None) for one in sample for path in sorted(one.folder.glob("*.parquet"))]
    frame = conform_ticket_events(pa.concat_tables(pieces, promote_options="permissive").to_pandas())
    return Histories.from_events(frame, sample[0].agreements, sample[0].service_events)


def _fingerprint(columns: tuple[str, ...], folders: list[Path], service_events: pd.DataFrame | None) -> str:
    """As training.building.data_fingerprint of all events together."""
    parts: list[tuple[Sequence[str], NDArray[np.uint64]]] = [
        (columns, np.concatenate([mapped(folder, HASHES) for folder in folders]))
    ]
    if service_events is not None:
        names = sorted(service_events.columns)
        parts.append((names, row_hashes(service_events, names)))
    return fingerprint_of(parts)
