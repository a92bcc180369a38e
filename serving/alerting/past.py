"""A dry run: what rules would have told in a span of the past, and how often they would have been right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

import numpy as np
import pandas as pd

from features.histories import Histories
from features.live import LiveHistories
from features.pipeline import build
from features.snapshots import Snapshots, open_snapshots
from features.spec import FeatureSpec
from features.text import TextEncoder
from models.bundle import BreachBundle
from serving.alerting.deciding import Plan, decide
from serving.alerting.memory import Event, Memory, Notice
from serving.alerting.past_services import OutageCourse, PastServices
from serving.alerting.rules import Rule
from serving.alerting.sight import ClockSight, Sight
from serving.estimates import Estimates
from serving.facts import Facts
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import verdicts_at
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import NEVER_US, SECOND_US, Int64Array, from_us, to_us

INSTANTS_AT_ONCE = 96
Progress = Callable[[str, float, float], None]


class WholeLog:
    """The whole log built once, asked as live histories are: those keep finished tickets apart and cheap, and here all are looked at."""

    def __init__(self, events: pd.DataFrame, agreements: AgreementSet) -> None:
        self.histories, self._agreements = Histories.from_events(events, agreements), agreements
        self._number = {str(ticket_id): number for number, ticket_id in enumerate(self.histories.ticket_ids)}

    @property
    def last_known_us(self) -> int:
        """The last instant at which something became known."""
        return self.histories.last_known_us

    def number(self, ticket_id: str) -> int:
        """The number of a ticket."""
        return self._number[ticket_id]

    def open_snapshots(self, at_us: int) -> Snapshots:
        """A snapshot of every ticket that was open as known at an instant."""
        return open_snapshots(self.histories, at_us)

    def parts(self, snapshots: Snapshots) -> Iterator[tuple[Int64Array, Histories, Snapshots]]:
        """All snapshots, for they lie in one part."""
        if len(snapshots):
            yield np.arange(len(snapshots)), self.histories, snapshots

    def matrix(
        self, snapshots: Snapshots, spec: FeatureSpec, target: str = "resolution", *, text: TextEncoder | None = None
    ) -> pd.DataFrame:
        """The feature matrix of the snapshots."""
        return build(self.histories, snapshots, spec, target, text=text)

    def verdicts(self, snapshots: Snapshots, target: str) -> VerdictArrays:
        """The verdict on a target at each snapshot."""
        if target not in self._agreements.clocks or not len(snapshots):
            return VerdictArrays.blank(len(snapshots), VerdictState.NO_AGREEMENT)
        return verdicts_at(self.histories.log, self._agreements, target, snapshots.ticket, snapshots.at_us)


@dataclass(frozen=True)
class Told:
    """One alert that would have been raised about a ticket (of several together, about each): when, and when it then breached."""

    ticket_id: str
    at_us: int
    breached_us: int  # NEVER_US: it did not
    is_known: bool  # whether its clock has come to an end


@dataclass
class RuleCourse:
    """What one rule did. `seen`: the tickets it looked at while they could still be saved, with their later breach or NEVER_US."""

    rule: Rule
    notices: list[Notice] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    outages: OutageCourse = field(default_factory=OutageCourse)  # of an outage_risk rule

    def count(self, event: Event) -> int:
        """How many notices of a kind there were."""
        return sum(notice.event is event for notice in self.notices)


@dataclass(frozen=True)
class Course:
    """What all rules did between two instants, looked at every so often."""

    since: datetime
    until: datetime
    every: timedelta
    known_until: datetime
    rules: tuple[RuleCourse, ...]
    bundle_version: str | None
    trained_until: datetime | None  # of the bundle's rows


def course_of(
    plan: Plan,
    log: WholeLog,
    since: datetime,
    until: datetime,
    every: timedelta,
    *,
    bundle: BreachBundle | None = None,
    trained_until: datetime | None = None,
    services: PastServices | None = None,
    progress: Progress = lambda _what, _done, _total: None,
) -> Course:
    """What the rules would have told from `since` to `until`, beginning with no memory; each look sees what was known at it.

    What became of the tickets is judged by all that the log knows.
    """
    courses = {rule.name: RuleCourse(rule) for rule in plan.rules.rules}
    memory, asked = Memory(), bundle if any(rule.kind == "risk" for rule in plan.rules.rules) else None
    known_until = max(until, from_us(log.last_known_us))
    fates = _Fates(log, to_us(known_until))
    wants_services = services is not None and any(rule.is_of_services for rule in plan.rules.rules)
    outages = services.outages(to_us(known_until)) if services is not None and wants_services else {}
    instants = np.arange(to_us(since), to_us(until) + 1, int(every.total_seconds()) * SECOND_US)
    for first in range(0, len(instants), INSTANTS_AT_ONCE):
        progress("looking at the past", first, len(instants))
        some = instants[first : first + INSTANTS_AT_ONCE]
        for seen in _sights(plan, log, some, asked):
            board = services.board(seen.at_us) if services is not None and wants_services else None
            sight = replace(seen, board=board)
            notices = decide(plan, memory, sight)
            memory.remember(notices)
            _keep(courses, notices, sight, fates)
            _see(courses, sight, fates)
            for course in courses.values():
                if course.rule.kind == "outage_risk":
                    course.outages.keep(course.rule, notices, sight, outages)
    version = None if bundle is None else bundle.version
    return Course(since, until, every, known_until, tuple(courses.values()), version, trained_until)


def _sights(plan: Plan, log: WholeLog, instants: Int64Array, bundle: BreachBundle | None) -> Iterator[Sight]:
    """What was to be seen at each instant; computed for all of them at once."""
    parts = [log.open_snapshots(int(at_us)) for at_us in instants]
    snapshots = Snapshots.concatenated(parts)
    targets = {"resolution", *(rule.target for rule in plan.rules.rules)}
    verdicts = {target: log.verdicts(snapshots, target) for target in sorted(targets)}
    undecided = verdicts["resolution"].is_undecided
    live = cast(LiveHistories, log)  # it answers what they are asked
    estimates = Estimates.by(bundle, live, snapshots, undecided) if bundle else Estimates.none(len(snapshots))
    facts, agreed = Facts.of(live, snapshots), plan.agreements
    clocks: dict[str, ClockSight] = {target: ClockSight.of(found, target, agreed) for target, found in verdicts.items()}
    whole = Sight(0, facts.ticket_ids, facts.texts, estimates.probability, clocks, agreed.services)
    ends = np.cumsum([len(part) for part in parts])
    for at_us, part, end in zip(instants.tolist(), parts, ends.tolist(), strict=True):
        yield whole.take(np.arange(end - len(part), end), at_us)


class _Fates:
    """What became of tickets, looked up once each."""

    def __init__(self, log: WholeLog, known_us: int) -> None:
        self._log, self._known_us = log, known_us
        self._found: dict[str, dict[str, tuple[int, bool]]] = defaultdict(dict)

    def of(self, ticket_id: str, target: str) -> tuple[int, bool]:
        """When the ticket breached the target, NEVER_US if it did not, and whether that is its end."""
        return self._found[target][ticket_id]

    def learn(self, ticket_ids: list[str], target: str) -> None:
        """Nothing; the fates of these tickets can be asked for."""
        fresh = [ticket_id for ticket_id in ticket_ids if ticket_id not in self._found[target]]
        if not fresh:
            return
        numbers = np.array([self._log.number(ticket_id) for ticket_id in fresh], np.int64)
        at_us = np.full(len(fresh), self._known_us)
        verdicts = self._log.verdicts(Snapshots(numbers, at_us, np.full(len(fresh), 3, np.int8)), target)
        breached_us = np.where(verdicts.is_breached, verdicts.breached_us, NEVER_US).tolist()
        is_over = (~(verdicts.is_undecided | verdicts.is_in(VerdictState.NOT_STARTED))).tolist()
        self._found[target].update(zip(fresh, zip(breached_us, is_over, strict=True), strict=True))


def _keep(courses: dict[str, RuleCourse], notices: list[Notice], sight: Sight, fates: _Fates) -> None:
    for notice in notices:
        course = courses[notice.rule]
        course.notices.append(notice)
        if notice.event is not Event.RAISED or course.rule.is_of_services:
            continue
        named = [str(sight.ticket_ids[place]) for place in notice.places]
        if not named and course.rule.subject_kind == "ticket":
            named = [notice.subject]  # it was over by the end of the quiet hours
        fates.learn(named, course.rule.target)
        for ticket_id in named:
            breached_us, is_known = fates.of(ticket_id, course.rule.target)
            course.told.append(Told(ticket_id, notice.at_us, breached_us, is_known))


def _see(courses: dict[str, RuleCourse], sight: Sight, fates: _Fates) -> None:
    for course in courses.values():
        if course.rule.is_of_services:
            continue
        clock = sight.clocks[course.rule.target]
        could_be_saved = ~np.isnan(clock.share_used) & ~clock.is_breached & sight.matches(course.rule.applies_to)
        fresh = [one for one in sight.ticket_ids[could_be_saved].tolist() if one not in course.seen]
        fates.learn(fresh, course.rule.target)
        course.seen.update((one, fates.of(one, course.rule.target)[0]) for one in fresh)
