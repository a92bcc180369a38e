"""Real services and scorers that are killed with SIGKILL again and again while events come in, and what is left of what they said."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from features.schema import conform_ticket_events
from features.store import Store, open_store
from tests.serving.fault_server import NotAnsweredError, Scoring, Server
from tests.serving.kill_points import batch

BATCH = len(batch(1))
LONGEST_SECONDS = 0.12
PATIENCE_SECONDS = 600.0


@dataclass
class Ingested:
    """What became of the batches that were sent."""

    acknowledged: set[int] = field(default_factory=set)
    wrong: list[str] = field(
        default_factory=list
    )  # answers that say a batch was refused or found in part, word for word
    lost: set[int] = field(default_factory=set)
    halved: set[int] = field(default_factory=set)

    @property
    def answers_wrong(self) -> int:
        """How many answers were wrong."""
        return len(self.wrong)


def stored_batches(url: str) -> Counter[int]:
    """How many events of each batch the store has."""
    with open_store(url) as store:
        ids = store.ticket_events()["event_id"]
    assert ids.is_unique
    return Counter(int(one[1:].partition("/")[0]) for one in ids if one.startswith("K"))


def killed_while_taking_in(url: str, folder: Path, kills: int, seed: int) -> Ingested:
    """What became of them when the service was killed so often; each batch that got no answer is sent again to the next."""
    chance, found = random.Random(seed), Ingested()
    number, unanswered = 0, None
    for _ in range(kills):
        server = Server(url, folder, tick_seconds=600)
        if unanswered is not None:
            status, said = server.ask("POST", "/api/v1/events", batch(unanswered))
            is_whole = said.get("inserted") in (0, BATCH) and said["inserted"] + said["duplicates"] == BATCH
            if status not in (200, 201) or not is_whole:
                found.wrong.append(f"batch {unanswered}, sent again: {status} {said}")
            found.acknowledged.add(unanswered)
            unanswered = None
        deadly = threading.Timer(chance.uniform(0.0, LONGEST_SECONDS), server.kill)
        deadly.start()
        while unanswered is None:
            number += 1
            try:
                status, said = server.ask("POST", "/api/v1/events", batch(number))
                if status != 201:
                    found.wrong.append(f"batch {number}: {status} {said}")
                found.acknowledged.add(number)
            except NotAnsweredError:
                unanswered = number
        deadly.join()
        counted = stored_batches(url)
        found.lost |= found.acknowledged - set(counted)
        found.halved |= {one for one, count in counted.items() if count != BATCH}
    return found


@dataclass(frozen=True)
class Scored:
    """What is stored of scores in the end: how many, how many said what was said already, and the tickets without any."""

    rows: int
    doubled: int
    missing: frozenset[str]


def killed_while_scoring(url: str, folder: Path, kills: int, seed: int) -> Scored:
    """What is stored when `slacast score --watch` was killed so often, each time a while after it began to act; the last finishes."""
    chance = random.Random(seed)
    tickets: list[str] = []
    with open_store(url) as store:
        for life in range(kills + 1):
            acting = Scoring(url, folder)
            _wait_until(partial(_holds, store, acting))
            until = time.monotonic() + chance.uniform(0.0, 0.4)
            while True:
                tickets.append(_arrives(store, len(tickets)))
                if time.monotonic() >= until:
                    break
                time.sleep(0.02)
            if life == kills:
                _wait_until(lambda: set(tickets) <= _with_a_score(store))
            acting.kill()
        return _scored(store, tickets)


def _scored(store: Store, tickets: list[str]) -> Scored:
    rows = pd.concat(store.predictions.chunks())
    said = pd.Series([repr(one) for one in rows[["state", "due_at"]].itertuples(index=False)], rows.index)
    of_one = [rows["ticket_id"], rows["target"], rows["is_shadow"]]
    return Scored(
        len(rows), int((said == said.groupby(of_one).shift()).sum()), frozenset(tickets) - _with_a_score(store)
    )


def _holds(store: Store, scoring: Scoring) -> bool:
    lease = store.leases.find("scorer")
    return lease is not None and f":{scoring.pid}:" in lease.holder


def _with_a_score(store: Store) -> set[str]:
    return set(store.predictions.in_force(datetime.now(UTC) + timedelta(minutes=1))["ticket_id"])


def _arrives(store: Store, number: int) -> str:
    told: dict[str, Any] = {"ticket_id": f"NEW{number}", "event_id": f"new-{number}", "kind": "created"}
    frame = pd.DataFrame([{**told, "event_at": datetime.now(UTC), "status": "open", "priority": "3"}])
    store.append_ticket_events(conform_ticket_events(frame), "test")
    return f"NEW{number}"


def _wait_until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)
