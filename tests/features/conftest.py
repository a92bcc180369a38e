"""An empty store of each kind for the tests of this floor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from features.store import Store, open_store
from features.store.engine import make_engine
from tests.features.postgres_server import CannotStartError, postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    try:
        with postgres() as url:
            yield url
    except CannotStartError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI tests the store on PostgreSQL too: {error}")
        pytest.skip(f"no PostgreSQL here: {error}")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    address = str(request.getfixturevalue("postgres_url"))
    engine = make_engine(address)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    engine.dispose()
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened
