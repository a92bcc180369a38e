"""`slacast train remaining-time`: what the command does when the model is that of when tickets end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import typer

from commands.options import instant, settings_with, user_name
from commands.printing import Progress
from commands.training_options import Trainable, chosen_settings, lessons, refuse_unused


def train_ends(
    agreements: Path | None,
    store: str | None,
    as_of: str | None,
    cut: str | None,
    settings_file: Path | None,
    seed: int,
    *,
    unused: Mapping[str, object],
) -> None:
    """Train, judge and print; `unused` holds options that only other models have, by name, which must not be given."""
    from training.remaining_time import RemainingTimeRequest, RemainingTimeSettings, train_remaining_time

    refuse_unused(Trainable.REMAINING_TIME, unused, "it knows one end of a ticket, and its own gate")
    settings = settings_with(database_url=store, agreements=agreements)
    chosen = chosen_settings(settings_file, RemainingTimeSettings)
    progress = Progress()
    agreed, events, service_events = lessons(settings, as_of, progress)
    request = RemainingTimeRequest(
        events=events,
        service_events=service_events,
        agreements=agreed,
        tracking_uri=settings.mlflow_uri,
        var_dir=settings.var_dir,
        cut=instant(cut) if cut else None,
        seed=seed,
        by=user_name(),
        at=datetime.now(UTC),
        settings=chosen,
    )
    typer.echo(train_remaining_time(request, progress).text())
