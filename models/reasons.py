"""Why a ticket has its risk, in a few human reasons with numbers, from the signed contributions of the model's features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.bundle import BreachBundle
from models.phrases import Phrasebook
from models.scales import Float64Array

LEAST_CONTRIBUTION = 0.05  # of the log odds: about one percentage point at even odds
MOST_OF_ONE_FAMILY = 2  # three ways to say that time runs out are one reason


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
    """Features that answer one question are one reason: their contributions are added before anything is ranked."""

    of_feature: NDArray[np.intp]  # k: the group of each feature
    family: NDArray[np.intp]  # one per group
    count: int

    @classmethod
    def of(cls, bundle: BreachBundle) -> Groups:
        """The groups of a bundle's features: by family and question."""
        keys = [(feature.family, feature.question) for feature in bundle.spec.features]
        places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        families = {family: place for place, family in enumerate(dict.fromkeys(family for family, _ in keys))}
        return cls(
            np.array([places[key] for key in keys], dtype=np.intp),
            np.array([families[family] for family, _ in places], dtype=np.intp),
            len(places),
        )

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
    order = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, : top * 4]
    book = Phrasebook(bundle.spec, bundle.range)
    values = X.to_numpy(dtype=np.float64)
    return [_of_row(book, groups, order[row], sums[row], contributions[row], values[row], top) for row in range(len(X))]


def _of_row(
    book: Phrasebook,
    groups: Groups,
    order: NDArray[np.intp],
    sums: Float64Array,
    contributions: Float64Array,
    values: Float64Array,
    top: int,
) -> list[Reason]:
    found: list[Reason] = []
    seen: dict[int, int] = {}
    for group in order:
        if len(found) == top or abs(sums[group]) < LEAST_CONTRIBUTION:
            break
        family = int(groups.family[group])
        if seen.get(family, 0) == MOST_OF_ONE_FAMILY:
            continue
        seen[family] = seen.get(family, 0) + 1
        found.append(_reason(book, groups, int(group), float(sums[group]), contributions, values))
    return found


def _reason(
    book: Phrasebook, groups: Groups, group: int, total: float, contributions: Float64Array, values: Float64Array
) -> Reason:
    members = np.flatnonzero(groups.of_feature == group)
    leading = int(members[np.argmax(contributions[members] * np.sign(total))])
    text = book.phrase(leading, float(values[leading]))
    return Reason(
        text if total > 0 else f"{text} (lowers the risk)", total, tuple(book.spec.names[member] for member in members)
    )
