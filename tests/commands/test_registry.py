"""`slacast models`: what a person reads, what a machine reads, and what is refused in words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

import slacast
from models.registry import champion, quiet_mlflow, registered

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:sqlalchemy.exc.SADeprecationWarning")
Run = Callable[..., object]


@dataclass(frozen=True)
class Trained:
    """A registry with two versions: v1 champion, v2 of noise and so challenger."""

    folder: Path


@pytest.fixture
def trained(two_versions: Path) -> Trained:
    return Trained(two_versions)


@pytest.fixture
def run(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a copy of the registry's database; the bundles' files are shared."""
    shutil.copyfile(trained.folder / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("SLACAST_MLFLOW_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("SLACAST_VAR_DIR", str(tmp_path / "var"))
    return lambda *words: CliRunner().invoke(slacast.app, ["models", *words])


def aliases(tmp_path: Path) -> dict[str, int]:
    return dict(registered(f"sqlite:///{tmp_path / 'mlflow.db'}").aliases)


def test_the_list_has_every_version_with_alias_figures_and_what_the_gate_said(run: Run) -> None:
    text = run("list").output
    newest, oldest = text.splitlines()[1:3]
    assert newest.split()[:2] == ["v2", "challenger"]
    assert newest.endswith("failed")
    assert oldest.split()[:2] == ["v1", "champion"]
    assert oldest.endswith("passed")
    assert "breach v2 failed: not clearly better than" in text


def test_the_list_for_machines_has_the_figures_beside_the_rules(run: Run) -> None:
    found = json.loads(run("list", "breach", "--json").output)
    (second, first) = found["versions"]
    assert found["aliases"] == {"champion": 1, "challenger": 2}
    assert first["metrics"]["prefix.auc"] > first["metrics"]["prefix.group_auc"]
    assert (first["gate"], second["gate"]) == ("passed", "failed")
    assert found["promotions"][0]["reason"].startswith("passed the gate: AUC")


def test_a_version_is_shown_whole(run: Run) -> None:
    text = run("show", "breach").output
    for part in (
        "breach v1 (champion)",
        "logistic regression",
        "model.boosting.rounds = 40",
        "data_fingerprint: data-1",
    ):
        assert part in text
    told = json.loads(run("show", "breach", "challenger", "--json").output)
    assert told["version"] == 2
    assert Path(told["bundle"], "manifest.json").is_file()


def test_a_promotion_by_hand_warns_of_the_gate_and_moves_the_aliases(run: Run, tmp_path: Path) -> None:
    done = run("promote", "breach", "challenger", "--reason", "a trial", "--by", "dana")
    assert done.exit_code == 0, done.output
    assert "note: the gate kept breach v2 out: not clearly better" in done.stderr
    assert "breach v2 promoted instead of v1 by dana at 20" in done.stdout
    assert aliases(tmp_path) == {"champion": 2, "previous": 1}
    assert "a trial" in run("show", "breach", "2").output


def test_a_rollback_puts_everything_back(run: Run, tmp_path: Path) -> None:
    before = aliases(tmp_path)
    run("promote", "breach", "v2", "--reason", "a trial")
    done = run("rollback", "breach", "--reason", "it was worse", "--json")
    assert json.loads(done.output)["after"] == before == aliases(tmp_path)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("promote", "breach", "7", "--reason", "x"), "breach has no version '7'. Versions: v2, v1"),
        (("promote", "breach", "champion", "--reason", "x"), "the champion already"),
        (("promote", "breach", "previous", "--reason", "x"), "breach has no version 'previous'"),
        (("rollback", "breach", "--reason", "x"), "there is no previous one"),
        (("list", "weather"), "no such model or version of 'weather'"),
        (("show", "it's", "1"), "it's"),
    ],
)
def test_what_cannot_be_is_refused_in_words(run: Run, tmp_path: Path, words: tuple[str, ...], answer: str) -> None:
    before = aliases(tmp_path)
    done = run(*words)
    assert done.exit_code == 1
    assert answer in done.stderr
    assert aliases(tmp_path) == before


def test_a_promotion_needs_a_reason(run: Run) -> None:
    assert run("promote", "breach", "2").exit_code == 2


def test_a_gone_database_is_said_and_not_made_anew(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").unlink()
    done = run("list")
    assert done.exit_code == 1
    assert "mlflow.db does not exist" in done.stderr
    assert not (tmp_path / "mlflow.db").exists()


def test_a_version_without_its_files_is_listed_but_not_promoted(run: Run, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    quiet_mlflow().MlflowClient(uri, uri).create_model_version("breach", str(tmp_path / "gone"))
    assert run("list").output.splitlines()[1].split()[0] == "v3"
    assert "not there: breach v3 is registered, but its bundle is not at" in run("show", "breach", "3").output
    done = run("promote", "breach", "3", "--reason", "x")
    assert (done.exit_code, aliases(tmp_path)["champion"]) == (1, 1)
    assert "its bundle is not at" in done.stderr


def test_an_altered_bundle_is_not_promoted(run: Run, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    answer = champion(uri)
    assert answer.path is not None
    shutil.copytree(answer.path, tmp_path / "altered" / "artifacts" / "bundle")
    with (tmp_path / "altered/artifacts/bundle/boosting.txt").open("a", encoding="utf-8") as file:
        file.write("one more line")
    quiet_mlflow().MlflowClient(uri, uri).create_model_version("breach", str(tmp_path / "altered"))
    done = run("promote", "breach", "3", "--reason", "x")
    assert done.exit_code == 1
    assert "was altered after training" in done.stderr
    assert aliases(tmp_path)["champion"] == 1
