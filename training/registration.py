"""A bundle on disk under its digest, and the models that become champion as soon as they are registered."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from training.promotion import promote
from training.tracking import Registration, RunRecord, record_training

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StoredBundle:
    """Where a bundle lies, and its digest."""

    folder: Path
    digest: str


class _Request(Protocol):
    """What of a request says where its result goes, and on whose behalf."""

    @property
    def tracking_uri(self) -> str: ...
    @property
    def var_dir(self) -> Path: ...
    @property
    def by(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...


def store_bundle(var_dir: Path, name: str, save: Callable[[Path], str]) -> StoredBundle:
    """The bundle in `var_dir/bundles/NAME-DIGEST`, so that equal trainings meet in one folder; `save` fills a folder and returns its digest.

    Written beside its place and moved there whole: an interrupted training leaves no half bundle under a real name.
    """
    parent = var_dir / "bundles"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=parent) as scratch:
        written = Path(scratch) / "bundle"
        digest = save(written)
        folder = parent / f"{name}-{digest[:12]}"
        if not folder.exists():
            written.rename(folder)
    return StoredBundle(folder, digest)


def register_champion(
    request: _Request, record: RunRecord, bundle: StoredBundle, example: pd.DataFrame, reason: str
) -> Registration:
    """The registered version, champion from now on: for models that passed their own gate, or hold the rules they fall back to."""
    name = record.experiment
    registered = record_training(
        request.tracking_uri, request.var_dir / "mlartifacts", name, record, bundle.folder, example
    )
    promote(request.tracking_uri, name, registered.number, reason=reason, by=request.by, at=request.at)
    return registered
