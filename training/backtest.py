"""The rolling-origin backtest: week after week, what would a model trained then have said of the week to come?

At each origin a model is trained on what was known then, by the procedure that trains the served one, and asked about the
window that follows: every event, every working hour of the queue, every landmark. All answers are pooled, then judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from sla.agreements.agreement_set import AgreementSet
from sla.instants import DAY_US
from training.assessment import Assessment, assess, peaks_of
from training.assessment_text import assessment_text
from training.building import HistoryRows
from training.evaluation.costs import TicketPeaks
from training.looks import desk_calendar
from training.plan import TrainingError, model_name
from training.questions import Answered, Questions
from training.report.page import html_report
from training.settings import TrainingSettings
from training.sibling import Sibling, sibling_at
from training.splits import derive_periods, instant
from training.steps import Progress, Steps
from training.tracking import RunRecord, record_run

DEFAULT_FOLDS = 4
MOST_FOLDS = 200


@dataclass(frozen=True)
class BacktestRequest:
    """What to play back. `events` is a frame of canonical ticket events, `service_events` one of services.

    Origins run from `begin` to before `end` (aware), `every_days` apart; `folds` of them. What is left out is derived: `end` is
    the last opening whose outcome can usually be known, four folds lie before it. The run goes to `tracking_uri`. Blend and
    calibration are those that the rehearsal before the first origin chose, or with `rehearses_each` each origin's own.
    """

    events: pd.DataFrame
    agreements: AgreementSet
    tracking_uri: str
    var_dir: Path
    target: str = "resolution"
    name: str = ""
    begin: datetime | None = None
    end: datetime | None = None
    every_days: float = 7.0
    folds: int | None = None
    rehearses_each: bool = False
    seed: int = 0
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    service_events: pd.DataFrame | None = None

    @property
    def experiment(self) -> str:
        """The experiment of the model that is played back, as in training."""
        return self.name or model_name(self.target)


@dataclass(frozen=True)
class BacktestResponse:
    """What came of a backtest: the pooled figures, as text, as flat numbers, as one page of HTML, and the run that keeps them."""

    origins: tuple[datetime, ...]
    until: datetime
    assessment: Assessment
    answered: Answered
    blends: tuple[str, ...]
    run_id: str
    html: str
    seconds: Mapping[str, float]

    @property
    def title(self) -> str:
        """One line: how many models, when, on which windows."""
        return _title(self.origins, self.until)

    def text(self) -> str:
        """The figures in words and tables."""
        return f"{self.title}\n\n{assessment_text(self.assessment)}\n"

    def to_dict(self) -> dict[str, Any]:
        """For machines: origins, flat figures, a record a fold."""
        return {
            "origins": [origin.isoformat() for origin in self.origins],
            "until": self.until.isoformat(),
            "figures": self.assessment.named(),
            "folds": [
                {"from": instant(fold.from_us).isoformat(), "tickets": fold.tickets, "said": fold.said}
                | fold.scores.named()
                for fold in self.assessment.folds
            ],
            "blends": list(self.blends),
            "run_id": self.run_id,
        }


def backtest_breach(request: BacktestRequest, progress: Progress = lambda _step: None) -> BacktestResponse:
    """The backtest of the breach model. Raises TrainingError where no origin has enough to learn from, or nothing follows."""
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
    origins_us, until_us = origins(source, request)
    calendar = desk_calendar(source.histories, source.verdicts)
    parts: list[Answered] = []
    siblings: list[Sibling] = []
    for fold, origin_us in enumerate(origins_us):
        steps.begin(f"training as of {instant(origin_us):%Y-%m-%d}, the {fold + 1}. of {len(origins_us)} origins")
        like = siblings[0] if siblings and not request.rehearses_each else None
        sibling = sibling_at(source, origin_us, settings, request.seed, like)
        window_us = origins_us[fold + 1] if fold + 1 < len(origins_us) else until_us
        asked = Questions.of(source, sibling.spec, calendar, origin_us, window_us)
        parts.append(asked.answered(sibling.predict(asked.rows), fold))
        siblings.append(sibling)
    answered, blends = Answered.pooled(parts), [str(sibling.blend) for sibling in siblings]
    if not len(answered):
        raise TrainingError("no ticket that was open in these windows has a known outcome. Choose an earlier --from.")
    steps.begin("judging all answers")
    found, since_us = _assessed(answered, origins_us, siblings, settings.draws, request.seed)
    steps.begin("writing the run to MLflow")
    title = _title(tuple(map(instant, origins_us)), instant(until_us))
    html = html_report(
        found, answered, f"Backtest of {request.experiment}", f"{title} {_cost_note(since_us, origins_us)}"
    )
    run_id = record_run(
        request.tracking_uri, request.var_dir / "mlflow", _record(request, source, found, title, html, blends)
    )
    steps.end()
    return BacktestResponse(
        tuple(map(instant, origins_us)), instant(until_us), found, answered, tuple(blends), run_id, html, steps.seconds
    )


def origins(source: HistoryRows, request: BacktestRequest) -> tuple[list[int], int]:
    """The instants at which models are trained, and the end of the last window."""
    if request.every_days <= 0 or (request.folds is not None and request.folds < 1):
        raise TrainingError("a backtest needs at least one fold, and windows longer than nothing: --every 7d --folds 4")
    every_us = round(request.every_days * DAY_US)
    begin_us, end_us = _us(request.begin), _us(request.end)
    if not (source.labelled.breached >= 0).any():
        raise TrainingError(f"no ticket has a known outcome for the target {request.target!r}: nothing can be judged")
    if end_us is None and begin_us is not None and request.folds is not None:
        end_us = begin_us + request.folds * every_us
    if end_us is None:
        end_us = derive_periods(source.labelled, source.end_us, None, None, weeks_judged=4).closed_us
    if begin_us is None:
        begin_us = end_us - (request.folds or DEFAULT_FOLDS) * every_us
    found = list(range(begin_us, end_us, every_us))[: request.folds or MOST_FOLDS]
    if not found:
        raise TrainingError(
            f"no window lies between {instant(begin_us):%Y-%m-%d} and {instant(end_us):%Y-%m-%d}, the end of what can be judged. "
            "Choose an earlier --from."
        )
    return found, min(found[-1] + every_us, end_us)


def _us(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1_000_000)


def _assessed(
    answered: Answered, origins_us: list[int], siblings: list[Sibling], draws: int, seed: int
) -> tuple[Assessment, int]:
    """The figures, and since when tickets count for the cost: thresholds are chosen on the first half of the folds."""
    half = len(origins_us) // 2
    earlier = _earlier(answered, origins_us, siblings[half]) if half else {}
    found = assess(
        answered,
        origins_us,
        since_us=origins_us[0],
        cost_since_us=origins_us[half] if earlier else origins_us[0],
        earlier=earlier,
        draws=draws,
        seed=seed,
    )
    return found, origins_us[half] if earlier else origins_us[0]


def _earlier(answered: Answered, origins_us: list[int], later: Sibling) -> dict[str, TicketPeaks]:
    """Peaks of tickets that were new, old enough and decided before a later origin: what one could choose thresholds on then."""
    rows = answered.rows
    is_past = (rows.known_us <= later.cut_us) & (rows.at_us <= later.cut_us)
    past = answered.where(is_past & (rows.opened_us <= later.cut_us - later.maturity_us))
    found = peaks_of(past, origins_us[0])
    return found if all(one.is_breach.sum() >= 20 for one in found.values()) else {}


def _cost_note(since_us: int, origins_us: list[int]) -> str:
    if since_us == origins_us[0]:
        return ""
    return f"Thresholds of cost are chosen on tickets before {instant(since_us):%Y-%m-%d} and judged on tickets opened after it."


def _title(origins: tuple[datetime, ...], until: datetime) -> str:
    models = f"{len(origins)} models" if len(origins) > 1 else "One model"
    return (
        f"{models}, trained on what was known at {origins[0]:%Y-%m-%d %H:%M} UTC"
        + (f" ... {origins[-1]:%Y-%m-%d %H:%M} UTC" if len(origins) > 1 else "")
        + f", each asked about the window that follows, the last until {until:%Y-%m-%d %H:%M} UTC."
    )


def _record(
    request: BacktestRequest, source: HistoryRows, found: Assessment, title: str, html: str, blends: list[str]
) -> RunRecord:
    return RunRecord(
        experiment=request.experiment,
        run_name=f"backtest of {request.experiment}",
        params={
            "target": request.target,
            "every_days": request.every_days,
            "origins": ", ".join(f"{instant(fold.from_us):%Y-%m-%dT%H:%M}Z" for fold in found.folds),
            "blends": "; ".join(blends),
            "seed": request.seed,
        },
        metrics=found.named(),
        tags={
            "kind": "backtest",
            "data_fingerprint": source.data_fingerprint,
            "agreements_version": source.agreements_version,
        },
        texts={"report.txt": f"{title}\n\n{assessment_text(found)}\n", "report.html": html},
    )
