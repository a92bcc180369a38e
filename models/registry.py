"""Where the served model comes from: the only reader of MLflow's registry.

For who serves, "there is no model yet" and "MLflow cannot be reached" are answers, not exceptions: the rules work without
either. For who looks after models (`registered`, `bundle_folder`) they are RegistryErrors that say what to do.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from models.versions import ModelVersion, RegisteredModel, RegistryError, promotions_in

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
DIGEST_TAG = "bundle_digest"


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
        return RegistryAnswer(None, None, None, f"no model {name!r} yet: {absent}. {_how_to_train(name)}")
    mlflow = quiet_mlflow()
    try:
        found = mlflow.MlflowClient(tracking_uri, tracking_uri).get_model_version_by_alias(name, alias)
        return _located(mlflow, tracking_uri, found, download_to)
    except mlflow.exceptions.MlflowException as fault:
        return _without_model(name, alias, tracking_uri, fault)
    except Exception as fault:  # MLflow lets through what its drivers raise, which need not be installed here
        return _unreachable(name, tracking_uri, fault)


def challenger(tracking_uri: str, name: str = "breach", download_to: Path | None = None) -> RegistryAnswer:
    """The folder and version of the model that did not pass the gate last, for scoring in its shadow, or why there is none."""
    return champion(tracking_uri, name, CHALLENGER, download_to)


def registered(tracking_uri: str, name: str = "breach") -> RegisteredModel:
    """A model with all its versions, newest first, and the figures of their runs. Raises RegistryError in words."""
    with _asked(tracking_uri, name) as client:
        found = client.get_registered_model(name)
        return _registered(client, found, _versions_of(client, name))


def all_registered(tracking_uri: str, most_versions: int) -> list[RegisteredModel]:
    """Every model that slacast registered, by name, with its newest versions and those that carry an alias; raises as `registered`.

    A registry may hold models of others: ours have a version with the digest of its bundle.
    """
    found: list[RegisteredModel] = []
    with _asked(tracking_uri, "") as client:
        for model in _pages(client.search_registered_models):
            if "'" in model.name:
                continue  # none of ours, and nobody can ask for it
            versions = _versions_of(client, model.name)
            if not any(DIGEST_TAG in (one.tags or {}) for one in versions):
                continue
            carried = {int(number) for number in model.aliases.values()}
            kept = [one for place, one in enumerate(versions) if place < most_versions or int(one.version) in carried]
            found.append(_registered(client, model, kept))
    return sorted(found, key=lambda one: one.name)


def bundle_folder(tracking_uri: str, name: str, number: int, download_to: Path | None = None) -> Path:
    """The folder of one version's bundle. Raises RegistryError where there is no such version or its files are gone."""
    with _asked(tracking_uri, name) as client:
        answer = _located(quiet_mlflow(), tracking_uri, client.get_model_version(name, str(number)), download_to)
    if answer.path is None:
        raise RegistryError(answer.why)
    return answer.path


def _registered(client: Any, found: Any, versions: list[Any]) -> RegisteredModel:
    aliases = {alias: int(number) for alias, number in found.aliases.items()}
    told = tuple(_model_version(client, one, aliases) for one in versions)
    return RegisteredModel(found.name, told, aliases, promotions_in(found.tags or {}))


def _versions_of(client: Any, name: str) -> list[Any]:
    """MLflow's versions of a model, newest first."""
    # The model's name stands in quotes in MLflow's filter language, which knows no escape for them.
    if "'" in name:
        raise RegistryError(f"{name!r} is no name for a model: it holds a quote.")
    return sorted(client.search_model_versions(f"name='{name}'"), key=lambda one: -int(one.version))


def _pages(search: Callable[..., Any]) -> Iterator[Any]:
    """All that a search of MLflow's finds, which it gives in pages."""
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


@contextmanager
def _asked(tracking_uri: str, name: str) -> Iterator[Any]:
    """MLflow's client; what goes wrong inside comes out as a RegistryError in words."""
    absent = _absent_database(tracking_uri)
    if absent is not None:
        which = f"model {name!r}" if name else "model"
        raise RegistryError(f"there is no {which} yet: {absent}. {_how_to_train(name)}")
    mlflow = quiet_mlflow()
    try:
        yield mlflow.MlflowClient(tracking_uri, tracking_uri)
    except RegistryError:
        raise
    except mlflow.exceptions.MlflowException as fault:
        if fault.error_code == "RESOURCE_DOES_NOT_EXIST":
            where = _without_password(tracking_uri)
            raise RegistryError(
                f"MLflow at {where} has no such model or version of {name!r}: {_first_line(fault)}. slacast models list shows what there is."
            ) from fault
        raise RegistryError(_unreachable(name, tracking_uri, fault).why) from fault
    except Exception as fault:  # MLflow lets through what its drivers raise, which need not be installed here
        raise RegistryError(_unreachable(name, tracking_uri, fault).why) from fault


def _model_version(client: Any, found: Any, aliases: dict[str, int]) -> ModelVersion:
    number = int(found.version)
    run = _run(client, found.run_id)
    return ModelVersion(
        name=found.name,
        number=number,
        created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        aliases=tuple(alias for alias, carrier in aliases.items() if carrier == number),
        run_id=found.run_id or "",
        tags=dict(found.tags or {}),
        metrics={} if run is None else dict(run.data.metrics),
        params={} if run is None else dict(run.data.params),
    )


def _run(client: Any, run_id: str | None) -> Any:
    """The run behind a version; None where somebody deleted it, which takes the figures but not the model."""
    if not run_id:
        return None
    try:
        return client.get_run(run_id)
    except quiet_mlflow().exceptions.MlflowException as fault:
        if fault.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


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
        local = _downloaded(mlflow, uri, tracking_uri, download_to)
    path = _bundle_inside(local)
    version = f"{found.name} v{found.version}"
    if path is None:
        why = f"{version} is registered, but its bundle is not at {local}. Was the artifact folder moved or emptied?"
        return RegistryAnswer(None, version, int(found.version), why)
    return RegistryAnswer(path, version, int(found.version), f"{version} is served")


def _downloaded(mlflow: ModuleType, uri: str, tracking_uri: str, download_to: Path | None) -> Path:
    """Where a remote artifact was downloaded to, once: what stands at an address never changes, and is asked for at every poll.

    A folder appears under its name when it is whole. Whoever finds that what is in it cannot be used removes it: see `forget_download`.
    """
    if download_to is None:
        return Path(mlflow.artifacts.download_artifacts(uri, tracking_uri=tracking_uri))
    whole = download_to / hashlib.sha256(f"{tracking_uri}\0{uri}".encode()).hexdigest()[:16]
    if not whole.is_dir():
        download_to.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="loading-", dir=download_to) as folder:
            found = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder, tracking_uri=tracking_uri))
            try:
                found.rename(whole)
            except OSError:  # another process of this machine was quicker
                if not whole.is_dir():
                    raise
    return whole


def forget_download(path: Path, download_to: Path) -> bool:
    """True where a bundle's folder was a download, which is now gone: the next question downloads it anew."""
    if download_to not in path.parents:
        return False
    shutil.rmtree(download_to / path.relative_to(download_to).parts[0], ignore_errors=True)
    return True


def _local_folder(uri: str) -> Path | None:
    if uri.startswith("file://"):
        from mlflow.utils.file_utils import local_file_uri_to_path

        return Path(local_file_uri_to_path(uri))
    return None if "://" in uri or uri.startswith(("models:/", "mlflow-artifacts:/", "dbfs:/")) else Path(uri)


def _bundle_inside(folder: Path) -> Path | None:
    """The bundle below a logged model: MLflow keeps the name that the folder had when it was logged."""
    manifests = sorted((folder / "artifacts").glob("*/manifest.json"))
    return manifests[0].parent if len(manifests) == 1 else None


def _how_to_train(name: str) -> str:
    """The command that makes a model of this name, or of one that is named after it."""
    kinds = ("outage", "remaining-time", "volume", "work-time")
    kind = next((kind for kind in kinds if name.replace("_", "-").startswith(kind)), "breach")
    return f"Train one: slacast train {kind}."


def _without_model(name: str, alias: str, tracking_uri: str, fault: Any) -> RegistryAnswer:
    if fault.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
        why = f"no model {name!r} carries the alias {alias!r} yet. {_how_to_train(name)}"
        return RegistryAnswer(None, None, None, why)
    return _unreachable(name, tracking_uri, fault)


def _unreachable(name: str, tracking_uri: str, fault: Exception) -> RegistryAnswer:
    where, which = _without_password(tracking_uri), f"model {name!r}" if name else "its models"
    why = f"MLflow at {where} cannot be asked for {which}: {type(fault).__name__}: {_first_line(fault)}. Check the address and that it runs."
    return RegistryAnswer(None, None, None, why, is_reachable=False)


def _first_line(fault: Exception) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:200].rstrip(".")


def _without_password(uri: str) -> str:
    scheme, found, rest = uri.partition("://")
    return f"{scheme}://...@{rest.split('@', 1)[1]}" if found and "@" in rest else uri
