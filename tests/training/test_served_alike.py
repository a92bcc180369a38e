"""One bundle, three voices: the bundle itself, MLflow's pyfunc in a process of its own, and the service say the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from features.histories import Histories
from features.pipeline import build
from features.snapshots import open_snapshots
from features.store import open_store
from models.bundle import bundle_digest, load_bundle
from serving.settings import load_settings
from serving.workplace import score_once
from sla.instants import from_us
from tests.training.conftest import TrainedDesk

ROOT = Path(__file__).resolve().parents[2]
AGREEMENTS = ROOT / "examples" / "demo" / "agreements.yaml"


SCRIPT = """
import sys
import numpy, pandas, mlflow
mlflow.set_tracking_uri(sys.argv[1]); mlflow.set_registry_uri(sys.argv[1])
model = mlflow.pyfunc.load_model('models:/breach@champion')
numpy.save(sys.argv[3], model.predict(pandas.read_parquet(sys.argv[2])))
"""


@pytest.mark.slow
def test_the_champion_loaded_by_mlflow_says_of_every_open_ticket_what_the_service_says(
    trained_desk: TrainedDesk, tmp_path: Path
) -> None:
    desk, url = trained_desk, f"sqlite:///{tmp_path / 'slacast.db'}"
    bundle = load_bundle(desk.response.bundle)
    with open_store(url) as store:
        store.append_ticket_events(desk.past, "demo")
        histories = Histories.from_events(store.ticket_events(), desk.agreements)
    snapshots = open_snapshots(histories, histories.last_known_us)
    X = build(histories, snapshots, bundle.spec, bundle.target, text=bundle.text)
    X.to_parquet(tmp_path / "rows.parquet")
    arguments = [desk.tracking_uri, str(tmp_path / "rows.parquet"), str(tmp_path / "said.npy")]
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = np.load(tmp_path / "said.npy")
    assert np.array_equal(said, bundle.predict(X))

    settings = load_settings(
        database_url=url,
        mlflow_uri=desk.tracking_uri,
        var_dir=tmp_path,
        agreements=AGREEMENTS,
    )
    queue = score_once(settings, from_us(histories.last_known_us))
    shown = {row.ticket_id: row.probability for row in queue.rows if row.probability is not None}
    ids = histories.ticket_ids[snapshots.ticket]
    assert len(shown) > 20
    by_mlflow = dict(zip(ids.tolist(), said.tolist(), strict=True))
    assert shown == {ticket: by_mlflow[ticket] for ticket in shown}
    assert queue.bundle_version == "breach v1"


TRAIN = """
import os, sys
from pathlib import Path
from tests.training.builders import small_plan, synthetic_source
import training.lifecycle as lifecycle
from training.tracking import Registration

lifecycle.tracking.record_training = lambda *_, **__: Registration("breach", 1, "none")
lifecycle.promote = lifecycle.keep_as_challenger = lambda *_, **__: None
from training.steps import Steps
plan = small_plan(Path(sys.argv[1]), f"sqlite:///{sys.argv[1]}/none.db")
print(lifecycle.train_from(synthetic_source(tickets=800), plan, Steps(lambda _step: None)).bundle)
"""


@pytest.mark.slow
def test_two_processes_train_the_same_bundle_byte_for_byte(tmp_path: Path) -> None:
    """Other hash seeds, other addresses, another number of threads allowed: the same bytes."""
    folders = []
    for place, (hash_seed, threads) in enumerate((("1", "1"), ("2", "2"))):
        (tmp_path / str(place)).mkdir()
        done = subprocess.run(
            [sys.executable, "-c", TRAIN, str(tmp_path / str(place))],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": threads, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        folders.append(Path(done.stdout.strip().splitlines()[-1]))
    first, second = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders)
    assert first == second
    assert len(first) >= 5
    assert bundle_digest(folders[0]) == bundle_digest(folders[1])
