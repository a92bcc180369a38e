"""An empty store of each kind for the tests of this floor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from features.store import Store, open_store


@pytest.fixture
def url(empty_database: str) -> str:
    """An empty database of each kind."""
    return empty_database


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened
