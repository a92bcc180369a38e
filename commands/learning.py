"""Commands of the data scientist."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from commands.options import AgreementsOption, StoreOption, instant, settings_with
from commands.printing import Progress, fail, says_faults


class ModelChoice(StrEnum):
    """What can be trained."""

    BREACH = "breach"


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
    target: Annotated[str, typer.Option("--target", help="The clock whose breach is predicted.")] = "resolution",
    seed: Annotated[int, typer.Option("--seed", help="Same data, same seed, same bundle.")] = 0,
) -> None:
    """Train, calibrate, judge and register a model in MLflow; it becomes champion only where it beats the rules.

    Example: slacast train breach --as-of 2016-05-16T10:00+02:00
    """
    from features.store import open_store
    from serving.workplace import agreements_of
    from training.breach import TrainRequest, train_breach

    settings = settings_with(database_url=store, agreements=agreements)
    progress = Progress()
    progress("reading the events")
    with open_store(settings.database_url) as opened:
        agreed = agreements_of(settings, opened)
        events = opened.ticket_events(until=instant(as_of) if as_of else None)
        if events.empty:
            raise fail(f"{opened.url} holds no events to learn from. First: slacast import FILE --mapping mapping.yaml")
    request = TrainRequest(
        events=events,
        agreements=agreed,
        tracking_uri=settings.mlflow_uri,
        var_dir=settings.var_dir,
        target=target,
        cut=instant(cut) if cut else None,
        judge_until=instant(judge_until) if judge_until else None,
        seed=seed,
    )
    typer.echo(train_breach(request, progress).text())
