"""The life of a model from rows to registry: judge a sibling, fit what is served, record both, move the aliases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.blend import Blend
from models.scales import Float64Array
from training import tracking
from training.bundle_costs import BundleCosts, bundle_costs
from training.challenge import Exam, challenge
from training.fitting import fit_members
from training.gate import Verdict, champion_check, cost_check, judge, slice_check
from training.judgement import LINEAR, MODEL, RULES, SetResult, judge_sets, predictions
from training.packing import Packed, judgement_entry, pack
from training.plan import Plan, RowSource, TrainingError
from training.plots import precision_recall_plot, reliability_plot, roc_plot
from training.promotion import keep_as_challenger, promote
from training.rehearsal import Rehearsal, chosen_blend, recalibrate, rehearse
from training.rivalry import Rivalry
from training.rows import Labelled, Rows
from training.run_report import Predict, RunReport, run_report
from training.settings import TrainingSettings
from training.slice_gains import SliceGain, slice_gains
from training.splits import Periods, censored, derive_periods, instant, judged, learnable
from training.steps import Steps
from training.wording import judgement_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_TRAINING_TICKETS = 50


@dataclass(frozen=True)
class Judged:
    """The sibling's figures and the gate's verdict."""

    periods: Periods
    tickets: int
    blend: Blend  # chosen before the cut; the served model keeps it
    results: tuple[SetResult, ...]
    verdict: Verdict  # of everything but the cost of the served bundle, which is not there yet
    figures: Mapping[str, Figure]  # by file name
    report: RunReport

    @property
    def metrics(self) -> dict[str, float]:
        """All figures by flat name."""
        named = {name: value for result in self.results for name, value in result.named().items()}
        return named | dict(self.report.metrics or {})


@dataclass(frozen=True)
class TrainResponse:
    """What came of a training. `why` is the gate's reason; `metrics` are those of the judged sibling, as logged."""

    version: str
    number: int
    run_id: str
    promoted: bool
    why: str
    bundle: Path
    cut: datetime
    until: datetime
    calibration: str
    results: tuple[SetResult, ...]
    metrics: Mapping[str, float]
    seconds: Mapping[str, float]

    def text(self) -> str:
        """The judgement as tables, then the calibration and the gate's verdict in words."""
        return _report(self.results, self.cut, self.until, self.calibration) + f"\n\n{self.verdict_text()}\n"

    def verdict_text(self) -> str:
        """One sentence: promoted or not, and why."""
        verdict = "is promoted: the queue uses it from now on" if self.promoted else "is registered but not promoted"
        return f"{self.version} {verdict}. Why: {self.why}."


def train_from(source: RowSource, plan: Plan, steps: Steps) -> TrainResponse:
    """The response to a plan on the rows of a source. Raises TrainingError when the rows cannot teach."""
    periods = _periods(source, plan)
    steps.begin("building features as known at the cut")
    rows = source.rows(periods.cut_us)
    known = rows.relabelled(*source.labels(periods.cut_us))
    judgement = _judge_sibling(source, known, rows, periods, plan, steps)
    steps.begin("building features for the model to be served")
    rows = source.rows(periods.end_us)
    packed = _fit_served(rows, source, periods, judgement, plan, steps)
    costs = bundle_costs(packed.folder, packed.example)
    verdict = judgement.verdict.and_also(cost_check(costs, plan.settings.gate))
    steps.begin("writing run, bundle and version to MLflow")
    registered = _record(packed, rows, replace(judgement, verdict=verdict), costs, plan, steps)
    steps.end()
    return TrainResponse(
        version=registered.version,
        number=registered.number,
        run_id=registered.run_id,
        promoted=verdict.is_passed,
        why=verdict.why,
        bundle=packed.folder,
        cut=instant(periods.cut_us),
        until=instant(periods.until_us),
        calibration=packed.calibration_why,
        results=judgement.results,
        metrics=judgement.metrics,
        seconds=steps.seconds,
    )


def _periods(source: RowSource, plan: Plan) -> Periods:
    labelled = source.labelled
    if not (labelled.breached >= 0).any():
        raise TrainingError(
            f"no ticket has a known outcome for the target {plan.target!r}. Check that the agreements set it for these tickets "
            "and that tickets end: slacast clocks shows what the rules make of them."
        )
    cut_us = None if plan.cut is None else int(plan.cut.timestamp() * 1_000_000)
    until_us = None if plan.judge_until is None else int(plan.judge_until.timestamp() * 1_000_000)
    return derive_periods(labelled, source.end_us, cut_us, until_us, weeks_judged=plan.settings.weeks_judged)


