"""What tests of several floors share: the environment that MLflow reads, a PostgreSQL, registries, and small exports of the simulated desk."""

import os
import shutil
import sys
import warnings

# Read by MLflow at import: no test calls home or draws download bars.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.features.postgres_server import CannotStartError, empty_postgres, postgres


@pytest.fixture(autouse=True)
def own_path() -> Iterator[None]:
    """MLflow puts the code of each model that it loads before ours on sys.path; processes that are started later would find it first."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a real PostgreSQL, with whatever the test before left in it: see `empty_postgres`."""
    try:
        with postgres() as url:
            yield url
    except CannotStartError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI tests on PostgreSQL too: {error}")
        pytest.skip(f"no PostgreSQL here: {error}")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of each kind, without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    address = str(request.getfixturevalue("postgres_url"))
    empty_postgres(address)
    return address


@pytest.fixture(scope="session")
def small_export(tmp_path_factory):
    """The first three weeks of the demo desk as a CSV export for examples/demo/mapping.yaml."""
    from simulation.demo import demo_desk
    from simulation.export import write_export

    path = tmp_path_factory.mktemp("export") / "tickets.csv"
    write_export(demo_desk().events_until(datetime(2026, 1, 26, 9, tzinfo=UTC)), path)
    return path


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from models.registry import quiet_mlflow

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own use of SQLAlchemy, before any test's filter applies
        quiet_mlflow().MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="session")
def two_versions(migrated_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a registry (`mlflow.db`, copy it) whose v1 is champion, and whose v2 learned noise and so is challenger."""
    from tests.training.builders import small_plan, synthetic_source
    from training.lifecycle import train_from
    from training.steps import Steps

    folder = tmp_path_factory.mktemp("registry")
    shutil.copyfile(migrated_database, folder / "mlflow.db")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # marks do not reach fixtures of a session
        for shuffled in (False, True):
            plan = small_plan(folder, f"sqlite:///{folder / 'mlflow.db'}")
            train_from(synthetic_source(shuffled=shuffled), plan, Steps(lambda _step: None))
    return folder
