"""What a partition's tickets add to the sums over all tickets: changes by key and instant, in files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from features.declaration import FIRST_TEAM, Key, Settings
from features.distributed.shared_sums import Entries, mapped, narrow, write_arrays
from features.families import load
from features.histories import Histories
from features.keys import KeyCodes
from features.membership import Spells
from features.outcomes import Outcomes
from sla.instants import Int64Array

ALL: Key = ()
Name = tuple[str | None, ...]
"""What a key code stands for: a text for each column of the key, None where there is none."""


@dataclass(frozen=True)
class Shared:
    """One index over all tickets: `kind` is "load" or a target, whose outcomes are counted, by `key`; `number` names files."""

    kind: str
    key: Key
    number: int


LOAD = "load"


def shared_by(settings: Settings, target: str) -> list[Shared]:
    """Every index over all tickets that features of these settings and this target look into."""
    asked: list[tuple[str, Key]] = []
    if "load" in settings.families:
        asked += [(LOAD, key) for key in dict.fromkeys([*settings.load_keys, load.TEAM, ALL])]
    if "history" in settings.families:
        keys = [*settings.keys, *settings.recent_keys, *settings.duration_keys]
        asked += [(target, key) for key in dict.fromkeys([*keys, *(key[:1] for key in settings.keys), ALL])]
    return [Shared(kind, key, number) for number, (kind, key) in enumerate(asked)]


def write_contribution(histories: Histories, shared: Shared, folder: Path) -> list[Name]:
    """The names of the key codes in the files that were written: entries, and for load the spells."""
    if shared.kind == LOAD:
        held = load.membership(histories, shared.key)
        entries = Entries.of(held.timeline, held.sums)
        write_arrays(folder, _spell_arrays(histories, cast(Spells, held.spells)))
    else:
        outcomes = Outcomes.of(histories, shared.kind)
        entries = Entries.of(outcomes.timeline, outcomes.sums(histories, shared.key))
    arrays = {"at": entries.at_us, "codes": narrow(entries.keys), "amounts": narrow(entries.amounts)}
    write_arrays(folder, arrays)
    return key_names(histories, shared.key)


def read_entries(folder: Path, code_of: Int64Array) -> Entries:
    """The entries of a partition under the codes that `code_of` gives for its own."""
    amounts = np.asarray(mapped(folder, "amounts"), np.int64)
    return Entries(np.asarray(mapped(folder, "at")), code_of[mapped(folder, "codes")], amounts)


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


def _spell_arrays(histories: Histories, spells: Spells) -> dict[str, Int64Array]:
    return {
        "keys": spells.keys,
        "enters_us": spells.enters_us,
        "leaves_us": spells.leaves_us,
        "opened_us": histories.steps.opened_us[spells.ticket],
    }
