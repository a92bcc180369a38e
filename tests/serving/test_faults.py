"""What the service survives: nothing that was acknowledged is lost, nothing is half there or double.

SLACAST_KILLS sets how often the server is killed (default: 10 times over SQLite, 4 over PostgreSQL).
"""

import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from features.store import open_store
from features.store.engine import make_engine
from tests.features.postgres_server import CannotStartError, postgres
from tests.serving.fault_server import NotAnsweredError, Server
from tests.serving.real_desk import AGREEMENTS, AT, random_events
from tests.serving.stored_desk import Desk, event

KILLS = os.environ.get("SLACAST_KILLS")
BATCH = 40


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, prepared_desk: Path) -> Iterator[str]:
    """A prepared store of each kind."""
    if request.param == "sqlite":
        (tmp_path / "desk.db").write_bytes(prepared_desk.read_bytes())
        yield f"sqlite:///{tmp_path / 'desk.db'}"
        return
    try:
        with postgres() as address:
            with open_store(address) as store:
                store.append_ticket_events(random_events(30), "test")
                store.save_agreements(AGREEMENTS, AT)
            yield address
    except CannotStartError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI tests this on PostgreSQL too: {error}")
        pytest.skip(f"no PostgreSQL here: {error}")


def batch(number: int) -> list[dict[str, Any]]:
    """A batch with events of many tickets, all named by the batch."""
    at = datetime.now(UTC) - timedelta(hours=1)
    return [
        {
            "event_id": f"K{number}/{place}",
            "ticket_id": f"K{number}-{place % 7}",
            "event_at": at.isoformat(),
            "kind": "created" if place < 7 else "commented",
            "attributes": {"title": f"batch {number} 🙂 \u202e {place}"},
        }
        for place in range(BATCH)
    ]


def stored_batches(url: str) -> Counter[int]:
    """How many events of each batch the store has."""
    with open_store(url) as store:
        ids = store.ticket_events()["event_id"]
    assert ids.is_unique
    return Counter(int(one[1:].partition("/")[0]) for one in ids if one.startswith("K"))


def test_kill_9_at_any_point_of_an_ingest_loses_nothing_acknowledged_and_halves_nothing(url: str, tmp_path: Path):
    chance = random.Random(7)
    kills = int(KILLS or (10 if url.startswith("sqlite") else 4))
    acknowledged: set[int] = set()
    unanswered: tuple[int, list[dict[str, Any]]] | None = None
    number = 0
    for _ in range(kills):
        server = Server(url, tmp_path, tick_seconds=600)
        if unanswered is not None:  # its sender sends it again, the same
            again, body = unanswered
            status, said = server.ask("POST", "/api/v1/events", body)
            assert status in (200, 201)
            assert said["inserted"] + said["duplicates"] == BATCH
            assert said["inserted"] in (0, BATCH)
            acknowledged.add(again)
            unanswered = None
        deadly = threading.Timer(chance.uniform(0.0, 0.12), server.kill)
        deadly.start()
        while unanswered is None:
            number += 1
            body = batch(number)
            try:
                status, _said = server.ask("POST", "/api/v1/events", body)
                assert status == 201
                acknowledged.add(number)
            except NotAnsweredError:
                unanswered = (number, body)
        deadly.join()
        counted = stored_batches(url)
        assert acknowledged <= set(counted)
        assert set(counted.values()) <= {BATCH}
    assert len(acknowledged) >= kills - 1  # batches were under way, the kills did not all come before the first


def test_what_is_under_way_when_told_to_stop_is_answered(prepared_desk: Path, tmp_path: Path):
    (tmp_path / "desk.db").write_bytes(prepared_desk.read_bytes())
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    server = Server(url, tmp_path, shutdown_seconds=20)
    held = sqlite3.connect(tmp_path / "desk.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")  # so that the request has to wait for its turn to write
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.ask, "POST", "/api/v1/events", batch(1))
        time.sleep(0.3)
        server.tell_to_stop()
        time.sleep(0.3)
        assert not answer.done()
        held.execute("ROLLBACK")
        held.close()
        assert answer.result(30)[0] == 201
    server._process.join(30)
    assert server._process.exitcode in (0, -15)  # uvicorn raises the signal again once all is closed
    assert stored_batches(url) == {1: BATCH}


def test_a_hundred_clients_at_once_are_each_served_once(prepared_desk: Path, tmp_path: Path):
    desk = Desk(prepared_desk, tmp_path)
    try:
        client = desk.client()
        before = desk.store.last_sequence()
        with ThreadPoolExecutor(100) as pool:
            answers = list(
                pool.map(lambda number: client.post("/api/v1/events", json=[event(number % 50)]), range(100))
            )
        assert {answer.status_code for answer in answers} <= {200, 201}
        assert sum(answer.json()["inserted"] for answer in answers) == 50
        assert desk.store.last_sequence() == before + 50
    finally:
        desk.close()


def test_a_full_disk_is_answered_507_and_leaves_nothing_half_stored(prepared_desk: Path, tmp_path: Path):
    desk = Desk(prepared_desk, tmp_path)
    try:
        client = desk.client()
        assert client.post("/api/v1/events", json=[event(1)]).status_code == 201
        before = desk.store.last_sequence()
        engine = desk.store._engine
        with engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        from sqlalchemy import event as engine_event

        def limit(connection: Any, _record: Any) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages + 2}")

        engine_event.listen(engine, "connect", limit)
        engine.dispose()
        large = [event(number, attributes={"title": f"{number} " * 500}) for number in range(100, 160)]
        answer = client.post("/api/v1/events", json=large, headers={"Idempotency-Key": "full"})
        assert answer.status_code == 507
        assert "nothing of this request was stored" in answer.json()["detail"]
        assert desk.store.last_sequence() == before
        assert client.get("/api/v1/queue").status_code == 200  # what is known can still be read
        engine_event.remove(engine, "connect", limit)
        engine.dispose()
        again = client.post("/api/v1/events", json=large, headers={"Idempotency-Key": "full"})
        assert again.status_code == 201
        assert again.json()["inserted"] == len(large)
    finally:
        desk.close()


def test_a_database_that_goes_and_comes_back_is_a_503_in_between(prepared_desk: Path, tmp_path: Path):
    desk = Desk(prepared_desk, tmp_path)
    try:
        client = desk.client()
        desk.store._engine.dispose()
        away = {name: (tmp_path / name).rename(tmp_path / f"{name}.away") for name in ("desk.db",)}
        (tmp_path / "desk.db").mkdir()  # nothing can be opened there
        answer = client.post("/api/v1/events", json=[event(1)])
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        desk.service.ticker.step()
        assert client.get("/api/v1/queue").status_code == 200  # the last good queue stays
        assert client.get("/readyz").status_code == 503
        (tmp_path / "desk.db").rmdir()
        away["desk.db"].rename(tmp_path / "desk.db")
        assert client.post("/api/v1/events", json=[event(1)]).status_code == 201
        desk.service.ticker.step()
        assert client.get("/readyz").status_code == 200
    finally:
        desk.close()


def test_a_postgresql_that_ends_every_connection_is_used_again_at_once():
    try:
        with postgres() as address, open_store(address) as store:
            store.append_ticket_events(random_events(3), "test")
            last = store.last_sequence()
            other = make_engine(address)
            with other.begin() as connection:
                ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                assert connection.execute(text(ended)).all()
            other.dispose()
            assert store.last_sequence() == last
    except CannotStartError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI tests this on PostgreSQL: {error}")
        pytest.skip(f"no PostgreSQL here: {error}")
