"""LightGBM's boosted trees as numbers and text: raw scores at the speed of the processor's cache, and the mean of several models.

Probability, reasons and range of one ticket ask the same trees the same: the last answers about few rows are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import lightgbm as lgb
import numpy as np

from models.scales import Float64Array

TREES_AT_ONCE = 100
"""So many trees stay in the processor's first cache while rows pass by; all at once took a third longer for 10,000 rows."""
MANY_ROWS = 1_000
FEW_ROWS, KEPT = 64, 32
"""Of more rows the trees take longer than what stands around each question; so many answers are kept."""
TREES_END = "end of trees"
SCALED = ("leaf_value=", "internal_value=")


@dataclass(frozen=True)
class Trees:
    """A boosted model that is asked part by part where many rows are asked about."""

    booster: lgb.Booster

    def raw_score(self, X: Float64Array) -> Float64Array:
        """The sum of all trees for n x k values, n. One thread: more only spin on the few rows a service scores."""
        if len(X) < MANY_ROWS:
            return np.asarray(self.booster.predict(X, raw_score=True, num_threads=1), dtype=np.float64)
        total = np.zeros(len(X))
        for part in self.parts:
            total += part.predict(X, raw_score=True, num_threads=1)
        return total

    @cached_property
    def parts(self) -> tuple[lgb.Booster, ...]:
        """Models of at most TREES_AT_ONCE trees each, whose raw scores add up to the whole.

        LightGBM can ask for some trees of one model, too, but threads that do so at once share where they begin.
        """
        if int(self.booster.num_trees()) <= TREES_AT_ONCE:
            return (self.booster,)
        firsts = range(0, int(self.booster.num_trees()), TREES_AT_ONCE)
        texts = (self.booster.model_to_string(start_iteration=first, num_iteration=TREES_AT_ONCE) for first in firsts)
        return tuple(lgb.Booster(model_str=str(text)) for text in texts)


class LastAnswers:
    """The answers to the last questions about few rows, to be read only. Threads may share it."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Float64Array] = {}

    def of(self, X: Float64Array, answer: Callable[[], Float64Array]) -> Float64Array:
        """What was answered to the same values before, else what `answer` says now. Rows are of one width throughout."""
        if len(X) > FEW_ROWS:
            return answer()
        question, kept = X.tobytes(), self._kept
        found = kept.get(question)
        if found is None:
            found = answer()
            found.flags.writeable = False
            if len(kept) >= KEPT:
                kept = self._kept = {}
            kept[question] = found
        return found


def seeds_of(seed: int, repeats: int) -> range:
    """The seeds from which trees are grown so often; those of two seeds are all different, and one repeat keeps its seed."""
    return range(seed * repeats, (seed + 1) * repeats)


def averaged(boosters: Sequence[lgb.Booster]) -> str:
    """The text of one model whose raw score is the mean of those of the given models, which have the same features.

    It holds all their trees, each leaf divided by the number of models: LightGBM can continue a model but not average some.
    One model is written as it is.
    """
    texts = [str(booster.model_to_string()) for booster in boosters]
    if len(texts) == 1:
        return texts[0]
    heads, trees = zip(*(_parts(text) for text in texts), strict=True)
    together = [
        re.sub(r"^Tree=\d+", f"Tree={number}", _scaled(tree, 1.0 / len(texts)))
        for number, tree in enumerate(tree for part in trees for tree in part)
    ]
    sizes = "tree_sizes=" + " ".join(str(len(tree.encode())) for tree in together)
    head = re.sub(r"^tree_sizes=.*$", sizes, heads[0], flags=re.MULTILINE)
    parameters = texts[0][texts[0].index("\nparameters:") :]
    joined = lgb.Booster(model_str=head + "".join(together) + TREES_END + "\n" + parameters)
    return str(joined.model_to_string())  # as LightGBM writes it: numbers, sizes, importances


def _parts(text: str) -> tuple[str, list[str]]:
    """What stands before the first tree, and the trees."""
    head, *trees = re.split(r"^(?=Tree=\d+$)", text[: text.index(f"\n{TREES_END}") + 1], flags=re.MULTILINE)
    return head, trees


def _scaled(tree: str, factor: float) -> str:
    lines = tree.split("\n")
    for place, line in enumerate(lines):
        name = next((one for one in SCALED if line.startswith(one)), None)
        if name is not None:
            values = (repr(float(value) * factor) for value in line[len(name) :].split())
            lines[place] = name + " ".join(values)
    return "\n".join(lines)
