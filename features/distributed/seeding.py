"""The desk of all partitions: histories without a ticket of their own, whose sums are the merged ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from features.declaration import Key
from features.distributed.contribution import key_names
from features.distributed.merging import read_names
from features.distributed.shared_sums import StoredSpells, StoredSums, StoredTimeline
from features.histories import Histories
from features.membership import Spells
from features.prefix_sums import KeyedSums, Timeline
from features.shared_indices import DUE, Index, IndexedDesk
from sla.events import EventLog
from sla.instants import Int64Array


def among_all(
    histories: Histories, target: str, indices: Sequence[tuple[Index, Path]], last_known_us: int
) -> Histories:
    """The same histories among the tickets of all partitions; `last_known_us` is that of the whole log."""
    desk = IndexedDesk(EventLog.from_events([]), histories.agreements)
    # Spells of due clocks come last: they have no timeline of outcomes, and the first one that is known stays.
    for index, folder in sorted(indices, key=lambda one: one[0].kind == DUE):
        sums, timeline = cast(KeyedSums, StoredSums(folder)), cast(Timeline, StoredTimeline(folder))
        desk.know_index(index, target, sums, timeline, cast(Spells, StoredSpells(folder)))
        histories.code_map(index.key, desk, partial(_codes, histories, index.key, folder))
    seen = histories.among(((desk, 1),), histories.services)
    seen.last_known_us = last_known_us
    return seen


def _codes(histories: Histories, key: Key, folder: Path) -> Int64Array:
    """For each code of a key in the histories its code in the merged index."""
    code_of = read_names(folder)
    return np.array([code_of[name] for name in key_names(histories, key)], np.int64)
