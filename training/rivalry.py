"""A model against the live champion, on tickets that neither can have learned from."""

from __future__ import annotations

from dataclasses import dataclass

from models.scales import Float64Array
from sla.instants import Int64Array
from training.bootstrap import Interval, auc, brier_gain, paired_differences


@dataclass(frozen=True)
class Rivalry:
    """How much better than the champion (positive) the model is, on the same tickets; None where that cannot be said.

    `basis` says on which tickets, or why not at all.
    """

    champion: str
    basis: str
    tickets: int = 0
    auc: Interval | None = None
    brier: Interval | None = None


def paired_rivalry(
    champion: str,
    basis: str,
    y: Float64Array,
    mine: Float64Array,
    theirs: Float64Array,
    ticket_count: int,
    day: Int64Array,
    *,
    draws: int,
    seed: int,
) -> Rivalry:
    """The rivalry from two probabilities of each row, with intervals over resampled days."""
    both = {"mine": mine, "theirs": theirs}
    gains = {
        figure: paired_differences(y, both, "mine", day, figure, draws=draws, seed=seed)["theirs"]
        for figure in (auc, brier_gain)
    }
    return Rivalry(champion, basis, ticket_count, gains[auc], gains[brier_gain])
