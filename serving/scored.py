"""Scored tickets as columns: order, filters and counts are read off arrays; a row is put into words when it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.live import LiveHistories
from features.snapshots import Snapshots
from models.reasons import Reason
from serving.clock_reading import clocks_of, has_target, instant
from serving.estimates import Estimates
from serving.facts import Facts
from serving.queue import QueueRow
from serving.risk import LATE, Clock, Group, Risk, Thresholds, risk_words
from serving.rule_reasons import reasons_of, why_here
from serving.sorting import order_by
from serving.suggested import Suggestion
from serving.text_column import TextColumn
from serving.wording import LocalTime, sentence
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import NEVER_US, SECOND_US, BoolArray, Int64Array

RISKS, GROUPS = tuple(Risk), tuple(Group)
Codes = NDArray[np.int8]
_RUNNING_ON = {"running", "paused", "breached", "paused_and_breached"}
_FIXED = {
    VerdictState.BREACHED: Risk.BREACHED,
    VerdictState.PAUSED_AND_BREACHED: Risk.PAUSED_AND_BREACHED,
    VerdictState.PAUSED: Risk.PAUSED,
}
_RISK_OF_STATE = np.array([RISKS.index(_FIXED.get(state, Risk.NO_CLOCK)) for state in VerdictState], np.int8)
"""By the number of a verdict's state, where no clock runs towards a target."""


@dataclass(frozen=True)
class Reading:
    """How tickets are read: when, under what, in whose words."""

    at: datetime
    agreements: AgreementSet
    thresholds: Thresholds
    local: LocalTime
    leading: str
    response: str
    asked_at: datetime  # when the bundle was last asked about all of them; about some it was later


@dataclass(frozen=True)
class Stood:
    """Where m tickets stood in a scoring before, which is told by its `snapshots`: their places there, -1 for none."""

    snapshots: Snapshots
    place: Int64Array


