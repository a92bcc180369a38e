"""Commands that bring data in, and that give features out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from commands.engine_options import (
    EngineChoice,
    EventsOption,
    MemoryLimitOption,
    SchedulerOption,
    WorkersOption,
    cluster,
)
from commands.options import (
    AgreementsOption,
    JsonOption,
    StoreOption,
    existing,
    instant,
    pseudonym_secret,
    settings_with,
)
from commands.printing import Progress, emit, says_faults


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

    settings, secret = settings_with(database_url=store, agreements=agreements), pseudonym_secret()
    if settings.agreements is not None:
        load_agreements(existing(settings.agreements))  # its faults are told before anything is stored
    if dry_run:
        emit(import_file(file, mapping, dry_run=True, progress=Progress(), secret=secret), as_json)
        return
    now = datetime.now(UTC)
    with open_store(settings.database_url) as opened:
        report = import_file(file, mapping, opened, imported_at=now, progress=Progress(), secret=secret)
        if settings.agreements is not None:
            opened.save_agreements(settings.agreements.read_text(encoding="utf-8"), now)
    emit(report, as_json)


@says_faults
def features(
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where to write: a folder that is absent or empty.")
    ],
    engine: Annotated[
        EngineChoice, typer.Option("--engine", help="Processes of this machine, or a Dask cluster.")
    ] = EngineChoice.LOCAL,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = 2,
    memory_limit: MemoryLimitOption = "3GiB",
    rows: Annotated[
        int, typer.Option("--rows", min=1, help="Events that a worker looks at together; less needs less memory.")
    ] = 500_000,
    events: EventsOption = None,
    spec: Annotated[
        Path | None,
        typer.Option(
            "--spec", metavar="FILE", help="The features wanted, as a spec.json says (default: chosen from the log)."
        ),
    ] = None,
    target: Annotated[
        str, typer.Option("--target", help="The clock that features and labels speak of.")
    ] = "resolution",
    grid: Annotated[
        int | None,
        typer.Option("--grid", min=1, metavar="N", help="Also look at each open ticket once in N hours, at random."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="INSTANT", help="As if it were then: later records are not read (default: all)."
        ),
    ] = None,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the features and labels of every ticket, at its creation and after each event, to Parquet files (docs/scale.md).

    Example: slacast features --out var/features --engine dask
    """
    from features.distributed.engines import process_engine
    from features.distributed.from_store import Wanted, write_features
    from features.matrix_files import Sampling
    from features.spec import FeatureSpec
    from features.store import open_store
    from serving.workplace import agreements_of

    settings = settings_with(database_url=store, agreements=agreements)
    progress = Progress()
    with open_store(settings.database_url) as opened:
        wanted = Wanted(
            log=events or opened,
            out=out,
            agreements=agreements_of(settings, opened),
            target=target,
            until=instant(as_of) if as_of else None,
            spec=FeatureSpec.from_json(existing(spec).read_text(encoding="utf-8")) if spec else None,
            sampling=Sampling(grid_one_in=grid),
            rows_a_partition=rows,
        )
        uses_dask = engine is EngineChoice.DASK
        with cluster(scheduler, workers, memory_limit) if uses_dask else process_engine(workers) as running:
            emit(write_features(wanted, running, progress), as_json)


@says_faults
def pseudonym(
    name: Annotated[str, typer.Argument(help="The name as the export writes it, capital letters and all.")],
) -> None:
    """Print what is stored in place of a name where a mapping says `pseudonymise`: to find or to erase what is known of a person.

    Example: slacast pseudonym "Ada Byron"
    """
    from features.sources.faults import SourceError
    from features.sources.pseudonyms import SETTING
    from features.sources.pseudonyms import pseudonym as of

    secret = pseudonym_secret()
    if secret is None:
        raise SourceError(f"{SETTING} is not set; a pseudonym is told only by the secret that it was made with")
    typer.echo(of(name, secret))
