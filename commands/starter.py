"""A command that a service started for someone: it ends with the service and gives way to it."""

from __future__ import annotations

import os
import signal
import threading

FOLLOWS = "SLACAST_FOLLOWS_STARTER"
_GIVES_WAY = 10


def follow_starter() -> None:
    """Nothing; where a service started this process, it ends, with all it started, when that service is gone.

    The service holds the other end of standard input. A bare read, because a buffered one would hold its lock at exit.
    """
    if not os.environ.pop(FOLLOWS, ""):
        return
    os.nice(_GIVES_WAY)  # answers to people come first
    threading.Thread(target=_wait_for_its_end, name="slacast-starter", daemon=True).start()


def _wait_for_its_end() -> None:
    while os.read(0, 1024):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
