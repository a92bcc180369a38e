"""Commands about outages: training, as `slacast train outage`, and what is likely, as `slacast forecast services`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import AsOfOption, JsonOption, StoreOption, instant, seen_at, settings_with, user_name
from commands.printing import Progress, emit, fail, says_faults
from commands.training_options import Trainable, chosen_settings, refuse_unused

if TYPE_CHECKING:
    from models.outage import OutageModel
    from models.registry import RegistryAnswer
    from serving.settings import Settings
    from sla.agreements.agreement_set import AgreementSet

app = typer.Typer(no_args_is_help=True, help="What is likely: outages of services, and how much work comes in.")


def train_outages(
    store: str | None, as_of: str | None, settings_file: Path | None, seed: int, *, unused: Mapping[str, object]
) -> None:
    """Train, judge and print; `unused` holds options that only other models have, by name, which must not be given."""
    from features.outages.tickets import service_tickets
    from features.store import open_store
    from training.outage import OutageRequest, OutageSettings, train_outage

    refuse_unused(Trainable.OUTAGE, unused, "it is judged on every quarter by its own gate")
    settings = settings_with(database_url=store)
    chosen = chosen_settings(settings_file, OutageSettings)
    progress = Progress()
    progress("reading the events")
    until = instant(as_of) if as_of else None
    with open_store(settings.database_url) as opened:
        events, tickets = opened.service_events(until=until), opened.ticket_events(until=until)
        agreements = agreements_known(settings, opened.latest_agreements())
        if events.empty:
            raise fail(f"{opened.url} holds no service events. First: slacast import FILE --mapping mapping.yaml")
    request = OutageRequest(
        events=events,
        tickets=service_tickets(tickets, agreements),
        tracking_uri=settings.mlflow_uri,
        var_dir=settings.var_dir,
        seed=seed,
        by=user_name(),
        at=datetime.now(UTC),
        settings=chosen,
        needs=needs_of(agreements),
    )
    typer.echo(train_outage(request, progress).text())


def agreements_known(settings: Settings, stored: str | None) -> AgreementSet | None:
    """The agreements of the settings, else those in the store; None where there are none."""
    from sla.agreements.loading import load_agreements, parse_agreements

    if settings.agreements is not None:
        return load_agreements(settings.agreements)
    return None if stored is None else parse_agreements(stored, source="the agreements in the store")


def needs_of(agreements: AgreementSet | None) -> dict[str, tuple[str, ...]]:
    """Which service needs which, by the catalogue in the agreements; nothing where there are none."""
    return {} if agreements is None else {name: one.cannot_do_without for name, one in agreements.services.items()}


def groups_of(agreements: AgreementSet | None) -> dict[str, tuple[int, tuple[str, ...]]]:
    """What the services made of others are made of, by the catalogue; nothing where there is none."""
    from sla.agreements.catalogue import groups_among

    return {} if agreements is None else groups_among(agreements.services)


@app.command("services")
@says_faults
def services(
    store: StoreOption = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="INSTANT", help="The instant to look at, ISO 8601 with offset (default: now)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print how likely a new outage of each service is within 24 hours, what a week is to bring, and why.

    By the champion of `slacast train outage`; before there is one, by the service's own rate on such a weekday.

    Example: slacast forecast services --as-of 2026-08-20T08:00+00:00 --json
    """
    from features.outages.groups import group_ledger
    from features.outages.ledger import Ledger
    from features.outages.tickets import service_tickets
    from features.store import open_store
    from models.outage import told_how
    from models.outage_forecast import forecast_services

    settings, at = settings_with(database_url=store), seen_at(as_of)
    with open_store(settings.database_url) as opened:
        events, tickets = opened.service_events(until=at), opened.ticket_events(until=at)
        agreements = agreements_known(settings, opened.latest_agreements())
    if events.empty:
        raise fail("there are no service events by then. First: slacast import FILE --mapping mapping.yaml")
    found, model = _champion(settings)
    kinds, rules = told_how(model)
    told = service_tickets(tickets, agreements)
    ledger = Ledger.of(events, told, kinds=kinds, rules=rules, needs=needs_of(agreements))
    names = groups_of(agreements)
    groups = group_ledger(ledger, events, names, told)
    unread = found.why if found.version or not found.is_reachable else "no model yet"
    version = unread if model is None else str(found.version)
    emit(forecast_services(ledger, at, model, version, groups=groups, group_names=names), as_json)


@app.command("judged")
@says_faults
def judged(store: StoreOption = None, as_of: AsOfOption = None, as_json: JsonOption = False) -> None:
    """Hold the outage probabilities that a running service kept against what came: a service a day, by who answered.

    An outage is what the champion calls one; without a champion, what the word says.

    Example: slacast forecast judged
    """
    from features.outages.groups import group_ledger
    from features.outages.ledger import Ledger
    from features.store import open_store
    from models.outage import told_how
    from serving.services.keeper import SERIES
    from serving.services.untouched import is_untouched
    from sla.instants import to_us
    from training.outage_judgement import judge_forecasts

    settings, at = settings_with(database_url=store), seen_at(as_of)
    with open_store(settings.database_url) as opened:
        said, events = opened.forecasts.read(SERIES, until=at), opened.service_events(until=at)
        agreements = agreements_known(settings, opened.latest_agreements())
    if said.empty:
        raise fail("no outage probability was kept by then: slacast serve keeps them, once an hour, while it runs")
    kinds, rules = told_how(_champion(settings)[1])
    share = settings.outage_untouched_share
    alone = partial(is_untouched, share=share) if share > 0 else None
    ledger, names = Ledger.of(events, kinds=kinds, rules=rules), groups_of(agreements)
    groups = group_ledger(ledger, events, names)
    emit(judge_forecasts(said, ledger, to_us(at), alone, groups=groups, group_names=names), as_json)


def _champion(settings: Settings) -> tuple[RegistryAnswer, OutageModel | None]:
    from models.outage import load_outage_model
    from models.registry import champion

    found = champion(settings.mlflow_uri, "outage", download_to=settings.var_dir / "downloads")
    return found, None if found.path is None else load_outage_model(found.path)
