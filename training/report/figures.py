"""The figures of a report: from answers and their assessment to charts with captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from models.scales import Float64Array
from sla.instants import DAY_US
from training.assessment import TIME_LEFT, Assessment
from training.evaluation.figures import reliability
from training.evaluation.lead_time import flags
from training.evaluation.queue import DUE, DUE_WAITING_LAST, PRODUCT
from training.evaluation.queue import SHARE as SHARE_USED
from training.judgement import GROUP_TABLE, LINEAR, MODEL, SHARE_RULE
from training.questions import Answered
from training.report.charts import Axis, Row, Series, dot_chart, line_chart
from training.splits import instant

STYLE = {
    MODEL: 0,
    LINEAR: 1,
    GROUP_TABLE: 2,
    SHARE_RULE: 3,
    SHARE_USED: 3,
    TIME_LEFT: 4,
    DUE: 4,
    DUE_WAITING_LAST: 2,
    PRODUCT: 0,
}
CURVE_POINTS = 150
LEAD_HOURS = 40
MOST_BINS = 16


@dataclass(frozen=True)
class Figure:
    """A chart with a caption in words; `names` are the entries of its legend with the numbers of their styles."""

    svg: str
    caption: str
    names: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Section:
    """Figures that belong together, under a title."""

    key: str
    title: str
    figures: tuple[Figure, ...]


def sections(found: Assessment, answered: Answered) -> list[Section]:
    """The sections that have something to show, in the order of the report."""
    rows = answered.where(answered.rows.opened_us > found.since_us) if found.is_about_new else answered
    made = [
        Section("calibration", "Does a probability mean what it says?", tuple(_reliability(rows))),
        Section("ranking", "Are those that breach ahead of those that do not?", tuple(_rankings(rows))),
        Section("clock", "At the same point of the clock", tuple(_landmarks(found))),
        Section("queue", "At the top of the queue", tuple(_queue(found))),
        Section(
            "acting",
            "How early, at what cost, and over time",
            (*_lead(found, answered), *_costs(found), *_over_time(rows)),
        ),
        Section("slices", "For whom is it off?", tuple(_slices(found))),
    ]
    return [one for one in made if one.figures]


def _sets(answered: Answered) -> list[tuple[str, Answered]]:
    masks = (
        ("first event", answered.rows.is_first),
        ("every event", answered.rows.is_event),
        ("queue, every working hour", answered.is_queue),
    )
    parts = [(title, answered.where(mask)) for title, mask in masks]
    return [(title, part) for title, part in parts if 0 < part.rows.y.sum() < len(part)]


def _shown(part: Answered, *names: str) -> list[str]:
    return [name for name in names if name in part.probabilities]


def _named(names: Sequence[str]) -> tuple[tuple[str, int], ...]:
    return tuple((name, STYLE[name]) for name in names)


def _reliability(answered: Answered) -> list[Figure]:
    found = []
    for title, part in _sets(answered):
        names = _shown(part, MODEL, LINEAR)
        lines = []
        for name in names:
            bins = reliability(part.rows.y, part.probabilities[name])
            said, came = np.array([one.said for one in bins]), np.array([one.came for one in bins])
            lines.append(Series(name, said, came, STYLE[name], is_marked=True))
        chart = line_chart(
            f"Reliability, {title}", Axis.of_shares("said"), Axis.of_shares("breached"), lines, diagonal=True
        )
        caption = f"{title[:1].upper()}{title[1:]}, 15 bins of equal mass. On the dotted line of 100 tickets at 30 % thirty breach."
        found.append(Figure(chart, caption, _named(names)))
    return found


def _rankings(answered: Answered) -> list[Figure]:
    sets = _sets(answered)
    return [_roc(title, part) for title, part in sets] + [_precision(title, part) for title, part in sets]


def _roc(title: str, part: Answered) -> Figure:
    names = _shown(part, MODEL, LINEAR, GROUP_TABLE, SHARE_RULE)
    curves = {name: roc_curve(part.rows.y, part.probabilities[name]) for name in names}
    lines = [Series(name, *_thinned(false, true), STYLE[name]) for name, (false, true, _) in curves.items()]
    x, y = Axis.of_shares("false alarms among kept"), Axis.of_shares("breaches found")
    chart = line_chart(f"ROC, {title}", x, y, lines, diagonal=True)
    return Figure(chart, f"ROC, {title}: breaches found against false alarms.", _named(names))


def _precision(title: str, part: Answered) -> Figure:
    names = _shown(part, MODEL, LINEAR, GROUP_TABLE, SHARE_RULE)
    lines = []
    for name in names:
        precision, recall, _ = precision_recall_curve(part.rows.y, part.probabilities[name])
        is_there = recall > 0  # where nothing is found, precision is a convention
        lines.append(Series(name, *_thinned(recall[is_there], precision[is_there]), STYLE[name]))
    x, y = Axis.of_shares("breaches found"), Axis.of_shares("flags right")
    base = f"{100 * part.rows.y.mean():.0f} % of all do"
    caption = f"Precision and recall, {title}: of those flagged, how many breach ({base})."
    return Figure(line_chart(f"Precision and recall, {title}", x, y, lines), caption, _named(names))


def _landmarks(found: Assessment) -> list[Figure]:
    figures = []
    for group in dict.fromkeys(one.group for one in found.landmarks):
        marks = [one for one in found.landmarks if one.group == group]
        if len(marks) < 2:
            continue
        names = [name for name in (MODEL, LINEAR, GROUP_TABLE, SHARE_RULE) if name in marks[0].auc]
        x = np.array([one.share for one in marks])
        lines = []
        for name in names:
            values = np.array([[one.auc[name].value, one.auc[name].low, one.auc[name].high] for one in marks]).T
            band = (values[1], values[2]) if name == MODEL else (None, None)
            lines.append(Series(name, x, values[0], STYLE[name], True, *band))
        everything = np.concatenate([line.y for line in lines] + [lines[0].low, lines[0].high])
        y = Axis.fitting("AUC", everything, lambda tick: f"{tick:.2f}")
        chart = line_chart(f"AUC by share used, {group}", Axis.of_shares("share of the target used"), y, lines)
        caption = (
            f"AUC among {group} at the instant at which their clock passes a share of its target, with the model's 95 % interval. "
            "There, time used tells nothing (.50)."
        )
        figures.append(Figure(chart, caption, _named(names)))
    return figures


def _queue(found: Assessment) -> list[Figure]:
    if found.queue is None:
        return []
    figures = []
    top = max(found.queue.far)
    small = min(found.queue.soon)
    for table, words in (
        (found.queue.soon[small], f"breaching within 8 working hours that stand on the first {small} places"),
        (found.queue.far[top], f"breaching in 16 to 30 working hours that stand on the first {top} places, of those not due within 16"),
    ):  # fmt: skip
        rows = [
            Row(name, one.value, one.low, one.high, STYLE.get(name, 5), name in (MODEL, PRODUCT))
            for name, one in sorted(table.found.items(), key=lambda item: -item[1].value)
        ]
        edges = np.array([0.0, *(row.high for row in rows), *(row.value for row in rows)])
        x = Axis.fitting("share found, 95 % interval", edges, lambda tick: f"{100 * tick:.0f} %")
        caption = f"Tickets {words}: {table.wanted_each_time:.0f} at a time, queues in each order."
        figures.append(Figure(dot_chart(f"Share found of tickets {words}", x, rows), caption))
    return figures


def _lead(found: Assessment, answered: Answered) -> list[Figure]:
    if not found.lead:
        return []
    since_us = found.since_us
    new = answered.where((answered.rows.opened_us > since_us) & np.isnan(answered.share))
    scores = {name: new.probabilities[name] for name in _shown(new, MODEL, LINEAR)}
    scores |= {SHARE_USED: np.nan_to_num(new.looks.share_used), TIME_LEFT: -new.looks.hours_to_due}
    hours = np.arange(0, LEAD_HOURS + 1, dtype=np.float64)
    lines = []
    for name, score in scores.items():
        raised = flags(new.rows.ticket, new.rows.at_us, score)
        to_breach = new.looks.hours_to_breach
        is_breach = np.isfinite(to_breach[raised.any_look])
        lead = np.where(raised.first_look >= 0, to_breach[np.maximum(raised.first_look, 0)], -1.0)[is_breach]
        lines.append(Series(name, hours, np.array([(lead >= hour).mean() for hour in hours]), STYLE[name]))
    x = Axis(
        "working hours ahead, at least", 0.0, LEAD_HOURS, tuple((float(hour), str(hour)) for hour in range(0, 41, 8))
    )
    chart = line_chart("Breaches flagged ahead", x, Axis.of_shares("of all breaches"), lines)
    caption = "Breaches flagged at least so many working hours ahead, when each score flags a fifth of new tickets."
    return [Figure(chart, caption, _named(list(scores)))]


def _costs(found: Assessment) -> list[Figure]:
    names = [name for name in (MODEL, LINEAR, GROUP_TABLE, SHARE_RULE) if found.costs.get(name)]
    if not names:
        return []
    ratios = np.array([one.miss_costs for one in found.costs[names[0]]], dtype=np.float64)
    x = Axis("actions that a miss costs", float(np.log(ratios[0])), float(np.log(ratios[-1])),
             tuple((float(np.log(ratio)), f"{ratio:.0f}") for ratio in ratios))  # fmt: skip
    lines = [
        Series(name, np.log(ratios), np.array([one.cost.value for one in found.costs[name]]), STYLE[name], True,
               np.array([one.cost.low for one in found.costs[name]]) if name == MODEL else None,
               np.array([one.cost.high for one in found.costs[name]]) if name == MODEL else None)
        for name in names
    ]  # fmt: skip
    plain = np.array([min(one.never, one.always) for one in found.costs[names[0]]])
    lines.append(Series("cheaper of never and always acting", np.log(ratios), plain, 5))
    y = Axis.fitting("actions a ticket", np.concatenate([[0.0], *(line.y for line in lines)]), lambda tick: f"{tick:g}")
    chart = line_chart("Cost by ratio", x, y, lines)
    caption = (
        "Cost of a ticket in actions, by what a missed breach costs, with the model's 95 % interval. Acting is taken to save the promise "
        "while a tenth of the target is left. Below the grey line a score is worth looking at."
    )
    return [Figure(chart, caption, (*_named(names), ("cheaper of never and always acting", 5)))]


def _over_time(answered: Answered) -> list[Figure]:
    events = answered.where(answered.rows.is_event)
    if not len(events):
        return []
    start, end = int(events.rows.at_us.min()), int(events.rows.at_us.max())
    days = max(1, -(-(end - start) // (DAY_US * MOST_BINS)))
    bins = (events.rows.at_us - start) // (days * DAY_US)
    x_days, said, came = [], [], []
    for one in np.unique(bins):
        part = bins == one
        if part.sum() >= 20:
            x_days.append(float((one + 0.5) * days))
            said.append(float(events.probabilities[MODEL][part].mean()))
            came.append(float(events.rows.y[part].mean()))
    if len(x_days) < 2:
        return []
    span = (end - start) / DAY_US
    ticks = tuple((float(day), f"{instant(round(start + day * DAY_US)):%d %b}") for day in np.linspace(0, span, 4))
    y = Axis.fitting("share", np.array([0.0, *said, *came]), lambda tick: f"{100 * tick:.0f} %")
    lines = [
        Series("said", np.array(x_days), np.array(said), 0, is_marked=True),
        Series("came", np.array(x_days), np.array(came), 1, is_marked=True),
    ]
    unit = "day" if days == 1 else f"{days} days"
    chart = line_chart("Said and came over time", Axis("event", 0.0, span, ticks), y, lines)
    return [
        Figure(
            chart,
            f"Mean probability at every event of each {unit}, and the share that breached.",
            (("said", 0), ("came", 1)),
        )
    ]


def _slices(found: Assessment) -> list[Figure]:
    if not found.slices:
        return []
    rows = [
        Row(f"{one.column} {one.value}", one.gap.value, one.gap.low, one.gap.high, 1 if one.is_off else 0, one.is_off)
        for one in found.slices
    ]
    edges = np.array([0.0, *(row.low for row in rows), *(row.high for row in rows), *(row.value for row in rows)])
    x = Axis.fitting("came less said, 95 % interval", edges, lambda tick: f"{100 * tick:+.0f}")
    caption = (
        "Percentage points by which the share that breached exceeded the mean probability, at every event. Orange: clear of zero; "
        "of twenty slices one is so by chance."
    )
    return [Figure(dot_chart("Came less said, by slice", x, rows, reference=0.0), caption, ())]


def _thinned(x: Float64Array, y: Float64Array) -> tuple[Float64Array, Float64Array]:
    keep = np.unique(np.linspace(0, len(x) - 1, min(CURVE_POINTS, len(x))).astype(np.int64))
    return x[keep], y[keep]
