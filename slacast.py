"""The roof: one command line that imports only the floor asked for."""

from __future__ import annotations

import functools
import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer

if TYPE_CHECKING:
    from serving.settings import Settings

# Read by MLflow at import: no run of ours calls home or draws download bars.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

FLOORS = {"sla", "features", "simulation", "models", "training", "serving"}
FOUND_A_FAULT = 1
DEMO_FILES = Path(__file__).parent / "examples" / "demo"
P = ParamSpec("P")
R = TypeVar("R")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Which open tickets will miss their service level, early enough to act, beside an exact SLA calculator.",
)


class Progress:
    """Steps on standard error, so that standard output stays clean for machines; a line each, with the seconds since the start."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.last: tuple[str, float] = ("", 0.0)

    def __call__(self, message: str, done: float | None = None, total: float | None = None) -> None:
        """Say `message`; repeated messages (a counter) are shown at most once a second."""
        seconds = time.monotonic() - self.started
        if message == self.last[0] and seconds - self.last[1] < 1 and done != total:
            return
        self.last = (message, seconds)
        share = f" {100 * done / total:.0f} %" if done is not None and total else ""
        typer.echo(f"[{seconds:5.1f} s] {message}{share}", err=True)


def says_faults(command: Callable[P, R]) -> Callable[P, R]:
    """`command`, where an error that one of our floors raised on purpose is printed as a sentence and ends with exit code 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ValueError as error:
            if type(error).__module__.split(".")[0] not in FLOORS:
                raise
            raise fail(str(error)) from error

    return run


def instant(text: str) -> datetime:
    """The aware UTC instant of an ISO 8601 text; raises typer.BadParameter for a text without an offset, which could mean any zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is not a date and time; expected ISO 8601 such as 2016-05-16T10:00+02:00"
        ) from error
    if at.tzinfo is None:
        raise typer.BadParameter(
            f"{text!r} has no UTC offset, so it could be meant in any time zone; write {text}+02:00 or {text}Z"
        )
    return at.astimezone(UTC)


class ModelChoice(StrEnum):
    """What can be trained."""

    BREACH = "breach"


def fail(sentence: str) -> typer.Exit:
    """Print the sentence on standard error; what is returned, raised, ends the command with exit code 1."""
    typer.echo(f"slacast: {sentence}", err=True)
    return typer.Exit(FOUND_A_FAULT)


def existing(path: Path) -> Path:
    """The path, or typer.BadParameter where there is no such file."""
    if not path.is_file():
        raise typer.BadParameter(f"{path} is not a file")
    return path


StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Database with the events (default: SLACAST_DATABASE_URL, else sqlite:///var/slacast.db).",
    ),
]
AgreementsOption = Annotated[
    Path | None,
    typer.Option(
        "--agreements",
        metavar="FILE",
        help="Agreements in YAML (default: SLACAST_AGREEMENTS, else those last imported).",
    ),
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="INSTANT", help="The instant to look at, ISO 8601 with offset (default: now)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def settings_with(**given: Any) -> Settings:
    """The settings from the environment, with what was given on the command line (not None) in their place."""
    from serving.settings import load_settings

    return load_settings(**{name: value for name, value in given.items() if value is not None})


def seen_at(as_of: str | None) -> datetime:
    """The instant asked for, or now: the edge at which the real clock is read."""
    return instant(as_of) if as_of else datetime.now(UTC)


def emit(result: Any, as_json: bool) -> None:
    """Print a result: `.to_dict()` as JSON for machines, `.text()` for people."""
    typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=2, default=str) if as_json else result.text())


@app.command()
@says_faults
def check(
    file: Annotated[Path, typer.Argument(help="An agreements file.")],
    as_json: JsonOption = False,
) -> None:
    """Check an agreements file: every fault at once, with its line and what to write instead. Exit code 1 if there is one.

    Example: slacast check examples/uci-incidents/agreements.yaml
    """
    from sla.agreements.loading import check_file

    report = check_file(existing(file))
    emit(report, as_json)
    if not report.is_clean:
        raise typer.Exit(FOUND_A_FAULT)


@app.command()
@says_faults
def clocks(
    events: Annotated[Path, typer.Argument(help="An export of tickets, as for `slacast import`.")],
    mapping: Annotated[Path, typer.Option("--mapping", metavar="FILE", help="What the export's columns mean.")],
    agreements: Annotated[Path, typer.Option("--agreements", metavar="FILE", help="Agreements in YAML.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write: .csv or .parquet.")],
    as_of: AsOfOption = None,
) -> None:
    """Compute every clock of every ticket of an export, straight from the file; nothing is stored and no model is needed.

    Example: slacast clocks incidents.zip --mapping mapping.yaml --agreements agreements.yaml --out clocks.csv
    """
    import pandas as pd

    from features.histories import Histories
    from features.sources.mapping import load_mapping
    from features.sources.reading import read
    from sla.agreements.loading import load_agreements
    from sla.clocks.replay import replay
    from sla.instants import to_us

    if out.suffix not in {".csv", ".parquet"}:
        raise typer.BadParameter(f"{out} ends with {out.suffix!r}; expected .csv or .parquet")
    progress = Progress()
    agreed = load_agreements(existing(agreements))
    progress(f"reading {events}")
    log = Histories.from_events(read(existing(events), load_mapping(mapping)).events, agreed).log
    progress(f"replaying {len(log.ticket_ids):,} tickets")
    table = pd.DataFrame(dict(replay(log, agreed, to_us(seen_at(as_of))).to_columns()))
    if out.suffix == ".csv":
        table.to_csv(out, index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
    else:
        table.to_parquet(out, index=False)
    finished = table[table.is_current]
    typer.echo(f"{len(table):,} clocks of {finished.ticket_id.nunique():,} tickets written to {out}")
    typer.echo(finished.groupby(["target", "state"]).size().unstack(fill_value=0).to_string())


def pairs(texts: list[str] | None) -> dict[str, str]:
    """NAME=VALUE texts as a dictionary; typer.BadParameter for a text without `=`."""
    found = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE, such as priority=1")
        found[name] = value
    return found


@app.command()
@says_faults
def explain(
    ticket: Annotated[str, typer.Argument(help="The ticket's id.")],
    as_of: AsOfOption = None,
    suppose: Annotated[
        list[str] | None,
        typer.Option(
            "--if",
            metavar="NAME=VALUE",
            help="Also show the clocks as they would be, such as --if priority=1 (repeatable).",
        ),
    ] = None,
    suppose_calendar: Annotated[
        list[str] | None,
        typer.Option("--if-calendar", metavar="NAME=OTHER", help="... with another calendar instead of this one."),
    ] = None,
    suppose_version: Annotated[
        list[str] | None,
        typer.Option("--if-version", metavar="NAME=VERSION", help="... with this version of an agreement."),
    ] = None,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain one ticket's clocks: state, due, the rule that decided, the settings in force, and what ran and paused when.

    Example: slacast explain INC0028284 --as-of 2016-05-16T10:00+02:00 --if priority=2
    """
    from features.histories import Histories
    from features.store import open_store
    from serving.workplace import agreements_of
    from sla.clocks.explanation import explain_text
    from sla.clocks.what_if import Supposition, what_if

    settings, at = settings_with(database_url=store, agreements=agreements), seen_at(as_of)
    with open_store(settings.database_url) as opened:
        agreed = agreements_of(settings, opened)
        frame = opened.ticket_events(ticket_ids=[ticket], until=at)
        if frame.empty:
            raise fail(f"{opened.url} knows no ticket {ticket!r} at {at.isoformat()}")
    events = Histories.from_events(frame, agreed).log.events_of(ticket)
    changed = Supposition(pairs(suppose), versions=pairs(suppose_version), calendars=pairs(suppose_calendar))
    compared = what_if(events, agreed, at, changed)
    words = [
        f"{name}={value}"
        for part in (changed.attributes, changed.versions, changed.calendars)
        for name, value in part.items()
    ]
    supposed = [one.supposed for one in compared] if words else []
    if as_json:
        actual = [one.actual.to_dict() for one in compared]
        typer.echo(
            json.dumps(
                {"clocks": actual, "supposed": [one.to_dict() for one in supposed]}, ensure_ascii=False, indent=2
            )
        )
        return
    typer.echo("\n\n".join(explain_text(one.actual) for one in compared))
    if supposed:
        typer.echo(f"\n-- supposing {', '.join(words)}\n")
        typer.echo("\n\n".join(explain_text(one) for one in supposed))


