"""An empty store of each kind for the tests of this floor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from features.store import Store, open_store
from tests.features.postgres_server import empty_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    address = str(request.getfixturevalue("postgres_url"))
    empty_postgres(address)
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened
