"""Why a ticket has its risk, in a few human reasons with numbers, from the signed contributions of the model's features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.bundle import BreachBundle
from models.phrases import Phrasebook
from models.scales import Float64Array
from models.topics import Groups

LEAST_CONTRIBUTION = 0.05  # of the log odds: about one percentage point at even odds
BLOCK_ROWS = 10_000
"""Many rows are explained so many at a time, so that their contributions need little memory."""


@dataclass(frozen=True)
class Reason:
    """A reason in words; `contribution` is what its features together add to the log odds of a breach."""

    text: str
    contribution: float
    features: tuple[str, ...]

    @property
    def raises_risk(self) -> bool:
        """Whether it speaks for a breach."""
        return self.contribution > 0


@dataclass(frozen=True)
class Ranked:
    """The weightiest groups of n rows, `top` each: how far each moves the log odds, and the feature that words it.

    Arrays are n x top, the weightiest first. Only the first `count` of a row weigh enough to be told.
    """

    group: NDArray[np.intp]
    total: Float64Array
    spoken: NDArray[np.intp]
    value: Float64Array
    count: NDArray[np.intp]

    @classmethod
    def of(cls, bundle: BreachBundle, groups: Groups, X: pd.DataFrame, top: int, *, exact: bool) -> Ranked:
        """The groups of the bundle's features, ranked for each row."""
        contributions, values = bundle.contributions(X, exact=exact), X.to_numpy(dtype=np.float64)
        sums = groups.sums(contributions)
        group = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :top]
        total = np.take_along_axis(sums, group, axis=1)
        spoken = groups.spoken(group, total, contributions, values)
        value = np.take_along_axis(values, spoken, axis=1)
        return cls(group, total, spoken, value, (np.abs(total) >= LEAST_CONTRIBUTION).sum(axis=1))

    def texts(self, book: Phrasebook) -> NDArray[np.object_]:
        """What is told of each row, n x top, None where nothing more weighs enough; each distinct value is worded once."""
        found = np.full(self.group.shape, None, object)
        is_told = np.arange(self.group.shape[1]) < self.count[:, None]
        said: dict[tuple[int, float, bool], str] = {}

        def worded(feature: int, value: float, raises_risk: bool) -> str:
            text = book.phrase(feature, value)
            said[feature, value, raises_risk] = text = text if raises_risk else f"{text} (lowers the risk)"
            return text

        columns = (self.spoken[is_told].tolist(), self.value[is_told].tolist(), (self.total[is_told] > 0).tolist())
        texts = [said.get(what) or worded(*what) for what in zip(*columns, strict=True)]
        found[is_told] = np.array(texts, object)
        return found


def reasons(bundle: BreachBundle, X: pd.DataFrame, top: int = 3, *, exact: bool = False) -> list[list[Reason]]:
    """For each row at most `top` reasons, the weightiest first; those that lower the risk say so.

    Additive: the contributions of all groups and the bundle's baseline are the log odds. `exact` uses Shapley values
    (about 20 times the cost) for the page of one ticket; lists use path attributions.
    """
    if len(X) == 0:
        return []
    ranked, members = Ranked.of(bundle, bundle.groups, X, top, exact=exact), bundle.groups.member_names
    texts = ranked.texts(bundle.phrasebook)
    told = zip(texts.tolist(), ranked.total.tolist(), ranked.group.tolist(), ranked.count.tolist(), strict=True)
    return [
        [Reason(text, total, members[group]) for text, total, group in zip(*row[:3], strict=True)][: row[3]]
        for row in told
    ]


def reason_texts(bundle: BreachBundle, X: pd.DataFrame, top: int = 3) -> NDArray[np.object_]:
    """The texts of `reasons` alone, n x top, None where a row has fewer: for storing those of many rows."""
    if len(X) == 0:
        return np.empty((0, top), object)
    groups, book = bundle.groups, bundle.phrasebook
    blocks = range(0, len(X), BLOCK_ROWS)
    return np.concatenate(
        [
            Ranked.of(bundle, groups, X.iloc[begin : begin + BLOCK_ROWS], top, exact=False).texts(book)
            for begin in blocks
        ]
    )
