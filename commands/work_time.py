"""`slacast train work-time`: what the command does when the model is that of hands-on work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import typer

from commands.options import settings_with, user_name
from commands.printing import Progress
from commands.training_options import Trainable, lessons, refuse_unused


def train_work(agreements: Path | None, store: str | None, as_of: str | None, *, unused: Mapping[str, object]) -> None:
    """Train, judge and print; `unused` holds options that only other models have, by name, which must not be given."""
    from training.work_time_model import WorkTimeRequest, train_work_time

    refuse_unused(Trainable.WORK_TIME, unused, "it has no settings, and is judged on the last quarter of the tickets")
    settings = settings_with(database_url=store, agreements=agreements)
    progress = Progress()
    agreed, events, _ = lessons(settings, as_of, progress)
    request = WorkTimeRequest(events, agreed, settings.mlflow_uri, settings.var_dir, user_name(), datetime.now(UTC))
    typer.echo(train_work_time(request, progress).text())
