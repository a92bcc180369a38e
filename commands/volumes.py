"""Commands about volumes: training, as `slacast train volume`, and what comes in, as `slacast forecast volume`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import AgreementsOption, JsonOption, StoreOption, instant, seen_at, settings_with, user_name
from commands.outages import app
from commands.printing import Progress, emit, fail, says_faults
from commands.training_options import Trainable, chosen_settings, refuse_unused

if TYPE_CHECKING:
    import pandas as pd

    from features.store.repository import Store
    from features.volumes.counts import VolumeCounts
    from features.volumes.planned import Outlook
    from models.volumes.account import VolumeAccount
    from serving.settings import Settings
    from sla.agreements.agreement_set import AgreementSet
    from training.volumes.fitting import VolumeSettings
    from training.volumes.model import VolumeResponse

PlannedOption = Annotated[
    Path | None,
    typer.Option(
        "--planned", metavar="FILE", help="Releases, campaigns and the like, YAML or CSV (docs/forecasts.md)."
    ),
]


def train_volumes(
    store: str | None,
    agreements: Path | None,
    as_of: str | None,
    settings_file: Path | None,
    planned: Path | None,
    seed: int,
    *,
    unused: Mapping[str, object],
) -> None:
    """Train, judge and print; `unused` holds options that only other models have, by name, which must not be given."""
    from training.volumes.fitting import VolumeSettings

    refuse_unused(Trainable.VOLUME, unused, "it is judged at past origins by its own gate")
    settings = settings_with(database_url=store, agreements=agreements)
    chosen = chosen_settings(settings_file, VolumeSettings)
    at = instant(as_of) if as_of else datetime.now(UTC)
    typer.echo(trained_volumes(settings, at, chosen, planned, seed, Progress()).text())


def trained_volumes(
    settings: Settings,
    at: datetime,
    chosen: VolumeSettings | None = None,
    planned: Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> VolumeResponse:
    """What became of a training on what was known at an instant."""
    from training.volumes.fitting import VolumeSettings
    from training.volumes.model import VolumeRequest, train_volume

    chosen, progress = chosen or VolumeSettings(), progress or Progress()
    progress("counting tickets")
    _, _, counts, outlook = _counted(settings, at, planned, chosen.horizon_days)
    request = VolumeRequest(
        counts=counts,
        outlook=outlook,
        tracking_uri=settings.mlflow_uri,
        var_dir=settings.var_dir,
        seed=seed,
        by=user_name(),
        at=datetime.now(UTC),
        settings=chosen,
    )
    return train_volume(request, progress)


@app.command("volume")
@says_faults
def volume(
    store: StoreOption = None,
    agreements: AgreementsOption = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="INSTANT", help="The instant to look at, ISO 8601 with offset (default: now)."),
    ] = None,
    level: Annotated[
        str, typer.Option("--level", help="all, service, team, category or priority: which series to print.")
    ] = "all",
    subject: Annotated[str, typer.Option("--subject", help="Of that level, as in the source.")] = "",
    planned: PlannedOption = None,
    handling_minutes: Annotated[
        float | None,
        typer.Option("--handling-minutes", min=0.01, help="Work a ticket, where the log does not tell it."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Store the forecast: the pages and the API show it, and it is judged later.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print how many tickets are expected, day by day and week by week, with intervals, and how earlier forecasts did.

    By the champion of `slacast train volume`; before there is one, by the mean of four same weekdays, without intervals.

    Example: slacast forecast volume --level team --subject Network --keep
    """
    import pandas as pd

    from features.volumes.counts import Series
    from models.volumes.forecast import ARRIVALS, BREACHES

    settings, at = settings_with(database_url=store, agreements=agreements), seen_at(as_of)
    account = account_at(settings, at, planned, handling_minutes, series=(level, subject))
    with _opened(settings) as opened:
        name = Series(level, subject).name
        earlier = pd.concat([opened.forecasts.read(kept, name, until=at) for kept in (ARRIVALS, BREACHES)])
        if keep:
            opened.forecasts.append(account.rows())
    emit(account.printed(level, subject, earlier), as_json)


def account_at(
    settings: Settings,
    at: datetime,
    planned: Path | None = None,
    handling_minutes: float | None = None,
    series: tuple[str, str] = ("all", ""),
) -> VolumeAccount:
    """The forecast made at an instant by the champion, from what the store held by then; `series` must be among those counted."""
    from features.volumes.breaches import TARGET, breached_counts
    from models.registry import champion
    from models.volumes.account import account_of
    from models.volumes.bundle import load_volume_model

    found = champion(settings.mlflow_uri, "volume", download_to=settings.var_dir / "downloads")
    model = None if found.path is None else load_volume_model(found.path)
    events, agreed, counts, outlook = _counted(settings, at, planned, 371)
    counts.place(*series)
    breached = breached_counts(events, agreed, at, counts) if TARGET in agreed.clocks else None
    version = str(found.version) if model else ""
    return account_of(counts, outlook, events, at, model, version, stated_minutes=handling_minutes, breached=breached)


def _counted(
    settings: Settings, at: datetime, planned: Path | None, days_ahead: int
) -> tuple[pd.DataFrame, AgreementSet, VolumeCounts, Outlook]:
    """The events by then, the agreements, their counts in the desk's own days, and holidays and plans."""
    from features.store import open_store
    from features.volumes.counts import count_tickets
    from features.volumes.planned import Outlook, holidays_of, read_planned_events
    from serving.scorer import desk_zone
    from serving.workplace import agreements_of

    with open_store(settings.database_url) as opened:
        events = opened.ticket_events(until=at)
        if events.empty:
            raise fail(f"{opened.url} holds no events by then. First: slacast import FILE --mapping mapping.yaml")
        agreed = agreements_of(settings, opened)
    counts = count_tickets(events, at, zone=settings.time_zone or desk_zone(agreed))
    holidays = holidays_of(agreed, counts.first_day, counts.end_day + days_ahead)
    return events, agreed, counts, Outlook(holidays, () if planned is None else read_planned_events(planned))


def _opened(settings: Settings) -> Store:
    from features.store import open_store

    return open_store(settings.database_url)
