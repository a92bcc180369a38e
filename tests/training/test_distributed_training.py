"""Training over partitions: the same rows as in one process, bit by bit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.distributed.engines import STEALING, DaskEngine, ThisProcess
from features.distributed.shared_sums import mapped
from features.event_files import write_events
from features.spec import FeatureSpec
from models.hazard import HazardMember
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import load_agreements
from tests.training.builders import small_plan, small_settings
from training import dask_trees
from training.building import HistoryRows
from training.dask_trees import ClusterTrees
from training.distributed import DistributedRequest, partition_source, train_distributed
from training.expectation import expected
from training.fitting import Taught, fit_members
from training.partition_rows import PartitionRows
from training.plan import Plan, TrainingError
from training.rows import Labelled
from training.splits import DAY_US, censored, learnable
from training.steps import Steps
from training.weighting import Recency

AGREEMENTS = Path(__file__).resolve().parents[2] / "examples" / "demo" / "agreements.yaml"


@dataclass(frozen=True)
class Log:
    events: pd.DataFrame
    agreements: AgreementSet
    folder: Path
    local: HistoryRows
    cut_us: int


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    from simulation.demo import demo_history

    events, agreements = demo_history(months=2), load_agreements(AGREEMENTS)
    folder = tmp_path_factory.mktemp("log")
    shuffled = np.random.default_rng(1).permutation(len(events))
    write_events((events.iloc[rows] for rows in np.array_split(shuffled, 3)), folder)
    local = HistoryRows.of(events, agreements, "resolution", small_settings().grid_one_in, 0)
    return Log(events, agreements, folder, local, int(local.labelled.at_us.min()) + 30 * DAY_US)


def _request(log: Log, folder: Path, **settings: object) -> DistributedRequest:
    plan = small_plan(folder, "sqlite://", settings=small_settings().model_copy(update=settings))
    return DistributedRequest(log.folder, log.agreements, plan, rows_a_partition=len(log.events) // 3)


def _source(request: DistributedRequest, folder: Path, engine: object = None) -> tuple[PartitionRows, Plan]:
    return partition_source(request, engine or ThisProcess(), Steps(lambda _step: None), folder)  # type: ignore[arg-type]


def _same(found: Labelled, wanted: Labelled) -> None:
    for name in ("breached", "known_us", "worked_us", "open_us", "ticket", "at_us", "kind", "share_used", "stands_for"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)


def test_rows_of_partitions_are_those_of_one_process(log, tmp_path):
    source, plan = _source(_request(log, tmp_path), tmp_path)
    assert len(source.parts.tickets) > 2
    assert (source.data_fingerprint, source.end_us, plan.cut) == (log.local.data_fingerprint, log.local.end_us, None)
    found, wanted = source.rows(log.cut_us), log.local.rows(log.cut_us)
    _same(found, wanted)
    assert found.spec == wanted.spec
    np.testing.assert_array_equal(found.X, wanted.X)


def test_features_that_only_an_earlier_model_has_are_summed_up_when_asked_for(log, tmp_path):
    source, _ = _source(_request(log, tmp_path), tmp_path)
    places = np.arange(0, len(source.snapshots), 40)
    some, wanted = source.take(places), log.local.take(places)
    without = FeatureSpec.from_histories(log.local.histories, families=("clock", "load"))
    other = FeatureSpec.from_histories(log.local.histories, families=("clock", "history"))
    for spec in (without, other):
        np.testing.assert_array_equal(some.described(spec).X, wanted.described(spec).X)


def test_only_a_cluster_can_grow_trees_together(log, tmp_path):
    request = replace(_request(log, tmp_path), grows_on_cluster=True)
    with pytest.raises(TrainingError, match="only a Dask cluster can grow trees together"):
        train_distributed(request, ThisProcess())


def test_the_clusters_trees_learn_from_the_rows_of_one_process(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row with its values, outcome (of the young: as expected) and weight: what differs is only how LightGBM's workers
    find bins and add up."""
    source, plan = _source(_request(log, tmp_path), tmp_path)
    settings, maturity_us = plan.settings.model, 7 * DAY_US
    known = log.local.rows(log.cut_us).relabelled(*log.local.labels(log.cut_us))
    train, young = (known.where(mask(known, log.cut_us, maturity_us)) for mask in (learnable, censored))
    asked: list[Taught] = []
    fit_members(train, settings, plan.seed, censored=young, direct=lambda taught: asked.append(taught))  # type: ignore[func-returns-value,arg-type]
    (taught,) = asked
    assert isinstance(taught.hazard, HazardMember)
    parts: list[tuple[Path, int, float]] = []
    monkeypatch.setattr(dask_trees, "_grown", lambda _client, given, *_: parts.extend(given))
    trees = ClusterTrees(None, source.parts.desk, source.parts.last_known_us, plan.settings.grid_one_in)
    trees.fit(taught, log.cut_us, maturity_us, settings, plan.seed)
    assert len(parts) > 2
    values, y, weight = (np.concatenate([mapped(part, name) for part, *_ in parts]) for name in ("X", "y", "weight"))
    found = np.column_stack([values, weight, y])
    both = train.and_also(young)
    wanted_values = taught.limits.clip(both.X)
    wanted_y = expected(both, wanted_values, taught.hazard)
    recency = Recency.of(both.ticket, both.opened_us, both.stands_for)
    wanted_weight = settings.weighting.raw(both.ticket, both.at_us, both.opened_us, recency)
    wanted = np.column_stack([wanted_values, wanted_weight, wanted_y])
    assert len(found) == len(wanted) > 1000
    assert ((wanted_y > 0) & (wanted_y < 1)).any()
    np.testing.assert_array_equal(found[np.lexsort(found.T)], wanted[np.lexsort(wanted.T)])


class _Stealing:
    """A cluster whose scheduler lets idle workers take tasks."""

    def run_on_scheduler(self, read: object, name: str) -> bool:
        return name == STEALING


def test_trees_are_not_grown_on_a_cluster_where_they_might_wait_for_ever(log: Log, tmp_path: Path) -> None:
    request = replace(_request(log, tmp_path), grows_on_cluster=True)
    with pytest.raises(TrainingError, match="WORK_STEALING=False"):
        train_distributed(request, _OneByOne(_Stealing()))


class _OneByOne(DaskEngine):
    """A Dask engine that works here: only its client is asked."""

    map = ThisProcess.map
