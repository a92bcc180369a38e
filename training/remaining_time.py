"""From ticket events to a registered model of when tickets end: trained, judged beside simple tables, kept only if better.

The judged sibling knows what was known at the cut and is asked about tickets opened after it; the served model learns from
everything. Tickets that are still open cannot be judged, and the last ones to be opened have ended only if they were
short: so tickets are judged that were opened early enough for nearly all to have ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from features.histories import Histories
from features.pipeline import build
from features.spec import FeatureSpec
from models.remaining_time import (
    RemainingTimeManifest,
    RemainingTimeModel,
    RemainingTimeParameters,
    fit_remaining_time,
    save_remaining_time,
)
from models.scales import Float64Array
from sla.agreements.agreement_set import AgreementSet
from sla.instants import NEVER_US
from training import tracking
from training.building import data_fingerprint
from training.plan import TrainingError
from training.registration import StoredBundle, register_champion, store_bundle
from training.remaining_time_judgement import RemainingTimeJudgement, judge_answers
from training.remaining_time_rows import RemainingRows, remaining_rows
from training.remaining_time_tables import mean_by_length, median_by_group
from training.splits import instant
from training.steps import Progress, Steps

NAME = "remaining-time"
PYFUNC = "pyfunc_remaining_time.py"
LIBRARIES = ("numpy", "pandas", "scikit-learn")
LEAST_TRAINING_TICKETS = 50
MATURE = 0.95  # of tickets have ended by the age at which one may be judged


class RemainingTimeSettings(BaseModel):
    """Everything about a training that is a choice; logged with the run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: RemainingTimeParameters = RemainingTimeParameters()
    families: tuple[str, ...] = ("sequence",)
    grid_one_in: int = Field(default=24, ge=0)  # one of so many hours between records becomes a row; 0: none
    judged_share: float = Field(default=0.2, gt=0, lt=1)  # of the tickets that may be judged, if no cut is given
    least_tickets: int = 100
    draws: int = Field(default=200, ge=20)


@dataclass(frozen=True)
class RemainingTimeRequest:
    """What to train on, and where the result goes; `events` is a frame of canonical ticket events.

    `cut` (aware) is when the judged sibling stops learning; by default before the last fifth of the tickets that may be judged.
    """

    events: pd.DataFrame
    agreements: AgreementSet
    tracking_uri: str
    var_dir: Path
    cut: datetime | None = None
    seed: int = 0
    by: str = ""  # whose promotion it is, for the registry's log
    at: datetime | None = None
    settings: RemainingTimeSettings = field(default_factory=RemainingTimeSettings)
    service_events: pd.DataFrame | None = None


@dataclass(frozen=True)
class RemainingTimeResponse:
    """What came of a training: the judgement, and the version and folder of the model if it was good enough."""

    judgement: RemainingTimeJudgement
    cut: datetime
    version: str
    bundle: Path | None
    seconds: Mapping[str, float]

    @property
    def promoted(self) -> bool:
        """Whether the model was registered, and is served from now on."""
        return self.bundle is not None

    def text(self) -> str:
        """The judgement as a table, then what became of the model."""
        found = f"{self.version} is promoted." if self.promoted else "Nothing was registered."
        head = f"Tickets opened after {self.cut:%Y-%m-%d %H:%M} UTC, by a model that knew nothing later."
        return f"{head}\n{self.judgement.text()}\n\n{found} Why: {self.judgement.why}.\n"


def train_remaining_time(
    request: RemainingTimeRequest, progress: Progress = lambda _step: None
) -> RemainingTimeResponse:
    """A registered model of when tickets end, champion at once; nothing is registered if simple tables are as good.

    Raises TrainingError where the log cannot teach.
    """
    steps = Steps(progress)
    steps.begin("reading histories")
    histories = Histories.from_events(request.events, request.agreements, request.service_events)
    rows = remaining_rows(histories, grid_one_in=request.settings.grid_one_in, seed=request.seed)
    cut_us, until_us = _periods(rows, request)
    steps.begin("training and judging a model as of the cut")
    judgement = _judged(histories, rows, cut_us, until_us, request)
    if not judgement.is_passed:
        steps.end()
        return RemainingTimeResponse(judgement, instant(cut_us), "", None, steps.seconds)
    steps.begin("training the model to be served")
    spec = FeatureSpec.from_histories(histories, request.settings.families)
    train = rows.where(rows.end_us != NEVER_US)
    X = build(histories, train.snapshots, spec)
    model = fit_remaining_time(X, train.hours, spec, request.settings.model, seed=request.seed)
    bundle = _stored(model, train, histories, judgement, request)
    steps.begin("writing run, model and version to MLflow")
    registered = _record(bundle, X.iloc[:5], judgement, cut_us, request)
    steps.end()
    return RemainingTimeResponse(judgement, instant(cut_us), registered.version, bundle.folder, steps.seconds)


