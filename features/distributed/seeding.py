"""The desk of all partitions: histories without a ticket of their own, whose sums are the merged ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

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

T = TypeVar("T")
_NOTHING = np.empty(0, np.int64)
_INDICES = ("membership of", "spells of", "due spells of", "outcomes of")


class MissingIndexError(RuntimeError):
    """A feature asks for an index over all tickets that the partitions were not asked for: a fault of slacast."""


class WholeDesk(Histories):
    """Histories without a ticket of their own, which know merged indices and refuse to make others out of nothing."""

    def know(self, name: str, index: object) -> None:
        """Nothing; afterwards the index is kept under its name."""
        self._built[name] = index

    def once(self, name: str, build: Callable[[], T]) -> T:
        """See Histories; an index must be known before."""
        if name.startswith(_INDICES) and name not in self._built:
            raise MissingIndexError(
                f"no partition was asked for {name!r}; name it in features/distributed/contribution.py"
            )
        return super().once(name, build)


def among_all(
    histories: Histories, target: str, indices: Sequence[tuple[Index, Path]], last_known_us: int
) -> Histories:
    """The same histories among the tickets of all partitions; `last_known_us` is that of the whole log."""
    desk = WholeDesk(EventLog.from_events([]), histories.agreements)
    for index, folder in indices:
        _know(desk, target, index, folder)
        histories.code_map(index.key, desk, partial(_codes, histories, index.key, folder))
    seen = histories.among(((desk, 1),), histories.services)
    seen.last_known_us = last_known_us
    return seen


def _know(desk: WholeDesk, target: str, index: Index, folder: Path) -> None:
    """Puts a merged index in the place where the desk's own would be kept."""
    key = index.key
    timeline, sums = cast(Timeline, StoredTimeline(folder)), cast(KeyedSums, StoredSums(folder))
    spells = cast(Spells, StoredSpells(folder))
    if index.kind == HELD:
        held = Membership(_NOTHING, _NOTHING, sums, timeline, spells)
        desk.know(f"membership of {key}", held)
        desk.know(f"spells of {key}", spells)  # fetched with it; where they are asked for, OLDER comes after HELD
    elif index.kind == OLDER:
        desk.know(f"spells of {key}", spells)
    elif index.kind == DUE:
        desk.know(f"due spells of {target} by {key}", spells)
    elif index.kind == ENDED:
        # Every key's sums have the same entries, so one timeline serves all; that there are entries is all that is asked.
        some = Revisions(np.zeros(1, np.int64), _NOTHING, _NOTHING)
        ended = Outcomes(target, cast(Points, None), some, timeline, _NOTHING)
        desk.know(f"outcomes of {target}", ended)
        desk.know(f"outcomes of {target} by {key}", sums)


def _codes(histories: Histories, key: Key, folder: Path) -> Int64Array:
    """For each code of a key in the histories its code in the merged index."""
    code_of = read_names(folder)
    return np.array([code_of[name] for name in key_names(histories, key)], np.int64)
