"""How much each training row counts: as anyone could have said at its instant, never by what became of the ticket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from features.snapshots import ordinals
from models.scales import Float64Array

Int64Array = NDArray[np.int64]


class Weighting(BaseModel):
    """What a row counts. Why not one over the number of its ticket's rows: docs/decisions/0014-row-weights.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    later_count_less: bool = True  # the k-th snapshot of a ticket counts 1/k; else every row counts the same
    half_life_tickets: float = Field(default=8_000.0, gt=0.0)  # so many newer tickets halve what one counts

    def raw(self, ticket: Int64Array, at_us: Int64Array, opened_us: Int64Array, recency: Recency) -> Float64Array:
        """The weight of each of n rows, before any scaling."""
        recent = np.exp2(-recency.newer(opened_us) / self.half_life_tickets)
        return np.asarray(recent / ordinals(ticket, at_us) if self.later_count_less else recent)


@dataclass(frozen=True)
class Recency:
    """How many tickets are newer: `opened_us` rises, `from_here` counts those opened then or later."""

    opened_us: Int64Array
    from_here: Float64Array

    @classmethod
    def of(cls, ticket: Int64Array, opened_us: Int64Array, stands_for: Float64Array) -> Self:
        """Over the tickets of n rows, each counted for those it stands for."""
        _, first = np.unique(ticket, return_index=True)
        order = first[np.argsort(opened_us[first], kind="stable")]
        return cls(opened_us[order], np.append(np.cumsum(stands_for[order][::-1])[::-1], 0.0))

    def newer(self, opened_us: Int64Array) -> Float64Array:
        """How many tickets were opened after each of these instants."""
        return np.asarray(self.from_here[np.searchsorted(self.opened_us, opened_us, side="right")])
