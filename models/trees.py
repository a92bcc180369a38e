"""LightGBM's boosted trees as numbers and text: raw scores at the speed of the processor's cache, and the mean of several models.

Probability, reasons and range of a ticket ask the same trees the same. So each tree is asked once, for the leaf that a row
ends in: the sum of the leaves' values is the score, and the steps to them are the reasons (models/attribution.py). The last
answers about few rows are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array
from sla.instants import Int64Array

TREES_AT_ONCE = 100
"""So many trees stay in the processor's first cache while rows pass by; all at once took a third longer for 10,000 rows."""
MANY_ROWS = 200
"""From here on parts are quicker, though each is a question of its own."""
MOST_KEPT = 1_024
"""More rows are scored for a tick, which asks nothing twice. Of all answers together so many rows are kept."""
ROWS_AT_ONCE = 64
"""Their leaves' values stay in the cache while they are added up."""
TREES_END = "end of trees"
SCALED = ("leaf_value=", "internal_value=")
Leaves = NDArray[np.int32]
Answer = TypeVar("Answer", bound=NDArray[Any])


@dataclass(frozen=True)
class Trees:
    """A boosted model that is asked part by part where many rows are asked about. One thread: more only spin on few rows."""

    booster: lgb.Booster

    def leaves(self, X: Float64Array) -> Leaves:
        """The leaf of each tree that each of n rows ends in, n x trees."""
        if len(X) == 0:
            return np.empty((0, int(self.booster.num_trees())), np.int32)
        boosters = (self.booster,) if len(X) < MANY_ROWS else self.parts
        found = [np.asarray(one.predict(X, pred_leaf=True, num_threads=1)).reshape(len(X), -1) for one in boosters]
        return found[0] if len(found) == 1 else np.concatenate(found, axis=1)

    def score_of(self, leaves: Leaves) -> Float64Array:
        """The sum of all trees for rows that end in these leaves, n: tree by tree, as LightGBM adds them, to the last bit."""
        first, values = self._leaf_values
        total = np.zeros(len(leaves))
        if not len(first):
            return total
        for begin in range(0, len(leaves), ROWS_AT_ONCE):
            part = slice(begin, begin + ROWS_AT_ONCE)
            total[part] = np.cumsum(values[first + leaves[part]], axis=1)[:, -1]
        return total

    def raw_score(self, X: Float64Array) -> Float64Array:
        """The sum of all trees for n x k values, n, for rows of which nothing else is asked."""
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

    @cached_property
    def _leaf_values(self) -> tuple[Int64Array, Float64Array]:
        """Where the leaves of each tree begin, and the values of all leaves; LightGBM writes them with all their digits."""
        lines = re.findall(r"^leaf_value=(.*)$", str(self.booster.model_to_string()), flags=re.MULTILINE)
        values = [np.array(line.split(), np.float64) for line in lines]
        ends = np.cumsum([len(one) for one in values], dtype=np.int64)
        first: Int64Array = ends - np.array([len(one) for one in values], np.int64)
        return first, np.concatenate([np.empty(0), *values])


class LastAnswers:
    """The last answers about few rows, several about the same rows by name; to be read only. Threads may share it."""

    def __init__(self) -> None:
        self._kept: dict[bytes, dict[str, NDArray[Any]]] = {}
        self._rows = 0

    def of(self, X: Float64Array, name: str, answer: Callable[[], Answer]) -> Answer:
        """What was answered to the same values before, else what `answer` says now. Rows are of one width throughout."""
        if len(X) > MOST_KEPT:
            return answer()
        question = X.tobytes()
        answers = self._kept.get(question)
        if answers is None:
            if self._rows + len(X) > MOST_KEPT:
                self._kept, self._rows = {}, 0
            answers = self._kept[question] = {}
            self._rows += len(X)
        found = answers.get(name)
        if found is None:
            found = answer()
            found.flags.writeable = False
            answers[name] = found
        return cast(Answer, found)


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
