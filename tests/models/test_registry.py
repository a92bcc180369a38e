"""The registry answers in words whatever happens: the rules must go on without it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from models.registry import champion

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
