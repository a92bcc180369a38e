"""An assessment in words: tables that a terminal, a run's page and a report share, and the sentences that sum them up."""

from __future__ import annotations

from dataclasses import dataclass

from training.assessment import TIME_LEFT, Assessment
from training.bootstrap import Interval
from training.evaluation.landmarks import Landmark
from training.evaluation.queue import DUE_WAITING_LAST, PRODUCT, SHARE, TOPS
from training.judgement import GROUP_TABLE, LINEAR, MODEL, SHARE_RULE, SetResult
from training.splits import instant
from training.wording import COLUMNS, aligned, figure, percent, set_lines, set_title

Lines = list[tuple[str, ...]]
NAMED_SLICES = 3
CLOCK_RULES = (SHARE, TIME_LEFT)
LANDMARK_MODELS = (MODEL, LINEAR, GROUP_TABLE, SHARE_RULE)


@dataclass(frozen=True)
class Table:
    """A table under a title, with a sentence on how to read it; its first line holds the heads of columns."""

    key: str
    title: str
    note: str
    lines: Lines

    def text(self) -> str:
        """The table as aligned text."""
        return "\n".join(part for part in (self.title, self.note, aligned(self.lines)) if part)


def assessment_text(found: Assessment) -> str:
    """The sentences, then every table."""
    return "\n\n".join(["\n".join(f"- {line}" for line in sentences(found)), *(one.text() for one in tables(found))])


def sentences(found: Assessment) -> list[str]:
    """What the figures say, a sentence each, the first event first."""
    said = [line for result in found.sets for line in _set_sentence(result)]
    said += _queue_sentences(found) + _lead_sentence(found) + _landmark_sentence(found)
    return said + _slice_sentence(found)


def tables(found: Assessment) -> list[Table]:
    """Every table that has a line, in the order in which they are read."""
    sets = [Table(one.key, set_title(one), "", [("", *COLUMNS), *set_lines(one)]) for one in found.sets]
    rest = [_queue_table(found), _lead_table(found), _early_table(found), _landmark_table(found), _cost_table(found)]
    rest += [_slice_table(found), _fold_table(found)]
    return [*sets, *(table for table in rest if table is not None)]


def _set_sentence(result: SetResult) -> list[str]:
    scores, table = result.scores[MODEL], result.scores.get(GROUP_TABLE)
    if scores.auc != scores.auc or table is None:
        return []
    gain = result.auc_gain[GROUP_TABLE]
    better = "clearly better than" if gain.low > 0 else "not clearly better than"
    title = f"{result.title[:1].upper()}{result.title[1:]}"
    off = f"its probabilities are off by {scores.ece:.3f} on average"
    return [f"{title}: AUC {scores.auc:.3f}, {better} the {GROUP_TABLE} ({gain}); {off}."]


def _queue_sentences(found: Assessment) -> list[str]:
    if found.queue is None:
        return []
    said = []
    soon, far = found.queue.soon[TOPS[0]], found.queue.far[TOPS[1]]
    if PRODUCT in soon.found and soon.wanted_each_time > 0:
        said.append(
            f"Of {soon.wanted_each_time:.0f} tickets that breach within 8 working hours the first {soon.top} places show "
            f"{percent(soon.found[PRODUCT].value)} by what is due and then by the model, "
            f"{percent(soon.found[DUE_WAITING_LAST].value)} by {DUE_WAITING_LAST}."
        )
    if MODEL in far.found and far.wanted_each_time > 0:
        said.append(
            f"Of those that breach in 16 to 30 working hours the first {far.top} places show {percent(far.found[MODEL].value)} by the model, "
            f"{percent(far.found[DUE_WAITING_LAST].value)} by {DUE_WAITING_LAST} (difference {_turned(far.gain[MODEL])})."
        )
    return said


def _lead_sentence(found: Assessment) -> list[str]:
    lead = found.lead.get(MODEL)
    if lead is None:
        return []
    found_share = f"Flagging {percent(lead.flagged_share)} of {lead.tickets:,} tickets finds {percent(lead.recall.value)} of breaches"
    early = f"half of them {lead.median_lead_hours:.0f} working hours ahead or more"
    said = [f"{found_share}, {early}; {percent(lead.far_recall.value)} of all breaches at least 16."]
    if MODEL in found.early:
        spent, rule = found.early[MODEL], max(found.early[name].far_recall.value for name in CLOCK_RULES)
        said.append(
            f"Raising these flags only while 16 working hours are left finds {percent(spent.far_recall.value)} of all breaches at least "
            f"16 hours ahead, half of them {spent.median_lead_hours:.0f} hours or more; the clock alone finds {percent(rule)}, at the last moment."
        )
    return said


def _landmark_sentence(found: Assessment) -> list[str]:
    group = found.landmarks[0].group if found.landmarks else ""
    marks = {round(100 * one.share): one for one in found.landmarks if one.group == group}
    told = [f"{share} %: {one.auc[MODEL].value:.3f}" for share, one in marks.items() if share in (10, 50)]
    return [f"At the same point of the clock ({group}), AUC when it passes {', '.join(told)}."] if told else []


def _slice_sentence(found: Assessment) -> list[str]:
    off = sorted((one for one in found.slices if one.is_off), key=lambda one: -abs(one.gap.value))
    if not found.slices:
        return []
    if not off:
        return [f"In none of {len(found.slices)} slices does what came differ clearly from what was said."]
    worst = ", ".join(f"{one.column} {one.value} ({one.gap})" for one in off[:NAMED_SLICES])
    return [
        f"In {len(off)} of {len(found.slices)} slices what came differs clearly from what was said, most for {worst}."
    ]


