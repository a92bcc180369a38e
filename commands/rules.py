"""Commands of the rules, for which no model and, but for `explain`, no database is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from commands.options import (
    AgreementsOption,
    AsOfOption,
    JsonOption,
    StoreOption,
    existing,
    pairs,
    pseudonym_secret,
    seen_at,
    settings_with,
)
from commands.printing import FOUND_A_FAULT, Progress, emit, fail, says_faults


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
    log = Histories.from_events(read(existing(events), load_mapping(mapping), pseudonym_secret()).events, agreed).log
    progress(f"replaying {len(log.ticket_ids):,} tickets")
    table = pd.DataFrame(dict(replay(log, agreed, to_us(seen_at(as_of))).to_columns()))
    if out.suffix == ".csv":
        table.to_csv(out, index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
    else:
        table.to_parquet(out, index=False)
    finished = table[table.is_current]
    typer.echo(f"{len(table):,} clocks of {finished.ticket_id.nunique():,} tickets written to {out}")
    typer.echo(finished.groupby(["target", "state"]).size().unstack(fill_value=0).to_string())


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