def _judge_sibling(source: RowSource, known: Rows, rows: Rows, periods: Periods, plan: Plan, steps: Steps) -> Judged:
    """`known` has the labels of the cut, from which it learns; `rows` those of the end, by which it is judged."""
    train = known.where(learnable(known, periods.cut_us, periods.maturity_us))
    places = np.flatnonzero(judged(rows, periods.cut_us, periods.until_us))
    test = rows.where(judged(rows, periods.cut_us, periods.until_us))
    _check_enough(train, f"known on {instant(periods.cut_us):%Y-%m-%d}, the cut")
    if not len(test):
        raise TrainingError(
            f"no ticket opened after the cut {instant(periods.cut_us):%Y-%m-%d %H:%M} UTC has a known outcome by "
            f"{instant(periods.until_us):%Y-%m-%d %H:%M} UTC, so nothing can be judged. Choose an earlier --cut."
        )
    settings = plan.settings

    young = known.where(censored(known, periods.cut_us, periods.maturity_us))

    def at_cut(of: TrainingSettings, seed: int) -> tuple[Blend, Predict]:
        cut_us = periods.cut_us
        direct = plan.direct_at(cut_us, periods.maturity_us, of.model, seed)
        fitted = fit_members(train, of.model, seed, censored=young, direct=direct)
        rehearsal = rehearse(
            known,
            cut_us,
            cut_us - periods.maturity_us,
            periods.maturity_us,
            of.model,
            of.rehearsal,
            seed,
            source.labels,
        )
        blend = chosen_blend(rehearsal, of.model, of.rehearsal)
        answer = recalibrate(rehearsal, blend, of.rehearsal)
        return blend, lambda asked: predictions(train, asked, fitted, blend, answer.calibration)

    steps.begin("training the model that is judged")
    blend, predict = at_cut(settings, plan.seed)
    steps.begin("judging it beside the baselines")
    probabilities = predict(test)
    results = judge_sets(test, probabilities, draws=settings.draws, seed=plan.seed)
    report = run_report(source, test.spec, periods, predict, plan)
    steps.begin("judging it beside the champion and in slices")
    exam = Exam(source, places, test, probabilities[MODEL])
    rivalry = challenge(exam, plan, lambda of, seed, asked: at_cut(of, seed)[1](asked)[MODEL])
    verdict = _verdict(results, rivalry, _slices(source, test, probabilities, plan), plan)
    shown = {name: values[test.is_event] for name, values in probabilities.items() if name in (MODEL, LINEAR, *RULES)}
    figures = _figures(test.where(test.is_event), shown)
    return Judged(periods, test.ticket_count(), blend, tuple(results), verdict, figures, report)


def _verdict(results: list[SetResult], rivalry: Rivalry, slices: list[SliceGain], plan: Plan) -> Verdict:
    """At every event while open: there are most rows, and there the queue is looked at."""
    gate_on = next((result for result in results if result.key == "prefix"), results[0])
    gate = plan.settings.gate
    verdict = judge(gate_on.scores[MODEL], gate_on.tickets, gate_on.auc_gain, RULES, gate, LINEAR)
    return verdict.and_also(champion_check(rivalry, gate), slice_check(slices, gate))


def _slices(source: RowSource, test: Rows, probabilities: Mapping[str, Float64Array], plan: Plan) -> list[SliceGain]:
    events, gate = test.where(test.is_event), plan.settings.gate
    return slice_gains(
        {"priority": events.priority, "team": events.team},
        source.texts,
        events.y,
        events.ticket,
        events.opened_day,
        {name: probabilities[name][test.is_event] for name in (MODEL, *RULES)},
        MODEL,
        least_tickets=gate.least_slice_tickets,
        least_breaches=gate.least_slice_breaches,
        draws=plan.settings.draws,
        seed=plan.seed,
    )


def _rehearsal(rows: Rows, source: RowSource, periods: Periods, plan: Plan) -> Rehearsal:
    """The rehearsal of the model that is served."""
    settings, maturity_us = plan.settings, periods.maturity_us
    return rehearse(
        rows,
        periods.end_us,
        periods.closed_us,
        maturity_us,
        settings.model,
        settings.rehearsal,
        plan.seed,
        source.labels,
    )