def _turned(gain: Interval) -> Interval:
    """The gain over the reference, from the reference's gain over it."""
    return Interval(-gain.value, -gain.high, -gain.low)


def _queue_table(found: Assessment) -> Table | None:
    queue = found.queue
    if queue is None:
        return None
    heads = [f"within 8 h, top {top}" for top in queue.soon] + [f"in 16-30 h, top {top}" for top in queue.far]
    columns = [*queue.soon.values(), *queue.far.values()]
    lines = [("", *heads, f"right in top {TOPS[0]}")]
    for name in columns[0].found:
        cells = [f"{one.found[name].plain}" for one in columns]
        lines.append((name, *cells, percent(columns[0].precision[name])))
    return Table(
        "orders",
        f"the queue, {queue.instants} working hours, {queue.tickets_each_time:.0f} tickets each time: share of breaching tickets found",
        "Of those that breach in 16 to 30 working hours, among tickets not due within 16. Right: places of the top that hold a ticket breaching within 8 h.",
        lines,
    )


def _lead_table(found: Assessment) -> Table | None:
    if not found.lead:
        return None
    lines: Lines = [
        ("", "breaches found", "flags right", "median lead, h", "found 16 h ahead", "flagged", "stability"),
        *(
            (
                name,
                one.recall.plain,
                one.precision.plain,
                figure(one.median_lead_hours, 1),
                one.far_recall.plain,
                percent(one.flagged_share),
                figure(found.stability.get(name, float("nan"))),
            )
            for name, one in found.lead.items()
        ),
    ]
    title = f"lead time of {found.tickets:,} new tickets, a fifth of them flagged"
    return Table("lead", title, "Working hours of the desk; stability: 1 less the mean change between events.", lines)


def _early_table(found: Assessment) -> Table | None:
    if not found.early:
        return None
    lines: Lines = [
        ("", "found 16 h ahead", "flags right", "median lead, h", "flagged"),
        *(
            (
                name,
                one.far_recall.plain,
                one.precision.plain,
                figure(one.median_lead_hours, 1),
                percent(one.flagged_share),
            )
            for name, one in found.early.items()
        ),
    ]
    note = "Flags are raised only while 16 working hours are left; what is nearer, the clock's own warnings tell."
    return Table("early", "early warnings, a fifth of the new tickets flagged", note, lines)


def _landmark_table(found: Assessment) -> Table | None:
    if not found.landmarks:
        return None
    models = [name for name in LANDMARK_MODELS if name in found.landmarks[0].auc]
    lines: Lines = [("", "tickets", "breach", "said", *models, f"gain over {GROUP_TABLE}")]
    lines += [_landmark_line(one, models) for one in found.landmarks]
    note = (
        "AUC among tickets whose clock passes the same share of its target: how much time is used tells nothing there."
    )
    return Table("landmarks", "the same point of the clock", note, lines)


def _landmark_line(one: Landmark, models: list[str]) -> tuple[str, ...]:
    cells = (f"{one.tickets:,}", percent(one.base_rate), percent(one.said))
    gain = one.gain.get(GROUP_TABLE)
    name = f"{one.group}, {100 * one.share:.0f} % used"
    return (name, *cells, *(figure(one.auc[model].value) for model in models), "" if gain is None else str(gain))


def _cost_table(found: Assessment) -> Table | None:
    costs = found.costs.get(MODEL)
    if not costs:
        return None
    lines: Lines = [("a miss costs", "act above", "acted upon", "cost a ticket", "never act", "always act", "saved")]
    for one in costs:
        saved = percent(one.saving) if one.saving >= 0 else f"-{percent(-one.saving)}"
        cells = (figure(one.threshold), percent(one.acted_share), one.cost.plain, figure(one.never), figure(one.always))
        lines.append((f"{one.miss_costs} actions", *cells, saved))
    where = "chosen on earlier tickets" if costs[0].is_learned else "one in the ratio, as no earlier tickets are there"
    note = f"In actions, if acting saves the promise while a tenth of the target is left. Thresholds: {where}. Saved: of the cheaper of never and always."
    return Table("costs", "the cost of acting", note, lines)


def _slice_table(found: Assessment) -> Table | None:
    if not found.slices:
        return None
    lines: Lines = [("", "tickets", "said", "came", "came less said", "AUC", "Brier", "ECE")]
    for one in found.slices:
        cells = (f"{one.tickets:,}", figure(one.said), figure(one.scores.base_rate), f"{one.gap}{' *' * one.is_off}")
        scores = (figure(one.scores.auc), figure(one.scores.brier), figure(one.scores.ece))
        lines.append((f"{one.column} {one.value}", *cells, *scores))
    return Table("slices", "slices, at every event", "* clear of zero over resampled days.", lines)


def _fold_table(found: Assessment) -> Table | None:
    if len(found.folds) < 2:
        return None
    lines: Lines = [("from", "tickets", "said", "came", "AUC", "AP", "Brier", "ECE")]
    for one in found.folds:
        s = one.scores
        cells = (f"{one.tickets:,}", figure(one.said), figure(s.base_rate), *map(figure, (s.auc, s.ap, s.brier, s.ece)))
        lines.append((f"{instant(one.from_us):%Y-%m-%d}", *cells))
    return Table("folds", "over time, at every event", "", lines)
