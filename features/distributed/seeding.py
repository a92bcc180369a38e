"""Histories of a partition that know the sums over the tickets of all partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from features.distributed.contribution import LOAD, Shared, key_names
from features.distributed.merging import read_names
from features.distributed.shared_sums import StoredSpells, StoredSums, StoredTimeline
from features.families import load
from features.histories import Histories
from features.keys import KeyCodes
from features.membership import Spells
from features.outcomes import Outcomes
from features.prefix_sums import KeyedSums, Timeline


def seeded(histories: Histories, indices: Sequence[tuple[Shared, Path]], last_known_us: int) -> Histories:
    """The same histories, but whoever asks them about other tickets is answered from the merged indices.

    `last_known_us` is that of the whole log. Key codes are those of the indices; a key that none of them has cannot occur.
    """
    seen = Histories(histories.log, histories.agreements, histories.services)
    seen.last_known_us = last_known_us
    for shared, folder in indices:
        keys = _keys(histories, shared, folder)
        _know(seen, f"codes of {shared.key}", keys)
        timeline, sums = cast(Timeline, StoredTimeline(folder)), cast(KeyedSums, StoredSums(folder))
        if shared.kind == LOAD:
            spells = cast(Spells, StoredSpells(folder, keys.count))
            held = replace(
                load.membership(histories, shared.key), keys=keys.codes, sums=sums, timeline=timeline, spells=spells
            )
            _know(seen, f"membership of {shared.key}", held)
        else:
            # Every key's sums have the same entries, so one timeline serves all.
            _know(seen, f"outcomes of {shared.kind}", replace(Outcomes.of(histories, shared.kind), timeline=timeline))
            _know(seen, f"outcomes of {shared.kind} by {shared.key}", sums)
    return seen


def _know(histories: Histories, name: str, value: object) -> None:
    histories.once(name, lambda: value)


def _keys(histories: Histories, shared: Shared, folder: Path) -> KeyCodes:
    """The codes of a key after each step, as the merged index counts them."""
    own, code_of = KeyCodes.of(histories, shared.key), read_names(folder)
    codes = np.array([code_of[name] for name in key_names(histories, shared.key)], np.int64)
    return KeyCodes(codes[own.codes], len(code_of))
