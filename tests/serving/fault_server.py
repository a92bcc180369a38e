"""Real servers for the tests of faults: processes of their own, forked from one that has imported everything, so that each costs little."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["serving.app", "serving.workplace", "serving.standalone_scorer", "tests.serving.fault_server"]
)
_START_SECONDS = 60.0


class NotAnsweredError(Exception):
    """The connection broke before the answer was whole."""


def _run(url: str, folder: str, port: int, settings: dict[str, Any]) -> None:
    from serving.app import serve
    from serving.settings import Settings

    serve(
        Settings(
            database_url=url,
            var_dir=folder,
            mlflow_uri=f"sqlite:///{folder}/mlflow.db",
            use_model=False,
            port=port,
            **{"log_level": "error", "news_seconds": 0.2, **settings},
        )
    )


class Server:
    """`slacast serve` over a store, on a free port of the loopback address."""

    def __init__(self, url: str, folder: Path, **settings: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process = _PROCESSES.Process(target=_run, args=(url, str(folder), self.port, settings), daemon=True)
        self._process.start()
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.is_alive():
            try:
                self.ask("GET", "/healthz")
            except NotAnsweredError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("the server did not start")

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer; NotAnsweredError where none came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise NotAnsweredError from error
        finally:
            connection.close()

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        os.kill(self._pid(), signal.SIGKILL)
        self._process.join(30)

    def stop(self) -> int | None:
        """The exit code after SIGTERM."""
        self.tell_to_stop()
        self._process.join(30)
        return self._process.exitcode

    def tell_to_stop(self) -> None:
        os.kill(self._pid(), signal.SIGTERM)

    def close(self) -> None:
        if self._process.is_alive():
            self.kill()

    def _pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid


def _score(url: str, folder: str) -> None:
    from datetime import UTC, datetime

    from serving.settings import Settings
    from serving.standalone_scorer import score_until_stopped, stopped_by_signals

    settings = Settings(
        database_url=url,
        var_dir=folder,
        use_model=False,
        news_seconds=0.02,
        tick_seconds=0.1,
        lease_seconds=1,
        log_level="error",
    )
    score_until_stopped(settings, lambda: datetime.now(UTC), stopped_by_signals(), lambda _text: None)


class Scoring:
    """`slacast score --watch` over a store."""

    def __init__(self, url: str, folder: Path) -> None:
        self._process = _PROCESSES.Process(target=_score, args=(url, str(folder)), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.join(30)


def _migrate(url: str) -> None:
    from features.store import open_store

    open_store(url).close()


def migrating(url: str) -> Any:
    """A process that brings a store up to date and ends."""
    process = _PROCESSES.Process(target=_migrate, args=(url,), daemon=True)
    process.start()
    return process
