"""Fitting the members of the breach model to rows, and the margin they give together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.boosting import BoostingMember, BoostingParameters, fit_boosting
from models.bundle import Member
from models.clipping import TrainingRange, fit_range
from models.linear import LinearMember, fit_linear
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


class ModelSettings(BaseModel):
    """What is fitted. The defaults come from a study on a real log, chosen on weeks before those it was judged on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    boosting: BoostingParameters = BoostingParameters()
    linear_share: float | None = Field(default=None, ge=0.0, le=1.0)  # of the log odds; None: chosen in rehearsal
    linear_evidence: float = Field(default=100.0, gt=0.0)
    every_ticket_counts_once: bool = True  # else every row does, and tickets with many events more
    directions: Mapping[str, int] = DIRECTIONS


@dataclass(frozen=True)
class Fitted:
    """Fitted members with the range of their training rows; the linear member is always there, it is also a baseline."""

    range: TrainingRange
    boosting: BoostingMember
    linear: LinearMember

    def boosting_margin(self, X: Float64Array) -> Float64Array:
        """Log odds of the boosted trees alone."""
        return self.boosting.margin(self.range.clip(X))

    def linear_margin(self, X: Float64Array) -> Float64Array:
        """Log odds of the logistic regression alone."""
        return self.linear.margin(self.range.clip(X))

    def members(self, linear_share: float) -> tuple[tuple[Member, float], ...]:
        """The members that a bundle serves, with their shares of the log odds; none with share 0."""
        pairs: tuple[tuple[Member, float], ...] = ((self.boosting, 1.0 - linear_share), (self.linear, linear_share))
        return tuple((member, share) for member, share in pairs if share > 0)


def blended(boosting: Float64Array, linear: Float64Array, linear_share: float) -> Float64Array:
    """The blend of two members' log odds."""
    return (1.0 - linear_share) * boosting + linear_share * linear


def fit_members(rows: Rows, settings: ModelSettings, seed: int) -> Fitted:
    """The members fitted to all given rows (the caller has masked what may not be known)."""
    # People look between events: what is usual then (time used, silence) is not what is usual at events.
    between = ~rows.is_event
    limits = fit_range(rows.X, between if between.sum() >= LEAST_TYPICAL else None)
    X = limits.clip(rows.X)
    weight = ticket_weights(rows.ticket) if settings.every_ticket_counts_once else np.ones(len(rows))
    boosting = fit_boosting(
        X, rows.y, weight, rows.spec.names, settings.boosting, seed=seed, directions=settings.directions
    )
    linear = fit_linear(X, rows.y, weight, evidence=settings.linear_evidence)
    return Fitted(limits, boosting, linear)
