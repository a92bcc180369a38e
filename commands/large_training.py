"""`slacast train breach --engine dask`: training on a log larger than the memory of one process (docs/scale.md)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from commands.printing import Progress

if TYPE_CHECKING:
    from features.distributed.engines import DaskEngine
    from serving.settings import Settings


def train_large(
    settings: Settings,
    asked: Mapping[str, Any],
    engine: AbstractContextManager[DaskEngine],
    events: Path | None,
    until: datetime | None,
    progress: Progress,
    *,
    grows_on_cluster: bool,
) -> None:
    """Train, judge and print; `asked` are the fields of a plan without its name. Events come from a folder, else from the store as known at `until`."""
    from features.store import open_store
    from serving.workplace import agreements_of
    from training.distributed import DistributedRequest, train_distributed
    from training.plan import Plan, model_name

    plan = Plan(model_name(asked["target"]), **asked)
    with open_store(settings.database_url) as opened, engine as running:
        request = DistributedRequest(
            events or opened, agreements_of(settings, opened), plan, until, grows_on_cluster=grows_on_cluster
        )
        typer.echo(train_distributed(request, running, progress).text())
