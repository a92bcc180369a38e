"""Commands of the data scientist."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from commands.options import AgreementsOption, StoreOption, instant, settings_with, user_name
from commands.printing import Progress, says_faults
from commands.training_options import GateOption, ModelChoice, SettingsOption, TargetOption, lessons, training_settings


@says_faults
def train(
    model: Annotated[ModelChoice, typer.Argument(help="What to train.")],
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="INSTANT",
            help="Train as if it were then: later records are not read (default: use all).",
        ),
    ] = None,
    cut: Annotated[
        str | None,
        typer.Option(
            "--cut",
            metavar="INSTANT",
            help="Judge on tickets opened after this instant (default: the last four weeks).",
        ),
    ] = None,
    judge_until: Annotated[
        str | None, typer.Option("--judge-until", metavar="INSTANT", help="Judge on nothing after this instant.")
    ] = None,
    target: TargetOption = "resolution",
    settings_file: SettingsOption = None,
    gate: GateOption = None,
    seed: Annotated[int, typer.Option("--seed", help="Same data, same seed, same bundle.")] = 0,
) -> None:
    """Train, calibrate, judge and register a model in MLflow; it becomes champion only where it beats the rules.

    Example: slacast train breach --as-of 2016-05-16T10:00+02:00
    """
    from training.breach import TrainRequest, train_breach

    settings = settings_with(database_url=store, agreements=agreements, gate=gate)
    chosen = training_settings(settings_file, settings.gate)
    progress = Progress()
    agreed, events = lessons(settings, as_of, progress)
    request = TrainRequest(
        events=events,
        agreements=agreed,
        tracking_uri=settings.mlflow_uri,
        var_dir=settings.var_dir,
        target=target,
        cut=instant(cut) if cut else None,
        judge_until=instant(judge_until) if judge_until else None,
        seed=seed,
        settings=chosen,
        by=user_name(),
        at=datetime.now(UTC),
    )
    typer.echo(train_breach(request, progress).text())
