"""What is known of open tickets at an instant, beside their clocks: their state, when they were opened, since when they wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.histories import Histories
from features.knowledge import Steps
from features.live import LiveHistories
from features.snapshots import Snapshots
from sla.instants import NEVER_US, BoolArray, Int64Array

TEXTS = ("priority", "service", "category", "team", "assignee", "customer", "status", "waiting_on")
TITLE = "attributes.title"


@dataclass(frozen=True)
class Facts:
    """Facts of m tickets; texts are "" where nothing is known, instants int64 microseconds, NEVER_US where there is none."""

    ticket_ids: NDArray[np.object_]
    texts: dict[str, NDArray[np.object_]]
    opened_us: Int64Array
    waiting_since_us: Int64Array
    last_contact_us: Int64Array

    @cached_property
    def by_id(self) -> pd.Index:
        """The tickets' ids as what finds their places."""
        return pd.Index(self.ticket_ids, dtype=object)

    def place_of(self, ticket_id: str) -> int:
        """The place of a ticket, -1 where it is not here."""
        return int(self.places_of([ticket_id])[0])

    def places_of(self, ticket_ids: Sequence[str]) -> Int64Array:
        """The places of some tickets, -1 for one that is not here: pandas takes as long for one as for a page of them."""
        return np.asarray(self.by_id.get_indexer(pd.Index(ticket_ids, dtype=object)), np.int64)

    def take(self, places: Int64Array, names: Collection[str] | None = None) -> Facts:
        """The facts of some of the tickets; of the texts only those named: moving them costs most."""
        return Facts(
            self.ticket_ids[places],
            {name: column[places] for name, column in self.texts.items() if names is None or name in names},
            self.opened_us[places],
            self.waiting_since_us[places],
            self.last_contact_us[places],
        )

    @classmethod
    def of(cls, live: LiveHistories, snapshots: Snapshots) -> Facts:
        """The facts at the snapshots, as known then."""
        found = cls.blank(len(snapshots))
        for rows, histories, mine in live.parts(snapshots):
            found.place(rows, cls._part(histories, mine))
        return found

    @classmethod
    def blank(cls, size: int) -> Facts:
        """Nothing known of so many tickets."""
        texts = {name: np.full(size, "", object) for name in (*TEXTS, "title")}
        return cls(np.full(size, "", object), texts, *(np.full(size, NEVER_US) for _ in range(3)))

    def place(self, rows: Int64Array, other: Facts) -> None:
        """Write other facts into these at the given positions."""
        for name in ("ticket_ids", "opened_us", "waiting_since_us", "last_contact_us"):
            getattr(self, name)[rows] = getattr(other, name)
        for name, column in other.texts.items():
            self.texts[name][rows] = column

    @classmethod
    def _part(cls, histories: Histories, snapshots: Snapshots) -> Facts:
        ticket, at_us = snapshots.ticket, snapshots.at_us
        columns = {name: name for name in TEXTS} | {"title": TITLE}
        steps = histories.steps
        step = histories.search.at(ticket, at_us)
        texts = {name: _texts(histories, column, step) for name, column in columns.items()}
        run = histories.once("status_run_start", lambda: _run_start(histories))
        is_waiting = histories.is_value("status", "waiting")[step]
        waiting_since_us = np.where(is_waiting, steps.at_us[run[step]], NEVER_US)
        return cls(
            histories.ticket_ids[ticket],
            texts,
            _opened_us(histories, step),
            waiting_since_us,
            _last_contact_us(histories, step),
        )


def _texts(histories: Histories, column: str, step: Int64Array) -> NDArray[np.object_]:
    """The text of a column after each step, "" where nothing is known."""
    texts = np.array([*histories.values(column), ""], dtype=object)
    found: NDArray[np.object_] = texts[histories.codes(column)[step]]
    return found


def _run_start(histories: Histories) -> Int64Array:
    """Per step, the first step of the unbroken run of the same status and the same thing waited for."""
    steps = histories.steps
    begins = steps.is_first.copy()
    for column in ("status", "waiting_on"):
        begins |= steps.changed(histories.codes(column))
    found: Int64Array = steps.latest(begins)
    return found


def _opened_us(histories: Histories, step: Int64Array) -> Int64Array:
    """The earliest instant that any record up to the step speaks of: a creation may become known after other news."""
    return _over_steps(np.minimum, histories.steps, histories.steps.at_us, step)


def _last_contact_us(histories: Histories, step: Int64Array) -> Int64Array:
    """When the desk last told the customer something: its last public comment; where there is none, its last act of any kind."""
    steps = histories.steps
    by_agent: BoolArray = histories.is_value("actor_kind", "agent")
    comments = by_agent & histories.is_value("kind", "commented")
    commented_us = _over_steps(np.maximum, steps, np.where(comments, steps.at_us, -NEVER_US), step)
    acted_us = _over_steps(np.maximum, steps, np.where(by_agent, steps.at_us, -NEVER_US), step)
    last_us = np.where(commented_us > -NEVER_US, commented_us, acted_us)
    return np.where(last_us > -NEVER_US, last_us, NEVER_US)


def _over_steps(reduction: np.ufunc, steps: Steps, values: Int64Array, step: Int64Array) -> Int64Array:
    """The reduction of one value a step over each ticket's steps up to the given one: records arrive out of order."""
    if not len(step):
        return step
    edges = np.column_stack((steps.offsets[steps.ticket[step]], step + 1)).ravel()
    found: Int64Array = reduction.reduceat(np.append(values, 0), edges)[::2]
    return found
