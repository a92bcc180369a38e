"""The garbage collector rests while rows go to the database, and is as it was afterwards, whatever happens."""

from __future__ import annotations

import gc

import pytest

from features.importing import import_file
from features.store import Store, open_store
from tests.features.builders import MAPPING, ROWS


def test_the_collector_rests_while_rows_are_stored_and_only_then(tmp_path, monkeypatch):
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    seen: list[bool] = []

    def broken(*_: object, **__: object) -> None:
        seen.append(gc.isenabled())
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(Store, "append_ticket_events", broken)
    assert gc.isenabled()
    with open_store(f"sqlite:///{tmp_path / 'log.db'}") as store, pytest.raises(RuntimeError, match="disk is full"):
        import_file(tmp_path / "rows.csv", tmp_path / "mapping.yaml", store)
    assert seen == [False]
    assert gc.isenabled()
