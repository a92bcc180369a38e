"""Commands that bring data in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from commands.options import AgreementsOption, JsonOption, StoreOption, existing, settings_with
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
