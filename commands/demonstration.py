"""The demo: a simulated desk, from its history to its living queue."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import settings_with
from commands.printing import Progress, says_faults
from commands.service import say_address

if TYPE_CHECKING:
    from serving.settings import Settings

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
    from simulation.demo import LIVE_START, SEED, DemoClock, DemoFeed, demo_desk
    from simulation.export import write_export
    from sla.agreements.loading import load_agreements
    from training.breach import TrainRequest, train_breach

    progress = Progress()
    settings = demo_settings(port)
    desk = demo_desk(SEED if seed is None else seed)
    progress("simulating six months of a service desk")
    export = settings.var_dir / "tickets.csv"
    write_export(desk.events_until(LIVE_START), export)
    with open_store(settings.database_url) as store:
        import_file(export, DEMO_FILES / "mapping.yaml", store, imported_at=LIVE_START, progress=progress)
        events = store.ticket_events()
    agreed = load_agreements(DEMO_FILES / "agreements.yaml")
    trained = train_breach(TrainRequest(events, agreed, settings.mlflow_uri, settings.var_dir), progress)
    typer.echo(trained.text())
    progress("scoring the open tickets")
    queue = score_once(settings, LIVE_START)
    typer.echo(as_table(queue, queue.rows[:20]), nl=False)
    if not once:
        clock = DemoClock(LIVE_START, speed, time.monotonic)
        serve_until_interrupted(settings, clock=clock, feed=DemoFeed(desk), on_ready=say_address)


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
