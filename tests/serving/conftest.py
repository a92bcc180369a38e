"""What several tests of the service copy."""

from pathlib import Path

import pytest

from tests.serving.stored_desk import prepared_store


@pytest.fixture(scope="session")
def prepared_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated store with events and agreements; each test copies it."""
    return prepared_store(tmp_path_factory.mktemp("prepared"))
