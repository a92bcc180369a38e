"""A forest of random trees whose leaves remember the tickets that fell into them: a median of what became of such tickets.

Where a ticket ends is often counted from its opening (a deadline and some days after it), often from its last record (so many
days after it was resolved). A mean of leaves blurs both. So each leaf is asked which of the two its rows agree on more
closely, and a remembered row answers with what was left of its ticket's whole life, or with what was left of it then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.scales import Float64Array
from sla.instants import Int64Array

UNKNOWN = -1.0  # stands for a missing value: below everything that is counted or measured
AT_ONCE = 200  # rows asked together: each meets some thousand remembered ones
MOST_IN_A_LEAF = 100  # of more rows, so many speak: a leaf whose rows agree can be as large as the log
LEAF = -1


@dataclass(frozen=True)
class Tree:
    """Nodes of one tree: the feature asked (LEAF: none), go left where it is at most `threshold`, and where to go."""

    feature: Int64Array
    threshold: Float64Array
    left: Int64Array
    right: Int64Array


@dataclass(frozen=True)
class Nodes:
    """The nodes of T trees one after the other, so that a row goes down all trees at once; `roots` says where each begins."""

    tree: Tree
    roots: Int64Array

    @classmethod
    def of(cls, trees: Sequence[Tree]) -> Nodes:
        """The nodes of these trees."""
        sizes = np.array([len(tree.feature) for tree in trees])
        roots = np.cumsum(sizes) - sizes
        left = [tree.left + root for tree, root in zip(trees, roots, strict=True)]
        right = [tree.right + root for tree, root in zip(trees, roots, strict=True)]
        feature, threshold = ([getattr(tree, name) for tree in trees] for name in ("feature", "threshold"))
        return cls(Tree(*map(np.concatenate, (feature, threshold, left, right))), roots)

    def leaves(self, values: Float64Array) -> Int64Array:
        """The node of each tree in which each row ends, n x T; a missing value counts as less than any."""
        narrow = np.where(np.isnan(values), UNKNOWN, values).astype(np.float32)  # as the trees were grown
        parts = [self._leaves(narrow[at : at + AT_ONCE]) for at in range(0, len(narrow), AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.roots)), np.int64)

    def _leaves(self, values: NDArray[np.float32]) -> Int64Array:
        tree, row = self.tree, np.repeat(np.arange(len(values)), len(self.roots))
        node = np.tile(self.roots, len(values))
        inner = np.flatnonzero(tree.feature[node] != LEAF)
        while len(inner):
            at = node[inner]
            goes_left = values[row[inner], tree.feature[at]] <= tree.threshold[at]
            node[inner] = np.where(goes_left, tree.left[at], tree.right[at])
            inner = inner[tree.feature[node[inner]] != LEAF]
        return node.reshape(len(values), -1) - self.roots


@dataclass(frozen=True)
class RemainingTimeForest:
    """T trees and m remembered rows: the leaves they fell into (m x T), their tickets' whole lives and what was left, in hours."""

    width: int  # features
    trees: tuple[Tree, ...]
    leaves: Int64Array
    life_hours: Float64Array
    left_hours: Float64Array

    def predict(self, values: Float64Array, age_hours: Float64Array) -> Float64Array:
        """Hours until the ticket ends, n: the weighted median of the rows met in the leaves, each leaf weighing the same."""
        met = self._nodes.leaves(values)
        parts = [
            self._medians(met[at : at + AT_ONCE], age_hours[at : at + AT_ONCE]) for at in range(0, len(met), AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def is_counted_from_opening(self) -> NDArray[np.bool_]:
        """Whether the rows of a leaf agree more closely on their whole lives than on what was left, by T x nodes."""
        closer = self._memory.spread(self.life_hours) <= self._memory.spread(self.left_hours)
        return closer.reshape(len(self.trees), -1)

    def prepare(self) -> None:
        """Nothing; what every question needs is worked out now. Who asks first would wait for it otherwise."""
        _ = self._nodes, self._from_opening

    @cached_property
    def _nodes(self) -> Nodes:
        return Nodes.of(self.trees)

    @cached_property
    def _memory(self) -> _Memory:
        return _Memory.of(self.leaves, self.life_hours)

    @cached_property
    def _from_opening(self) -> NDArray[np.bool_]:
        return self.is_counted_from_opening().ravel()

    def _medians(self, leaves: Int64Array, age_hours: Float64Array) -> Float64Array:
        cells = self._memory.cells(leaves).ravel()
        sizes = self._memory.sizes[cells]
        asked = np.repeat(np.repeat(np.arange(len(leaves)), leaves.shape[1]), sizes)
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows = self._memory.rows[np.repeat(self._memory.starts[cells], sizes) + within]
        after = self.life_hours[rows] - age_hours[asked]
        # A remembered ticket that never grew so old says what was left of it.
        counts = np.repeat(self._from_opening[cells], sizes) & (after >= 0)
        answers = np.where(counts, after, self.left_hours[rows])
        return weighted_medians(answers, np.repeat(1.0 / sizes, sizes), asked)

    def to_json(self) -> str:
        """The forest as text: numbers as Python writes them, so that reading gives the same floats."""
        trees = [
            {name: getattr(tree, name).tolist() for name in ("feature", "threshold", "left", "right")}
            for tree in self.trees
        ]
        data = {"width": self.width, "trees": trees, "leaves": self.leaves.T.tolist()}
        data |= {"life_hours": self.life_hours.tolist(), "left_hours": self.left_hours.tolist()}
        return json.dumps(data, sort_keys=True, allow_nan=False, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str) -> RemainingTimeForest:
        """The forest of a text that `to_json` wrote. Raises ValueError, KeyError or TypeError for another."""
        data = json.loads(text)
        trees = tuple(_tree(one) for one in data["trees"])
        leaves = np.ascontiguousarray(np.array(data["leaves"], np.int64).T)
        life, left = (np.array(data[name], np.float64) for name in ("life_hours", "left_hours"))
        if not len(life) or leaves.shape != (len(life), len(trees)) or life.shape != left.shape:
            raise ValueError(f"{leaves.shape} leaves do not fit {len(life)} rows and {len(trees)} trees")
        return cls(int(data["width"]), trees, leaves, life, left)


@dataclass(frozen=True)
class _Memory:
    """Remembered rows in the order of the cells they lie in; a cell is a node of a tree, numbered through all trees."""

    width: int  # nodes of the largest tree
    rows: Int64Array
    starts: Int64Array
    sizes: Int64Array

    @classmethod
    def of(cls, leaves: Int64Array, life_hours: Float64Array) -> _Memory:
        width = int(leaves.max()) + 1
        cells = (leaves + np.arange(leaves.shape[1]) * width).T.ravel()
        rows = np.tile(np.arange(len(leaves)), leaves.shape[1])
        order = np.argsort(cells * len(leaves) + _ranks(life_hours)[rows])
        sizes = np.bincount(cells, minlength=width * leaves.shape[1])
        place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        share = np.minimum(MOST_IN_A_LEAF / np.maximum(sizes, 1), 1.0)[cells[order]]
        speaks = np.floor((place + 1) * share + 1e-9) > np.floor(place * share + 1e-9)  # evenly, from short to long
        kept = order[speaks]
        sizes = np.minimum(sizes, MOST_IN_A_LEAF)
        return cls(width, rows[kept], np.cumsum(sizes) - sizes, sizes)

    def cells(self, leaves: Int64Array) -> Int64Array:
        return leaves + np.arange(leaves.shape[1]) * self.width

    def spread(self, amounts: Float64Array) -> Float64Array:
        """The sum of distances from the median, one a cell."""
        found, cell = amounts[self.rows], np.repeat(np.arange(len(self.sizes)), self.sizes)
        ordered = found[np.argsort(cell * len(amounts) + _ranks(amounts)[self.rows])]
        middle = self.starts + np.maximum(self.sizes - 1, 0) // 2
        medians = ordered[np.minimum(middle, len(ordered) - 1)]
        distances = np.abs(found - medians[cell])
        return np.asarray(np.bincount(cell, distances, minlength=len(self.sizes)), np.float64)


def _ranks(amounts: Float64Array) -> Int64Array:
    """The place of each in ascending order: with it two keys are one number, which is sorted in a fifth of the time."""
    ranks = np.empty(len(amounts), np.int64)
    ranks[np.argsort(amounts, kind="stable")] = np.arange(len(amounts))
    return ranks


def weighted_medians(answers: Float64Array, weights: Float64Array, group: Int64Array) -> Float64Array:
    """The smallest answer of each group up to which half of its weight lies; groups are 0, 1, ... and none is empty."""
    order = np.lexsort((answers, group))
    sums = np.cumsum(weights[order])
    ends = np.cumsum(np.bincount(group))
    before = np.concatenate([[0.0], sums[ends[:-1] - 1]])
    half = before + (sums[ends - 1] - before) / 2
    found: Float64Array = answers[order][np.searchsorted(sums, half - 1e-9)]
    return found


def grow_forest(
    values: Float64Array,
    age_hours: Float64Array,
    left_hours: Float64Array,
    *,
    trees: int,
    rows_per_leaf: int,
    seed: int,
) -> RemainingTimeForest:
    """A forest grown on n rows to tell whole lives apart, every threshold drawn at random, which remembers all of them."""
    from sklearn.ensemble import ExtraTreesRegressor  # who only asks a model does without it: see lean_imports

    narrow = np.where(np.isnan(values), UNKNOWN, values).astype(np.float32)
    life_hours = age_hours + left_hours
    grown = ExtraTreesRegressor(trees, min_samples_leaf=rows_per_leaf, random_state=seed, n_jobs=1)
    grown.fit(narrow, life_hours)
    found = tuple(_grown(one.tree_) for one in grown.estimators_)
    return RemainingTimeForest(values.shape[1], found, Nodes.of(found).leaves(values), life_hours, left_hours)


def _grown(tree: Any) -> Tree:
    """The nodes of one of scikit-learn's trees, which compares float32 values with float64 thresholds."""
    is_leaf = tree.children_left == tree.children_right
    feature = np.where(is_leaf, LEAF, tree.feature).astype(np.int64)
    threshold = np.where(is_leaf, 0.0, tree.threshold)
    return Tree(feature, threshold, tree.children_left.astype(np.int64), tree.children_right.astype(np.int64))


def _tree(data: dict[str, Any]) -> Tree:
    whole = {name: np.array(data[name], np.int64) for name in ("feature", "left", "right")}
    return Tree(whole["feature"], np.array(data["threshold"], np.float64), whole["left"], whole["right"])
