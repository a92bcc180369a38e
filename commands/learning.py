"""Commands of the data scientist."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.engine_options import (
    EngineChoice,
    EventsOption,
    MemoryLimitOption,
    SchedulerOption,
    WorkersOption,
    cluster,
)
from commands.large_training import train_large
from commands.options import AgreementsOption, JsonOption, StoreOption, days, instant, settings_with, user_name
from commands.outages import train_outages
from commands.printing import Progress, emit, fail, says_faults
from commands.remaining_time import train_ends
from commands.training_options import (
    GateOption,
    ModelChoice,
    SettingsOption,
    TargetOption,
    Trainable,
    lessons,
    training_settings,
)
from commands.volumes import PlannedOption, train_volumes
from commands.work_time import train_work


@says_faults
def train(
    model: Annotated[Trainable, typer.Argument(help="What to train.")],
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
    engine: Annotated[
        EngineChoice,
        typer.Option("--engine", help="This process, or a Dask cluster, for logs larger than memory (breach only)."),
    ] = EngineChoice.LOCAL,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = 2,
    memory_limit: MemoryLimitOption = "3GiB",
    events_folder: EventsOption = None,
    planned: PlannedOption = None,
    dask_training: Annotated[
        bool,
        typer.Option(
            "--dask-training",
            help="With dask: grow the direct trees on the cluster, from all rows (not the same bytes twice).",
        ),
    ] = False,
) -> None:
    """Train, calibrate, judge and register a model in MLflow; it becomes champion only where it beats the rules.

    `breach`: will a promise be broken. `remaining-time`: when will a ticket end; registered only if it beats simple tables.
    `outage`: will a service have a new outage within 24 hours; where no model is surely better, a rule answers.
    `volume`: how many tickets come in; where nothing beats the mean of four same weekdays, that answers.
    `work-time`: how much hands-on work a ticket needs; where trees are not surely better, category means answer.

    Example: slacast train breach --as-of 2016-05-16T10:00+02:00
    """
    unused = {
        "--judge-until": judge_until,
        "--gate": gate,
        "--target": None if target == "resolution" else target,
        "--engine": None if engine is EngineChoice.LOCAL else engine.value,
    }
    if planned is not None and model is not Trainable.VOLUME:
        raise fail("--planned is of use for volume alone")
    if model is Trainable.VOLUME:
        train_volumes(store, agreements, as_of, settings_file, planned, seed, unused={"--cut": cut, **unused})
        return
    if model is Trainable.OUTAGE:
        unused = {"--agreements": agreements, "--cut": cut, **unused}
        train_outages(store, as_of, settings_file, seed, unused=unused)
        return
    if model is Trainable.WORK_TIME:
        others = {"--cut": cut, "--settings": settings_file, "--seed": seed or None}
        train_work(agreements, store, as_of, unused={**others, **unused})
        return
    if model is Trainable.REMAINING_TIME:
        train_ends(agreements, store, as_of, cut, settings_file, seed, unused=unused)
        return
    from training.breach import TrainRequest, train_breach

    settings = settings_with(database_url=store, agreements=agreements, gate=gate)
    chosen = training_settings(settings_file, settings.gate)
    progress = Progress()
    asked: dict[str, Any] = {
        "tracking_uri": settings.mlflow_uri,
        "var_dir": settings.var_dir,
        "target": target,
        "cut": instant(cut) if cut else None,
        "judge_until": instant(judge_until) if judge_until else None,
        "seed": seed,
        "settings": chosen,
        "by": user_name(),
        "at": datetime.now(UTC),
    }
    if engine is EngineChoice.DASK:
        running = cluster(scheduler, workers, memory_limit)
        until = instant(as_of) if as_of else None
        train_large(settings, asked, running, events_folder, until, progress, grows_on_cluster=dask_training)
        return
    agreed, events, service_events = lessons(settings, as_of, progress)
    request = TrainRequest(events=events, service_events=service_events, agreements=agreed, **asked)
    typer.echo(train_breach(request, progress).text())


@says_faults
def backtest(
    model: Annotated[ModelChoice, typer.Argument(help="What to play back.")],
    begin: Annotated[
        str | None,
        typer.Option("--from", metavar="INSTANT", help="The first origin (default: four windows before the end)."),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="INSTANT", help="The end of the last window (default: the last known outcomes)."),
    ] = None,
    every: Annotated[
        str, typer.Option("--every", metavar="LENGTH", help="From one origin to the next, such as 7d or 36h.")
    ] = "7d",
    folds: Annotated[
        int | None, typer.Option("--folds", min=1, help="How many origins (default: as many as fit).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.html", help="Write the report with its charts here as well.")
    ] = None,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="INSTANT", help="Play back as if it were then (default: use all).")
    ] = None,
    target: TargetOption = "resolution",
    settings_file: SettingsOption = None,
    rehearse_each: Annotated[
        bool,
        typer.Option("--rehearse-each", help="Choose blend and calibration anew at each origin: twice the time."),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Same data, same seed, same figures.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Play the past back: train week after week on what was known then, and judge what each model said of the week to come.

    Example: slacast backtest breach --from 2016-04-04T00:00+02:00 --every 7d --folds 4 --out report.html
    """
    from training.backtest import BacktestRequest, backtest_breach

    settings = settings_with(database_url=store, agreements=agreements)
    chosen = training_settings(settings_file, None)
    progress = Progress()
    agreed, events, service_events = lessons(settings, as_of, progress)
    request = BacktestRequest(
        events=events,
        service_events=service_events,
        agreements=agreed,
        tracking_uri=settings.mlflow_uri,
        var_dir=settings.var_dir,
        target=target,
        begin=instant(begin) if begin else None,
        end=instant(end) if end else None,
        every_days=days(every),
        folds=folds,
        rehearses_each=rehearse_each,
        seed=seed,
        settings=chosen,
    )
    response = backtest_breach(request, progress)
    if out is not None:
        out.write_text(response.html, encoding="utf-8")
        progress(f"wrote {out}")
    emit(response, as_json)
