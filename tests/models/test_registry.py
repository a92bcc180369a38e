"""The registry answers in words whatever happens: the rules must go on without it."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models.registry import _downloaded, champion, forget_download, registered
from models.versions import RegistryError

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:sqlalchemy.exc.SADeprecationWarning")


def test_no_database_is_no_model_and_creates_none(tmp_path: Path) -> None:
    answer = champion(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert answer.path is None
    assert answer.is_reachable
    assert "slacast train breach" in answer.why
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_down_is_reported_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:  # a port that nobody listens on
        taken.bind(("127.0.0.1", 0))
        answer = champion(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert answer.path is None
    assert not answer.is_reachable
    assert "http://127.0.0.1" in answer.why
    assert "cannot be asked" in answer.why


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"not a database, but long enough to look like a file" * 100)
    answer = champion(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert answer.path is None
    assert not answer.is_reachable


def test_a_password_in_the_address_is_never_repeated() -> None:
    from models.registry import _without_password

    assert _without_password("postgresql://desk:secret@host/mlflow") == "postgresql://...@host/mlflow"


class Artifacts:
    """A remote artifact store: counts what is fetched."""

    def __init__(self) -> None:
        self.fetched: list[str] = []

    def download_artifacts(self, uri: str, dst_path: str, tracking_uri: str) -> str:
        self.fetched.append(uri)
        folder = Path(dst_path) / "model" / "artifacts" / "bundle"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(uri, encoding="utf-8")
        return str(Path(dst_path) / "model")


def test_a_remote_bundle_is_fetched_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    remote = Artifacts()
    mlflow: Any = SimpleNamespace(artifacts=remote)
    first, again, other = (
        _downloaded(mlflow, uri, "http://mlflow", tmp_path / "bundles") for uri in ("s3://a/1", "s3://a/1", "s3://a/2")
    )
    assert remote.fetched == ["s3://a/1", "s3://a/2"]
    assert first == again != other
    assert (other / "artifacts" / "bundle" / "manifest.json").read_text(encoding="utf-8") == "s3://a/2"
    assert sorted(found.name for found in (tmp_path / "bundles").iterdir()) == sorted([first.name, other.name])


def test_a_download_that_was_refused_is_fetched_anew_and_nothing_else_is_removed(tmp_path: Path) -> None:
    remote, bundles = Artifacts(), tmp_path / "bundles"
    mlflow: Any = SimpleNamespace(artifacts=remote)
    bundle = _downloaded(mlflow, "s3://a/1", "http://mlflow", bundles) / "artifacts" / "bundle"
    assert not forget_download(tmp_path / "mlruns" / "bundle", bundles)  # a local artifact is the model itself
    assert forget_download(bundle, bundles)
    assert not list(bundles.iterdir())
    _downloaded(mlflow, "s3://a/1", "http://mlflow", bundles)
    assert remote.fetched == ["s3://a/1", "s3://a/1"]


def test_a_download_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    class Broken(Artifacts):
        def download_artifacts(self, uri: str, dst_path: str, tracking_uri: str) -> str:
            super().download_artifacts(uri, dst_path, tracking_uri)
            raise ConnectionResetError(uri)

    mlflow: Any = SimpleNamespace(artifacts=Broken())
    with pytest.raises(ConnectionResetError):
        _downloaded(mlflow, "s3://a/1", "http://mlflow", tmp_path / "bundles")
    assert not list((tmp_path / "bundles").iterdir())


@pytest.mark.parametrize(("name", "command"), [("outage", "outage"), ("remaining_time", "remaining-time"), ("volume", "volume"), ("breach_response", "breach")])  # fmt: skip
def test_the_answer_names_the_command_that_trains_such_a_model(tmp_path: Path, name: str, command: str) -> None:
    assert champion(f"sqlite:///{tmp_path / 'mlflow.db'}", name).why.endswith(f"Train one: slacast train {command}.")


def test_a_database_whose_driver_is_not_installed_is_told_in_words_whoever_asks() -> None:
    address = "mssql+pyodbc://desk:secret@127.0.0.1/mlflow"
    assert champion(address).path is None
    with pytest.raises(RegistryError, match="pyodbc") as told:
        registered(address)
    assert "secret" not in str(told.value)
