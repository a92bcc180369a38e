"""Which notices follow from what was told before and what is seen now: a pure function of memory, sight and rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from serving.alerting.findings import Finding
from serving.alerting.memory import HOUR_US, Episode, Event, Memory, Notice
from serving.alerting.rules import SEVERITIES, AlertRules, Rule
from serving.alerting.sight import Sight
from sla.agreements.agreement_set import AgreementSet
from sla.working_time.business_time import BusinessTime, compile_calendar

GONE, BREACHED, LESS = "finished, or no longer among its tickets", "the target was missed", "no longer so"


@dataclass(frozen=True)
class Plan:
    """The rules with their calendars ready to be asked."""

    rules: AlertRules
    agreements: AgreementSet

    @cached_property
    def calendars(self) -> dict[str, BusinessTime]:
        """The calendars that rules name."""
        specs = {**self.agreements.calendars, **self.rules.calendars}
        named = {rule.quiet_outside for rule in self.rules.rules if rule.quiet_outside}
        return {
            name: compile_calendar(specs[name], specs, name=name, folder=self.agreements.folder)
            for name in sorted(named)
        }

    def is_quiet(self, rule: Rule, at_us: int) -> bool:
        """True where the rule's notices wait."""
        if rule.quiet_outside is None:
            return False
        return not bool(self.calendars[rule.quiet_outside].is_open(np.array([at_us], np.int64))[0])

    @cached_property
    def longest_cooldown_us(self) -> int:
        """The longest cooldown of any rule."""
        return max(rule.cooldown.amount_us for rule in self.rules.rules)


@dataclass(frozen=True)
class _Wish:
    """An alert that is raised if there is room. `before`: the episode it goes on from."""

    rule: Rule
    subject: str
    finding: Finding
    begun_us: int
    before: Episode | None
    is_over: bool

    @property
    def urgency(self) -> tuple[int, float, int, str]:
        """Who goes first where there is not room for all: the most severe, the worst, the longest waiting."""
        severity = SEVERITIES.index(self.rule.severity)
        return -severity, -(self.finding.worst(self.subject) or 0.0), self.begun_us, self.subject

    def notice(self, event: Event, at_us: int, raised_us: int | None) -> Notice:
        """What becomes of it."""
        places = tuple(self.finding.places.get(self.subject, ()))
        value = self.finding.worst(self.subject)
        words = self.finding.words(self.subject)
        return Notice(self.rule.name, self.subject, event, at_us, self.begun_us, raised_us, value, places, words=words)


def decide(plan: Plan, memory: Memory, sight: Sight) -> list[Notice]:
    """The notices of one instant, in the order they happen; the memory is not changed: it is for the caller to remember them.

    At every instant: a rule tells of a subject once while its condition lasts and then at most once that it is over; not
    again within the cooldown; never more in any hour than the bounds allow; and nothing while it is quiet.
    """
    at_us = sight.at_us
    notices: list[Notice] = []
    wishes: list[_Wish] = []
    for rule in plan.rules.rules:
        finding, is_quiet = Finding.by(rule, sight), plan.is_quiet(rule, at_us)
        episodes = memory.episodes.get(rule.name, {})
        for subject, episode in episodes.items():
            if not episode.event.is_over:
                wish, ended = _go_on(rule, subject, episode, finding, sight, is_quiet)
                wishes += [wish] if wish else []
                notices += [ended] if ended else []
        for subject in finding.places:
            before = episodes.get(subject)
            if before is None or before.event.is_over:
                wishes += _begin(rule, subject, before, finding, at_us)
        if is_quiet:
            deferred = [wish for wish in wishes if wish.rule is rule]
            wishes = [wish for wish in wishes if wish.rule is not rule]
            notices += [
                wish.notice(Event.DEFERRED, at_us, _last_us(wish.before)) for wish in deferred if not _waits(wish)
            ]
        else:
            notices += _summaries(rule, memory, at_us)
    return notices + list(_within_bounds(plan, memory, wishes, at_us))


def _begin(rule: Rule, subject: str, before: Episode | None, finding: Finding, at_us: int) -> list[_Wish]:
    last_us = _last_us(before)
    if last_us is not None and at_us - last_us < rule.cooldown.amount_us:
        return []
    return [_Wish(rule, subject, finding, at_us, before, is_over=False)]


def _go_on(
    rule: Rule, subject: str, episode: Episode, finding: Finding, sight: Sight, is_quiet: bool
) -> tuple[_Wish | None, Notice | None]:
    """What becomes of an alert that is not over: another try to raise it, or its end, or nothing."""
    is_over = finding.is_over(subject)
    if episode.event is Event.DEFERRED or (episode.event is Event.HELD and not is_over):
        return _Wish(rule, subject, finding, episode.begun_us, episode, is_over), None
    if not is_over or (episode.event is Event.RAISED and is_quiet):
        return None, None
    event = Event.RECOVERED if episode.event is Event.RAISED else Event.PASSED
    cause = _cause(rule, subject, finding, sight)
    return None, Notice(rule.name, subject, event, sight.at_us, episode.begun_us, episode.raised_us, cause=cause)


def _within_bounds(plan: Plan, memory: Memory, wishes: list[_Wish], at_us: int) -> Iterator[Notice]:
    room = plan.rules.max_per_hour - memory.raised_in_hour_by_all(at_us)
    room_of = {rule.name: rule.max_per_hour - memory.raised_in_hour(rule.name, at_us) for rule in plan.rules.rules}
    for wish in sorted(wishes, key=lambda wish: wish.urgency):
        name, last_us = wish.rule.name, _last_us(wish.before)
        if room > 0 and room_of[name] > 0:
            room, room_of[name] = room - 1, room_of[name] - 1
            yield wish.notice(Event.RAISED, at_us, at_us)
            if wish.is_over:
                yield Notice(name, wish.subject, Event.RECOVERED, at_us, wish.begun_us, at_us, cause=LESS)
        elif wish.before is None or wish.before.event is not Event.HELD:
            yield wish.notice(Event.HELD, at_us, last_us)
        elif at_us - wish.before.at_us >= HOUR_US:
            yield wish.notice(Event.DROPPED, at_us, last_us)


def _summaries(rule: Rule, memory: Memory, at_us: int) -> list[Notice]:
    """How many were held back in each hour that is over and was not summed up yet."""
    done = memory.summed_up.get(rule.name, -1)
    due = [hour for hour in sorted(memory.held.get(rule.name, ())) if done < hour < at_us // HOUR_US]
    return [
        Notice(rule.name, f"hour {hour}", Event.SUMMARY, at_us, hour * HOUR_US, count=memory.held[rule.name][hour])
        for hour in due
    ]


def _cause(rule: Rule, subject: str, finding: Finding, sight: Sight) -> str:
    if rule.subject_kind != "ticket":
        return finding.endings.get(subject, LESS)
    place = sight.place_of.get(subject)
    if place is None or not finding.applies[place]:
        return GONE
    is_breached = sight.clocks[rule.target].is_breached[place]
    return BREACHED if is_breached and rule.kind != "breach" else LESS


def _waits(wish: _Wish) -> bool:
    """True for an alert whose waiting is stored already."""
    return wish.before is not None and wish.before.event in (Event.DEFERRED, Event.HELD)


def _last_us(episode: Episode | None) -> int | None:
    return None if episode is None else episode.raised_us
