"""The indices over all tickets that features look into, by name, and histories that know nothing but such indices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from features.declaration import Key, Settings
from features.families import history, load, service
from features.histories import Histories
from features.membership import Membership, Spells
from features.outcomes import Outcomes, Revisions
from features.prefix_sums import KeyedSums, Timeline
from sla.instants import NEVER_US

T = TypeVar("T")
HELD, OLDER, DUE, ENDED = "held", "older", "due", "ended"
"""Kinds of indices: sums of who holds tickets, spells of holding with when tickets were opened, spells of running clocks
with when they are due, sums of how clocks ended."""
_NOTHING, _NO_KEYS = np.empty(0, np.int64), np.empty(0, np.int32)
_NAMES = ("membership of", "spells of", "due spells of", "outcomes of")


@dataclass(frozen=True)
class Index:
    """One index over all tickets, by a key; `number` tells it from the others of the same settings."""

    kind: str
    key: Key
    number: int


def indices_of(settings: Settings) -> tuple[Index, ...]:
    """Every index over all tickets that features of these settings look into."""
    asked: list[tuple[str, Key]] = []
    if "load" in settings.families:
        asked += [(HELD, key) for key in (load.ALL, load.TEAM, *settings.load_keys)]
        asked += [(OLDER, key) for key in settings.load_keys] + [(DUE, key) for key in settings.due_keys]
    if "service" in settings.families and settings.counts_service_tickets:
        asked.append((HELD, service.SERVICE))
    if "history" in settings.families:
        asked += [(ENDED, key) for key in (history.ALL, *history.asked_keys(settings))]
    return tuple(Index(kind, key, number) for number, (kind, key) in enumerate(dict.fromkeys(asked)))


class MissingIndexError(RuntimeError):
    """A feature asks for an index over all tickets that nobody made: a fault of slacast."""


class IndexedDesk(Histories):
    """Histories that know indices made elsewhere and refuse to make others out of their own tickets."""

    since_us: int = -NEVER_US
    """From when on the entries of indices are kept one by one."""

    def know(self, name: str, index: object) -> None:
        """Nothing; afterwards the index is kept under its name."""
        self._built[name] = index

    def know_index(self, index: Index, target: str, sums: KeyedSums, timeline: Timeline, spells: Spells) -> None:
        """Nothing; afterwards the index answers: `sums` along the timeline for HELD and ENDED, `spells` for the others.

        Spells of holding are fetched with the sums of holding: name OLDER after HELD.
        """
        key = index.key
        if index.kind == HELD:
            self.know(f"membership of {key}", Membership(_NO_KEYS, _NO_KEYS, sums, timeline))
            self.know(f"spells of {key}", spells)
        elif index.kind == OLDER:
            self.know(f"spells of {key}", spells)
        elif index.kind == DUE:
            self.know(f"due spells of {target} by {key}", spells)
        else:
            self.know(f"outcomes of {target} by {key}", sums)
        # Every key's sums have the same entries, so one timeline serves all; that there are entries is all that is asked.
        some = Revisions(np.zeros(1, np.int64), _NOTHING, _NOTHING)
        if index.kind == ENDED:
            self.know(f"outcomes of {target}", Outcomes.known(target, some, timeline))
        elif index.kind == DUE:  # a target's due times may be asked for without its outcomes
            self._built.setdefault(f"outcomes of {target}", Outcomes.known(target, some, timeline))

    def index(self, index: Index, target: str) -> KeyedSums | Spells:
        """The sums, or the spells, that answer for an index; see `know_index`."""
        key = index.key
        found: KeyedSums | Spells
        if index.kind == HELD:
            found = self._built[f"membership of {key}"].sums
        elif index.kind == OLDER:
            found = self._built[f"spells of {key}"]
        else:
            name = f"due spells of {target} by {key}" if index.kind == DUE else f"outcomes of {target} by {key}"
            found = self._built[name]
        return found

    def once(self, name: str, build: Callable[[], T]) -> T:
        """See Histories; an index must be known before."""
        if name.startswith(_NAMES) and name not in self._built:
            raise MissingIndexError(f"nobody made {name!r}; name it in features/shared_indices.py")
        return super().once(name, build)