@app.command("import")
@says_faults
def import_(
    file: Annotated[Path, typer.Argument(help="The export: CSV or TSV, also inside .zip or .gz.")],
    mapping: Annotated[
        Path, typer.Option("--mapping", metavar="FILE", help="What the export's columns mean (docs/your-own-data.md).")
    ],
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read, check and report on the data's quality; store nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Import an export of tickets by a mapping; with --agreements, keep those too.

    Importing the same file twice is importing it once. Rejected rows are counted and explained.

    Example: slacast import incidents.zip --mapping mapping.yaml --agreements agreements.yaml
    """
    from features.importing import import_file
    from features.store import open_store
    from sla.agreements.loading import load_agreements

    settings = settings_with(database_url=store, agreements=agreements)
    if settings.agreements is not None:
        load_agreements(existing(settings.agreements))  # its faults are told before anything is stored
    if dry_run:
        emit(import_file(file, mapping, dry_run=True, progress=Progress()), as_json)
        return
    now = datetime.now(UTC)
    with open_store(settings.database_url) as opened:
        report = import_file(file, mapping, opened, imported_at=now, progress=Progress())
        if settings.agreements is not None:
            opened.save_agreements(settings.agreements.read_text(encoding="utf-8"), now)
    emit(report, as_json)


@app.command()
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


@app.command()
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
    progress = Progress()
    progress("reading the events and scoring the open tickets")
    queue = score_once(settings, seen_at(as_of))
    if out is not None:
        out.write_text(as_csv(queue), encoding="utf-8")
        progress(f"wrote {len(queue.rows)} tickets to {out}")
    shown = queue.rows[:top]
    typer.echo(queue_json(queue, shown) if as_json else as_table(queue, shown), nl=as_json)


@app.command()
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
) -> None:
    """Serve the queue as pages and as JSON, scored anew on every tick and at once on new events.

    Example: slacast serve --port 8080
    """
    from serving.app import serve as serve_until_interrupted
    from serving.app import system_clock
    from simulation.demo import DemoClock

    settings = settings_with(database_url=store, agreements=agreements, host=host, port=port)
    clock = DemoClock(instant(as_of), 1.0, time.monotonic) if as_of else system_clock
    serve_until_interrupted(settings, clock=clock, on_ready=say_address)


def say_address(address: str) -> None:
    """Print where the service answers."""
    typer.echo(f"slacast is at {address}  (stop with Ctrl-C)", err=True)


@app.command()
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


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
