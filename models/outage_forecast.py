"""What is said of each service: the probability of a new outage, what is usual, a week's expectation, and why, in words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from features.outages.columns import RULES, OutageColumns, outage_columns
from features.outages.expectation import expectation
from features.outages.ledger import Ledger, weekday_of
from features.outages.rows import rows_at
from features.outages.signals import MINUTES
from models.outage import OutageModel
from models.scales import Float64Array, sigmoid
from sla.instants import DAY_US, from_us, to_us

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST_RULE = "rate x weekday"
SAME_SHARE = 0.03  # probabilities that differ by less may be told by the same words
QUIET_DAYS = 3  # without an outage, to be told as a reason for fewer
SIMILAR_TIMES = 1.5  # as often as usual for the service, for days that looked alike to be told
LEAST_PUSH = 0.05  # of the log odds, for a reason to be told
MOST_REASONS = 3
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
Facts = Mapping[str, float]


@dataclass(frozen=True)
class ServiceForecast:
    """One service: `probability` and `usual` are of a new outage within the horizon."""

    service: str
    probability: float
    usual: float
    outages_7_days: float
    minutes_down_7_days: float
    because: tuple[str, ...]

    @property
    def words(self) -> str:
        """The forecast as a sentence."""
        why = f"; because: {', '.join(self.because)}" if self.because else ""
        said, usual = shares_in_words(self.probability, self.usual)
        return f"{said} such days saw an outage; usual for this service: {usual}{why}"


@dataclass(frozen=True)
class OutageForecast:
    """All services that can be asked about, most likely first; `down` are down or not watched, and not asked about."""

    at: datetime
    horizon_hours: float
    by: str  # the candidate that answers
    version: str
    services: tuple[ServiceForecast, ...]
    down: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        services = [{**asdict(one), "because": list(one.because), "words": one.words} for one in self.services]
        head = {"as_of": self.at.isoformat(), "horizon_hours": self.horizon_hours, "by": self.by, "model": self.version}
        return {**head, "services": services, "not_asked": list(self.down)}

    def text(self) -> str:
        """A line a service."""
        lines = [
            f"New outages within {self.horizon_hours:g} h of {self.at:%Y-%m-%d %H:%M} UTC, by {self.by} ({self.version})."
        ]
        for one in self.services:
            week = f"7 days: {one.outages_7_days:.1f} outages, {one.minutes_down_7_days:.0f} min"
            lines.append(f"{100 * one.probability:5.1f} %  {one.service}  {one.words}; {week}")
        if self.down:
            lines.append(f"Not asked about (down, dead or no longer watched): {', '.join(self.down)}")
        return "\n".join(lines)


def forecast_services(
    ledger: Ledger,
    at: datetime,
    model: OutageModel | None,
    version: str = "",
    *,
    groups: Ledger | None = None,
    group_names: Collection[str] = (),
) -> OutageForecast:
    """What is said of every service at an instant, from a ledger of what was recorded by then; without a model, by a rule.

    Services made of others (`group_names`) are told of from their own ledger (features/outages/groups.py), never from what
    was recorded under their name alone.
    """
    horizon_us = DAY_US if model is None else model.horizon_us
    by = FIRST_RULE if model is None else model.served
    found = [one for one in _told(ledger, at, model, by, horizon_us) if one.service not in group_names]
    if groups is not None:
        found += _told(groups, at, model, by, horizon_us)
    found.sort(key=lambda one: -one.probability)
    asked = {one.service for one in found}
    left = tuple(sorted({*ledger.names, *group_names} - asked))
    return OutageForecast(from_us(to_us(at)), horizon_us / DAY_US * 24, by, version, tuple(found), left)


def _told(ledger: Ledger, at: datetime, model: OutageModel | None, by: str, horizon_us: int) -> list[ServiceForecast]:
    """What is said of each service of a ledger that can be asked about, in order of service."""
    rows = rows_at(ledger, to_us(at))
    columns = outage_columns(ledger, rows, horizon_us)
    probability = columns.rates[:, RULES.index(FIRST_RULE)] if model is None else model.predict(columns)
    pushes = np.zeros(columns.values.shape) if model is None else model.attributions(columns)
    week = expectation(ledger, rows, 7.0)
    return [
        ServiceForecast(
            ledger.names[rows.service[row]],
            float(probability[row]),
            float(columns.rates[row, 0]),
            float(week.outages[row]),
            float(week.minutes[row]),
            reasons(
                columns,
                pushes,
                row,
                by,
                int(weekday_of(rows.at_us[row : row + 1])[0]),
                is_less=bool(probability[row] < columns.rates[row, 0]),
            ),
        )
        for row in range(len(rows))
    ]


def reasons(
    columns: OutageColumns, pushes: Float64Array, row: int, by: str, weekday: int, *, is_less: bool = False
) -> tuple[str, ...]:
    """What moves the odds of a row most, in words: facts that are so, and that the answering candidate looks at.

    What raises them, or what lowers them where the probability is less than usual: a reason never speaks against what was said.
    """
    facts = dict(zip(columns.names, columns.values[row].tolist(), strict=True))
    push = dict(zip(columns.names, pushes[row].tolist(), strict=True))
    facts["weekday number"] = float(weekday)
    found = []
    sign = -1.0 if is_less else 1.0
    for place, (beginnings, rules, phrase) in enumerate(_CALMING if is_less else _PHRASES):
        force = sign * sum(value for name, value in push.items() if name.startswith(beginnings))
        words = phrase(facts)
        is_looked_at = by in rules if by in RULES else force > LEAST_PUSH
        if words and is_looked_at:
            found.append((-force, place, words))
    return tuple(words for _, _, words in sorted(found)[:MOST_REASONS])


def share_words(probability: float) -> str:
    """A probability as `3 of 10`, in as round numbers as its size allows."""
    if probability >= 0.15:
        return _of(probability, 10)
    if probability >= 0.0095:
        return _of(probability, 100)
    return _of(probability, 1000) if probability >= 0.00095 else "fewer than 1 of 1000"


def shares_in_words(probability: float, usual: float) -> tuple[str, str]:
    """Two probabilities as `3 of 10` and `1 of 10`: of the same number, so that they can be compared at a glance."""
    for out_of in (10, 100, 1000):
        said = _of(probability, out_of), _of(usual, out_of)
        looks_equal = said[0] == said[1] and abs(probability - usual) >= SAME_SHARE
        if min(probability, usual) * out_of >= 0.95 and not looks_equal:
            return said
    return share_words(probability), share_words(usual)


def _of(probability: float, out_of: int) -> str:
    return f"{min(round(out_of * probability), out_of - 1)} of {out_of}"


def _counted(number: float, word: str, span: str) -> str:
    whole = round(number)
    if whole < 1:
        return ""
    return f"{NUMBERS[whole] if whole < len(NUMBERS) else whole} {word}{'s' * (whole > 1)} in {span}"


def _recent(facts: Facts) -> str:
    for days in (7, 30):
        words = _counted(np.expm1(facts[f"outages in {days} days"]), "outage", f"{days} days")
        if words:
            return words
    return ""


def _weekday(facts: Facts) -> str:
    is_more = facts["log odds by rate x weekday"] > facts["log odds by service rate"] + 0.15
    return f"more outages on {WEEKDAYS[int(facts['weekday number'])]}s" if is_more else ""


def _fewer(facts: Facts) -> str:
    is_less = facts["log odds by rate x weekday"] < facts["log odds by service rate"] - 0.15
    return f"fewer outages on {WEEKDAYS[int(facts['weekday number'])]}s" if is_less else ""


def _quiet(facts: Facts) -> str:
    days = int(np.expm1(facts["days since the last outage ended"]) + 1e-6)
    return f"no outage for {days} days" if days >= QUIET_DAYS else ""


def _latency(facts: Facts) -> str:
    lately = max(0.0, *(facts[f"latency of {span} against the day"] for span in MINUTES)) + facts["latency in 1 days"]
    times = float(np.exp(max(lately, facts["latency in 3 days"], facts["latency in 7 days"])))
    return f"answers take {times:.1f} times as long as usual" if times >= 1.2 else ""


def _tickets(facts: Facts) -> str:
    times = float(np.exp(facts["tickets in 24 hours against the same hours of weeks before"]))
    return f"{times:.1f} times as many tickets as usual" if times >= 1.3 else ""


def _needed(facts: Facts) -> str:
    if facts["what it needs is down"]:
        return "what it needs is down"
    return _counted(np.expm1(facts["outages of what it needs in 7 days"]), "outage", "7 days of what it needs")


def _failed(facts: Facts) -> str:
    day = facts["share of failed checks in 1 days"]
    found = {span: day + facts[f"failed checks of {span} against the day"] for span in MINUTES}
    found |= {"24 hours": day, "7 days": facts["share of failed checks in 7 days"]}
    span = max(found, key=lambda one: found[one])
    return f"{100 * found[span]:.0f} % of the checks of {span} failed" if found[span] >= 0.01 else ""


def _major(facts: Facts) -> str:
    for days, span in ((1, "24 hours"), (7, "7 days")):
        words = _counted(np.expm1(facts[f"major incidents in {days} days"]), "major incident", span)
        if words:
            return words
    return ""


def _reopened(facts: Facts) -> str:
    count = round(np.expm1(facts["tickets reopened in 7 days"]))
    number = NUMBERS[count] if count < len(NUMBERS) else str(count)
    return f"{number} ticket{'s' * (count > 1)} reopened in 7 days" if count else ""


def _similar(facts: Facts) -> str:
    share, own = (float(sigmoid(np.array(facts[f"log odds by {word}"]))) for word in ("similar days", "service rate"))
    return f"{share_words(share)} days that looked like this one saw an outage" if share > SIMILAR_TIMES * own else ""


_OWN = (
    "log odds by EWMA",
    "log odds by last",
    "log odds by service",
    "days with",
    "outages in",
    "minutes down",
    "days since",
)
_PHRASES: tuple[tuple[tuple[str, ...], tuple[str, ...], Callable[[Facts], str]], ...] = (
    (_OWN, ("EWMA", "last 30 days", "service rate", FIRST_RULE), _recent),
    (("log odds by rate x weekday", "weekday", "weekend"), (FIRST_RULE,), _weekday),
    (("change ahead",), (), lambda facts: "a change within 24 hours" if facts["change ahead"] else ""),
    (("maintenance ahead",), (), lambda facts: "maintenance within 24 hours" if facts["maintenance ahead"] else ""),
    (("changes in",), (), lambda facts: _counted(np.expm1(facts["changes in 1 days"]), "change", "24 hours")),
    (("alerts in",), (), lambda facts: _counted(np.expm1(facts["alerts in 1 days"]), "alert", "24 hours")),
    (("degradations in",), (), lambda facts: _counted(np.expm1(facts["degradations in 7 days"]), "degradation", "7 days")),
    (("share of failed", "failed checks of"), (), _failed),
    (("latency in", "latency of"), (), _latency),
    (("tickets in",), (), _tickets),
    (("major incidents",), (), _major),
    (("tickets reopened",), (), _reopened),
    (("log odds by similar", "similar days"), (), _similar),
    (("what it needs", "outages of what it needs"), (), _needed),
    (("outages around",), (), lambda facts: _counted(np.expm1(facts["outages around in 1 days"]), "outage", "24 hours around it")),
)  # fmt: skip
_CALMING: tuple[tuple[tuple[str, ...], tuple[str, ...], Callable[[Facts], str]], ...] = (
    (_OWN, ("EWMA", "last 30 days"), _quiet),
    (("log odds by rate x weekday", "weekday", "weekend"), (FIRST_RULE,), _fewer),
)
