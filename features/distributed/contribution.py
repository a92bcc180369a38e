"""What a partition's tickets add to the indices over all tickets: changes by key and instant, in files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np

from features.declaration import FIRST_TEAM, Key
from features.distributed.shared_sums import Entries, narrow, write_arrays
from features.due_times import due_spells
from features.histories import Histories
from features.keys import KeyCodes
from features.membership import Membership, Spells, held_spells
from features.outcomes import Outcomes
from features.shared_indices import DUE, HELD, OLDER, Index
from sla.instants import Int64Array

Name = tuple[str | None, ...]
"""What a key code stands for: a text for each column of the key, None where there is none."""


def write_contribution(histories: Histories, target: str, index: Index, folder: Path) -> list[Name]:
    """The names of the key codes in the files that were written."""
    key = index.key
    if index.kind == OLDER:
        _write_spells(folder, held_spells(histories, key), histories.steps.opened_us)
    elif index.kind == DUE:
        due_us = Outcomes.of(histories, target).due_us
        _write_spells(folder, cast(Spells, due_spells(histories, key, target)), due_us)
    elif index.kind == HELD:
        held = Membership.of(histories, key)
        _write_entries(folder, Entries.of(held.timeline, held.sums, KeyCodes.of(histories, key).count))
    else:
        outcomes = Outcomes.of(histories, target)
        sums = outcomes.sums(histories, key)
        _write_entries(folder, Entries.of(outcomes.timeline, sums, KeyCodes.of(histories, key).count))
    return key_names(histories, key)


def key_names(histories: Histories, key: Key) -> list[Name]:
    """What each code of a key stands for; a code that no step has is nameless (all None)."""
    coded = KeyCodes.of(histories, key)
    codes, step = np.unique(coded.codes, return_index=True)
    names: list[Name] = [(None,) * len(key)] * coded.count
    for code, name in zip(codes.tolist(), zip(*_texts(histories, key, step), strict=True), strict=False):
        names[code] = name
    return names


def _texts(histories: Histories, key: Key, step: Int64Array) -> Iterator[list[str | None]]:
    for column in key:
        texts = (None, *histories.values("team" if column == FIRST_TEAM else column))
        yield [texts[code] for code in KeyCodes.of(histories, (column,)).codes[step].tolist()]


def _write_entries(folder: Path, entries: Entries) -> None:
    arrays = {"at_us": entries.at_us, "keys": narrow(entries.keys), "amounts": narrow(entries.amounts)}
    write_arrays(folder, arrays)


def _write_spells(folder: Path, spells: Spells, values: Int64Array) -> None:
    arrays = {
        "keys": spells.keys,
        "enters_us": spells.enters_us,
        "leaves_us": spells.leaves_us,
        "values": values[spells.ticket],
    }
    write_arrays(folder, arrays)
