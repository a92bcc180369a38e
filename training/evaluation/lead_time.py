"""How early: a ticket is flagged once its score first passes a threshold, and what follows is the time there is to act.

The threshold is the one that flags a given share of tickets, because people can look after so many and no more. Without
that share, earliness means nothing: whoever flags everything is early.

Nearly every score is high in a clock's last hours, so most of the share is spent on flags that come late. An early warning
raises flags only while FAR_HOURS are left, and leaves the rest to the clock's own warnings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.scales import Float64Array
from sla.instants import BoolArray, Int64Array
from training.bootstrap import Interval, blocks_of, interval_of, ratio

FLAGGED_SHARE = 0.2
FAR_HOURS = 16.0


@dataclass(frozen=True)
class LeadFigures:
    """What flagging achieved: of breaches, how many were flagged before they happened, how many long before; of flags, how many were right."""

    tickets: int
    flagged_share: float  # as near the wanted share as ties allow
    threshold: float
    recall: Interval
    far_recall: Interval  # breaches flagged at least FAR_HOURS working hours ahead
    precision: Interval
    median_lead_hours: float  # of the flagged that breached


@dataclass(frozen=True)
class Flags:
    """Of t tickets: whether and when each was flagged. first_look: the row of the flag, -1 without one."""

    ticket: Int64Array
    first_look: Int64Array
    any_look: Int64Array
    threshold: float


def flags(
    ticket: Int64Array,
    at_us: Int64Array,
    score: Float64Array,
    share: float = FLAGGED_SHARE,
    may_flag: BoolArray | None = None,
) -> Flags:
    """The flags that the threshold for a share of tickets raises, looking at every row in order of time.

    `may_flag` (one a row) leaves out rows at which no flag is raised, whatever the score; the share is still one of all tickets.
    """
    if may_flag is not None:
        score = np.where(may_flag, score, -np.inf)
    order = np.lexsort((at_us, ticket))
    begins = np.ones(len(order), np.bool_)
    begins[1:] = ticket[order][1:] != ticket[order][:-1]
    start = np.flatnonzero(begins)
    highest = np.maximum.reduceat(score[order], start)
    threshold = float(np.sort(highest)[-max(1, round(share * len(start)))])
    is_over = (score[order] >= threshold) & np.isfinite(score[order])
    place = np.where(is_over, np.arange(len(order)), len(order))
    first = np.minimum.reduceat(place, start)
    first_look = np.where(first < len(order), order[np.minimum(first, len(order) - 1)], -1)
    return Flags(ticket[order][start], first_look, order[start], threshold)


def lead_figures(
    ticket: Int64Array,
    at_us: Int64Array,
    opened_day: Int64Array,
    hours_to_breach: Float64Array,
    score: Float64Array,
    *,
    share: float = FLAGGED_SHARE,
    may_flag: BoolArray | None = None,
    draws: int = 200,
) -> LeadFigures:
    """The figures of one score over n looks; `hours_to_breach` (working hours) is infinite where the promise is kept."""
    raised = flags(ticket, at_us, score, share, may_flag)
    is_breach = np.isfinite(hours_to_breach[raised.any_look]).astype(np.float64)
    is_flagged = raised.first_look >= 0
    lead = np.where(is_flagged, hours_to_breach[np.maximum(raised.first_look, 0)], -np.inf)
    hits = is_breach * is_flagged
    block, blocks = blocks_of(opened_day[raised.any_look])

    def around(part: Float64Array, whole: Float64Array) -> Interval:
        return interval_of(ratio(part, whole, block), blocks, draws=draws)

    return LeadFigures(
        tickets=len(is_breach),
        flagged_share=float(is_flagged.mean()),
        threshold=raised.threshold,
        recall=around(hits, is_breach),
        far_recall=around(hits * (lead >= FAR_HOURS), is_breach),
        precision=around(hits, is_flagged.astype(np.float64)),
        median_lead_hours=float(np.median(lead[hits > 0])) if hits.any() else float("nan"),
    )


def lead_table(
    ticket: Int64Array,
    at_us: Int64Array,
    opened_day: Int64Array,
    hours_to_breach: Float64Array,
    scores: Mapping[str, Float64Array],
    *,
    share: float = FLAGGED_SHARE,
    may_flag: BoolArray | None = None,
    draws: int = 200,
) -> dict[str, LeadFigures]:
    """The figures of several scores on the same looks."""
    return {
        name: lead_figures(
            ticket, at_us, opened_day, hours_to_breach, score, share=share, may_flag=may_flag, draws=draws
        )
        for name, score in scores.items()
    }


def stability(ticket: Int64Array, at_us: Int64Array, probability: Float64Array) -> float:
    """One less the mean change of a ticket's probability from one look to the next; NaN if no ticket was looked at twice.

    "Temporal stability" of Teinemaa et al., Temporal stability in predictive process monitoring (2018).
    """
    order = np.lexsort((at_us, ticket))
    same = ticket[order][1:] == ticket[order][:-1]
    change = np.abs(np.diff(probability[order]))[same]
    return 1.0 - float(change.mean()) if len(change) else float("nan")
