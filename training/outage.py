"""From service events to a registered outage model: judged quarter by quarter, served by whatever is surely best.

Unlike tickets, services always have an answer to serve: the model that is registered holds the simple rules too, and says
which candidate answers. Where no model is surely better than the best rule that rule answers, and the run says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from features.outages.checks import CheckRules
from features.outages.columns import OutageColumns, outage_columns
from features.outages.ledger import Ledger
from features.outages.rows import OutageRows, outage_rows
from models.outage import CANDIDATES, OutageModel, OutageParameters, fit_outage_model, outage_frame, save_outage_model
from sla.instants import DAY_US
from training import tracking
from training.evaluation import Scores, evaluate
from training.outage_rolling import OutageVerdict, Rolled, decide, earlier_rows, roll
from training.plan import TrainingError
from training.registration import StoredBundle, register_champion, store_bundle
from training.steps import Progress, Steps

NAME = "outage"
PYFUNC = "pyfunc_outage.py"


class OutageSettings(BaseModel):
    """Everything about a training that is a choice; logged with the run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: OutageParameters = OutageParameters()
    checks: CheckRules = CheckRules()
    kinds: tuple[str, ...] = Field(default=("outage",), description="Kinds of service events that are an outage.")
    horizon_hours: int = Field(default=24, ge=1, description="An outage is to begin within so many hours.")
    least_outages: int = Field(default=60, description="Known outages before an origin, to fit a model there.")
    draws: int = Field(default=200, ge=20)


@dataclass(frozen=True)
class OutageRequest:
    """What to train on, and where the result goes: canonical service events, and what tickets tell of services, if anything."""

    events: pd.DataFrame
    tickets: pd.DataFrame | None
    tracking_uri: str
    var_dir: Path
    seed: int = 0
    by: str = ""
    at: datetime | None = None
    settings: OutageSettings = field(default_factory=OutageSettings)
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)  # which service needs which, by the catalogue


@dataclass(frozen=True)
class OutageResponse:
    """The verdict, the figures of every candidate, and where the model is."""

    verdict: OutageVerdict
    scores: Mapping[str, Scores]  # empty where no quarter could be judged
    version: str
    bundle: Path
    seconds: Mapping[str, float]

    def text(self) -> str:
        """The figures as a table, then what is served and why."""
        lines = ["| candidate | AUC | AP | ECE | Brier |", "|---|---|---|---|---|"]
        for name, one in self.scores.items():
            lines.append(f"| {name} | {one.auc:.3f} | {one.ap:.3f} | {one.ece:.4f} | {one.brier:.4f} |")
        head = "\n".join(lines) if self.scores else "No quarter could be judged yet."
        return f"{head}\n\n{self.version} is served by {self.verdict.served}. Why: {self.verdict.why}.\n"


def train_outage(request: OutageRequest, progress: Progress = lambda _step: None) -> OutageResponse:
    """A registered outage model, champion at once; raises TrainingError where there is nothing to learn from."""
    steps, settings = Steps(progress), request.settings
    horizon_us = settings.horizon_hours * (DAY_US // 24)
    steps.begin("reading histories")
    ledger = Ledger.of(
        request.events, request.tickets, kinds=settings.kinds, rules=settings.checks, needs=request.needs
    )
    rows = outage_rows(ledger, horizon_us)
    _check(ledger, rows)
    columns = outage_columns(ledger, rows, horizon_us)
    steps.begin("judging every candidate, quarter by quarter")
    rolled = roll(
        rows,
        columns,
        settings.model,
        horizon_us=horizon_us,
        kinds=settings.kinds,
        least_outages=settings.least_outages,
        seed=request.seed,
    )
    verdict = decide(rolled, earlier_rows(rows, columns, rolled), draws=settings.draws)
    steps.begin("training the model to be served")
    model = _final(rows, columns, ledger, request, horizon_us).serving(verdict.served).told_by(settings.checks)
    scores = {name: evaluate(rolled.y, rolled.said[name]) for name in CANDIDATES} if len(rolled.y) else {}
    bundle = store_bundle(request.var_dir, NAME, lambda folder: save_outage_model(folder, model))
    steps.begin("writing run, model and version to MLflow")
    registered = _record(bundle, columns, rolled, scores, verdict, request)
    steps.end()
    return OutageResponse(verdict, scores, registered.version, bundle.folder, steps.seconds)


def _check(ledger: Ledger, rows: OutageRows) -> None:
    known = rows.label[(~np.isnan(rows.label)) & (rows.known_us <= ledger.until_us)]
    if not 0 < known.sum() < len(known):
        raise TrainingError(
            f"{len(ledger.names)} services with {len(ledger.outages.begin_us)} outages give {len(known)} days whose outcome is known, "
            f"{int(known.sum())} of them with an outage: both kinds are needed. Import more service events"
        )


def _final(
    rows: OutageRows, columns: OutageColumns, ledger: Ledger, request: OutageRequest, horizon_us: int
) -> OutageModel:
    known = ~np.isnan(rows.label) & (rows.known_us <= ledger.until_us)
    return fit_outage_model(
        columns.where(known),
        rows.label[known],
        rows.at_us[known],
        request.settings.model,
        horizon_us=horizon_us,
        kinds=request.settings.kinds,
        seed=request.seed,
    )


def _record(
    bundle: StoredBundle,
    columns: OutageColumns,
    rolled: Rolled,
    scores: Mapping[str, Scores],
    verdict: OutageVerdict,
    request: OutageRequest,
) -> tracking.Registration:
    metrics = {
        f"{name.replace(' ', '_')}.{figure}": value
        for name, one in scores.items()
        for figure, value in one.named().items()
    }
    metrics |= {"rows": float(len(rolled.y)), "gain": verdict.gain.value, "gain_low": verdict.gain.low}
    settings = request.settings.model_dump(mode="json")
    record = tracking.RunRecord(
        experiment=NAME,
        run_name=f"{NAME} {bundle.digest[:8]}",
        params={**settings.pop("model"), **settings, "seed": request.seed},
        metrics=metrics,
        tags={"bundle_digest": bundle.digest, "served": verdict.served, "why": verdict.why},
        texts={"report.txt": verdict.why + "\n"},
        pyfunc=PYFUNC,
    )
    example = outage_frame(columns).iloc[-5:]
    return register_champion(request, record, bundle, example, verdict.why)
