"""Fitting the members of the breach model to rows, and the margin they give together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from models import boosting, linear
from models.blend import Blend
from models.boosting import BoostingParameters, fit_boosting
from models.bundle import Member
from models.clipping import TrainingRange, fit_range
from models.linear import fit_linear
from models.scales import Float64Array
from training.rows import Rows, ticket_weights

LEAST_TYPICAL = 100

DIRECTIONS = {
    "share_used": 1,
    "elapsed_hours": 1,
    "remaining_hours": -1,
    "due_in_hours": -1,
    "is_half_used": 1,
    "is_three_quarters_used": 1,
    "is_nearly_used": 1,
    "is_clock_paused": -1,
}
"""Where risk can only rise (+1) or fall (-1) with a feature, all else equal: a clock that ran further, or that runs at all.

On the log of examples/uci-incidents the constraints cost nothing measurable (AUC within .001 of the free model).
"""


KINDS = (boosting.KIND, linear.KIND)
"""The kinds of members that are fitted, each to the same rows."""


class ModelSettings(BaseModel):
    """What is fitted. The defaults come from a study on a real log, chosen on weeks before those it was judged on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    boosting: BoostingParameters = BoostingParameters()
    blend: Mapping[str, float] | None = None  # shares of the log odds by kind of member; None: chosen in rehearsal
    linear_evidence: float = Field(default=100.0, gt=0.0)
    every_ticket_counts_once: bool = True  # else every row does, and tickets with many events more
    directions: Mapping[str, int] = DIRECTIONS

    @field_validator("blend")
    @classmethod
    def _is_a_blend(cls, shares: Mapping[str, float] | None) -> Mapping[str, float] | None:
        if shares is not None:
            unknown = sorted(set(shares) - set(KINDS))
            if unknown:
                raise ValueError(f"no member is of kind {unknown[0]!r}; there are {list(KINDS)}")
            Blend.of(shares)
        return shares


@dataclass(frozen=True)
class Fitted:
    """Fitted members by kind, with the range of their training rows. All are always there: each is a baseline, too."""

    range: TrainingRange
    members: Mapping[str, Member]

    def margins(self, X: Float64Array) -> dict[str, Float64Array]:
        """Log odds of breach by kind of member, each of length n, for n x k values."""
        values = self.range.clip(X)
        return {kind: member.margin(values) for kind, member in self.members.items()}

    def served(self, blend: Blend) -> tuple[tuple[Member, float], ...]:
        """The members that a bundle serves, with their shares of the log odds; none with share 0."""
        return tuple((self.members[kind], share) for kind, share in blend.shares)


def fit_members(rows: Rows, settings: ModelSettings, seed: int) -> Fitted:
    """The members fitted to all given rows (the caller has masked what may not be known)."""
    # People look between events: what is usual then (time used, silence) is not what is usual at events.
    between = ~rows.is_event
    limits = fit_range(rows.X, between if between.sum() >= LEAST_TYPICAL else None)
    X = limits.clip(rows.X)
    weight = ticket_weights(rows.ticket) if settings.every_ticket_counts_once else np.ones(len(rows))
    names = rows.spec.names
    return Fitted(
        limits,
        {
            boosting.KIND: fit_boosting(
                X, rows.y, weight, names, settings.boosting, seed=seed, directions=settings.directions
            ),
            linear.KIND: fit_linear(X, rows.y, weight, evidence=settings.linear_evidence),
        },
    )
