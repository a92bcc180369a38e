"""The scorer as a process of its own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from features.schema import conform_ticket_events
from features.store import Store, open_store
from serving.settings import Settings
from serving.standalone_scorer import score_until_stopped
from serving.workplace import build_service
from tests.serving.real_desk import AT

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(prepared_desk: Path, tmp_path: Path) -> Settings:
    (tmp_path / "desk.db").write_bytes(prepared_desk.read_bytes())
    return Settings(
        database_url=f"sqlite:///{tmp_path}/desk.db",
        use_model=False,
        var_dir=tmp_path,
        news_seconds=0.02,
        store_scores=False,
    )


def stored(store: Store) -> int:
    return sum(len(chunk) for chunk in store.predictions.chunks())


def wait_until(is_true: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not is_true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_stores_scores_and_hands_over_when_it_is_stopped(settings: Settings) -> None:
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=score_until_stopped, args=(settings, lambda: AT, stop, lambda _text: ready.set()))
    thread.start()
    try:
        assert ready.wait(60)
        with open_store(settings.database_url) as store:
            wait_until(lambda: stored(store) > 10)
            assert store.leases.find("scorer") is not None
    finally:
        stop.set()
        thread.join()
    with open_store(settings.database_url) as store:
        assert store.leases.find("scorer") is None


def test_a_service_without_a_scorer_shows_its_own_queue_and_stores_nothing(settings: Settings) -> None:
    service = build_service(settings, lambda: AT, None)
    service.start()
    try:
        wait_until(lambda: service.standing.queue is not None)
    finally:
        service.stop()
    assert service.store is not None
    assert stored(service.store) == 0
    assert service.store.leases.find("scorer") is None
    service.close()


def watching(settings: Settings, **more: str) -> subprocess.Popen[str]:
    known = {
        "SLACAST_DATABASE_URL": settings.database_url,
        "SLACAST_USE_MODEL": "false",
        "SLACAST_NEWS_SECONDS": "0.02",
        "SLACAST_VAR_DIR": str(settings.var_dir),
        "SLACAST_LOG_LEVEL": "warning",
    }
    command = [sys.executable, str(ROOT / "slacast.py"), "score", "--watch"]
    return subprocess.Popen(
        command, env={**os.environ, **known, **more}, cwd=settings.var_dir, stderr=subprocess.PIPE, text=True
    )


def arrives(store: Store, number: int) -> str:
    now = datetime.now(UTC)
    told = {"ticket_id": f"NEW{number}", "event_id": f"new-{number}", "event_at": now, "kind": "created"}
    frame = pd.DataFrame([{**told, "status": "open", "priority": "3"}])
    store.append_ticket_events(conform_ticket_events(frame), "test")
    return f"NEW{number}"


def test_when_a_scorer_is_killed_another_takes_over_and_no_score_is_lost_or_stored_twice(settings: Settings) -> None:
    chance = random.Random(5)
    quick = {"SLACAST_TICK_SECONDS": "0.1", "SLACAST_LEASE_SECONDS": "1"}
    scorers = [watching(settings, **quick) for _ in range(2)]
    try:
        with open_store(settings.database_url) as store:
            wait_until(lambda: stored(store) > 0, 120)
            tickets = []
            for number in range(30):
                tickets.append(arrives(store, number))
                time.sleep(chance.random() * 0.05)
                if number == 10:
                    holder = store.leases.find("scorer")
                    assert holder is not None
                    acting = next(one for one in scorers if f":{one.pid}:" in holder.holder)
                    acting.kill()  # SIGKILL, somewhere in its work
            wait_until(lambda: set(tickets) <= set(store.predictions.in_force(datetime.now(UTC))["ticket_id"]), 120)
            after = store.leases.find("scorer")
            assert after is not None
            assert after.turn > holder.turn
            rows = pd.concat(store.predictions.chunks())
    finally:
        for one in scorers:
            one.kill()
            one.communicate()
    said = pd.Series([repr(one) for one in rows[["state", "due_at"]].itertuples(index=False)], rows.index)
    assert not (said == said.groupby([rows["ticket_id"], rows["target"], rows["is_shadow"]]).shift()).any()


def test_the_command_ends_well_when_the_machine_tells_it_to(settings: Settings) -> None:
    process = watching(settings)
    try:
        with open_store(settings.database_url) as store:
            wait_until(lambda: process.poll() is not None or stored(store) > 0)
            process.send_signal(signal.SIGTERM)
            _out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
            assert "scoring 60 s apart" in err
            assert store.leases.find("scorer") is None
    finally:
        process.kill()
