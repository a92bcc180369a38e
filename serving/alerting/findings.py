"""What one rule finds in what is seen: the subjects that it speaks of, and those that nobody can tell of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from serving.alerting.rules import Rule
from serving.alerting.service_words import ServiceWords, burn_words, risk_words
from serving.alerting.sight import Floats, Sight
from sla.instants import BoolArray, Int64Array

NOBODY = "(none)"
DOWN = "the outage came: it is down"


@dataclass(frozen=True)
class Finding:
    """What one rule finds: for each subject that it speaks of its tickets (by place), the worst first; and of whom it cannot tell.

    A subject in neither is over: for `unsure` ones, whatever was so stays so (between the two thresholds of a risk, or no
    model to ask).
    """

    places: dict[str, list[int]]
    value: Floats
    unsure: frozenset[str]
    applies: BoolArray  # which tickets the rule is about
    told: Mapping[str, ServiceWords] = field(default_factory=dict)  # of service rules, instead of tickets
    endings: Mapping[str, str] = field(default_factory=dict)  # why it is over, where that is known
    is_blind: bool = False  # nobody can tell of any subject

    @classmethod
    def by(cls, rule: Rule, sight: Sight) -> Finding:
        """What the rule finds."""
        if rule.is_of_services:
            return _of_services(rule, sight)
        value, is_so, is_unsure = _CONDITIONS[rule.kind](rule, sight)
        applies = sight.matches(rule.applies_to)
        found = np.flatnonzero(is_so & applies)
        unsure = np.flatnonzero(is_unsure & applies)
        subjects = _subjects(rule, sight, np.concatenate([found, unsure]))
        places: dict[str, list[int]] = {}
        for place in found[np.argsort(-value[found], kind="stable")].tolist():
            places.setdefault(subjects[place], []).append(place)
        undecided = frozenset(subjects[place] for place in unsure.tolist())
        return cls(places, value, undecided - places.keys(), applies)

    def is_over(self, subject: str) -> bool:
        """True where it is known that it is not so any more."""
        return not self.is_blind and subject not in self.places and subject not in self.unsure

    def words(self, subject: str) -> str:
        """What is so of a service; "" of tickets, which are told about one by one."""
        return self.told[subject].words if subject in self.told else ""

    def worst(self, subject: str) -> float | None:
        """The value of the subject's worst ticket, or of the service; None where there is none."""
        if subject in self.told:
            return self.told[subject].value
        places = self.places.get(subject)
        return float(self.value[places[0]]) if places else None


def _subjects(rule: Rule, sight: Sight, places: Int64Array) -> dict[int, str]:
    """Whom the rule speaks of at some places."""
    names = sight.ticket_ids if rule.subject_kind == "ticket" else sight.texts[rule.one_alert_per]
    return {place: str(names[place]) or NOBODY for place in places.tolist()}


def _risk(rule: Rule, sight: Sight) -> tuple[Floats, BoolArray, BoolArray]:
    assert rule.above is not None  # noqa: S101 (a risk rule has it)
    probability, clock = sight.probability, sight.clocks["resolution"]
    is_decided = clock.is_breached | np.isnan(clock.share_used)
    is_so = (probability >= rule.above) & ~is_decided
    is_unsure = ~is_decided & ~is_so & ~(probability < rule.over_below)  # NaN is in between too
    return np.nan_to_num(probability), is_so, is_unsure


def _warning(rule: Rule, sight: Sight) -> tuple[Floats, BoolArray, BoolArray]:
    clock = sight.clocks[rule.target]
    share = np.nan_to_num(clock.share_used)
    is_so = (share >= clock.warned_from(rule.share or 0.0)) & ~clock.is_breached
    return share, is_so, np.zeros(len(is_so), np.bool_)


def _breach(rule: Rule, sight: Sight) -> tuple[Floats, BoolArray, BoolArray]:
    clock = sight.clocks[rule.target]
    is_news = clock.is_breached & (clock.breached_us >= sight.at_us - rule.news_for.amount_us)
    return np.nan_to_num(clock.share_used), is_news, clock.is_breached & ~is_news


_CONDITIONS = {"risk": _risk, "warning": _warning, "breach": _breach}


def _of_services(rule: Rule, sight: Sight) -> Finding:
    """What a rule finds of services. Where the board is not up to date, nobody can tell, and what was so stays so."""
    nothing = np.zeros(len(sight.ticket_ids))
    board, is_about = sight.board, np.zeros(len(sight.ticket_ids), np.bool_)
    if board is None or board.problem is not None:
        return Finding({}, nothing, frozenset(), is_about, is_blind=True)
    wanted = sight.matching_services(rule.applies_to, board.by_name)
    told: dict[str, ServiceWords] = {}
    unsure: set[str] = set()
    endings: dict[str, str] = {}
    for name in sorted(wanted):
        one = board.by_name[name]
        if rule.kind == "burn_rate":
            found = burn_words(one, rule.windows)
        else:
            assert rule.above is not None  # noqa: S101 (an outage_risk rule has it)
            found = risk_words(one, rule.above, board.horizon_hours)
            if one.state == "down":
                endings[name] = DOWN
            elif one.risk is None or one.risk.is_untouched or rule.over_below <= one.risk.probability < rule.above:
                unsure.add(name)
        if found is not None:
            told[name] = found
    places: dict[str, list[int]] = {name: [] for name in told}
    return Finding(places, nothing, frozenset(unsure) - places.keys(), is_about, told, endings)