def _periods(rows: RemainingRows, request: RemainingTimeRequest) -> tuple[int, int]:
    """When the sibling stops learning, and until when tickets are judged that were opened since."""
    opened_us, end_us = _by_ticket(rows)
    ended = end_us != NEVER_US
    if ended.sum() < LEAST_TRAINING_TICKETS:
        raise TrainingError(
            f"only {ended.sum()} tickets have ended: at least {LEAST_TRAINING_TICKETS} are needed to learn from"
        )
    lasted_us = int(np.quantile((end_us - opened_us)[ended], MATURE))
    until_us = int(rows.snapshots.at_us.max()) - lasted_us
    if request.cut is not None:
        return int(request.cut.timestamp() * 1_000_000), until_us
    mature_us = np.sort(opened_us[opened_us <= until_us])
    if not len(mature_us):
        raise TrainingError(
            f"the log is shorter than nineteen of twenty tickets ({lasted_us / 8.64e10:.1f} days): import more of it"
        )
    return int(mature_us[int(len(mature_us) * (1 - request.settings.judged_share))]), until_us


def _by_ticket(rows: RemainingRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """When each ticket of the rows was opened, and when it ended."""
    _, first = np.unique(rows.snapshots.ticket, return_index=True)
    return rows.opened_us[first], rows.end_us[first]


def _judged(
    histories: Histories, rows: RemainingRows, cut_us: int, until_us: int, request: RemainingTimeRequest
) -> RemainingTimeJudgement:
    settings, known = request.settings, histories.known_by(cut_us)
    learned = remaining_rows(known, grid_one_in=settings.grid_one_in, seed=request.seed)
    learned = learned.where(learned.end_us != NEVER_US)
    if len(np.unique(learned.snapshots.ticket)) < LEAST_TRAINING_TICKETS:
        raise TrainingError(f"too few tickets had ended by {instant(cut_us):%Y-%m-%d}, the cut: choose a later one")
    asked = rows.where((rows.opened_us > cut_us) & (rows.opened_us <= until_us))
    open_tickets = len(np.unique(asked.snapshots.ticket[asked.end_us == NEVER_US]))
    asked = asked.where(asked.end_us != NEVER_US)
    if not len(asked):
        raise TrainingError(
            f"no ticket that was opened after {instant(cut_us):%Y-%m-%d}, the cut, has ended: choose an earlier one"
        )
    spec = FeatureSpec.from_histories(known, settings.families)
    X = build(known, learned.snapshots, spec)
    model = fit_remaining_time(X, learned.hours, spec, settings.model, seed=request.seed)
    answers: dict[str, Float64Array] = {
        "model": model.predict(build(histories, asked.snapshots, spec)),
        "mean by number of records": mean_by_length(learned, asked),
        "median by team and priority": median_by_group(histories, learned, asked),
    }
    return judge_answers(asked, answers, open_tickets, least_tickets=settings.least_tickets, draws=settings.draws)


def _stored(
    model: RemainingTimeModel,
    train: RemainingRows,
    histories: Histories,
    judgement: RemainingTimeJudgement,
    request: RemainingTimeRequest,
) -> StoredBundle:
    manifest = RemainingTimeManifest(
        name=NAME,
        spec_fingerprint=model.spec.fingerprint,
        agreements_version=request.agreements.version,
        data_fingerprint=data_fingerprint(request.events, request.service_events),
        seed=request.seed,
        parameters=request.settings.model,
        tickets=len(np.unique(train.snapshots.ticket)),
        rows=len(train),
        known_until=instant(histories.last_known_us),
        metrics={name: round(value, 6) for name, value in judgement.metrics().items()},
        libraries={name: version(name) for name in LIBRARIES},
        files={},
    )
    return store_bundle(request.var_dir, NAME, lambda folder: save_remaining_time(folder, model, manifest))


def _record(
    bundle: StoredBundle,
    example: pd.DataFrame,
    judgement: RemainingTimeJudgement,
    cut_us: int,
    request: RemainingTimeRequest,
) -> tracking.Registration:
    settings = request.settings.model_dump(mode="json")
    record = tracking.RunRecord(
        experiment=NAME,
        run_name=f"{NAME} {bundle.digest[:8]}",
        params={**settings.pop("model"), **settings, "seed": request.seed, "cut": instant(cut_us).isoformat()},
        metrics=judgement.metrics(),
        tags={"bundle_digest": bundle.digest, "agreements_version": request.agreements.version},
        texts={"report.txt": judgement.text() + "\n"},
        pyfunc=PYFUNC,
    )
    return register_champion(request, record, bundle, example, judgement.why)
