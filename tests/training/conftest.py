"""What costs seconds and several tests share: two months of the simulated desk, a model trained on them."""

from __future__ import annotations

import os
import shutil
import warnings
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pandas as pd

    from sla.agreements.agreement_set import AgreementSet
    from training.building import HistoryRows
    from training.lifecycle import TrainResponse

AGREEMENTS = Path(__file__).resolve().parents[2] / "examples" / "demo" / "agreements.yaml"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # before anything imports mlflow
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"


@pytest.fixture
def tracking_uri(migrated_database: Path, tmp_path: Path) -> str:
    shutil.copyfile(migrated_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture(scope="session")
def events() -> pd.DataFrame:
    from simulation.demo import demo_history

    return demo_history(months=2)


@pytest.fixture(scope="session")
def agreements() -> AgreementSet:
    from sla.agreements.loading import load_agreements

    return load_agreements(AGREEMENTS)


@pytest.fixture(scope="session")
def source(events: pd.DataFrame, agreements: AgreementSet) -> HistoryRows:
    from training.building import HistoryRows

    return HistoryRows.of(events, agreements, "resolution", 8, 0)


@dataclass(frozen=True)
class TrainedDesk:
    """Two months of the simulated desk, and what a small training made of all but the last 18 days."""

    folder: Path
    tracking_uri: str
    events: pd.DataFrame
    past: pd.DataFrame
    agreements: AgreementSet
    response: TrainResponse


@pytest.fixture(scope="session")
def trained_desk(
    events: pd.DataFrame, agreements: AgreementSet, migrated_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> TrainedDesk:
    from tests.training.builders import small_settings
    from training.breach import TrainRequest, train_breach

    folder = tmp_path_factory.mktemp("desk")
    shutil.copyfile(migrated_database, folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    past = events[events["recorded_at"] <= events["recorded_at"].max() - timedelta(days=18)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # marks do not reach fixtures of a session
        response = train_breach(TrainRequest(past, agreements, uri, folder, settings=small_settings()))
    assert response.promoted, response.why
    return TrainedDesk(folder, uri, events, past, agreements, response)
