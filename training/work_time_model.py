"""From ticket events to a registered model of how much hands-on work a ticket needs: judged beside category means, which answer where it is not better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.hands_on import ends, hands_on
from features.histories import Histories
from models.work_marks import COLUMNS, KINDS, Texts, WorkTime, WorkTimeError, ordered, placed, save_work_time
from models.work_time import Floats, WorkTimeModel
from sla.agreements.agreement_set import AgreementSet
from sla.instants import DAY_US
from training import tracking
from training.bootstrap import Interval, blocks_of, interval_of, ratio
from training.registration import StoredBundle, register_champion, store_bundle
from training.steps import Progress, Steps
from training.work_time import fit_work_time

NAME, PYFUNC, TARGET = "work-time", "pyfunc_work_time.py", "resolution"
FEWEST_TICKETS = 200
JUDGED_SHARE = 0.25
EXAMPLE_ROWS = 5
_COLUMN_OF = {name: f"attributes.{name}" if name == "title" else name for name in COLUMNS}


@dataclass(frozen=True)
class WorkTimeRequest:
    """What to train on, and where the result goes."""

    events: pd.DataFrame
    agreements: AgreementSet
    tracking_uri: str
    var_dir: Path
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Worked:
    """Finished tickets in the order of their ends, n rows: words as known at the end, minutes of work, the day of the end."""

    texts: Mapping[str, Texts]
    minutes: Floats
    day: NDArray[np.int64]
    kind: str

    def take(self, rows: slice) -> Worked:
        """Some of the tickets."""
        texts = {name: column[rows] for name, column in self.texts.items()}
        return Worked(texts, self.minutes[rows], self.day[rows], self.kind)


@dataclass(frozen=True)
class WorkTimeResponse:
    """How the trees did beside category means on the last quarter, and where the model is. `error_ratio`: of squared errors of the log."""

    error_ratio: Interval
    is_learned: bool
    why: str
    version: str
    bundle: Path
    seconds: dict[str, float]

    def text(self) -> str:
        """The outcome in lines."""
        return f"squared error of the log of minutes, trees over category means: {self.error_ratio.plain}\n\n{self.version}: {self.why}\n"


def train_work_time(request: WorkTimeRequest, progress: Progress = lambda _step: None) -> WorkTimeResponse:
    """A registered work-time model, champion at once: where trees are not surely better, the category means are what it serves.

    Trees learn from the earlier three quarters of the tickets and are judged on the last; the interval is over days. What is served learns from
    all. Raises WorkTimeError for fewer than 200 finished tickets that tell.
    """
    steps = Steps(progress)
    steps.begin("reading how long work took")
    worked = worked_tickets(request.events, request.agreements)
    steps.begin("judging on the last quarter")
    error_ratio = judged(worked)
    is_learned = error_ratio.high < 1.0
    why = (
        f"trees on top of category means have {100 * (1 - error_ratio.value):.0f} % less squared error on later tickets"
        if is_learned
        else "trees are not surely better than category means on later tickets, so the means answer"
    )
    steps.begin("learning from all")
    orders, model = _fitted(worked)
    if not is_learned:
        model = replace(model, booster=None, trust=0.0, log_sd=model.categories.log_sd)
    found = WorkTime(orders, model, worked.kind, len(worked.minutes))
    steps.begin("writing run, model and version to MLflow")
    bundle = store_bundle(request.var_dir, NAME, lambda folder: save_work_time(folder, found))
    registered = _record(bundle, request, worked, found, error_ratio, why)
    steps.end()
    return WorkTimeResponse(error_ratio, is_learned, why, registered.version, bundle.folder, dict(steps.seconds))


def worked_tickets(events: pd.DataFrame, agreements: AgreementSet) -> Worked:
    """What finished tickets tell: booked minutes where at least half have them, else the time on the clock from pick-up to the end."""
    histories = Histories.from_events(events, agreements)
    last = ends(histories)
    states = histories.states_at(last.ticket, last.at_us, "status")
    is_over = np.isin(states, ("resolved", "closed"))
    last = last.take(np.flatnonzero(is_over)[np.argsort(last.at_us[is_over], kind="stable")])
    work = hands_on(histories, last, TARGET)
    is_booked = (work.booked > 0).mean() >= 0.5 if len(last) else False
    minutes = work.booked if is_booked else work.since_pick_up
    rows = np.flatnonzero(minutes > 0)
    if len(rows) < FEWEST_TICKETS:
        raise WorkTimeError(
            f"{len(rows)} finished tickets tell how long they took (attributes.handling_minutes, or an assignee and an agreed resolution); "
            f"expected at least {FEWEST_TICKETS}"
        )
    mine = last.take(rows)
    texts = {
        name: pd.Series(histories.states_at(mine.ticket, mine.at_us, column)).fillna("").to_numpy(dtype=object)
        for name, column in _COLUMN_OF.items()
    }
    return Worked(texts, minutes[rows], mine.at_us // DAY_US, "booked" if is_booked else "pick_up")


def judged(worked: Worked) -> Interval:
    """Squared errors of the log of minutes on the last quarter, of trees over those of category means; both learned before."""
    cut = len(worked.minutes) - int(JUDGED_SHARE * len(worked.minutes))
    earlier, later = worked.take(slice(0, cut)), worked.take(slice(cut, None))
    orders, model = _fitted(earlier)
    X, logs = placed(orders, later.texts), np.log(later.minutes)
    learned, plain = model.belief(X).log_mean, model.categories.belief(X).log_mean
    block, blocks = blocks_of(later.day)
    return interval_of(ratio((logs - learned) ** 2, (logs - plain) ** 2, block), blocks, draws=1000)


def _fitted(worked: Worked) -> tuple[dict[str, tuple[str, ...]], WorkTimeModel]:
    orders = ordered(worked.texts, np.log(worked.minutes))
    return orders, fit_work_time(placed(orders, worked.texts), worked.minutes, KINDS)


def _record(
    bundle: StoredBundle, request: WorkTimeRequest, worked: Worked, found: WorkTime, error_ratio: Interval, why: str
) -> tracking.Registration:
    metrics = {
        "squared_error_ratio": error_ratio.value,
        "squared_error_ratio_low": error_ratio.low,
        "squared_error_ratio_high": error_ratio.high,
        "trust": found.model.trust,
        "tickets": float(found.tickets),
    }
    record = tracking.RunRecord(
        experiment=NAME,
        run_name=f"{NAME} {bundle.digest[:8]}",
        params={"minutes": found.minutes, "columns": ", ".join(COLUMNS), "judged_share": JUDGED_SHARE},
        metrics=metrics,
        tags={"bundle_digest": bundle.digest, "agreements_version": request.agreements.version, "why": why},
        texts={"report.txt": why + "\n"},
        pyfunc=PYFUNC,
    )
    example = pd.DataFrame({name: column[:EXAMPLE_ROWS].astype(str) for name, column in worked.texts.items()})
    return register_champion(request, record, bundle, example, why)
