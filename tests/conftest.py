"""What tests of several floors share: the environment that MLflow reads, and small exports of the simulated desk."""

import os

# Read by MLflow at import: no test calls home or draws download bars.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"

from datetime import UTC, datetime

import pytest


@pytest.fixture(scope="session")
def small_export(tmp_path_factory):
    """The first three weeks of the demo desk as a CSV export for examples/demo/mapping.yaml."""
    from simulation.demo import demo_desk
    from simulation.export import write_export

    path = tmp_path_factory.mktemp("export") / "tickets.csv"
    write_export(demo_desk().events_until(datetime(2026, 1, 26, 9, tzinfo=UTC)), path)
    return path
