"""From rows to the registry: what can be learned is promoted, noise is not, and MLflow's model is the service's model."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.bundle import bundle_digest, load_bundle
from models.registry import champion, quiet_mlflow
from tests.training.builders import DAY_US, START_US, SyntheticSource, small_plan, synthetic_source
from training.lifecycle import TrainResponse, train_from
from training.plan import TrainingError
from training.provenance import code_version
from training.steps import Steps

pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated:pandas.errors.Pandas4Warning"),
]


def trained(source: SyntheticSource, tmp_path: Path, tracking_uri: str, **changes: object) -> TrainResponse:
    return train_from(source, small_plan(tmp_path, tracking_uri, **changes), Steps(lambda _step: None))


@dataclass(frozen=True)
class Promoted:
    """One training for all tests that only look at what it left."""

    source: SyntheticSource
    response: TrainResponse
    tracking_uri: str
    folder: Path


@pytest.fixture(scope="module")
def promoted(migrated_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Promoted:
    folder = tmp_path_factory.mktemp("promoted")
    shutil.copyfile(migrated_database, folder / "mlflow.db")
    uri, source = f"sqlite:///{folder / 'mlflow.db'}", synthetic_source()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # marks do not reach fixtures of a module
        return Promoted(source, trained(source, folder, uri), uri, folder)


def test_a_model_that_found_a_signal_is_promoted_and_found_by_the_service(promoted: Promoted) -> None:
    response, tracking_uri = promoted.response, promoted.tracking_uri
    answer = champion(tracking_uri)
    assert response.promoted
    assert (answer.version, answer.number) == ("breach v1", 1)
    assert answer.path is not None
    assert bundle_digest(answer.path) == bundle_digest(response.bundle)
    assert load_bundle(answer.path, version=answer.version).version == "breach v1"


def test_a_model_of_noise_is_registered_with_the_reason_and_not_promoted(tmp_path: Path, tracking_uri: str) -> None:
    response = trained(synthetic_source(shuffled=True), tmp_path, tracking_uri)
    assert not response.promoted
    assert "not clearly better than team x priority table" in response.why
    answer = champion(tracking_uri)
    assert answer.path is None
    assert answer.is_reachable
    client = quiet_mlflow().MlflowClient(tracking_uri, tracking_uri)
    found = client.get_model_version_by_alias("breach", "challenger")
    assert found.tags["not_promoted_because"] == response.why


def test_the_next_champion_keeps_the_one_before_as_previous(tmp_path: Path, tracking_uri: str) -> None:
    trained(synthetic_source(), tmp_path, tracking_uri)
    trained(synthetic_source(seed=2), tmp_path, tracking_uri)
    aliases = quiet_mlflow().MlflowClient(tracking_uri, tracking_uri).get_registered_model("breach").aliases
    assert {name: int(number) for name, number in aliases.items()} == {"champion": 2, "previous": 1}
    trained(synthetic_source(shuffled=True), tmp_path, tracking_uri)
    assert champion(tracking_uri).number == 2  # noise moves nothing


def test_the_same_data_and_seed_give_the_same_bundle(promoted: Promoted, tmp_path: Path, tracking_uri: str) -> None:
    again = trained(synthetic_source(), tmp_path, tracking_uri)
    assert bundle_digest(promoted.response.bundle) == bundle_digest(again.bundle)
    assert promoted.response.bundle.name == again.bundle.name
    other = trained(synthetic_source(), tmp_path, tracking_uri, seed=1)
    assert bundle_digest(other.bundle) != bundle_digest(again.bundle)


def test_a_run_keeps_all_that_is_needed_to_understand_and_repeat_it(promoted: Promoted) -> None:
    response, client = promoted.response, quiet_mlflow().MlflowClient(promoted.tracking_uri, promoted.tracking_uri)
    run = client.get_run(response.run_id)
    assert run.data.metrics["prefix.auc"] == pytest.approx(response.metrics["prefix.auc"])
    assert run.data.metrics["first.group_auc"] < run.data.metrics["first.auc"]
    assert run.data.params["model.boosting.rounds"] == "40"
    assert run.data.params["cut"] == response.cut.isoformat()
    assert run.data.tags["data_fingerprint"] == "data-1"
    assert run.data.tags["gate"] == "passed"
    assert len(run.data.tags["code_fingerprint"]) == 16
    assert run.data.metrics["bundle.size_bytes"] > 1000
    version = client.get_model_version_by_alias("breach", "champion")
    assert version.tags["code_version"] == run.data.tags["code_version"] == code_version()
    files = {file.path for file in client.list_artifacts(response.run_id)}
    assert {"report.txt", "features.md", "gate.md", "environment.json"} <= files
    assert {"reliability.png", "roc.png", "precision_recall.png"} <= files


def test_the_logged_model_has_a_signature_of_floats_and_an_example_that_it_answers(promoted: Promoted) -> None:
    mlflow = quiet_mlflow()
    client = mlflow.MlflowClient(promoted.tracking_uri, promoted.tracking_uri)
    source = client.get_model_version_by_alias("breach", "champion").source
    folder = client.get_logged_model(source.removeprefix("models:/")).artifact_location.removeprefix("file://")
    model = mlflow.models.Model.load(folder)
    bundle = load_bundle(promoted.response.bundle)
    assert model.signature.inputs.input_names() == bundle.spec.names
    assert {kind.name for kind in model.signature.inputs.input_types()} == {"double"}
    example = model.load_input_example(folder)
    assert len(bundle.predict(example.astype(np.float64))) == len(example) > 0


def test_the_manifest_tells_the_judged_cut_and_the_served_window(promoted: Promoted) -> None:
    manifest = load_bundle(promoted.response.bundle).manifest
    assert manifest.judgement is not None
    assert manifest.judgement.cut == promoted.response.cut
    assert manifest.window.opened_until > promoted.response.cut  # what is served has learned from the judged weeks too
    assert manifest.window.known_until.timestamp() * 1e6 == promoted.source.end_us


def test_a_cut_that_is_asked_for_is_the_one_that_is_judged_and_told(tmp_path: Path, tracking_uri: str) -> None:
    cut = datetime.fromtimestamp((START_US + 55 * DAY_US) / 1e6, UTC)
    response = trained(synthetic_source(), tmp_path, tracking_uri, cut=cut)
    judgement = load_bundle(response.bundle).manifest.judgement
    assert judgement is not None
    assert judgement.cut == response.cut == cut


def test_the_text_tells_model_and_baselines_with_intervals_and_the_verdict(promoted: Promoted) -> None:
    text = promoted.response.text()
    for words in (
        "base rate",
        "share used + priority",
        "team x priority table",
        "logistic regression",
        "breach v1 is promoted",
    ):
        assert words in text
    assert "first event: " in text


@pytest.mark.slow
def test_a_pyfunc_without_slacast_on_its_path_says_what_the_bundle_says(promoted: Promoted, tmp_path: Path) -> None:
    bundle, tracking_uri = load_bundle(promoted.response.bundle), promoted.tracking_uri
    X = pd.DataFrame(promoted.source.X[:50], columns=bundle.spec.names)
    X.to_parquet(tmp_path / "rows.parquet")
    script = (
        "import sys, numpy, pandas, mlflow\n"
        "assert not any(path.rstrip('/').endswith(sys.argv[4]) for path in sys.path if path), sys.path\n"
        "mlflow.set_tracking_uri(sys.argv[1]); mlflow.set_registry_uri(sys.argv[1])\n"
        "model = mlflow.pyfunc.load_model('models:/breach@champion')\n"
        "import models; assert sys.argv[4] not in models.__file__, models.__file__\n"
        "numpy.save(sys.argv[3], model.predict(pandas.read_parquet(sys.argv[2])))\n"
    )
    here = Path(__file__).resolve().parents[2]
    arguments = [tracking_uri, str(tmp_path / "rows.parquet"), str(tmp_path / "said.npy"), str(here)]
    # -I would hide site-packages of a user; -P only keeps the working directory off the path.
    done = subprocess.run(
        [sys.executable, "-P", "-c", _without_editable(here) + script, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(tmp_path / "said.npy"), bundle.predict(X))


def _without_editable(root: Path) -> str:
    """The editable install puts the repository on the path; a stranger's environment has no such line."""
    return f"import sys; sys.path[:] = [p for p in sys.path if p.rstrip('/') != {str(root)!r}]\n"


def test_a_log_without_outcomes_is_refused_with_advice(tmp_path: Path, tracking_uri: str) -> None:
    source = synthetic_source(tickets=100)
    source.labelled.breached[:] = -1
    with pytest.raises(
        TrainingError, match=r"no ticket has a known outcome for the target 'resolution'.*slacast clocks"
    ):
        trained(source, tmp_path, tracking_uri)


def test_too_little_history_is_refused_with_advice(tmp_path: Path, tracking_uri: str) -> None:
    with pytest.raises(TrainingError, match="too little to learn from"):
        trained(synthetic_source(tickets=60), tmp_path, tracking_uri)


def test_a_cut_after_the_last_ticket_is_refused_with_advice(tmp_path: Path, tracking_uri: str) -> None:
    cut = datetime.fromtimestamp((START_US + 94 * DAY_US) / 1e6, UTC)
    with pytest.raises(TrainingError, match="Choose an earlier --cut"):
        trained(synthetic_source(), tmp_path, tracking_uri, cut=cut)
