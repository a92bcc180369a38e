"""What several tests of the service copy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.stored_desk import HASHES_NOWHERE, NOWHERE, Desk, prepared_store


@pytest.fixture(scope="session")
def prepared_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated store with events and agreements; each test copies it."""
    return prepared_store(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def desk(prepared_desk: Path, tmp_path: Path) -> Iterator[Desk]:
    found = Desk(prepared_desk, tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="module")
def guarded(prepared_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service with a key of each role, and one that may see nothing there is."""
    found = Desk(
        prepared_desk, tmp_path_factory.mktemp("guarded"), failed_logins_per_minute=1e6, requests_per_second=1e6
    )
    found.add_keys()
    found.add_key(NOWHERE, HASHES_NOWHERE, role="dispatcher", teams=("nowhere",))
    yield found
    found.close()
