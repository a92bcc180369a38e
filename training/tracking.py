"""What a training leaves in MLflow: a run, its pictures, the bundle as a model anybody can load, a registered version."""

from __future__ import annotations

import importlib
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from models.registry import quiet_mlflow
from training.provenance import environment_text, provenance_tags

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

BUNDLE_ARTIFACT = "bundle"  # the name under which training/pyfunc_*.py find it
ROOT = Path(__file__).resolve().parents[1]
CODE = ("models", "features", "sla")  # what a loaded pyfunc imports, floor by floor ...
LEFT_OUT = ("__pycache__", "store", "sources")  # ... and what of these it never does
NEEDED = ("lightgbm", "numpy", "pandas", "scikit-learn", "scipy", "pydantic", "PyYAML", "holidays")


@dataclass(frozen=True)
class RunRecord:
    """Everything that one training leaves behind, in plain values."""

    experiment: str
    run_name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    texts: Mapping[str, str] = field(default_factory=dict)  # file name -> content
    figures: Mapping[str, Figure] = field(default_factory=dict)  # file name -> picture
    pyfunc: str = "pyfunc_breach.py"  # the module of this folder that MLflow runs to load the bundle


@dataclass(frozen=True)
class Registration:
    """The version that the registry gave, and the run behind it."""

    name: str
    number: int
    run_id: str

    @property
    def version(self) -> str:
        """In words, `breach v3`."""
        return f"{self.name} v{self.number}"


def record_training(
    tracking_uri: str, artifacts: Path, name: str, record: RunRecord, bundle: Path, example: pd.DataFrame
) -> Registration:
    """The registered version of a bundle, with its run. `artifacts` is where a local store keeps files; a server decides itself."""
    mlflow = quiet_mlflow()
    _make_folder(tracking_uri)
    with _pointed_at(mlflow, tracking_uri):
        experiment_id = _experiment(mlflow, tracking_uri, record.experiment, artifacts)
        with mlflow.start_run(experiment_id=experiment_id, run_name=record.run_name) as run:
            _log_record(mlflow, record)
            info = _log_model(mlflow, name, record.pyfunc, bundle, example)
        number = _registered(mlflow, name, info, run.info.run_id, {**record.tags, **provenance_tags()})
    return Registration(name, number, run.info.run_id)


def record_run(tracking_uri: str, artifacts: Path, record: RunRecord) -> str:
    """The id of a run that leaves figures and files, and no model: a backtest."""
    mlflow = quiet_mlflow()
    _make_folder(tracking_uri)
    with _pointed_at(mlflow, tracking_uri):
        experiment_id = _experiment(mlflow, tracking_uri, record.experiment, artifacts)
        with mlflow.start_run(experiment_id=experiment_id, run_name=record.run_name) as run:
            _log_record(mlflow, record)
    return str(run.info.run_id)


def _log_record(mlflow: ModuleType, record: RunRecord) -> None:
    mlflow.log_params({key: str(value)[:500] for key, value in record.params.items()})
    mlflow.log_metrics({key: value for key, value in record.metrics.items() if value == value})
    mlflow.set_tags({**record.tags, **provenance_tags()})
    mlflow.log_text(environment_text(), "environment.json")
    for file, text in record.texts.items():
        mlflow.log_text(text, file)
    for file, figure in record.figures.items():
        mlflow.log_figure(figure, file)


def _log_model(mlflow: ModuleType, name: str, pyfunc: str, bundle: Path, example: pd.DataFrame) -> Any:
    import numpy as np

    with warnings.catch_warnings():
        # Raised at import about MLflow's own classes, in yellow; nothing in it is about our model.
        warnings.filterwarnings("ignore", message=r".*Any type hint is inferred as AnyType", category=UserWarning)
        importlib.import_module("mlflow.pyfunc")
    signature = mlflow.models.infer_signature(example, np.zeros(len(example)))
    with tempfile.TemporaryDirectory() as scratch:
        return mlflow.pyfunc.log_model(
            name=name,
            python_model=str(ROOT / "training" / pyfunc),
            artifacts={BUNDLE_ARTIFACT: str(bundle)},
            code_paths=_code(Path(scratch)),
            signature=signature,
            input_example=example,
            pip_requirements=[f"{package}=={version(package)}" for package in NEEDED],  # inferring them costs 5 s
        )


def _registered(mlflow: ModuleType, name: str, info: Any, run_id: str, tags: Mapping[str, str]) -> int:
    """The new version's number. By the client, because the fluent call prints."""
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model(name)
    except mlflow.exceptions.MlflowException as fault:
        if fault.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = client.create_model_version(name, info.model_uri, run_id, tags=dict(tags), model_id=info.model_id)
    return int(found.version)


def _code(scratch: Path) -> list[str]:
    """Copies of the floors that a loaded model imports; MLflow would copy the caches too."""
    for floor in CODE:
        shutil.copytree(ROOT / floor, scratch / floor, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return [str(scratch / floor) for floor in CODE]


def _experiment(mlflow: ModuleType, tracking_uri: str, name: str, artifacts: Path) -> str:
    found = mlflow.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    is_server = tracking_uri.startswith(("http://", "https://"))
    location = None if is_server else (artifacts.resolve() / name).as_uri()
    return str(mlflow.create_experiment(name, artifact_location=location))


def _make_folder(tracking_uri: str) -> None:
    if tracking_uri.startswith("sqlite:///"):
        Path(tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


@contextmanager
def _pointed_at(mlflow: ModuleType, tracking_uri: str) -> Iterator[None]:
    """MLflow's fluent calls go to this store inside, and to where they went before afterwards: the address is global state."""
    before = (mlflow.get_tracking_uri(), mlflow.get_registry_uri())
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
