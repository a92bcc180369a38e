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
SHOWN = 3
PATIENCE_SECONDS = 600.0


@dataclass
class Ingested:
    """What became of the batches that were sent."""

    answered: set[int] = field(default_factory=set)  # 201 by a service that was killed a moment later
    cut: set[int] = field(default_factory=set)  # got no answer, as the service was killed
    stored_unanswered: set[int] = field(default_factory=set)  # of those: were stored all the same
    lost: set[int] = field(default_factory=set)
    halved: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)  # answers that are not what they have to be, word for word

    def look(self, counted: Counter[int]) -> None:
        """Nothing; what the store holds of all batches, answered or not, is judged."""
        self.lost |= self.answered - set(counted)
        self.halved |= {one for one, count in counted.items() if count != BATCH}

    def look_at_resent(self, number: int, status: int, said: dict[str, Any]) -> None:
        """Nothing; what was answered to a batch that had been cut is judged: all of it is new, or all of it is known."""
        if (status, said.get("inserted"), said.get("duplicates")) not in ((201, BATCH, 0), (200, 0, BATCH)):
            self.wrong.append(f"batch {number}, sent again: {status} {said}")
        if status == 200:
            self.stored_unanswered.add(number)


def stored_batches(url: str) -> Counter[int]:
    """How many events of each batch the store has."""
    with open_store(url) as store:
        ids = store.ticket_events()["event_id"]
    assert ids.is_unique
    return Counter(int(one[1:].partition("/")[0]) for one in ids if one.startswith("K"))


def killed_while_taking_in(url: str, folder: Path, kills: int, seed: int) -> Ingested:
    """What became of them when the service was killed so often; each batch that got no answer is sent again to the next.

    Batches have numbers that the store does not know yet. The first life shows how long some batches take; the others end
    at any point of that. In the end one more service is sent all that was answered: it knows every event, word for word.
    """
    chance, found = random.Random(seed), Ingested()
    before = stored_batches(url)
    number, seconds, resent = max(before, default=0), 0.0, None
    for _ in range(kills):
        server = Server(url, folder, tick_seconds=600)
        if resent is not None:
            found.look_at_resent(resent, *server.ask("POST", "/api/v1/events", batch(resent)))
        number, seconds = _life(server, number, chance, seconds, found)
        found.look(stored_batches(url))
        resent = number
    server = Server(url, folder, tick_seconds=600)
    try:
        for one in sorted(found.answered):
            status, said = server.ask("POST", "/api/v1/events", batch(one))
            if (status, said.get("duplicates")) != (200, BATCH):
                found.wrong.append(f"batch {one}, answered before: {status} {said}")
    finally:
        server.close()
    new = sum((stored_batches(url) - before).values())
    if (audited := _audited(url)) != new:
        found.wrong.append(f"the audit log tells of {audited} events, the store has {new}")
    return found


def _life(server: Server, number: int, chance: random.Random, seconds: float, found: Ingested) -> tuple[int, float]:
    """The number of the batch that was cut, and how long some batches take; batches go on after `number` until the kill."""
    began = time.monotonic()
    deadly = threading.Timer(chance.uniform(0.0, seconds), server.kill)
    if seconds:
        deadly.start()
    while True:
        number += 1
        try:
            status, said = server.ask("POST", "/api/v1/events", batch(number))
        except NotAnsweredError:
            found.cut.add(number)
            deadly.join()
            return number, seconds
        if (status, said.get("inserted")) != (201, BATCH):
            found.wrong.append(f"batch {number}: {status} {said}")
        found.answered.add(number)
        if not seconds and len(found.answered) == SHOWN:
            seconds = time.monotonic() - began
            deadly.start()


def _audited(url: str) -> int:
    """How many events the audit log says came in by the API."""
    with open_store(url) as store:
        entries = store.audit.read(action="events stored", limit=1_000_000)
    return sum(int((one.change.after or {})["inserted"]) for one in entries)


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
