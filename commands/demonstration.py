"""The demo: a simulated desk, from its history to its living queue."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import settings_with
from commands.printing import Progress, says_faults
from commands.service import say_address

if TYPE_CHECKING:
    import pandas as pd

    from serving.settings import Settings
    from sla.agreements.agreement_set import AgreementSet

MONITORED = "monitoring"
FORECAST_WEEKS = 5
DEMO_FILES = Path(__file__).resolve().parents[1] / "examples" / "demo"


@says_faults
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Do everything but serve, print the queue and the model's figures, and stop.")
    ] = False,
    speed: Annotated[
        float, typer.Option("--speed", min=1, help="How many times faster than real time the desk lives on.")
    ] = 60,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on (default: SLACAST_PORT, else 8000).")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Another seed is another desk (default: the one described in docs/simulation.md)."),
    ] = None,
) -> None:
    """Simulate a service desk: six months of history are imported and trained on, then its living queue is served.

    Everything is made anew under var/demo; nothing else is touched.

    Example: slacast demo --once
    """
    from features.importing import import_file
    from features.store import open_store
    from serving.app import serve as serve_until_interrupted
    from serving.reports.table import as_table
    from serving.workplace import score_once
    from simulation.demo import LIVE_START, SEED, DemoClock, DemoFeed, demo_desk, demo_monitoring
    from simulation.export import write_export
    from sla.agreements.loading import load_agreements
    from training.breach import TrainRequest, train_breach

    progress = Progress()
    settings = demo_settings(port)
    seed = SEED if seed is None else seed
    desk, monitoring = demo_desk(seed), demo_monitoring(seed)
    progress("simulating six months of a service desk")
    export = settings.var_dir / "tickets.csv"
    write_export(desk.events_until(LIVE_START), export)
    with open_store(settings.database_url) as store:
        import_file(export, DEMO_FILES / "mapping.yaml", store, imported_at=LIVE_START, progress=progress)
        progress("watching its services for a year")
        store.append_service_events(monitoring.events_until(LIVE_START), MONITORED, imported_at=LIVE_START)
        events = store.ticket_events()
    agreed = load_agreements(DEMO_FILES / "agreements.yaml")
    trained = train_breach(TrainRequest(events, agreed, settings.mlflow_uri, settings.var_dir), progress)
    typer.echo(trained.text())
    learn_outages(settings, events, agreed, progress)
    keep_forecasts(settings, progress)
    progress("scoring the open tickets")
    queue = score_once(settings, LIVE_START)
    typer.echo(as_table(queue, queue.rows[:20]), nl=False)
    if not once:
        clock = DemoClock(LIVE_START, speed, time.monotonic)
        with open_store(settings.database_url) as store:
            feed = DemoFeed(desk, monitoring, lambda frame: store.append_service_events(frame, MONITORED))
            serve_until_interrupted(settings, clock=clock, feed=feed, on_ready=say_address)


def learn_outages(settings: Settings, events: pd.DataFrame, agreed: AgreementSet, progress: Progress) -> None:
    """Train the model of outages on what monitoring recorded, and say what it is worth."""
    from commands.outages import needs_of
    from features.outages.tickets import service_tickets
    from features.store import open_store
    from simulation.demo import LIVE_START
    from training.outage import OutageRequest, train_outage

    with open_store(settings.database_url) as store:
        watched = store.service_events()
    tickets = service_tickets(events, agreed)
    request = OutageRequest(
        watched, tickets, settings.mlflow_uri, settings.var_dir, by="demo", at=LIVE_START, needs=needs_of(agreed)
    )
    typer.echo(train_outage(request, progress).text())


def keep_forecasts(settings: Settings, progress: Progress) -> None:
    """Train the model of volumes as it would have been weeks ago, and keep the forecast of each Monday since: each can be held against what came."""
    from commands.volumes import account_at, trained_volumes
    from features.store import open_store
    from simulation.demo import LIVE_START

    begin = LIVE_START - timedelta(weeks=FORECAST_WEEKS)
    progress("training the forecast of volumes, as it would have been then")
    typer.echo(trained_volumes(settings, begin, progress=progress).text())
    with open_store(settings.database_url) as store:
        for week in range(FORECAST_WEEKS + 1):
            at = begin + timedelta(weeks=week)
            progress("keeping the forecasts of past weeks", week, FORECAST_WEEKS)
            store.forecasts.append(account_at(settings, at).rows())


def demo_settings(port: int | None) -> Settings:
    """The settings of the demo, whose world begins anew in an empty var/demo."""
    folder = settings_with().var_dir / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return settings_with(
        var_dir=folder,
        database_url=f"sqlite:///{folder}/slacast.db",
        mlflow_uri=f"sqlite:///{folder}/mlflow.db",
        agreements=DEMO_FILES / "agreements.yaml",
        port=port,
        tick_seconds=2.0,
        poll_seconds=3,
    )
