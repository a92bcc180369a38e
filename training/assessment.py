"""All figures of a model on one period's questions, beside every baseline: what a report shows and a run logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.scales import Float64Array
from sla.instants import BoolArray, Int64Array
from training.evaluation.costs import CostFigure, TicketPeaks, cost_tables
from training.evaluation.figures import Scores, evaluate
from training.evaluation.landmarks import Landmark, landmarks
from training.evaluation.lead_time import FAR_HOURS, LeadFigures, lead_table, stability
from training.evaluation.queue import (
    DUE_WAITING_LAST,
    PRODUCT,
    TOPS,
    TopTable,
    breaches_far,
    breaches_soon,
    orders,
    top_table,
)
from training.evaluation.queue import SHARE as SHARE_USED
from training.evaluation.slices import Slice, slices
from training.judgement import BASE_RATE, LINEAR, MODEL, SetResult, set_result
from training.questions import Answered

TIME_LEFT = "time left"
ALL = "all tickets"


@dataclass(frozen=True)
class QueueFigures:
    """The queue replayed: at how many instants, how long, and what stands at the top of it in each order."""

    instants: int
    tickets_each_time: float
    soon: Mapping[int, TopTable]  # by length of the list: breaches in the next working hours
    far: Mapping[int, TopTable]  # breaches in 16 to 30, among those not due within 16


@dataclass(frozen=True)
class FoldFigures:
    """The events of one fold: what was said, what came."""

    fold: int
    from_us: int
    tickets: int
    said: float
    scores: Scores


@dataclass(frozen=True)
class Assessment:
    """Every figure of one period. `tickets` counts those opened after `since_us`: lead time and cost are theirs.

    `is_about_new`: the figures per row are of these tickets alone, too.
    """

    since_us: int
    is_about_new: bool
    sets: tuple[SetResult, ...]
    queue: QueueFigures | None
    tickets: int
    lead: Mapping[str, LeadFigures]
    early: Mapping[str, LeadFigures]  # flagged only while FAR_HOURS are left
    stability: Mapping[str, float]
    costs: Mapping[str, tuple[CostFigure, ...]]
    landmarks: tuple[Landmark, ...]
    slices: tuple[Slice, ...]
    folds: tuple[FoldFigures, ...]

    def named(self) -> dict[str, float]:
        """Flat figures of the model and of its best rule, such as `queue.far50`; those that are not numbers are left out."""
        found = {name: value for result in self.sets for name, value in result.named().items()}
        if self.queue is not None:
            for which, tables in (("soon", self.queue.soon), ("far", self.queue.far)):
                for top, table in tables.items():
                    best = PRODUCT if which == "soon" and PRODUCT in table.found else MODEL
                    found[f"queue.{which}{top}"] = table.found[best].value
                    found[f"queue.{which}{top}_rule"] = table.found[DUE_WAITING_LAST].value
        if MODEL in self.lead:
            found |= {"lead.recall20": self.lead[MODEL].recall.value, "lead.far20": self.lead[MODEL].far_recall.value}
            found["lead.median_hours20"] = self.lead[MODEL].median_lead_hours
        if MODEL in self.early:
            found |= {"lead.early20": self.early[MODEL].far_recall.value}
        if MODEL in self.stability:
            found["stability"] = self.stability[MODEL]
        for cost in self.costs.get(MODEL, ()):
            found[f"cost.{cost.miss_costs}_saving"] = cost.saving
        for mark in self.landmarks:
            if mark.group == self.landmarks[0].group:
                found[f"landmark.auc{round(100 * mark.share)}"] = mark.auc[MODEL].value
        return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def assess(
    answered: Answered,
    origins_us: Sequence[int],
    *,
    since_us: int,
    cost_since_us: int | None = None,
    groups: Mapping[str, BoolArray] | None = None,
    earlier: Mapping[str, TicketPeaks] | None = None,
    only_new: bool = False,
    draws: int = 200,
    seed: int = 0,
) -> Assessment:
    """The assessment of answers. `since_us`: tickets opened later are seen from their first look on.

    With `only_new` the figures per row are of these tickets alone, too (a queue always holds all). `groups` name rows for the
    landmarks, by default the commonest priority and all. `earlier` are peaks on tickets opened before `cost_since_us`, to choose
    thresholds on that are judged on tickets opened after it.
    """
    is_new = answered.rows.opened_us > since_us
    rows = answered.where(is_new) if only_new else answered
    hourly = answered.where(answered.is_queue)
    # Lead time and cost are those of people who look every hour; who looks at events alone sees nothing of either.
    new = answered.where(is_new & np.isnan(answered.share))
    seen = new if len(hourly) else new.where(np.zeros(len(new), np.bool_))
    peaks = peaks_of(answered, since_us if cost_since_us is None else cost_since_us)
    return Assessment(
        since_us=since_us,
        is_about_new=only_new,
        sets=tuple(_sets(rows, draws, seed)),
        queue=_queue(hourly, draws),
        tickets=new.rows.ticket_count(),
        lead=_lead(seen, draws),
        early=_lead(seen, draws, FAR_HOURS),
        stability=_stability(new),
        costs=cost_tables(peaks if len(hourly) else {}, earlier or {}, draws=draws),
        landmarks=tuple(_landmarks(rows, groups, draws)),
        slices=tuple(_slices(rows, draws)),
        folds=tuple(_folds(rows, origins_us)),
    )


def peaks_of(answered: Answered, since_us: int) -> dict[str, TicketPeaks]:
    """The highest probability of each new ticket under each model: what thresholds of later periods are chosen on."""
    new = answered.where((answered.rows.opened_us > since_us) & np.isnan(answered.share))
    return {name: _peaks(new, values) for name, values in new.probabilities.items() if name != BASE_RATE}


def commonest(values: np.ndarray[tuple[int], np.dtype[np.object_]], ticket: Int64Array) -> str | None:
    """The value that most tickets have; None where there is none."""
    texts = np.array([str(value) if value else "" for value in values])
    pairs = np.unique(np.stack([texts, ticket.astype(str)]), axis=1)[0] if len(texts) else texts
    names, count = np.unique(pairs[pairs != ""], return_counts=True)
    return str(names[count.argmax()]) if len(names) else None


def _peaks(new: Answered, values: Float64Array) -> TicketPeaks:
    rows = new.rows
    return TicketPeaks.of(rows.ticket, rows.y, values, rows.share_used, rows.opened_day)


def _sets(answered: Answered, draws: int, seed: int) -> list[SetResult]:
    sets = (
        ("first", "first event", answered.rows.is_first),
        ("prefix", "every event while open", answered.rows.is_event),
        ("queue", "queue, every working hour", answered.is_queue),
    )
    found = []
    for key, title, mask in sets:
        if mask.any():
            part = {name: values[mask] for name, values in answered.probabilities.items()}
            found.append(set_result(key, title, answered.rows.where(mask), part, draws, seed))
    return found


def _queue(hourly: Answered, draws: int) -> QueueFigures | None:
    if not len(hourly):
        return None
    looks = hourly.looks
    wanted = {name: hourly.probabilities[name] for name in (MODEL, LINEAR) if name in hourly.probabilities}
    scores = orders(looks, wanted)
    far, is_sought = breaches_far(looks)
    soon = breaches_soon(looks)
    instants = len(np.unique(looks.at_us))
    return QueueFigures(
        instants,
        len(looks) / instants,
        {top: top_table(looks, scores, soon, top, DUE_WAITING_LAST, draws=draws) for top in TOPS},
        {top: top_table(looks, scores, far, top, DUE_WAITING_LAST, is_sought=is_sought, draws=draws) for top in TOPS},
    )


def _lead(new: Answered, draws: int, least_hours: float = -np.inf) -> dict[str, LeadFigures]:
    if not len(new):
        return {}
    models = {name: values for name, values in new.probabilities.items() if name != BASE_RATE}
    scores = {**models, SHARE_USED: np.nan_to_num(new.looks.share_used), TIME_LEFT: -new.looks.hours_to_due}
    rows = new.rows
    in_time = new.looks.hours_to_due >= least_hours
    hours = new.looks.hours_to_breach
    return lead_table(rows.ticket, rows.at_us, rows.opened_day, hours, scores, may_flag=in_time, draws=draws)


def _stability(new: Answered) -> dict[str, float]:
    """Between events: how much a figure moves when something happens, not when an hour passes."""
    events = new.where(new.rows.is_event)
    rows = events.rows
    return {
        name: stability(rows.ticket, rows.at_us, values)
        for name, values in events.probabilities.items()
        if name != BASE_RATE
    }


def _landmarks(answered: Answered, groups: Mapping[str, BoolArray] | None, draws: int) -> list[Landmark]:
    marks = answered.where(~np.isnan(answered.share))
    if not len(marks):
        return []
    if groups is None:
        masks = _default_groups(marks)
    else:
        masks = {name: mask[~np.isnan(answered.share)] for name, mask in groups.items()}
    ranked = {name: values for name, values in marks.probabilities.items() if name != BASE_RATE}
    return landmarks(marks.share, marks.rows.y, marks.rows.opened_day, ranked, masks, MODEL, draws=draws)


def _default_groups(marks: Answered) -> dict[str, BoolArray]:
    found: dict[str, BoolArray] = {}
    if "priority" in marks.columns:
        most = commonest(marks.columns["priority"], marks.rows.ticket)
        if most is not None:
            found[f"priority {most}"] = np.asarray(marks.columns["priority"] == most)
    return {**found, ALL: np.ones(len(marks), np.bool_)}


def _slices(answered: Answered, draws: int) -> list[Slice]:
    events = answered.where(answered.rows.is_event)
    rows = events.rows
    return slices(events.columns, rows.ticket, rows.y, events.probabilities[MODEL], rows.opened_day, draws=draws)


def _folds(answered: Answered, origins_us: Sequence[int]) -> list[FoldFigures]:
    events = answered.where(answered.rows.is_event)
    found = []
    for fold, from_us in enumerate(origins_us):
        part = events.where(events.fold == fold)
        if len(part):
            said = part.probabilities[MODEL]
            scores = evaluate(part.rows.y, said)
            found.append(FoldFigures(fold, from_us, part.rows.ticket_count(), float(said.mean()), scores))
    return found
