"""The process of one job: a session of its own, which ends with the service that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from serving.jobs.output import LOG, RESULT
from serving.settings import Settings

SLACAST = (sys.executable, "-P", "-m", "slacast")
"""How the command line is started: by this very interpreter, and never from the folder it happens to run in."""
FOLLOWS = "SLACAST_FOLLOWS_STARTER"
GRACE_SECONDS = 5.0
_NOT_HANDED_ON = frozenset({"session_secret", "oidc_client_secret", "pseudonym_secret", "host", "port"})


def environment_of(settings: Settings, asked_by: str) -> dict[str, str]:
    """The environment of a job: this one's with the service's own settings, so that both mean the same store and registry."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("SLACAST_")}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name not in _NOT_HANDED_ON and value is not None:
            found[f"SLACAST_{name.upper()}"] = str(value)
    # LOGNAME is what getpass asks first: the runs and bundles of a job bear the name of who asked for it.
    return {**found, FOLLOWS: "1", "LOGNAME": asked_by, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


class JobProcess:
    """A process that was started; its output goes to files in its folder.

    It holds one end of a pipe: when this process is gone, however it ended, the command reads the end of it and ends too
    (commands/starter.py).
    """

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        with (folder / LOG).open("ab") as log, (folder / RESULT).open("wb") as result:
            self._process = subprocess.Popen(  # noqa: S603 (a closed list of commands, no shell)
                list(words),
                stdin=subprocess.PIPE,
                stdout=result,
                stderr=log,
                env=dict(environment),
                start_new_session=True,
            )
        self._told_seconds: float | None = None
        self._is_over = False

    @property
    def was_stopped(self) -> bool:
        """True where it was told to end."""
        return self._told_seconds is not None

    def poll(self) -> int | None:
        """The exit code, None while it runs. One that was told to end and does not is killed after a while."""
        code = self._process.poll()
        if code is None and self._told_seconds is not None and time.monotonic() - self._told_seconds > GRACE_SECONDS:
            self._signal(signal.SIGKILL)
        if code is not None and not self._is_over:
            self._is_over = True
            self._signal(signal.SIGKILL)  # whatever it started and left behind
            if self._process.stdin is not None:
                self._process.stdin.close()
        return code

    def stop(self) -> None:
        """Tell it, and all it started, to end."""
        if self._told_seconds is None:
            self._told_seconds = time.monotonic()
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, with all it started."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self.poll()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # gone already
            os.killpg(self._process.pid, number)
