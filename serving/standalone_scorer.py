"""The scorer as a process of its own, without pages: it stores scores and sends alerts where others only serve."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from datetime import datetime

from serving.log_lines import set_up_logging
from serving.settings import Settings
from serving.spare_memory import giving_back, one_thread_for_algebra
from serving.workplace import build_service

log = logging.getLogger(__name__)


def score_until_stopped(
    settings: Settings, clock: Callable[[], datetime], stop: threading.Event, on_ready: Callable[[str], None]
) -> None:
    """Nothing until `stop` is set: scores as a service does, and acts while this process holds the lease.

    `on_ready` is called with a sentence once the background runs. Raises as `build_service` does.
    """
    set_up_logging(settings.log_level, settings.log_format)
    one_thread_for_algebra()
    only_scores = settings.model_copy(update={"store_scores": True, "jobs_at_once": 0})
    service = build_service(only_scores, clock, None)
    try:
        service.start()
        on_ready(f"scoring {settings.tick_seconds:g} s apart and at once on news; stop with Ctrl-C")
        with giving_back():
            stop.wait()
    finally:
        service.stop()
        service.close()


def stopped_by_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set; to be called in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop
