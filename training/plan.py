"""What a training needs to know besides its rows, and where rows come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self

from features.spec import FeatureSpec
from features.text import TextEncoder
from models.bundle_texts import Member
from sla.instants import Int64Array
from training.fitting import ModelSettings, Taught
from training.rows import Known, Labelled, Rows
from training.settings import TrainingSettings


class TrainingError(ValueError):
    """A log from which no model can be trained, or a request that does not fit it; the text says what to do."""


@dataclass(frozen=True)
class Plan:
    """What is trained, how it is judged, and where the result goes.

    `cut` and `judge_until` (aware) bound the judgement; by default it is the last weeks whose outcomes are known.
    Bundles and MLflow's files go below `var_dir`, runs to `tracking_uri`. `by` and `at` are written beside a promotion.
    `direct` fits the direct trees (training/dask_trees.py); rehearsals always fit theirs to the rows at hand.
    """

    name: str
    target: str
    tracking_uri: str
    var_dir: Path
    cut: datetime | None = None
    judge_until: datetime | None = None
    seed: int = 0
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    by: str = ""
    at: datetime | None = None
    direct: DirectTrees | None = None

    def direct_at(
        self, at_us: int, maturity_us: int, settings: ModelSettings, seed: int
    ) -> Callable[[Taught], Member] | None:
        """What fits the direct trees as known at an instant; None: whoever fits the other members."""
        direct = self.direct
        return None if direct is None else lambda taught: direct.fit(taught, at_us, maturity_us, settings, seed)


def model_name(target: str) -> str:
    """What a breach model is called: `breach` for resolution, else with the target behind it.

    A team's share, `team_time:Network`, becomes `breach-team_time-Network`: registries refuse colons and other signs in names.
    """
    return "breach" if target == "resolution" else "breach-" + re.sub(r"[^\w-]+", "-", target)


class DirectTrees(Protocol):
    """Who fits the direct trees, where that is not the training process to its own rows."""

    def fit(self, taught: Taught, at_us: int, maturity_us: int, settings: ModelSettings, seed: int) -> Member:
        """The trees as known at an instant, learned from rows such as those that the other members were taught by."""


class RowSource(Protocol):
    """Where rows come from: histories in life, a synthetic matrix in tests of what follows."""

    @property
    def labelled(self) -> Labelled:
        """All snapshots with labels, without features."""

    @property
    def end_us(self) -> int:
        """The last instant of which the log knows."""

    @property
    def agreements_version(self) -> str:
        """The fingerprint of the agreements behind the labels."""

    @property
    def data_fingerprint(self) -> str:
        """A fingerprint of all events."""

    def labels(self, as_of_us: int) -> Known:
        """What anyone could have known of the future of every row at an instant."""

    def rows(self, known_by_us: int) -> Rows:
        """The same snapshots with features, the feature specification learned from what was known by an instant."""

    def take(self, places: Int64Array) -> Self:
        """The snapshots at some places."""

    def described(self, spec: FeatureSpec, text: TextEncoder | None = None) -> Rows:
        """The snapshots with the features of a given specification, such as that of a bundle trained earlier, and its encoder."""

    @property
    def texts(self) -> Mapping[str, Sequence[str]]:
        """What the codes in `labelled.priority` and `labelled.team` stand for, under `priority` and `team`."""
