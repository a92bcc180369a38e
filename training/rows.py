"""Training rows: snapshots with their label, when that label became known, and the keys of the rules; then with features."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.snapshots import SnapshotKind
from features.spec import FeatureSpec
from features.text import TextEncoder
from models.scales import Float64Array
from training.weighting import Recency, Weighting

Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
NOT_ARRAYS = ("spec", "text")

AS_A_RULE = Weighting()

__all__ = ["BoolArray", "Int64Array", "Known", "Labelled", "Rows"]


class Known(NamedTuple):
    """What was known of the future of n snapshots at some instant, as arrays of length n.

    breached: 1 or 0, -1 where the outcome is not known; known_us: when it became known (NEVER if not).
    has_stopped, worked_us, open_us: whether the clock stopped, and the time on the clock, and in its calendar's opening
    hours, from the snapshot until it did, or as far as was known (training/endings.py).
    """

    breached: NDArray[np.int8]
    known_us: Int64Array
    has_stopped: BoolArray
    worked_us: Int64Array
    open_us: Int64Array


@dataclass(frozen=True)
class Labelled:
    """n snapshots as arrays of length n, without features.

    breached, known_us, has_stopped, worked_us, open_us: see Known.
    kind: a features.snapshots.SnapshotKind; share_used: used share of the clock; priority, team: codes, -1 for none.
    stands_for: how many tickets of the log the row's ticket stands for: 1 unless tickets were sampled (training/sampling.py).
    """

    breached: NDArray[np.int8]
    known_us: Int64Array
    has_stopped: BoolArray
    worked_us: Int64Array
    open_us: Int64Array
    ticket: Int64Array
    at_us: Int64Array
    opened_us: Int64Array
    kind: NDArray[np.int8]
    share_used: Float64Array
    priority: Int64Array
    team: Int64Array
    stands_for: Float64Array = field(default_factory=lambda: np.empty(0), kw_only=True)

    def __post_init__(self) -> None:
        if len(self.stands_for) != len(self.at_us):
            object.__setattr__(self, "stands_for", np.ones(len(self.at_us)))

    def __len__(self) -> int:
        return len(self.at_us)

    @property
    def y(self) -> Float64Array:
        """The label as 0.0 or 1.0; only meaningful where it is known."""
        return np.asarray(self.breached == 1, dtype=np.float64)

    def weights(self, weighting: Weighting = AS_A_RULE) -> Float64Array:
        """A weight for each row, by what was known at its instant; their mean is 1.

        Where tickets were sampled, each counts for those it stands for, so that sums are those of the whole log.
        """
        if not len(self):
            return np.empty(0)
        recency = Recency.of(self.ticket, self.opened_us, self.stands_for)
        weights = weighting.raw(self.ticket, self.at_us, self.opened_us, recency) * self.stands_for
        return np.asarray(weights / weights.mean())

    @property
    def opened_day(self) -> Int64Array:
        """The UTC day each ticket opened, counted from 1970: the block of the bootstrap."""
        return np.asarray(self.opened_us // 86_400_000_000, dtype=np.int64)

    @property
    def is_first(self) -> BoolArray:
        """Whether the row is the ticket's first snapshot."""
        return np.asarray(self.kind == SnapshotKind.CREATED)

    @property
    def is_event(self) -> BoolArray:
        """Whether the row is a snapshot at an event, the first included."""
        return np.asarray(self.is_first | (self.kind == SnapshotKind.EVENT))

    def where(self, mask: BoolArray) -> Self:
        """The rows for which the mask holds."""
        arrays = {one.name: getattr(self, one.name)[mask] for one in fields(self) if one.name not in NOT_ARRAYS}
        return replace(self, **arrays)

    def relabelled(
        self,
        breached: NDArray[np.int8],
        known_us: Int64Array,
        has_stopped: BoolArray,
        worked_us: Int64Array,
        open_us: Int64Array,
    ) -> Self:
        """The same rows with other labels, such as those known at an earlier instant: the fields of `Known`, in order."""
        known = Known(breached, known_us, has_stopped, worked_us, open_us)
        return replace(self, **known._asdict())

    @property
    def known(self) -> Known:
        """The labels."""
        return Known(*(getattr(self, name) for name in Known._fields))

    def ticket_count(self) -> int:
        """How many tickets the rows belong to."""
        return len(np.unique(self.ticket))


@dataclass(frozen=True)
class Rows(Labelled):
    """Snapshots with their features: `X` is n x k in the order of `spec`."""

    spec: FeatureSpec
    X: Float64Array
    text: TextEncoder | None = None  # the encoder of the spec's text features

    @classmethod
    def of(cls, labelled: Labelled, spec: FeatureSpec, X: Float64Array, text: TextEncoder | None = None) -> Rows:
        """Labelled snapshots with a matrix of their features."""
        arrays = {one.name: getattr(labelled, one.name) for one in fields(Labelled)}
        return cls(**arrays, spec=spec, X=X, text=text)

    def and_also(self, other: Rows) -> Rows:
        """These rows, then the other ones, which have the same features."""
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in (one.name for one in fields(self))
            if name not in NOT_ARRAYS
        }
        return replace(self, **arrays)
