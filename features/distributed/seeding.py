"""The desk of all partitions: histories without a ticket of their own, whose sums are the merged ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from features.declaration import Key
from features.distributed.contribution import DUE, ENDED, HELD, OLDER, Index, key_names
from features.distributed.merging import read_names
from features.distributed.shared_sums import StoredSpells, StoredSums, StoredTimeline
from features.histories import Histories
from features.membership import Membership, Spells
from features.outcomes import Outcomes, Points, Revisions
from features.prefix_sums import KeyedSums, Timeline
from sla.events import EventLog
from sla.instants import Int64Array

_NOTHING = np.empty(0, np.int64)


def among_all(
    histories: Histories, target: str, indices: Sequence[tuple[Index, Path]], last_known_us: int
) -> Histories:
    """The same histories among the tickets of all partitions; `last_known_us` is that of the whole log."""
    desk = Histories(EventLog.from_events([]), histories.agreements)
    for index, folder in indices:
        _know(desk, target, index, folder)
        histories.code_map(index.key, desk, partial(_codes, histories, index.key, folder))
    seen = histories.among(((desk, 1),), histories.services)
    seen.last_known_us = last_known_us
    return seen


def _know(desk: Histories, target: str, index: Index, folder: Path) -> None:
    """Puts a merged index in the place where the desk's own would be kept."""
    key = index.key
    timeline, sums = cast(Timeline, StoredTimeline(folder)), cast(KeyedSums, StoredSums(folder))
    spells = cast(Spells, StoredSpells(folder))
    if index.kind == HELD:
        held = Membership(_NOTHING, _NOTHING, sums, timeline, spells)
        desk.once(f"membership of {key}", lambda: held)
    elif index.kind == OLDER:
        desk.once(f"spells of {key}", lambda: spells)
    elif index.kind == DUE:
        desk.once(f"due spells of {target} by {key}", lambda: spells)
    elif index.kind == ENDED:
        # Every key's sums have the same entries, so one timeline serves all; that there are entries is all that is asked.
        some = Revisions(np.zeros(1, np.int64), _NOTHING, _NOTHING)
        ended = Outcomes(target, cast(Points, None), some, timeline, _NOTHING)
        desk.once(f"outcomes of {target}", lambda: ended)
        desk.once(f"outcomes of {target} by {key}", lambda: sums)


def _codes(histories: Histories, key: Key, folder: Path) -> Int64Array:
    """For each code of a key in the histories its code in the merged index."""
    code_of = read_names(folder)
    return np.array([code_of[name] for name in key_names(histories, key)], np.int64)
