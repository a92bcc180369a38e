"""What clients of a desk send, and how many of mixed requests several clients get answered at once."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any

from benchmarks._running_service import Client


def ticket(number: int) -> dict[str, Any]:
    """An open ticket of the third priority that was opened three hours ago, with its event, to be scored."""
    at = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    return {"ticket_id": f"S{number}", "events": [{"event_at": at, "kind": "created", "status": "open", "priority": "3"}]}  # fmt: skip


def events(name: str, count: int) -> list[dict[str, Any]]:
    """So many new tickets of one team, opened now."""
    at = datetime.now(UTC).isoformat()
    known = {"kind": "created", "status": "open", "priority": "3", "team": "team 1", "attributes": {"title": name}}
    return [{"event_id": f"{name}-{place}", "ticket_id": f"{name}-{place}", "event_at": at, **known} for place in range(count)]  # fmt: skip


def mixed(service: Client, seconds: float, clients: int = 8) -> dict[str, float | int | None]:
    """Requests a second that several clients get answered, and how many were answered with an error or not at all."""
    counted: list[tuple[int, int]] = []
    until = time.monotonic() + seconds
    before = service.processor_seconds()

    def work(seed: int) -> None:
        chance, mine, done, wrong = random.Random(seed), service.another(), 0, 0
        while time.monotonic() < until:
            try:
                is_wrong = _one_of_mixed(mine, chance, f"mix{seed}x{done}") >= 400
            except (OSError, HTTPException):
                mine, is_wrong = service.another(), True
            done, wrong = done + 1, wrong + is_wrong
        counted.append((done, wrong))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done, wrong = (sum(column) for column in zip(*counted, strict=True))
    used = service.processor_seconds() - before
    return {
        "mixed_per_second": round(done / seconds),
        "mixed_errors": wrong,
        "mixed_processor_ms": round(used / max(done, 1) * 1000, 2),
    }


def _one_of_mixed(service: Client, chance: random.Random, name: str) -> int:
    """The status of an answer: six in ten ask for the queue, three to score a ticket, one brings five events."""
    kind = chance.random()
    if kind < 0.6:
        return service.ask("GET", f"/api/v1/queue?team=team%20{chance.randrange(20)}")[0]
    if kind < 0.9:
        return service.ask("POST", "/api/v1/score", {"tickets": [ticket(chance.randrange(1000))]})[0]
    return service.ask("POST", "/api/v1/events", events(name, 5))[0]
