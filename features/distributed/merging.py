"""One index over all tickets from what each partition adds to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.distributed.contribution import Name
from features.distributed.shared_sums import SPELL_ARRAYS, mapped, write_arrays, write_sums
from features.shared_indices import DUE, OLDER, Index
from sla.instants import Int64Array

NAMES = "names.json"


@dataclass(frozen=True)
class Merge:
    """The index to make, what the partitions add, and the names of the key codes there."""

    index: Index
    parts: tuple[Path, ...]
    names: tuple[list[Name], ...]
    folder: Path


def merge(work: Merge) -> None:
    """Write the index. Codes follow the names in order, so they depend on nothing but the data."""
    names = sorted({name for part in work.names for name in part}, key=_in_order)
    code_of = {name: code for code, name in enumerate(names)}
    codes = [np.array([code_of[name] for name in part], np.int64) for part in work.names]
    if work.index.kind in (OLDER, DUE):
        arrays = {name: _whole(work, codes, name) for name in SPELL_ARRAYS}
        write_arrays(work.folder, arrays)
    else:
        columns = (_column(work, number) for number in range(mapped(work.parts[0], "amounts").shape[1]))
        write_sums(work.folder, _whole(work, codes, "at_us"), _whole(work, codes, "keys"), len(names), columns)
    (work.folder / NAMES).write_text(json.dumps(names), encoding="utf-8")


def read_names(folder: Path) -> dict[Name, int]:
    """The code of each name of a merged index."""
    names = json.loads((folder / NAMES).read_text(encoding="utf-8"))
    return {tuple(name): code for code, name in enumerate(names)}


def _column(work: Merge, number: int) -> Int64Array:
    return np.concatenate([mapped(folder, "amounts")[:, number] for folder in work.parts])


def _whole(work: Merge, codes: Sequence[Int64Array], name: str) -> Int64Array:
    found = [np.asarray(mapped(folder, name)) for folder in work.parts]
    if name == "keys":
        found = [code[keys] for code, keys in zip(codes, found, strict=True)]
    return np.concatenate(found)


def _in_order(name: Name) -> tuple[tuple[bool, str], ...]:
    return tuple((text is not None, text or "") for text in name)
