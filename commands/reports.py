"""Reports on what is stored."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from commands.options import (
    AgreementsOption,
    AsOfOption,
    JsonOption,
    StoreOption,
    existing,
    instant,
    seen_at,
    settings_with,
)
from commands.printing import Progress, emit, says_faults

app = typer.Typer(no_args_is_help=True, help="Reports on what is stored.")


@app.command("alerts")
@says_faults
def alerts(
    rules: Annotated[Path, typer.Option("--rules", metavar="FILE", help="A file of alert rules (docs/alerts.md).")],
    since: Annotated[str, typer.Option("--from", metavar="INSTANT", help="The first look, ISO 8601 with offset.")],
    until: Annotated[str, typer.Option("--to", metavar="INSTANT", help="The last look.")],
    every: Annotated[str, typer.Option("--every", metavar="LENGTH", help="How often to look.")] = "15 min",
    within: Annotated[
        str | None,
        typer.Option("--within", metavar="LENGTH", help="An alert is right only if the breach came within this time."),
    ] = None,
    rules_only: Annotated[bool, typer.Option("--rules-only", help="Use no model.")] = False,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how many alerts rules would have sent in a span of the past, and how many were right. Nothing is sent or stored.

    Example: slacast report alerts --rules examples/alerts/rules.yaml --from 2026-06-01T00:00Z --to 2026-06-15T00:00Z
    """
    from serving.rehearsal import alerts_of_the_past

    settings = settings_with(database_url=store, agreements=agreements, use_model=False if rules_only else None)
    first, last = instant(since), instant(until)
    if last <= first:
        raise typer.BadParameter(f"--to ({until}) must come after --from ({since})")
    horizon = None if within is None else length(within)
    progress = Progress()
    progress("reading the events")
    report = alerts_of_the_past(settings, existing(rules), first, last, length(every), horizon, progress)
    emit(report, as_json)


def length(text: str) -> timedelta:
    """A length such as `15 min` or `24 h`; raises typer.BadParameter for anything else."""
    from sla.durations import parse_duration

    try:
        found = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if found.counts_days or found.amount_us < 1_000_000:
        raise typer.BadParameter(f"{text!r}: a length of real time from one second on is meant, such as 15 min or 24 h")
    return timedelta(microseconds=found.amount_us)


@app.command("continuity")
@says_faults
def continuity(
    as_of: AsOfOption = None,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print recovery objectives of the catalogue (RTO, RPO) against the outages of a year, and exercises that are due.

    Example: slacast report continuity --as-of 2026-08-20T08:00+00:00
    """
    from features.store import open_store
    from serving.services.continuity import continuity_report
    from serving.services.making import Answering, make_basis
    from serving.workplace import agreements_of

    settings, at = settings_with(database_url=store, agreements=agreements), seen_at(as_of)
    with open_store(settings.database_url) as opened:
        known, events = agreements_of(settings, opened), opened.service_events(until=at)
    emit(continuity_report(make_basis(events, None, known, at, Answering())), as_json)


@app.command("availability")
@says_faults
def availability(
    service: Annotated[list[str], typer.Option("--service", metavar="NAME", help="A service; repeat for several.")],
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day, as 2026-01-01.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last day.")],
    by: Annotated[
        str, typer.Option("--by", help="day, week, month, quarter, year, or rolling: a window that ends on each day.")
    ] = "month",
    rolling_days: Annotated[int, typer.Option("--rolling-days", min=1, help="How long a rolling window is.")] = 30,
    zone: Annotated[str, typer.Option("--zone", help="Days begin at midnight of this time zone.")] = "UTC",
    hours: Annotated[
        str | None,
        typer.Option("--hours", metavar="CALENDAR", help="Service hours (default: those of the first service)."),
    ] = None,
    needed: Annotated[
        int | None, typer.Option("--needed", min=1, help="How many of the services must work (default: all).")
    ] = None,
    with_needs: Annotated[
        bool, typer.Option("--with-needs", help="With all that each service needs (depends_on).")
    ] = False,
    objective: Annotated[
        float | None,
        typer.Option("--objective", help="Percent to hold it to (default: that of the first service)."),
    ] = None,
    as_of: AsOfOption = None,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the availability of a service, or of several of which some must work, by windows of any kind.

    Example: slacast report availability --service Mail --from 2026-01-01 --to 2026-06-30 --by month --zone Europe/Berlin
    """
    from features.store import open_store
    from serving.services.making import Answering, make_basis
    from serving.services.windows import Asked, availability_report, window_kind
    from serving.workplace import agreements_of

    if objective is not None and not 0 < objective < 100:
        raise typer.BadParameter(f"--objective {objective:g}: expected percent between 0 and 100, as 99.9")
    settings, at = settings_with(database_url=store, agreements=agreements), seen_at(as_of)
    asked = Asked(
        tuple(service), day(first), day(last), window_kind(by), zone, rolling_days, hours, needed, with_needs, objective
    )
    with open_store(settings.database_url) as opened:
        known, events = agreements_of(settings, opened), opened.service_events(until=at)
    emit(availability_report(make_basis(events, None, known, at, Answering()), asked), as_json)


def day(text: str) -> date:
    """A date such as `2026-01-31`; raises typer.BadParameter for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date: write it as 2026-01-31") from error


@app.command("suggestions")
@says_faults
def suggestions(
    since: Annotated[str, typer.Option("--from", metavar="INSTANT", help="From when on, ISO 8601 with offset.")],
    until: Annotated[
        str | None, typer.Option("--to", metavar="INSTANT", help="Until when, and as known then (default: now).")
    ] = None,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how often the suggested order was followed, by team and week, and by switchback what it was worth (docs/dispatch.md).

    Example: slacast report suggestions --from 2026-04-06T00:00+02:00 --to 2026-06-29T00:00+02:00
    """
    from features.store import open_store
    from serving.configuration.values import costs_of
    from serving.following.report import following_report
    from serving.switchback import Switchback
    from serving.workplace import agreements_of

    settings, first, last = settings_with(database_url=store, agreements=agreements), instant(since), seen_at(until)
    if last <= first:
        raise typer.BadParameter(f"--to ({until or 'now'}) must come after --from ({since})")
    progress = Progress()
    progress("reading the events")
    with open_store(settings.database_url) as opened:
        known, events = agreements_of(settings, opened), opened.ticket_events(until=last)
        suggested = opened.suggestions.read(until=last)
    switchback, costs = Switchback(settings.switchback_from), costs_of(settings.priority_weights)
    emit(following_report(events, suggested, known, switchback, costs, first, last), as_json)
