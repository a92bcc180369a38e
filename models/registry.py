"""Where the served model comes from: the only reader of MLflow's registry.

"There is no model yet" and "MLflow cannot be reached" are answers, not exceptions: the rules work without either.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"


@dataclass(frozen=True)
class RegistryAnswer:
    """What the registry said. `path` is None when there is nothing to load, and `why` then says so in a sentence."""

    path: Path | None
    version: str | None  # in words, "breach v3"
    number: int | None
    why: str
    is_reachable: bool = True


def quiet_mlflow() -> ModuleType:
    """MLflow, imported so that it neither calls home nor draws download bars. The import takes a second: do it when needed."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # By default MLflow asks a dead server for minutes; a service that polls wants to know within seconds.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    import mlflow

    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)  # what slacast did it says itself, in its own words
    module: ModuleType = mlflow
    return module


def champion(
    tracking_uri: str, name: str = "breach", alias: str = CHAMPION, download_to: Path | None = None
) -> RegistryAnswer:
    """The folder and version of the bundle that carries an alias, or why there is none. Costs milliseconds: poll it.

    With a local MLflow store the folder is the artifact itself; a remote server's is downloaded (`download_to`: where).
    """
    absent = _absent_database(tracking_uri)
    if absent is not None:
        return RegistryAnswer(None, None, None, f"no model {name!r} yet: {absent}. Train one: slacast train breach.")
    mlflow = quiet_mlflow()
    try:
        found = mlflow.MlflowClient(tracking_uri, tracking_uri).get_model_version_by_alias(name, alias)
        return _located(mlflow, tracking_uri, found, download_to)
    except mlflow.exceptions.MlflowException as fault:
        return _without_model(name, alias, tracking_uri, fault)
    except Exception as fault:  # the database's, the network's: whatever it is, the rules go on
        return _unreachable(name, tracking_uri, fault)


def _absent_database(tracking_uri: str) -> str | None:
    """Why a SQLite store cannot hold a model: its file is not there. Asking MLflow would create it, slowly."""
    if not tracking_uri.startswith("sqlite:///"):
        return None
    path = Path(tracking_uri.removeprefix("sqlite:///").split("?")[0])
    return None if path.is_file() else f"{path} does not exist"


def _located(mlflow: ModuleType, tracking_uri: str, found: Any, download_to: Path | None) -> RegistryAnswer:
    client = mlflow.MlflowClient(tracking_uri, tracking_uri)
    uri = found.source
    if uri.startswith("models:/m-"):
        uri = client.get_logged_model(uri.removeprefix("models:/")).artifact_location
    local = _local_folder(uri)
    if local is None:
        target = None if download_to is None else str(download_to)
        local = Path(mlflow.artifacts.download_artifacts(uri, dst_path=target, tracking_uri=tracking_uri))
    path = _bundle_inside(local)
    version = f"{found.name} v{found.version}"
    if path is None:
        why = f"{version} is registered, but its bundle is not at {local}. Was the artifact folder moved or emptied?"
        return RegistryAnswer(None, version, int(found.version), why)
    return RegistryAnswer(path, version, int(found.version), f"{version} is served")


def _local_folder(uri: str) -> Path | None:
    if uri.startswith("file://"):
        from mlflow.utils.file_utils import local_file_uri_to_path

        return Path(local_file_uri_to_path(uri))
    return None if "://" in uri or uri.startswith(("models:/", "mlflow-artifacts:/", "dbfs:/")) else Path(uri)


def _bundle_inside(folder: Path) -> Path | None:
    """The bundle below a logged model: MLflow keeps the name that the folder had when it was logged."""
    manifests = sorted((folder / "artifacts").glob("*/manifest.json"))
    return manifests[0].parent if len(manifests) == 1 else None


def _without_model(name: str, alias: str, tracking_uri: str, fault: Any) -> RegistryAnswer:
    if fault.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
        why = f"no model {name!r} carries the alias {alias!r} yet. Train one: slacast train breach."
        return RegistryAnswer(None, None, None, why)
    return _unreachable(name, tracking_uri, fault)


def _unreachable(name: str, tracking_uri: str, fault: Exception) -> RegistryAnswer:
    first = (str(fault).strip().splitlines() or [type(fault).__name__])[0]
    where = _without_password(tracking_uri)
    why = f"MLflow at {where} cannot be asked for model {name!r}: {type(fault).__name__}: {first[:200]}. Check the address and that it runs."
    return RegistryAnswer(None, None, None, why, is_reachable=False)


def _without_password(uri: str) -> str:
    scheme, found, rest = uri.partition("://")
    return f"{scheme}://...@{rest.split('@', 1)[1]}" if found and "@" in rest else uri
