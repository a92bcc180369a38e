"""What the commands that train share: options, settings files, what is learned from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer
from pydantic import BaseModel

from commands.options import instant
from commands.printing import Progress, fail

if TYPE_CHECKING:
    import pandas as pd

    from serving.settings import Settings
    from sla.agreements.agreement_set import AgreementSet
    from training.settings import TrainingSettings


S = TypeVar("S", bound=BaseModel)


class ModelChoice(StrEnum):
    """What can be tuned and played back."""

    BREACH = "breach"


class Trainable(StrEnum):
    """What can be trained."""

    BREACH = "breach"
    REMAINING_TIME = "remaining-time"
    OUTAGE = "outage"
    VOLUME = "volume"
    WORK_TIME = "work-time"


SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings", metavar="FILE", help="Training settings in YAML, such as slacast tune writes (default: built in)."
    ),
]
GateOption = Annotated[
    Path | None,
    typer.Option(
        "--gate",
        metavar="FILE",
        help="The gate's thresholds in YAML (default: SLACAST_GATE, else those in --settings).",
    ),
]
TargetOption = Annotated[str, typer.Option("--target", help="The clock whose breach is predicted.")]


def refuse_unused(model: Trainable, unused: Mapping[str, object], why: str) -> None:
    """Ends the command where an option was given that is of no use for the model; `unused` holds None for those that were not."""
    given = [name for name, value in unused.items() if value is not None]
    if given:
        raise fail(f"{', '.join(given)} is of no use for {model.value}: {why}")


def chosen_settings(settings_file: Path | None, kind: type[S]) -> S:
    """The built-in settings of a kind, or those of a file."""
    from training.configuration import read_settings

    return kind() if settings_file is None else read_settings(settings_file, kind)


def training_settings(settings_file: Path | None, gate_file: Path | None) -> TrainingSettings:
    """The built-in settings with what two files, if given, put in their place."""
    from training.configuration import read_settings
    from training.gate import GateSettings
    from training.settings import TrainingSettings

    chosen = chosen_settings(settings_file, TrainingSettings)
    if gate_file is None:
        return chosen
    return chosen.model_copy(update={"gate": read_settings(gate_file, GateSettings)})


class Lessons(NamedTuple):
    """What there is to learn from: agreements, canonical ticket events, canonical service events (often none)."""

    agreements: AgreementSet
    events: pd.DataFrame
    service_events: pd.DataFrame


def lessons(settings: Settings, as_of: str | None, progress: Progress) -> Lessons:
    """The agreements and the events to learn from; ends the command where there are no ticket events."""
    from features.store import open_store
    from serving.workplace import agreements_of

    progress("reading the events")
    with open_store(settings.database_url) as opened:
        agreed = agreements_of(settings, opened)
        until = instant(as_of) if as_of else None
        events, service_events = opened.ticket_events(until=until), opened.service_events(until=until)
        if events.empty:
            raise fail(f"{opened.url} holds no events to learn from. First: slacast import FILE --mapping mapping.yaml")
    return Lessons(agreed, events, service_events)
