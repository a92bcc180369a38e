"""Fitting the members of the breach model to rows, and the margin they give together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from models import boosting, hazard, linear
from models.blend import Blend
from models.boosting import BoostingParameters, fit_boosting
from models.bundle_texts import Member
from models.clipping import TrainingRange, fit_range
from models.finish import QUANTILES, FinishModel, Levels
from models.hazard import HazardMember
from models.hazard_columns import NEEDED, REMAINING
from models.hazard_fitting import HazardParameters, fit_hazard
from models.intervals import LEAST_HOURS
from models.linear import fit_linear
from models.scales import Float64Array
from models.shape import ShapeModel, ShapeParameters, fit_shape
from training.expectation import expected
from training.rows import Int64Array, Labelled, Rows
from training.weighting import Weighting

LEAST_TYPICAL = 100
OPENING = "opening"
HOUR_US = 3_600_000_000.0
THREADS = 2
SUPPORT = 5
"""Tickets that must have gone on so long for the range to speak of such a time."""

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


KINDS = (boosting.KIND, hazard.KIND, linear.KIND)
"""The kinds of members that are fitted, each to the same rows; a hazard model only where features tell the time left."""


class ModelSettings(BaseModel):
    """What is fitted. The defaults come from a study on a real log, chosen on weeks before those it was judged on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    boosting: BoostingParameters = BoostingParameters()
    hazard: HazardParameters = HazardParameters()
    opening: HazardParameters = HazardParameters(
        rounds=150, learning_rate=0.1
    )  # for the range only, never for the risk
    shape: ShapeParameters = ShapeParameters()  # for the range only, as well
    blend: Mapping[str, float] | None = None  # shares of the log odds by kind of member; None: chosen in rehearsal
    repeats: int = Field(default=2, ge=1)  # the trees of the risk are grown so often, from other seeds, and averaged
    linear_evidence: float = Field(default=100.0, gt=0.0)
    weighting: Weighting = Weighting()
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
    """Fitted members by kind, with the range of their training rows. All are always there: each is a baseline, too.

    `opening` is the hazard model of opening time until the clock stops, `shape` says where in its time a clock stops;
    neither has a say in the risk. `longest_hours`: how long clocks were seen to run on, and in opening hours.
    """

    range: TrainingRange
    members: Mapping[str, Member]
    opening: HazardMember | None
    shape: ShapeModel | None = None
    longest_hours: tuple[float, float] = (np.inf, np.inf)

    def margins(self, X: Float64Array) -> dict[str, Float64Array]:
        """Log odds of breach by kind of member, each of length n, for n x k values."""
        values = self.range.clip(X)
        return {kind: member.margin(values) for kind, member in self.members.items()}

    def served(self, blend: Blend) -> tuple[tuple[Member, float], ...]:
        """The members that a bundle serves, with their shares of the log odds; none with share 0."""
        return tuple((self.members[kind], share) for kind, share in blend.shares)

    def finish(self, levels: Levels = QUANTILES, opening_levels: Levels = QUANTILES) -> FinishModel | None:
        """The model of finishing times; None where features do not tell the time left."""
        working = self.members.get(hazard.KIND)
        if not isinstance(working, HazardMember) or self.opening is None:
            return None
        return FinishModel(working, self.opening, levels, opening_levels, self.shape, self.longest_hours)


@dataclass(frozen=True)
class Taught:
    """What the direct trees learn from: rows with the range of their values, and who says what to expect of the young ones.

    Without a hazard model there are no young ones among them.
    """

    rows: Rows
    limits: TrainingRange
    hazard: HazardMember | None


