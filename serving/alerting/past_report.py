"""A dry run in figures: how many alerts, how many of them right, beside what chance would give; as text and for machines."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from math import sqrt
from typing import Any

from serving.alerting.memory import Event
from serving.alerting.past import Course, RuleCourse, Told
from serving.alerting.past_services import HORIZON
from serving.wording import LocalTime, percent, wall_time
from sla.instants import NEVER_US, SECOND_US, from_us, to_us

Z95 = 1.959964


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval (Wilson's, 1927); None of nothing."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """From and to."""
        if not self.of:
            return None
        p, n, z2 = self.hits / self.of, self.of, Z95 * Z95
        middle, half = (p + z2 / (2 * n)) / (1 + z2 / n), Z95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def text(self) -> str:
        """`12 of 40, 30 % (18 to 46 %)`."""
        if self.interval is None or self.value is None:
            return f"{self.hits} of {self.of}"
        low, high = self.interval
        return f"{self.hits} of {self.of}, {percent(self.value)} ({percent(low).removesuffix(' %')} to {percent(high)})"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"hits": self.hits, "of": self.of, "share": self.value, "interval_95": self.interval}


@dataclass(frozen=True)
class RuleFigures:
    """What one rule would have done.

    `right`: of the tickets told about whose end is known, those that breached afterwards (within the horizon, where there
    is one); `base`: the same of all tickets the rule looked at; `caught`: of the breaches among them in the span, those told
    of before. Of an outage_risk rule the same of outages within the horizon (24 h), `base` of all services and days. All None
    for breach and burn_rate rules, which tell what is so.
    """

    name: str
    kind: str
    alerts: int
    recoveries: int
    held_back: int
    dropped: int
    deferred: int
    busiest_day: int
    median_lead_seconds: float | None
    not_yet_known: int
    right: Share | None
    base: Share | None
    caught: Share | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: value.to_dict() if isinstance(value, Share) else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class PastReport:
    """The figures of a dry run. `alerts_per_day`: local dates with at least one alert."""

    course: Course
    zone: str
    within: timedelta | None
    rules: tuple[RuleFigures, ...]
    alerts_per_day: dict[str, int]

    @classmethod
    def of(cls, course: Course, local: LocalTime, within: timedelta | None = None) -> PastReport:
        """The figures of a course."""
        days = Counter(_day(notice_us, local) for one in course.rules for notice_us in _raised(one))
        figures = tuple(_figures(one, course, local, within) for one in course.rules)
        return cls(course, local.name, within, figures, dict(sorted(days.items())))

    @property
    def days(self) -> float:
        """The length of the span in days."""
        return (self.course.until - self.course.since) / timedelta(days=1)

    @property
    def warning(self) -> str | None:
        """Why the figures flatter, where they do."""
        trained = self.course.trained_until
        if trained is None or trained <= self.course.since:
            return None
        return (
            f"the model {self.course.bundle_version} learned from tickets up to {trained.isoformat()}: before that it knew "
            "how they ended, so what is said of risk rules flatters them"
        )

    def text(self) -> str:
        """The report for people."""
        course, total = self.course, sum(rule.alerts for rule in self.rules)
        model = (
            f"model {course.bundle_version}"
            if course.bundle_version
            else "rules only, no model: risk rules cannot tell anything"
        )
        lines = [
            f"{course.since.isoformat()} to {course.until.isoformat()}, a look every {wall_time(course.every.total_seconds())}; {model}.",
            f"{total} alerts in {self.days:.1f} days, {total / self.days:.1f} a day; at most {max(self.alerts_per_day.values(), default=0)} on one day.",
            *([f"Mind: {self.warning}."] if self.warning else []),
        ]
        for rule in self.rules:
            lines += ["", *_lines(rule, self.days, self.within)]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The report for machines: plain values for JSON."""
        course = self.course
        return {
            "since": course.since.isoformat(),
            "until": course.until.isoformat(),
            "every_seconds": course.every.total_seconds(),
            "known_until": course.known_until.isoformat(),
            "within_seconds": None if self.within is None else self.within.total_seconds(),
            "bundle_version": course.bundle_version,
            "warning": self.warning,
            "time_zone": self.zone,
            "alerts": sum(rule.alerts for rule in self.rules),
            "alerts_per_day": self.alerts_per_day,
            "rules": [rule.to_dict() for rule in self.rules],
        }


