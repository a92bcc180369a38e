"""What several tests of the service copy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from features.store import Store, open_store
from serving.queue import Queue
from serving.scorer import Scorer
from tests.serving.browser import launched, served
from tests.serving.builders import FixedSource, busy_desk, client_of, service_over
from tests.serving.desk_pages import DESK, app_over
from tests.serving.real_desk import AGREEMENTS, AT, agreements, random_events
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with launched() as found:
        yield found


@pytest.fixture(scope="package")
def busy_address() -> Iterator[str]:
    """Where a busy desk that nobody changes is served."""
    with served(app_over(FixedSource(DESK), news_seconds=5, tick_seconds=3600)) as address:
        yield address


@pytest.fixture(scope="package")
def rules_address() -> Iterator[str]:
    """Where a desk without a model is served."""
    with served(app_over(FixedSource(busy_desk(12, with_model=False)), tick_seconds=3600)) as address:
        yield address


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with open_store(f"sqlite:///{tmp_path / 'desk.db'}") as opened:
        yield opened


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Queue:
    """The queue of sixty random tickets."""
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('scored')}/desk.db") as store:
        store.append_ticket_events(random_events(60), "test")
        store.save_agreements(AGREEMENTS, AT)
        return Scorer(store, agreements()).score(AT)


@pytest.fixture
def url(empty_database: str, prepared_desk: Path) -> str:
    """The address of a prepared store of each kind."""
    if empty_database.startswith("sqlite:///"):
        Path(empty_database.removeprefix("sqlite:///")).write_bytes(prepared_desk.read_bytes())
        return empty_database
    with open_store(empty_database) as store:
        store.append_ticket_events(random_events(30), "test")
        store.save_agreements(AGREEMENTS, AT)
    return empty_database


@pytest.fixture
def source() -> FixedSource:
    """A scorer that always finds the same busy desk."""
    return FixedSource(DESK)


@pytest.fixture
def client(source: FixedSource) -> TestClient:
    """A client of a service over that scorer."""
    return client_of(service_over(source))
