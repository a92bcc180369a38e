"""Tickets of several askers in one state, each looked at among those it came with alone.

Whoever sends tickets to be asked about must not see in the answer what others sent at the same moment. What a ticket's own
events tell (its state, its clocks) is read for all of them at once; features, which look at other tickets too, one asker
after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from features.live import LiveHistories
from features.snapshots import Snapshots
from features.spec import FeatureSpec
from features.text import TextEncoder
from sla.agreements.agreement_set import AgreementSet
from sla.events import EventLog
from sla.instants import Int64Array

_DIGITS = 4
MOST = 10**_DIGITS
LOOKING_AT_OTHERS = frozenset({"load", "history", "service"})
"""The families of features that look at other tickets. The others read a ticket's own events alone."""


def apart_name(asker: int, ticket_id: str) -> str:
    """The id under which the ticket of an asker (below MOST) is known in `Apart`: in the order of askers, then of ids."""
    return f"{asker:0{_DIGITS}d}/{ticket_id}"


def asker_of(name: str) -> tuple[int, str]:
    """The asker and the ticket's own id, of what `apart_name` gave."""
    return int(name[:_DIGITS]), name[_DIGITS + 1 :]


@dataclass(frozen=True)
class Apart(LiveHistories):
    """All askers' tickets under their `apart_name`s, and what each asker's histories are alone, by their own ids. Given no news."""

    alone: tuple[LiveHistories, ...] = ()

    @classmethod
    def of_askers(cls, logs: Sequence[EventLog], agreements: AgreementSet) -> Apart:
        """The state that knows one log of each asker; ids may be used by several of them."""
        alone = tuple(LiveHistories(agreements).with_logs([log]) for log in logs)
        named = [replace(log, ticket_ids=_named(asker, log)) for asker, log in enumerate(logs)]
        together = LiveHistories(agreements).with_logs(named)
        return cls(agreements, layers=together.layers, rows_built=together.rows_built, alone=alone)

    def matrix(
        self,
        snapshots: Snapshots,
        spec: FeatureSpec,
        target: str = "resolution",
        *,
        text: TextEncoder | None = None,
    ) -> pd.DataFrame:
        """The feature matrix of the snapshots, each row exactly as the histories of its asker alone give it."""
        own, others = _parts(_Same(spec))
        values = np.empty((len(spec.features), len(snapshots)), np.float64)
        values[own.places] = super().matrix(snapshots, own.spec, target, text=text).to_numpy().T
        owner, ticket = self._own(snapshots)
        for asker in np.unique(owner).tolist():
            rows = np.flatnonzero(owner == asker)
            mine = replace(snapshots.take(rows), ticket=ticket[rows])
            told = self.alone[asker].matrix(mine, others.spec, target, text=text).to_numpy()
            values[np.ix_(others.places, rows)] = told.T
        return pd.DataFrame(values.T, columns=spec.columns, copy=False)

    def _own(self, snapshots: Snapshots) -> tuple[Int64Array, Int64Array]:
        """The asker of each snapshot, and the number of its ticket there."""
        named = [asker_of(name) for name in self.ticket_ids(snapshots).tolist()]
        owner, ticket = np.array([asker for asker, _ in named], np.int64), np.empty(len(named), np.int64)
        for asker in np.unique(owner).tolist():
            rows = np.flatnonzero(owner == asker)
            ticket[rows] = self.alone[asker].numbers(np.array([named[row][1] for row in rows.tolist()], object))
        return owner, ticket


def _named(asker: int, log: EventLog) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    names = np.empty(len(log.ticket_ids), object)
    names[:] = [apart_name(asker, ticket_id) for ticket_id in log.ticket_ids.tolist()]
    return names


class _Same:
    """A spec as a key of a cache: the same object, not an equal one, which cannot be hashed."""

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec

    def __hash__(self) -> int:
        return id(self.spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.spec is self.spec


@dataclass(frozen=True)
class _Part:
    """Some families of a spec, and the places of their features in it."""

    spec: FeatureSpec
    places: Int64Array


@lru_cache(maxsize=8)
def _parts(same: _Same) -> tuple[_Part, _Part]:
    """What reads a ticket's own events, and what looks at others."""
    features, settings = same.spec.features, same.spec.settings
    found = []
    for looks_at_others in (False, True):
        places = [place for place, one in enumerate(features) if (one.family in LOOKING_AT_OTHERS) == looks_at_others]
        families = tuple(one for one in settings.families if (one in LOOKING_AT_OTHERS) == looks_at_others)
        chosen = FeatureSpec(tuple(features[place] for place in places), replace(settings, families=families))
        found.append(_Part(chosen, np.array(places, np.int64)))
    return found[0], found[1]
