"""Why a ticket has its risk, in a few human reasons with numbers, from the signed contributions of the model's features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.bundle import BreachBundle
from models.phrases import Phrasebook
from models.scales import Float64Array
from models.topics import speaker, topic_of

LEAST_CONTRIBUTION = 0.05  # of the log odds: about one percentage point at even odds


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
class Groups:
    """Features of one topic are one reason: their contributions are added before anything is ranked."""

    of_feature: NDArray[np.intp]  # k: the group of each feature
    count: int

    @classmethod
    def of(cls, bundle: BreachBundle) -> Groups:
        """The groups of a bundle's features, by topic."""
        topics = [topic_of(feature) for feature in bundle.spec.features]
        places = {topic: place for place, topic in enumerate(dict.fromkeys(topics))}
        return cls(np.array([places[topic] for topic in topics], dtype=np.intp), len(places))

    def sums(self, contributions: Float64Array) -> Float64Array:
        """n x groups, for n x k contributions."""
        member = np.zeros((len(self.of_feature), self.count))
        member[np.arange(len(self.of_feature)), self.of_feature] = 1.0
        return np.asarray(contributions @ member, dtype=np.float64)


def reasons(bundle: BreachBundle, X: pd.DataFrame, top: int = 3, *, exact: bool = False) -> list[list[Reason]]:
    """For each row at most `top` reasons, the weightiest first; those that lower the risk say so.

    Additive: the contributions of all groups and the bundle's baseline are the log odds. `exact` uses Shapley values
    (about 20 times the cost) for the page of one ticket; lists use path attributions.
    """
    if len(X) == 0:
        return []
    contributions = bundle.contributions(X, exact=exact)
    groups = Groups.of(bundle)
    sums = groups.sums(contributions)
    order = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :top]
    book = Phrasebook(bundle.spec, bundle.range)
    values, columns = X.to_numpy(dtype=np.float64), bundle.spec.names
    return [
        [
            _reason(book, columns, groups.of_feature == group, float(sums[row, group]), contributions[row], values[row])
            for group in order[row]
            if abs(sums[row, group]) >= LEAST_CONTRIBUTION
        ]
        for row in range(len(X))
    ]


def _reason(
    book: Phrasebook,
    columns: list[str],
    is_member: NDArray[np.bool_],
    total: float,
    contributions: Float64Array,
    values: Float64Array,
) -> Reason:
    members = np.flatnonzero(is_member)
    names = [columns[member] for member in members]
    leading = int(np.argmax(contributions[members] * np.sign(total)))
    spoken = int(members[speaker(names, values[members].tolist(), leading)])
    text = book.phrase(spoken, float(values[spoken]))
    return Reason(text if total > 0 else f"{text} (lowers the risk)", total, tuple(names))
