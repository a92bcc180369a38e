"""Indices over all tickets, as far as they are kept, as arrays of a file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from features.keys import KeyCodes
from features.memory.array_file import ArrayFile, ArrayWriter
from features.prefix_sums import KeyedSums
from features.recent_sums import Recent, RecentSpells, RecentSums
from features.shared_indices import Index, IndexedDesk


def write_indices(
    writer: ArrayWriter, name: str, desk: IndexedDesk, indices: tuple[Index, ...], target: str
) -> dict[str, Any]:
    """Facts of the indices of a desk, whose arrays are written under a name."""
    told = []
    for index in indices:
        made, here = desk.index(index, target), f"{name}/{index.number}"
        fact: dict[str, Any] = {"kind": index.kind, "key": index.key, "number": index.number}
        if isinstance(made, RecentSums):
            arrays, fact["sums"] = made.arrays()
        elif isinstance(made, RecentSpells):
            arrays, fact["spells"] = made.arrays()
        else:
            raise TypeError(f"{index} is kept whole")
        codes = KeyCodes.of(desk, index.key)
        fact["codes"] = codes.count
        if codes.pairs is not None:
            arrays = {**arrays, "pairs": codes.pairs}
        for part, array in arrays.items():
            writer.put(f"{here}/{part}", array)
        told.append({**fact, "parts": list(arrays)})
    return {"target": target, "indices": told}


def indices_in(file: ArrayFile, name: str, facts: Mapping[str, Any], recent: Recent) -> IndexedDesk:
    """The desk that knows the indices that were written under a name."""
    desk, names = recent.blank(), recent.blank()
    for fact, index in zip(facts["indices"], recent.indices, strict=True):
        arrays = {part: file.array(f"{name}/{index.number}/{part}") for part in fact["parts"]}
        if "pairs" in arrays:
            pairs = arrays.pop("pairs")
            for one in (desk, names):
                recent.know_pairs(one, index.key, pairs, fact["codes"])
        made: KeyedSums | RecentSpells
        if "sums" in fact:
            made = RecentSums.again(arrays, fact["sums"], partial(recent.whole_sums, names, index))
        else:
            made = RecentSpells.again(arrays, fact["spells"], partial(recent.whole_spells, names, index))
        recent.know(desk, index, made)
    return desk


def named_indices(facts: Mapping[str, Any]) -> tuple[Index, ...]:
    """The indices that facts speak of."""
    return tuple(Index(one["kind"], tuple(one["key"]), one["number"]) for one in facts["indices"])