def _figures(one: RuleCourse, course: Course, local: LocalTime, within: timedelta | None) -> RuleFigures:
    figures = _ticket_figures(one, course, local, within)
    if one.rule.kind != "outage_risk":
        return figures
    within_us, known_us = (within or HORIZON) // timedelta(microseconds=1), to_us(course.known_until)
    leads = [next_us - at_us for _, at_us, next_us in one.outages.told if next_us - at_us <= within_us]
    right = Share(*one.outages.right(within_us, known_us))
    return replace(
        figures,
        median_lead_seconds=statistics.median(leads) / SECOND_US if leads else None,
        not_yet_known=len(one.outages.told) - right.of,
        right=right,
        base=Share(*one.outages.base(within_us, known_us)),
        caught=Share(*one.outages.caught(within_us, to_us(course.since), to_us(course.until))),
    )


def _ticket_figures(one: RuleCourse, course: Course, local: LocalTime, within: timedelta | None) -> RuleFigures:
    per_day = Counter(_day(at_us, local) for at_us in _raised(one))
    predicts = one.rule.kind in ("risk", "warning")
    ahead = [told for told in one.told if _is_hit(told, within)] if predicts else []
    known = [told for told in one.told if told.is_known or told.breached_us != NEVER_US]
    since_us, until_us = to_us(course.since), to_us(course.until)
    breaches = {ticket: at_us for ticket, at_us in one.seen.items() if since_us < at_us <= until_us}
    found = {told.ticket_id for told in one.told if told.at_us <= told.breached_us}
    return RuleFigures(
        name=one.rule.name,
        kind=one.rule.kind,
        alerts=one.count(Event.RAISED),
        recoveries=one.count(Event.RECOVERED),
        held_back=one.count(Event.HELD),
        dropped=one.count(Event.DROPPED),
        deferred=one.count(Event.DEFERRED),
        busiest_day=max(per_day.values(), default=0),
        median_lead_seconds=statistics.median((told.breached_us - told.at_us) / SECOND_US for told in ahead)
        if ahead
        else None,
        not_yet_known=len(one.told) - len(known) if predicts else 0,
        right=Share(len(ahead), len(known)) if predicts else None,
        base=Share(sum(at_us != NEVER_US for at_us in one.seen.values()), len(one.seen)) if predicts else None,
        caught=Share(len(found & breaches.keys()), len(breaches)) if predicts else None,
    )


def _is_hit(told: Told, within: timedelta | None) -> bool:
    if told.breached_us == NEVER_US or told.breached_us < told.at_us:
        return False
    return within is None or told.breached_us - told.at_us <= within / timedelta(microseconds=1)


def _lines(rule: RuleFigures, days: float, within: timedelta | None) -> list[str]:
    lines = [
        f"{rule.name} ({rule.kind}): {rule.alerts} alerts, {rule.alerts / days:.1f} a day, {rule.busiest_day} on the busiest; {rule.recoveries} times over"
    ]
    bounds = [
        (rule.held_back, "held back by the bound"),
        (rule.dropped, "of them never told"),
        (rule.deferred, "put off by quiet hours"),
    ]
    if any(count for count, _ in bounds):
        lines.append(f"  {', '.join(f'{count} {words}' for count, words in bounds if count)}")
    if rule.right is not None and rule.base is not None and rule.caught is not None:
        is_outage = rule.kind == "outage_risk"
        within = within or (HORIZON if is_outage else None)
        went = "had an outage" if is_outage else "breached"
        looked, end = ("services and days", "outage") if is_outage else ("tickets", "breach")
        horizon = "" if within is None else f" within {wall_time(within.total_seconds())}"
        open_still = f"; {rule.not_yet_known} still open" if rule.not_yet_known else ""
        lead = (
            ""
            if rule.median_lead_seconds is None
            else f", half of them at least {wall_time(rule.median_lead_seconds)} before"
        )
        lines += [
            f"  right: {rule.right.text()} {went}{horizon} afterwards{lead}{open_still}",
            f"  of all {looked} it looked at: {rule.base.text()} {went}",
            f"  told before the {end}: {rule.caught.text()} of those in the span",
        ]
    return lines


def _raised(one: RuleCourse) -> list[int]:
    return [notice.at_us for notice in one.notices if notice.event is Event.RAISED]


def _day(at_us: int, local: LocalTime) -> str:
    return from_us(at_us).astimezone(local.zone).date().isoformat()
