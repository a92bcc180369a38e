"""One index over all tickets from what each partition adds to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.distributed.contribution import LOAD, Name, Shared, read_entries
from features.distributed.shared_sums import SPELL_ARRAYS, Entries, mapped, write_arrays, write_sums
from sla.instants import Int64Array

NAMES = "names.json"


@dataclass(frozen=True)
class Merge:
    """The index to make, what the partitions add, and the names of the key codes there."""

    shared: Shared
    parts: tuple[Path, ...]
    names: tuple[list[Name], ...]
    folder: Path


def merge(work: Merge) -> None:
    """Write the sums over all tickets. Codes follow the names in order, so they depend on nothing but the data."""
    names = sorted({name for part in work.names for name in part}, key=_in_order)
    code_of = {name: code for code, name in enumerate(names)}
    codes = [np.array([code_of[name] for name in part], np.int64) for part in work.names]
    parts = [read_entries(folder, code) for folder, code in zip(work.parts, codes, strict=True)]
    at_us = np.concatenate([part.at_us for part in parts])
    keys = np.concatenate([part.keys for part in parts])
    amounts = np.concatenate([part.amounts for part in parts])
    del parts
    write_sums(work.folder, Entries(at_us, keys, amounts), len(names))
    if work.shared.kind == LOAD:
        _merge_spells(work, codes)
    (work.folder / NAMES).write_text(json.dumps(names), encoding="utf-8")


def read_names(folder: Path) -> dict[Name, int]:
    """The code of each name of a merged index."""
    names = json.loads((folder / NAMES).read_text(encoding="utf-8"))
    return {tuple(name): code for code, name in enumerate(names)}


def _merge_spells(work: Merge, codes: Sequence[Int64Array]) -> None:
    def whole(name: str) -> Int64Array:
        found = [np.asarray(mapped(folder, name)) for folder in work.parts]
        if name == "keys":
            found = [code[keys] for code, keys in zip(codes, found, strict=True)]
        return np.concatenate(found)

    write_arrays(work.folder, {name: whole(name) for name in SPELL_ARRAYS})


def _in_order(name: Name) -> tuple[tuple[bool, str], ...]:
    return tuple((text is not None, text or "") for text in name)
