"""The page that every training leaves with its run: the judged model at events and landmarks, without a replay of the queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from features.spec import FeatureSpec
from models.scales import Float64Array
from training.assessment import assess
from training.building import HistoryRows
from training.looks import desk_calendar
from training.plan import Plan, RowSource
from training.questions import Questions
from training.report.page import html_report
from training.rows import Rows
from training.splits import Periods, instant

Predict = Callable[[Rows], Mapping[str, Float64Array]]


@dataclass(frozen=True)
class RunReport:
    """The page, and the figures at landmarks by name; empty where rows have no histories behind them."""

    html: str = ""
    metrics: Mapping[str, float] | None = None


def run_report(source: RowSource, spec: FeatureSpec, periods: Periods, predict: Predict, plan: Plan) -> RunReport:
    """The report on a model judged between the cut and its end; `predict` answers for it and for every baseline.

    What takes longer (every hour of the queue, lead time, cost) is `slacast backtest`'s.
    """
    if not isinstance(source, HistoryRows):
        return RunReport()
    calendar = desk_calendar(source.histories, source.verdicts)
    asked = Questions.of(source, spec, calendar, periods.cut_us, periods.until_us, has_queue=False)
    if not len(asked.rows):
        return RunReport()
    answered = asked.answered(predict(asked.rows))
    cut_us, settings = periods.cut_us, plan.settings
    found = assess(answered, [cut_us], since_us=cut_us, only_new=True, draws=settings.draws, seed=plan.seed)
    about = (
        f"Trained on what was known at {instant(cut_us):%Y-%m-%d %H:%M} UTC, judged on tickets opened after it until "
        f"{instant(periods.until_us):%Y-%m-%d %H:%M} UTC. The queue, lead time and cost are in a backtest's report: slacast backtest {plan.name}."
    )
    named = {name: value for name, value in found.named().items() if name.startswith("landmark.")}
    return RunReport(html_report(found, answered, f"Judgement of {plan.name}", about), named)
