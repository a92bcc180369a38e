"""What the service survives: nothing that was acknowledged is lost, nothing is half there or double.

`python -m benchmarks.kills` kills it hundreds of times.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as engine_event
from sqlalchemy import text
from starlette.testclient import TestClient

from features.store import open_store
from features.store.engine import make_engine
from serving.app import application
from serving.settings import Settings
from serving.workplace import build_service
from tests.features.postgres_server import CannotStartError, postgres
from tests.serving.fault_server import Server
from tests.serving.kill_points import batch
from tests.serving.killed_service import BATCH, killed_while_scoring, killed_while_taking_in, stored_batches
from tests.serving.real_desk import AT, random_events
from tests.serving.stored_desk import HOST, Desk, event


def test_kill_9_at_any_point_of_an_ingest_loses_nothing_acknowledged_and_halves_nothing(url: str, tmp_path: Path):
    kills = 8 if url.startswith("sqlite") else 4
    found = killed_while_taking_in(url, tmp_path, kills, seed=7)
    assert (found.lost, found.halved, found.wrong) == (set(), set(), [])
    assert len(found.cut) == kills  # each came while a batch was under way
    assert len(found.answered) >= 3


def test_kill_9_of_the_scorer_loses_no_score_and_stores_none_twice(url: str, tmp_path: Path):
    found = killed_while_scoring(url, tmp_path, 2, seed=8)
    assert (found.doubled, found.missing) == (0, frozenset())
    assert found.rows >= 3


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
    (tmp_path / "desk.db").write_bytes(prepared_desk.read_bytes())
    server = Server(f"sqlite:///{tmp_path / 'desk.db'}", tmp_path, requests_per_second=1000)
    began = threading.Barrier(100)

    def told(number: int) -> tuple[int, Any]:
        body = [{**batch(1 + number % 50)[0], "ticket_id": f"N{number % 50}"}]
        began.wait(60)
        return server.ask("POST", "/api/v1/events", body)

    try:
        with ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(told, range(100)))
    finally:
        server.close()
    assert {status for status, _ in answers} <= {200, 201}
    assert sum(said["inserted"] for _, said in answers) == 50
    assert stored_batches(f"sqlite:///{tmp_path / 'desk.db'}") == dict.fromkeys(range(1, 51), 1)


@contextmanager
def full_disk(desk: Desk, pages_left: int) -> Iterator[None]:
    """Inside, the store's file can grow by so many pages."""
    engine = desk.store._engine
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + pages_left}")

    engine_event.listen(engine, "connect", limit)
    engine.dispose()
    try:
        yield
    finally:
        engine_event.remove(engine, "connect", limit)
        engine.dispose()


def test_scores_that_a_full_disk_does_not_take_are_stored_when_there_is_room(desk: Desk):
    created = [event(number, priority="3", status="open") for number in range(400)]
    assert desk.client().post("/api/v1/events", json=created).status_code == 201
    recorder = desk.service.recorder
    assert desk.service.ticker.step()
    with full_disk(desk, 1):
        assert recorder.step() is False
        assert "Scores are not stored" in recorder.problem
        assert not list(desk.store.predictions.chunks())
        assert desk.client().get("/readyz").status_code == 200  # the queue is served, and says what is wrong
    assert recorder.step() is True
    assert recorder.problem is None
    assert recorder.recorded.scores == len(desk.service.standing.queue.rows) >= 400


def test_a_full_disk_is_answered_507_and_leaves_nothing_half_stored(desk: Desk):
    client = desk.client()
    assert client.post("/api/v1/events", json=[event(1)]).status_code == 201
    before = desk.store.last_sequence()
    large = [event(number, attributes={"title": f"{number} " * 500}) for number in range(100, 160)]
    with full_disk(desk, 2):
        answer = client.post("/api/v1/events", json=large, headers={"Idempotency-Key": "full"})
        assert answer.status_code == 507
        assert "nothing of this request was stored" in answer.json()["detail"]
        assert desk.store.last_sequence() == before
        assert client.get("/api/v1/queue").status_code == 200  # what is known can still be read
    again = client.post("/api/v1/events", json=large, headers={"Idempotency-Key": "full"})
    assert again.status_code == 201
    assert again.json()["inserted"] == len(large)


def test_a_database_that_goes_and_comes_back_is_a_503_in_between(desk: Desk, tmp_path: Path):
    client, file, aside = desk.client(), tmp_path / "desk.db", tmp_path / "desk.db.away"
    desk.store._engine.dispose()
    file.rename(aside)
    file.mkdir()  # nothing can be opened there
    answer = client.post("/api/v1/events", json=[event(1)])
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    desk.service.ticker.step()
    assert client.get("/api/v1/queue").status_code == 200  # the last good queue stays
    assert client.get("/readyz").status_code == 503
    file.rmdir()
    aside.rename(file)
    assert client.post("/api/v1/events", json=[event(1)]).status_code == 201
    desk.service.ticker.step()
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("empty_database", ["postgresql"], indirect=True)
def test_a_postgresql_that_lets_nobody_in_and_then_does_again_is_a_503_in_between(url: str, tmp_path: Path):
    settings = Settings(database_url=url, var_dir=tmp_path, use_model=False)
    service = build_service(settings, lambda: AT, None)
    service.ticker.step()
    client = TestClient(application(service), base_url=HOST, client=("127.0.0.1", 5000))
    aside = make_engine(url.replace("/postgres?", "/template1?"))
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'"
    try:
        with aside.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER DATABASE postgres ALLOW_CONNECTIONS false"))
            try:
                connection.execute(text(ended))
                answer = client.post("/api/v1/events", json=[event(1)])
                assert (answer.status_code, bool(answer.headers["Retry-After"])) == (503, True)
                service.ticker.step()
                assert client.get("/api/v1/queue").status_code == 200
                assert client.get("/readyz").status_code == 503
            finally:
                connection.execute(text("ALTER DATABASE postgres ALLOW_CONNECTIONS true"))
        assert client.post("/api/v1/events", json=[event(1)]).json()["inserted"] == 1
        service.ticker.step()
        assert client.get("/readyz").status_code == 200
    finally:
        aside.dispose()
        service.close()


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
