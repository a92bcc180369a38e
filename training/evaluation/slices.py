"""The same figures for parts of the tickets: a model that is right on the whole can be wrong for a team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array
from sla.instants import Int64Array
from training.bootstrap import Interval, blocks_of, interval_of, ratio
from training.evaluation.figures import Scores, evaluate

LEAST_TICKETS = 50
MOST_VALUES = 8


@dataclass(frozen=True)
class Slice:
    """One value of one column: the model's figures there, and how far what came was from what was said."""

    column: str
    value: str
    tickets: int
    scores: Scores
    said: float
    gap: Interval  # came less said: positive where the model is too confident that promises are kept

    @property
    def is_off(self) -> bool:
        """Whether the gap is clear of zero: said and came differ by more than days differ."""
        return self.gap.low > 0 or self.gap.high < 0


def slices(
    columns: Mapping[str, NDArray[np.object_]],
    ticket: Int64Array,
    y: Float64Array,
    probability: Float64Array,
    day: Int64Array,
    *,
    least_tickets: int = LEAST_TICKETS,
    most_values: int = MOST_VALUES,
    draws: int = 200,
) -> list[Slice]:
    """The largest slices of each column with enough tickets, most tickets first. Missing values are a slice of their own.

    A column that only renames the values of one before it is left out.
    """
    found: list[Slice] = []
    before: list[Int64Array] = []
    for column, texts in columns.items():
        names, code = np.unique([str(text) if text else "none" for text in texts], return_inverse=True)
        code = code.reshape(-1).astype(np.int64)
        if len(names) < 2 or any(_is_renamed(code, other) for other in before):
            continue
        before.append(code)
        tickets = [len(np.unique(ticket[code == place])) for place in range(len(names))]
        largest = np.argsort(-np.array(tickets), kind="stable")[:most_values]
        for place in largest.tolist():
            if tickets[place] < least_tickets:
                break
            rows = np.flatnonzero(code == place)
            found.append(
                _slice(column, str(names[place]), tickets[place], y[rows], probability[rows], day[rows], draws)
            )
    return found


def _is_renamed(code: Int64Array, other: Int64Array) -> bool:
    """Whether two columns split the rows alike: one of them is enough."""
    pairs = len(np.unique(code * (int(other.max()) + 1) + other))
    return pairs == len(np.unique(code)) == len(np.unique(other))


def _slice(
    column: str, value: str, tickets: int, y: Float64Array, probability: Float64Array, day: Int64Array, draws: int
) -> Slice:
    block, blocks = blocks_of(day)
    gap = interval_of(ratio(y - probability, np.ones(len(y)), block, blocks), blocks, draws=draws)
    return Slice(column, value, tickets, evaluate(y, probability), float(probability.mean()), gap)
