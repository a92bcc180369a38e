"""Migrations that are killed, and several at once: the store is as before or the newest, never in between."""

import random
import time
from pathlib import Path

import pytest

from features.store import open_store
from tests.serving.fault_server import migrating
from tests.serving.real_desk import random_events


def test_a_migration_killed_at_any_point_is_done_by_the_next(empty_database: str):
    chance, url = random.Random(3), empty_database
    for _ in range(8):
        process = migrating(url)
        time.sleep(chance.uniform(0.0, 0.25))
        process.kill()
        process.join(30)
    with open_store(url) as store:
        assert store.append_ticket_events(random_events(3), "test").inserted > 0


@pytest.mark.parametrize("count", [4])
def test_of_several_that_migrate_at_once_one_does_and_none_fails(count: int, empty_database: str):
    processes = [migrating(empty_database) for _ in range(count)]
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * count
    with open_store(empty_database) as store:
        assert store.last_sequence() == 0


def test_a_migration_that_fails_halfway_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from alembic import op

    url = f"sqlite:///{tmp_path / 'desk.db'}"
    create_index = op.create_index
    made = []

    def failing(*args: object, **values: object) -> None:
        made.append(args)
        if len(made) == 6:
            raise RuntimeError("power is gone")
        create_index(*args, **values)

    monkeypatch.setattr(op, "create_index", failing)
    with pytest.raises(RuntimeError, match="power"):
        open_store(url)
    monkeypatch.undo()
    with open_store(url) as store:  # nothing stands in its way
        assert store.last_sequence() == 0
