"""From ticket events to a settings file: the search over training settings as one request and one response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from sla.agreements.agreement_set import AgreementSet
from training.building import HistoryRows
from training.plan import Plan, model_name
from training.settings import TrainingSettings
from training.tuning import TuneResponse, tune
from training.tuning_folds import TuningSettings


@dataclass(frozen=True)
class TuneRequest:
    """What to tune on, from where, and for how long. `events` is a frame of canonical ticket events.

    The study is kept in `folder`; `out` is where the settings go (by default beside it). `start` is what must be beaten.
    """

    events: pd.DataFrame
    agreements: AgreementSet
    folder: Path
    target: str = "resolution"
    name: str = ""
    cut: datetime | None = None
    seed: int = 0
    start: TrainingSettings = field(default_factory=TrainingSettings)
    search: TuningSettings = field(default_factory=TuningSettings)
    minutes: float | None = None
    trials: int | None = None
    out: Path | None = None
    service_events: pd.DataFrame | None = None


@dataclass(frozen=True)
class Tuned:
    """The search and the file that holds its settings."""

    found: TuneResponse
    file: Path

    def text(self) -> str:
        """The search in words, and what to do with the file."""
        return (
            f"{self.found.text()}\nWritten to {self.file}. Train with them: slacast train breach --settings {self.file}"
        )

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {"file": str(self.file), **self.found.to_dict()}


def tune_breach(request: TuneRequest, progress: Callable[[str], None] = lambda _text: None) -> Tuned:
    """The tuned settings, written as YAML. Raises TrainingError where there is too little history to search on."""
    progress("reading histories and labels")
    name = request.name or model_name(request.target)
    start = request.start
    source = HistoryRows.of(
        request.events,
        request.agreements,
        request.target,
        start.grid_one_in,
        request.seed,
        service_events=request.service_events,
    )
    plan = Plan(name, request.target, "", request.folder, cut=request.cut, seed=request.seed, settings=start)
    found = tune(
        source,
        plan,
        request.folder / "studies.db",
        minutes=request.minutes,
        trials=request.trials,
        settings=request.search,
        progress=progress,
    )
    file = request.out or request.folder / f"{name}.yaml"
    return Tuned(found, written(found, file))


def written(found: TuneResponse, file: Path) -> Path:
    """The file, written: what differs from the built-in settings, and above it how it came about."""
    file.parent.mkdir(parents=True, exist_ok=True)
    default = TrainingSettings().model_dump(mode="json")
    told = "\n".join(f"# {line}" for line in found.text().splitlines())
    changed = _difference(found.settings.model_dump(mode="json"), default)
    body = (
        yaml.safe_dump(changed, sort_keys=False, allow_unicode=True)
        if changed
        else "# nothing differs from what is built in\n"
    )
    file.write_text(f"{told}\n{body}", encoding="utf-8")
    return file


def _difference(values: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(default.get(name), dict):
            value = _difference(value, default[name]) if set(value) == set(default[name]) else value
            if not value:
                continue
        elif value == default.get(name):
            continue
        found[name] = value
    return found
