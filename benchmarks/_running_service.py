"""The service in a process of its own, and a client that keeps its connection."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[1]


class Client:
    """A keep-alive connection to the service, and what is known of its process."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], ready_seconds: float, start_seconds: float) -> None:
        self.port, self.process = port, process
        self.ready_seconds, self.start_seconds = ready_seconds, start_seconds
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes, float, str | None]:
        """Status, body, seconds and ETag of an answer."""
        sent = None if body is None else json.dumps(body)
        began = time.perf_counter()
        self._connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
        answer = self._connection.getresponse()
        said = answer.read()
        return answer.status, said, time.perf_counter() - began, answer.headers["ETag"]

    def another(self) -> Client:
        """A connection of its own, for another thread."""
        return Client(self.port, self.process, self.ready_seconds, self.start_seconds)

    def metrics(self, *names: str) -> list[float]:
        """Figures of /metrics, 0 for one that is not there."""
        said = self.ask("GET", "/metrics")[1].decode()
        found = {sample.name: sample.value for family in text_string_to_metric_families(said) for sample in family.samples}  # fmt: skip
        return [found.get(name, 0.0) for name in names]

    def processor_seconds(self) -> float:
        """Time of the processor that the service has used so far, as Linux tells it; less moved by what else runs."""
        said = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        return (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self) -> int:
        """Resident memory of the service, as Linux tells it."""
        said = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return round(int(said.partition("VmRSS:")[2].split()[0]) / 1024)


@contextmanager
def serving(url: str, folder: Path, mlflow_uri: str | None, tick_seconds: float = 60.0) -> Iterator[Client]:
    """The service over a store, ready; stopped at the end. Any number of requests from one address is answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = {
        "SLACAST_DATABASE_URL": url,
        "SLACAST_VAR_DIR": str(folder / "var"),
        "SLACAST_MLFLOW_URI": mlflow_uri or f"sqlite:///{folder / 'mlflow.db'}",
        "SLACAST_USE_MODEL": str(mlflow_uri is not None),
        "SLACAST_TICK_SECONDS": str(tick_seconds),
        "SLACAST_REQUESTS_PER_SECOND": "100000",
        "SLACAST_LOG_LEVEL": "warning",
    }
    began = time.perf_counter()
    command = [sys.executable, str(ROOT / "slacast.py"), "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **settings})
    try:
        ready = _Ready(port, process, began)
        ready_seconds = ready.after(lambda said: True)
        start_seconds = ready.after(lambda said: mlflow_uri is None or bool(said.get("bundle_version")))
        yield Client(port, process, ready_seconds, start_seconds)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@dataclass(frozen=True)
class _Ready:
    """Asks /readyz until the service says what is waited for."""

    port: int
    process: subprocess.Popen[bytes]
    began: float

    def after(self, is_enough: Callable[[dict[str, Any]], bool]) -> float:
        """Seconds from the beginning to an answer 200 that is enough."""
        while self.process.poll() is None:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                connection.request("GET", "/readyz")
                answer = connection.getresponse()
                if answer.status == 200 and is_enough(json.loads(answer.read())):
                    return round(time.perf_counter() - self.began, 2)
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"the service ended with {self.process.returncode}")