@dataclass(frozen=True)
class Scored:
    """m open tickets: what is known of them, where their clocks stand, what the bundle said."""

    facts: Facts
    leading: VerdictArrays
    histories: LiveHistories
    snapshots: Snapshots
    estimates: Estimates
    reading: Reading
    suggestion: Suggestion | None = None  # None: the order is that of the rules
    responses: VerdictArrays | None = None  # of all tickets, where the order asked for them
    teams_with_news: frozenset[str] = frozenset()  # since the queue that this one went on from
    stood: Stood | None = field(default=None, repr=False)  # in that queue
    _ranks: dict[str, Int64Array] = field(default_factory=dict, repr=False)

    def response(self, places: Int64Array) -> VerdictArrays:
        """The verdicts on the response of the tickets at some places: only rows that are read show it."""
        if self.responses is not None:
            return self.responses.take(places)
        return self.histories.verdicts(self.snapshots.take(places), self.reading.response)

    def places_of(self, ticket_ids: Sequence[str]) -> Int64Array:
        """The places of some tickets, -1 for one that is not here.

        By their numbers: an index of all ids would be made anew for each queue, for the sake of a page of rows.
        """
        numbers = self.histories.numbers(np.array(ticket_ids, object))
        here = np.flatnonzero(np.isin(self.snapshots.ticket, numbers))
        place_of = dict(zip(self.snapshots.ticket[here].tolist(), here.tolist(), strict=True))
        return np.array([place_of.get(number, -1) for number in numbers.tolist()], np.int64)

    def rows(self, places: Int64Array, told: Sequence[Sequence[Reason]] | None = None) -> list[QueueRow]:
        """The tickets at some places as rows in words; `told`: the bundle's reasons for them, where they are known already."""
        reading, facts = self.reading, self.facts.take(places)
        clocks = clocks_of(self.leading.take(places), reading.leading, reading.agreements, reading.at)
        responses = clocks_of(self.response(places), reading.response, reading.agreements, reading.at)
        told = self.estimates.reasons(places) if told is None else told
        words, rows = facts.in_words(), []
        for index, place in enumerate(places.tolist()):
            row = self._row(facts, index, place, clocks[index], responses[index], words[index])
            why = self.suggestion.why(place) if self.suggestion else None
            texts = tuple(sentence(reason.text) for reason in told[index])
            # Nobody has the row yet, and to make it again with these two takes longer than all its other words.
            object.__setattr__(row, "why_here", why_here(row, reading.at, reading.thresholds) if why is None else why)
            object.__setattr__(row, "reasons", reasons_of(row, texts, reading.at, reading.local))
            rows.append(row)
        return rows

    def _row(
        self, facts: Facts, index: int, place: int, clock: Clock, response: Clock, words: dict[str, Any]
    ) -> QueueRow:
        """The row of the ticket at a place, which is one of the `facts`, without why it stands there and reasons."""
        said = float(self.estimates.probability[place])
        probability = None if np.isnan(said) else said
        risk, rules_risk = risk_words(clock, probability, self.reading.thresholds)
        return QueueRow(
            ticket_id=str(facts.ticket_ids[index]),
            clock=clock,
            response=response if response.state in _RUNNING_ON else None,
            opened_at=instant(int(facts.opened_us[index])),
            waiting_since=instant(int(facts.waiting_since_us[index])),
            last_contact_at=instant(int(facts.last_contact_us[index])),
            risk=risk,
            rules_risk=rules_risk,
            group=GROUPS[self.group[place]],
            probability=probability,
            bundle_version=None if probability is None else self.estimates.version,
            **words,
            **self._work(place),
        )

    def _work(self, place: int) -> dict[str, Any]:
        """What the suggested order says of the ticket at a place in numbers; nothing where it has no say."""
        said = self.suggestion
        if said is None or said.row[place] < 0:
            return {}
        return {
            "gain_per_minute": float(said.gain[place]),
            "late_if_taken_now": float(said.late_chance[place]),
            "work_minutes": float(said.work_minutes[place]),
            "rank_in_team": int(said.shown_rank[place]),
        }

    # ---- columns, by place

    @cached_property
    def has_target(self) -> BoolArray:
        """Whether a target was promised and counts."""
        return has_target(self.leading)

    @cached_property
    def share_used(self) -> NDArray[np.float64]:
        """Elapsed working time over target, NaN without a target."""
        elapsed, target = self.leading.elapsed_us / SECOND_US, self.leading.target_us / SECOND_US
        share = np.divide(elapsed, target, out=np.ones(len(target)), where=target > 0)
        return np.where(self.has_target, share, np.nan)

    @cached_property
    def left_seconds(self) -> NDArray[np.float64]:
        """Working time left, infinite without a target."""
        return np.where(self.has_target, self.leading.remaining_us / SECOND_US, np.inf)

    @cached_property
    def gain(self) -> NDArray[np.float64]:
        """What a minute of work is worth, minus infinity where the order has no say."""
        nothing = np.full(len(self.facts.ticket_ids), -np.inf)
        return nothing if self.suggestion is None else np.nan_to_num(self.suggestion.gain, nan=-np.inf)

    @cached_property
    def due_us(self) -> Int64Array:
        """When the clock runs out, NEVER_US without a target."""
        return np.where(self.has_target, self.leading.due_us, NEVER_US)

    @cached_property
    def worth(self) -> NDArray[np.float64]:
        """The probability, or where the bundle was not asked the share used, 0 without a target."""
        share = np.nan_to_num(self.share_used)
        return np.where(np.isnan(self.estimates.probability), share, self.estimates.probability)

    @cached_property
    def risk(self) -> Codes:
        """The risk shown, as a place in RISKS."""
        limits, probability = self.reading.thresholds, self.estimates.probability
        by_model = _words(probability, limits.some_risk_from, limits.high_risk_from)
        by_rules = _words(self.share_used, limits.rules_some_risk_from, limits.rules_high_risk_from)
        runs = self.has_target & (self.leading.state == VerdictState.RUNNING)
        running = np.where(np.isnan(probability), by_rules, by_model)
        return np.where(runs, running, _RISK_OF_STATE[self.leading.state])

    @cached_property
    def is_due_soon(self) -> BoolArray:
        """Whether no more time is left than a dispatcher should let pass."""
        return self.left_seconds <= self.reading.thresholds.save_within_working_hours * 3600.0

    @cached_property
    def group(self) -> Codes:
        """The group, as a place in GROUPS: by the suggested order, where it has no say by the rules."""
        if self.suggestion is not None:
            by_rules = np.where(
                self.has_risk(*LATE), GROUPS.index(Group.LATE_OR_LOST), GROUPS.index(Group.SAFE_FOR_NOW)
            )
            return np.where(self.suggestion.group >= 0, self.suggestion.group, by_rules).astype(np.int8)
        is_saved = self.has_risk(Risk.HIGH_RISK) | (self.has_risk(Risk.ON_TRACK, Risk.SOME_RISK) & self.is_due_soon)
        others = np.where(is_saved, GROUPS.index(Group.SAVE_NOW), GROUPS.index(Group.SAFE_FOR_NOW))
        return np.where(self.has_risk(*LATE), GROUPS.index(Group.LATE_OR_LOST), others).astype(np.int8)

    def has_risk(self, *risks: Risk) -> BoolArray:
        """Whether the risk shown is one of these."""
        return _among_risks(risks)[self.risk]

    @cached_property
    def is_unassigned(self) -> BoolArray:
        """Whether the log names nobody who works on it."""
        return self.facts.texts["assignee"].is_among(("",))

    @cached_property
    def ticket_rank(self) -> Int64Array:
        """The place of each ticket's id among all, sorted."""
        rank = np.empty(len(self.facts.ticket_ids), np.int64)
        rank[np.argsort(self.facts.ticket_ids, kind="stable")] = np.arange(len(rank))
        return rank

    def text_rank(self, name: str, key: Callable[[str], Any]) -> Int64Array:
        """The place of each ticket's text in a column among all texts by a sort key, built once a column."""
        if name not in self._ranks:
            column = TextColumn.of(self.facts.title) if name == "title" else self.facts.texts[name]
            place_of = {one: place for place, one in enumerate(sorted({key(text) for text in column.names.tolist()}))}
            self._ranks[name] = column.each(lambda text: place_of[key(text)], np.int64)
        return self._ranks[name]

    @cached_property
    def searchable(self) -> list[str]:
        """The text that is looked through for each ticket."""
        names = ("service", "category", "team", "assignee", "customer")
        columns = [
            self.facts.ticket_ids.tolist(),
            self.facts.title.tolist(),
            *(self.facts.texts[name] for name in names),
        ]
        return ["\n".join(texts).casefold() for texts in zip(*columns, strict=True)]

    def suggested_order(self) -> Int64Array:
        """The places in the suggested order: by group and in it by gain, the highest first; what nobody can work on comes after it."""
        said = self.suggestion
        if len(self.facts.ticket_ids) <= 1:  # as the tickets that come with a question often are
            return np.arange(len(self.facts.ticket_ids))
        if said is None:
            return self._order_by_rules()
        band = np.select([said.row >= 0, self.has_risk(Risk.NO_CLOCK)], [0, 1], 2)
        worth = np.where(said.is_oldest_turn, -np.inf, -said.sort_gain)
        time_us = np.where(band == 1, self.facts.opened_us, self.due_us)
        return self._in_order(band, band == 0, worth, time_us)

    def _order_by_rules(self) -> Int64Array:
        """As `serving.queue.suggested_order`, for all tickets at once."""
        late, no_clock = self.group == GROUPS.index(Group.LATE_OR_LOST), self.has_risk(Risk.NO_CLOCK)
        paused = self.has_risk(Risk.PAUSED)
        soon = (self.group == GROUPS.index(Group.SAVE_NOW)) & self.is_due_soon
        contact_us = np.where(self.facts.last_contact_us == NEVER_US, self.facts.opened_us, self.facts.last_contact_us)
        contact_us = np.where(contact_us == NEVER_US, -NEVER_US, contact_us)
        cases = [late | soon, paused, no_clock]
        band = np.select(cases, [0, 3, 2], 1)
        time_us = np.select([late, ~soon & ~paused & no_clock], [contact_us, self.facts.opened_us], self.due_us)
        return self._in_order(band, band == 1, -self.worth, time_us)

    def _in_order(
        self, band: NDArray[np.integer], is_by_worth: BoolArray, worth: NDArray[np.float64], time_us: Int64Array
    ) -> Int64Array:
        """The places by group and band, of which each is ordered by worth or by time; what is alike by time and id."""
        main = np.where(is_by_worth, worth, time_us)
        return order_by(self.group * (band.max(initial=0) + 1) + band, main, time_us, self.ticket_rank)


@cache
def _among_risks(risks: tuple[Risk, ...]) -> BoolArray:
    """For each place in RISKS whether it is one of these; to be read only."""
    return np.array([risk in risks for risk in RISKS], np.bool_)


def _words(value: NDArray[np.float64], some_from: float, high_from: float) -> Codes:
    words = (Risk.HIGH_RISK, Risk.SOME_RISK, Risk.ON_TRACK)
    high, some, low = (RISKS.index(risk) for risk in words)
    return np.where(value >= high_from, high, np.where(value >= some_from, some, low)).astype(np.int8)