def fit_members(
    rows: Rows,
    settings: ModelSettings,
    seed: int,
    *,
    censored: Rows | None = None,
    direct: Callable[[Taught], Member] | None = None,
    for_range: bool = True,
) -> Fitted:
    """The members fitted to all given rows (the caller has masked what may not be known).

    `censored` are further rows whose outcome nobody may learn as such: of tickets too young, still open, cancelled. The
    hazard models learn from them how long their clocks ran as far as was known (`training.splits.censored`), the others
    what the hazard model expects of them (`training.expectation`). `direct` fits the direct trees elsewhere, to more rows
    of the same kind. Without `for_range` no model is fitted that serves the range alone.
    """
    # People look between events: what is usual then (time used, silence) is not what is usual at events.
    between = ~rows.is_event
    limits = fit_range(rows.X, between if between.sum() >= LEAST_TYPICAL else None)
    lived = rows if censored is None or not len(censored) else rows.and_also(censored)
    has_hazard = set(NEEDED) <= set(rows.spec.names)
    taught = lived if has_hazard else rows
    fit = _Fit(taught, limits.clip(taught.X), taught.weights(settings.weighting), settings, seed)
    with ThreadPoolExecutor(THREADS) as pool:  # the work is LightGBM's, one thread each: the same bytes side by side
        working = pool.submit(fit.hazard) if has_hazard else None
        opening = pool.submit(fit.opening) if has_hazard and for_range else None
        shape = pool.submit(fit.shape) if has_hazard and for_range else None
        known = working.result() if working else None
        y = taught.y if known is None else expected(taught, fit.values, known)
        members: dict[str, Future[Any]] = {
            boosting.KIND: pool.submit(direct, Taught(taught, limits, known))
            if direct
            else pool.submit(fit.boosting, y),
            linear.KIND: pool.submit(fit.linear, y),
        }
        found: dict[str, Member] = {kind: member.result() for kind, member in members.items()}
        return Fitted(
            limits,
            found if known is None else found | {hazard.KIND: known},
            opening.result() if opening else None,
            shape.result() if shape else None,
            (longest_hours(taught, taught.worked_us), longest_hours(taught, taught.open_us)),
        )


def longest_hours(rows: Labelled, ran_us: Int64Array) -> float:
    """How long the clocks of at least SUPPORT tickets were seen to go on after a snapshot, in hours; of fewer, all of them.

    Open tickets count with what is known of them. One forgotten ticket of many months supports no statement about others.
    """
    order = np.lexsort((ran_us, rows.ticket))
    is_last = np.append(rows.ticket[order][1:] != rows.ticket[order][:-1], True) if len(order) else np.empty(0, bool)
    by_ticket = np.sort(ran_us[order][is_last])
    return float(by_ticket[-min(SUPPORT, len(by_ticket))]) / HOUR_US if len(by_ticket) else np.inf


@dataclass(frozen=True)
class _Fit:
    """What all members are fitted to."""

    rows: Rows
    values: Float64Array  # of the rows, in range
    weight: Float64Array
    settings: ModelSettings
    seed: int

    def boosting(self, y: Float64Array) -> Member:
        settings, names = self.settings, self.rows.spec.names
        return fit_boosting(
            self.values,
            y,
            self.weight,
            names,
            settings.boosting,
            seed=self.seed,
            directions=settings.directions,
            repeats=settings.repeats,
        )

    def linear(self, y: Float64Array) -> Member:
        return fit_linear(self.values, y, self.weight, evidence=self.settings.linear_evidence, is_logged=True)

    def hazard(self) -> HazardMember:
        left = self.values[:, self.rows.spec.names.index(REMAINING)]
        return self._hazard(_clock_hours(self.rows, left), self.settings.hazard, self.settings.repeats)

    def shape(self) -> ShapeModel:
        left = self.values[:, self.rows.spec.names.index(REMAINING)]
        hours, stopped, names = _clock_hours(self.rows, left), self.rows.has_stopped, self.rows.spec.names
        return fit_shape(self.values, hours, stopped, self.weight, names, self.settings.shape, seed=self.seed)

    def opening(self) -> HazardMember:
        return self._hazard(self.rows.open_us / HOUR_US, self.settings.opening, 1)

    def _hazard(self, hours: Float64Array, parameters: HazardParameters, repeats: int) -> HazardMember:
        return fit_hazard(
            self.values,
            hours,
            self.rows.has_stopped,
            self.weight,
            self.rows.spec.names,
            parameters,
            seed=self.seed,
            directions=self.settings.directions,
            repeats=repeats,
        )


def _clock_hours(rows: Labelled, left: Float64Array) -> Float64Array:
    """How long each clock ran on. Known outcomes decide on which side of the time left: targets may have changed since."""
    hours = rows.worked_us / HOUR_US
    hours = np.where(rows.breached == 0, np.minimum(hours, left), hours)
    late = np.maximum(hours, np.nextafter(np.maximum(left, LEAST_HOURS) * (1.0 + 1e-9), np.inf))
    return np.asarray(np.where(rows.breached == 1, late, hours))
