"""From ticket events to a registered breach model: one request, one response."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd

from sla.agreements.agreement_set import AgreementSet
from training.building import HistoryRows
from training.lifecycle import TrainResponse, train_from
from training.plan import Plan, TrainingError, model_name
from training.settings import TrainingSettings
from training.steps import Progress, Steps

__all__ = ["TrainRequest", "TrainResponse", "TrainingError", "TrainingSettings", "train_breach"]


@dataclass(frozen=True)
class TrainRequest:
    """What to train on, and where the result goes. `events` is a frame of canonical ticket events, `service_events` one of services.

    `cut` and `judge_until` (aware) bound the judgement; by default it is the last four weeks whose outcomes are known.
    Bundles and MLflow's files go below `var_dir`, runs to `tracking_uri` (SQLite below `var_dir`, or a server).
    `by` and `at` (aware) say who trains and when; they are written beside a promotion and change nothing else.
    """

    events: pd.DataFrame
    agreements: AgreementSet
    tracking_uri: str
    var_dir: Path
    target: str = "resolution"
    name: str = ""
    cut: datetime | None = None
    judge_until: datetime | None = None
    seed: int = 0
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    by: str = ""
    at: datetime | None = None
    service_events: pd.DataFrame | None = None

    @property
    def plan(self) -> Plan:
        """The request without its data. A model is called `breach` for resolution, else with the target behind it."""
        name = self.name or model_name(self.target)
        return Plan(
            name=name,
            target=self.target,
            tracking_uri=self.tracking_uri,
            var_dir=self.var_dir,
            cut=self.cut,
            judge_until=self.judge_until,
            seed=self.seed,
            settings=self.settings,
            by=self.by,
            at=self.at,
        )


def train_breach(request: TrainRequest, progress: Progress = lambda _step: None) -> TrainResponse:
    """A registered model of who will breach, champion if the gate lets it pass.

    Two models are trained with the same settings: one on what was known at the cut, judged on tickets opened after it, and
    the one that is served, on everything known at the end. Raises TrainingError when the log cannot teach.
    """
    steps = Steps(progress)
    steps.begin("reading histories and labels")
    settings = request.settings
    source = HistoryRows.of(
        request.events,
        request.agreements,
        request.target,
        settings.grid_one_in,
        request.seed,
        service_events=request.service_events,
    )
    return train_from(source, request.plan, steps)
