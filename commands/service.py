"""Commands of those who run the service and work from its queue."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import AgreementsOption, AsOfOption, JsonOption, StoreOption, instant, seen_at, settings_with
from commands.printing import Progress, says_faults

if TYPE_CHECKING:
    from serving.settings import Settings


@says_faults
def score(
    as_of: AsOfOption = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many tickets to print.")] = 20,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.csv", help="Write the whole queue to this CSV file as well.")
    ] = None,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    rules_only: Annotated[bool, typer.Option("--rules-only", help="Use no model.")] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Print nothing: go on scoring, and store what changes. One of several such processes acts."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the queue: every open ticket with risk, due time, time left and reasons, in the order worth working in.

    Example: slacast score --as-of 2016-05-16T10:00+02:00 --top 20
    """
    from serving.reports.delimited import as_csv
    from serving.reports.document import as_json as queue_json
    from serving.reports.table import as_table
    from serving.workplace import score_once

    settings = settings_with(database_url=store, agreements=agreements, use_model=False if rules_only else None)
    if watch:
        _watch(settings, as_of)
        return
    progress = Progress()
    progress("reading the events and scoring the open tickets")
    queue = score_once(settings, seen_at(as_of))
    if out is not None:
        out.write_text(as_csv(queue), encoding="utf-8")
        progress(f"wrote {len(queue.rows)} tickets to {out}")
    shown = queue.rows[:top]
    typer.echo(queue_json(queue, shown) if as_json else as_table(queue, shown), nl=as_json)


@says_faults
def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on (default: SLACAST_HOST, else 127.0.0.1).")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on (default: SLACAST_PORT, else 8000).")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="INSTANT", help="Begin at this instant of the past instead of now.")
    ] = None,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    no_scorer: Annotated[
        bool,
        typer.Option(
            "--no-scorer", help="Store no scores and send no alerts: slacast score --watch does it elsewhere."
        ),
    ] = False,
) -> None:
    """Serve the queue as pages and as JSON, scored anew on every tick and at once on new events.

    Example: slacast serve --port 8080
    """
    from models.lean_imports import import_lightgbm_alone

    import_lightgbm_alone()
    from serving.app import serve as serve_until_interrupted
    from serving.app import system_clock
    from serving.spare_memory import share_one_pool
    from simulation.demo import DemoClock

    share_one_pool()
    settings = settings_with(
        database_url=store, agreements=agreements, host=host, port=port, store_scores=False if no_scorer else None
    )
    clock = DemoClock(instant(as_of), 1.0, time.monotonic) if as_of else system_clock
    serve_until_interrupted(settings, clock=clock, on_ready=say_address)


def _watch(settings: Settings, as_of: str | None) -> None:
    from models.lean_imports import import_lightgbm_alone

    import_lightgbm_alone()
    from serving.spare_memory import share_one_pool
    from serving.standalone_scorer import score_until_stopped, stopped_by_signals

    if as_of is not None:
        raise typer.BadParameter("--watch goes with the clock; leave --as-of out")
    share_one_pool()
    stop = stopped_by_signals()
    score_until_stopped(settings, lambda: datetime.now(UTC), stop, lambda text: typer.echo(text, err=True))


def say_address(address: str) -> None:
    """Print where the service answers."""
    typer.echo(f"slacast is at {address}  (stop with Ctrl-C)", err=True)
