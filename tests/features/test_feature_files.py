"""The features of a store's log, in files: the same numbers as in memory, and faults that say what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import slacast
from features.distributed.engines import Engine, ThisProcess, process_engine
from features.distributed.from_store import Wanted, Written, write_features
from features.distributed.sample import sampled_histories
from features.event_files import write_events
from features.histories import Histories
from features.labels import breach_labels
from features.matrix_files import Sampling
from features.pipeline import build
from features.snapshots import event_snapshots
from features.spec import FeatureSpec, SpecError
from features.store import Store, StoreError, open_store
from sla.instants import NEVER_US
from tests.features.builders import with_sorted_attributes
from tests.features.desk_logs import AGREEMENTS, START, agreements, busy_log, busy_services, full_spec

EVENTS = with_sorted_attributes(busy_log(4, tickets=20, events=160))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'log.db'}")
    store.append_ticket_events(EVENTS, "test")
    store.append_service_events(busy_services(4), "test")
    return store


def _written(store: Store | Path, out: Path, engine: Engine | None = None, **more: object) -> Written:
    wanted = Wanted(store, out, agreements(), rows_a_partition=50, **more)  # type: ignore[arg-type]
    return write_features(wanted, engine or ThisProcess(), lambda *_: None)


def _read(out: Path) -> pd.DataFrame:
    return pa.concat_tables(pq.read_table(path) for path in sorted(out.glob("*.parquet"))).to_pandas()


def test_files_hold_the_matrix_with_the_keys_and_labels_of_its_rows(store, tmp_path):
    written = _written(store, tmp_path / "out", spec=full_spec())
    histories = Histories.from_events(EVENTS, agreements(), busy_services(4))
    snapshots = event_snapshots(histories)
    labels = breach_labels(histories, snapshots, "resolution")
    found = _read(tmp_path / "out")
    assert (written.rows, written.features, written.files) == (len(snapshots), len(full_spec().names), 4)
    assert found["ticket_id"].tolist() == histories.ticket_ids[snapshots.ticket].tolist()
    assert found["at"].dt.as_unit("us").astype("int64").tolist() == snapshots.at_us.tolist()
    assert found["breached"].tolist() == labels.breached.tolist()
    assert found["label_known_at"].isna().tolist() == (labels.known_us == NEVER_US).tolist()
    matrix = build(histories, snapshots, full_spec())
    pd.testing.assert_frame_equal(found[full_spec().names], matrix, check_exact=True)
    assert FeatureSpec.from_json((tmp_path / "out" / "spec.json").read_text("utf-8")) == full_spec()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_processes_write_what_one_process_writes(store, tmp_path):
    _written(store, tmp_path / "one")
    with process_engine(2) as engine:
        _written(store, tmp_path / "two", engine)
    pd.testing.assert_frame_equal(_read(tmp_path / "two"), _read(tmp_path / "one"), check_exact=True)


def test_what_was_recorded_later_is_not_read(store, tmp_path):
    until = START + pd.Timedelta(days=2)
    _written(store, tmp_path / "store", spec=full_spec(), until=until, sampling=Sampling(grid_one_in=3))
    known = EVENTS[(EVENTS["event_at"] <= until) & (EVENTS["recorded_at"] <= until)]
    histories = Histories.from_events(known, agreements())
    snapshots = Sampling(grid_one_in=3).of(histories)
    found = _read(tmp_path / "store")
    assert len(found) == len(snapshots) > 100
    assert set(found["kind"]) == set(snapshots.kind) == {0, 1, 2}


def test_features_of_files_need_no_store(store, tmp_path):
    write_events([EVENTS], tmp_path / "log")
    _written(tmp_path / "log", tmp_path / "from-files", spec=full_spec())
    assert len(_read(tmp_path / "from-files")) == len(event_snapshots(Histories.from_events(EVENTS, agreements())))


def test_a_sample_holds_whole_tickets_and_does_not_depend_on_the_files(tmp_path):
    events = busy_log(5, tickets=60, events=600)
    write_events([events], tmp_path / "one")
    write_events([events.iloc[400:], events.iloc[:400]], tmp_path / "two")
    one, two = (sampled_histories(tmp_path / name, agreements(), most_events=200) for name in ("one", "two"))
    assert 3 < len(one.ticket_ids) < 40
    assert one.ticket_ids.tolist() == two.ticket_ids.tolist()
    counts = events["ticket_id"].value_counts()
    assert np.diff(one.log.offsets).tolist() == counts[list(one.ticket_ids)].tolist()
    whole = sampled_histories(tmp_path / "two", agreements())
    assert FeatureSpec.from_histories(whole) == FeatureSpec.from_histories(Histories.from_events(events, agreements()))


def test_an_empty_store_is_told_and_leaves_nothing_behind(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'empty.db'}") as empty:
        with pytest.raises(StoreError, match=r"holds no events\. First: slacast import"):
            _written(empty, tmp_path / "out")
        assert not list(tmp_path.glob("out*"))


def test_a_folder_in_use_and_an_unknown_target_are_refused(store, tmp_path):
    (tmp_path / "file.txt").write_text("mine")
    with pytest.raises(SpecError, match="is in use; name a folder that does not exist yet"):
        _written(store, tmp_path)
    with pytest.raises(SpecError, match=r"target 'repair'; expected one of \['resolution', 'first_response'\]"):
        _written(store, tmp_path / "out", target="repair")
    (tmp_path / "out.scratch").mkdir()
    with pytest.raises(SpecError, match="left from an interrupted run"):
        _written(store, tmp_path / "out")
    assert (tmp_path / "file.txt").read_text() == "mine"


def test_the_command_writes_features_and_says_where(store, tmp_path):
    (tmp_path / "agreements.yaml").write_text(AGREEMENTS)
    words = ["features", "--out", tmp_path / "out", "--agreements", tmp_path / "agreements.yaml", "--store", store.url]
    done = CliRunner().invoke(slacast.app, [str(word) for word in [*words, "--workers", 1]])
    assert done.exit_code == 0, done.output
    assert f"features in 1 files below {tmp_path / 'out'}" in done.stdout.replace("\n", "")
    again = CliRunner().invoke(slacast.app, [str(word) for word in words])
    assert (again.exit_code, "is in use" in again.stderr) == (1, True)