def _check_enough(train: Labelled, when: str) -> None:
    tickets, breaches = train.ticket_count(), int(train.y.sum())
    if tickets >= LEAST_TRAINING_TICKETS and breaches in (0, len(train)):
        what = "no promise was broken" if breaches == 0 else "every promise was broken"
        raise TrainingError(
            f"nothing to tell apart: of {tickets} tickets with outcomes {when}, {what}. Check with slacast clocks that the targets "
            "are as agreed and that the events that end a ticket are mapped; a model needs both outcomes."
        )
    if tickets < LEAST_TRAINING_TICKETS or breaches in (0, len(train)):
        raise TrainingError(
            f"too little to learn from: {tickets} tickets with outcomes {when}, {breaches} of {len(train)} snapshots end in breach; "
            f"needed are {LEAST_TRAINING_TICKETS} tickets and both outcomes. Import more history, or choose a later --cut."
        )


def _figures(test: Rows, probabilities: Mapping[str, Float64Array]) -> dict[str, Figure]:
    if not 0 < test.y.sum() < len(test):
        return {}
    plots = {"reliability": reliability_plot, "roc": roc_plot, "precision_recall": precision_recall_plot}
    return {f"{name}.png": plot(test.y, probabilities) for name, plot in plots.items()}


def _fit_served(rows: Rows, source: RowSource, periods: Periods, judgement: Judged, plan: Plan, steps: Steps) -> Packed:
    train = rows.where(learnable(rows, periods.end_us, periods.maturity_us))
    _check_enough(train, "at the end of the log")
    settings = plan.settings
    steps.begin("training the model that is served")
    young = rows.where(censored(rows, periods.end_us, periods.maturity_us))
    direct = plan.direct_at(periods.end_us, periods.maturity_us, settings.model, plan.seed)
    fitted = fit_members(train, settings.model, plan.seed, censored=young, direct=direct)
    rehearsal = _rehearsal(rows, source, periods, plan)
    answer = recalibrate(rehearsal, judgement.blend, settings.rehearsal)
    judged_as = judgement_entry(periods, judgement.tickets, judgement.metrics)
    return pack(fitted, judgement.blend, answer, train, source, periods, judged_as, plan)


def _record(
    packed: Packed, rows: Rows, judgement: Judged, costs: BundleCosts, plan: Plan, steps: Steps
) -> tracking.Registration:
    report = _report(
        judgement.results,
        instant(judgement.periods.cut_us),
        instant(judgement.periods.until_us),
        packed.calibration_why,
    )
    record = tracking.RunRecord(
        experiment=plan.name,
        run_name=f"{plan.name} until {instant(judgement.periods.end_us):%Y-%m-%d}",
        params=packed.params,
        metrics={
            **judgement.metrics,
            **costs.named(),
            **{f"seconds.{name.replace(' ', '_')}": s for name, s in steps.seconds.items()},
        },
        tags={
            **packed.tags,
            "gate": "passed" if judgement.verdict.is_passed else "failed",
            "gate_reason": judgement.verdict.why,
        },
        texts=_texts(report, rows, judgement),
        figures=judgement.figures,
    )
    example = packed.example
    registered = tracking.record_training(
        plan.tracking_uri, plan.var_dir / "mlflow", plan.name, record, packed.folder, example
    )
    if judgement.verdict.is_passed:
        why = f"passed the gate: {judgement.verdict.why}"
        promote(plan.tracking_uri, registered.name, registered.number, reason=why, by=plan.by or "training", at=plan.at)
    else:
        keep_as_challenger(plan.tracking_uri, registered.name, registered.number, judgement.verdict.why)
    return registered


def _texts(report: str, rows: Rows, judgement: Judged) -> dict[str, str]:
    texts = {"report.txt": report, "features.md": rows.spec.markdown(), "gate.md": judgement.verdict.table()}
    return {**texts, "report.html": judgement.report.html} if judgement.report.html else texts


def _report(results: tuple[SetResult, ...], cut: datetime, until: datetime, calibration: str) -> str:
    return f"{judgement_text(results, cut, until)}\n\nCalibration of the served model: {calibration}."
