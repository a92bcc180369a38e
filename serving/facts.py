"""What is known of open tickets at an instant, beside their clocks: their state, when they were opened, since when they wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.histories import Histories
from features.knowledge import Steps
from features.live import LiveHistories
from features.snapshots import Snapshots
from serving.text_column import TextColumn, Texts
from sla.instants import NEVER_US, BoolArray, Int64Array

TEXTS = ("priority", "service", "category", "team", "assignee", "customer", "status", "waiting_on")
TITLE = "attributes.title"
_PLAIN = ("ticket_ids", "title", "opened_us", "waiting_since_us", "last_contact_us")


@dataclass(frozen=True)
class Facts:
    """Facts of m tickets; texts are "" where nothing is known, instants int64 microseconds, NEVER_US where there is none."""

    ticket_ids: Texts
    texts: dict[str, TextColumn]
    title: Texts
    opened_us: Int64Array
    waiting_since_us: Int64Array
    last_contact_us: Int64Array

    def in_words(self) -> list[dict[str, str]]:
        """The texts of each ticket by their names, its title too."""
        names = (*self.texts, "title")
        columns = [column.texts().tolist() for column in self.texts.values()]
        return [dict(zip(names, told, strict=True)) for told in zip(*columns, self.title.tolist(), strict=True)]

    def some(self, name: str, places: Int64Array) -> Texts:
        """The texts of some of the tickets in a column, or their titles."""
        return self.title[places] if name == "title" else self.texts[name][places]

    def take(self, places: Int64Array) -> Facts:
        """The facts of some of the tickets."""
        texts = {name: column.take(places) for name, column in self.texts.items()}
        return Facts(texts=texts, **{name: getattr(self, name)[places] for name in _PLAIN})

    def moved(self, place: Int64Array, anew: Int64Array, told: Facts) -> Facts:
        """The facts of other tickets: each those of the one that stood at `place`, those of the places `anew` as `told`.

        Where nothing stood before (-1) they must be told anew.
        """
        if not len(self.ticket_ids):
            return told
        plain = {name: getattr(self, name)[np.maximum(place, 0)] for name in _PLAIN}
        for name, column in plain.items():
            column[anew] = getattr(told, name)
        return Facts(texts={name: self.texts[name].moved(place, anew, told.texts[name]) for name in TEXTS}, **plain)

    @classmethod
    def of(cls, live: LiveHistories, snapshots: Snapshots) -> Facts:
        """The facts at the snapshots, as known then."""
        parts = [(rows, cls._part(histories, mine)) for rows, histories, mine in live.parts(snapshots)]
        size = len(snapshots)
        if len(parts) == 1 and len(parts[0][0]) == size:
            return parts[0][1]
        texts = {name: TextColumn.joined(size, ((rows, part.texts[name]) for rows, part in parts)) for name in TEXTS}
        empty, never = np.full(size, "", object), np.full(size, NEVER_US)
        found = cls(empty, texts, empty.copy(), never, never.copy(), never.copy())
        for rows, part in parts:
            for name in _PLAIN:
                getattr(found, name)[rows] = getattr(part, name)
        return found

    @classmethod
    def _part(cls, histories: Histories, snapshots: Snapshots) -> Facts:
        ticket, at_us = snapshots.ticket, snapshots.at_us
        steps = histories.steps
        step = histories.search.at(ticket, at_us)
        texts = {name: TextColumn.coded(histories.codes(name)[step], histories.values(name)) for name in TEXTS}
        run = histories.once("status_run_start", lambda: _run_start(histories))
        is_waiting = histories.is_value("status", "waiting")[step]
        waiting_since_us = np.where(is_waiting, steps.at_us[run[step]], NEVER_US)
        return cls(
            histories.ticket_ids[ticket],
            texts,
            TextColumn.coded(histories.codes(TITLE)[step], histories.values(TITLE)).texts(),
            _opened_us(histories, step),
            waiting_since_us,
            _last_contact_us(histories, step),
        )


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
