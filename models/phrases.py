"""A feature's value in words: from its unit and meaning for every feature, with better wording for those seen most."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from features.declaration import Feature, plain_name
from features.spec import FeatureSpec
from models.clipping import TrainingRange
from models.topics import LOAD, RECORD

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

FLAGS: Mapping[str, tuple[str, str]] = {
    "is_assigned": ("someone is assigned", "nobody is assigned"),
    "has_team": ("it has a team", "it has no team"),
    "is_new": ("work has not begun", "work has begun"),
    "is_waiting": ("it is waiting", "it is not waiting"),
    "is_waiting_on_customer": ("it waits for the customer", "it does not wait for the customer"),
    "is_waiting_on_others": ("it waits, but not for the customer", "it waits for nobody but the customer"),
    "is_with_first_team": ("it is still with its first team", "it has left its first team"),
    "is_reply_due": ("the customer waits for an answer", "no answer is owed"),
    "is_clock_paused": ("its clock stands still", "its clock is running"),
    "is_half_used": ("half its time is used", "less than half its time is used"),
    "is_three_quarters_used": ("three quarters of its time are used", "less than three quarters of its time are used"),
    "is_nearly_used": ("nine tenths of its time are used", "less than nine tenths of its time are used"),
    "is_working_time": ("its calendar is open", "its calendar is closed"),
    "service_outage_now": ("its service has an outage", "its service has no outage"),
    "service_degradation_now": ("its service is degraded", "its service is not degraded"),
    "service_maintenance_now": ("its service is in maintenance", "its service is not in maintenance"),
    "service_maintenance_ahead_1d": (
        "maintenance of its service begins within 24 hours",
        "no maintenance of its service is announced for the next 24 hours",
    ),
    "service_change_ahead_1d": (
        "a change of its service is due within 24 hours",
        "no change of its service is announced for the next 24 hours",
    ),
}
"""Wording of yes and no."""

WORDED: Mapping[str, str] = {
    "share_used": "{value} of its time is used",
    "elapsed_hours": "{value} of its working time are used",
    "remaining_hours": "{value} of working time left",
    "target_hours": "{value} of working time promised",
    "paused_hours": "its clock stood still for {value}",
    "paused_share": "its clock stood still {value} of the time",
    "due_in_hours": "due in {value}",
    "age_hours": "{value} old",
    "silence_hours": "nothing happened for {value}",
    "hours_in_status": "{value} in this status",
    "hours_in_team": "{value} with this team",
    "hours_with_assignee": "{value} with the same assignment",
    "waiting_hours": "{value} spent waiting",
    "handovers": "handed over {value}",
    "returns": "came back to an earlier team {value}",
    "reopenings": "reopened {value}",
    "assignee_changes": "reassigned {value}",
    "local_hour": "it is {value} at the desk",
    "opened_local_hour": "opened at {value}",
    "local_weekday": "today is {value}",
    "opened_local_weekday": "opened on a {value}",
    "warnings_passed": "{value} of its agreement passed",
    "hours_to_next_warning": "{value} of working time until the next warning",
    "shift_share_left": "{value} of the shift is left",
    "hours_to_open": "{value} until its calendar opens",
    "hours_to_close": "{value} until its calendar closes",
    "service_hours_since_outage_began": "the last outage of its service began {value} ago",
    "service_hours_since_outage_ended": "the last outage of its service ended {value} ago",
    "service_outages_1d": "{value} of its service in 24 hours",
    "service_outages_7d": "{value} of its service in 7 days",
    "service_outages_30d": "{value} of its service in 30 days",
    "service_degradations_1d": "{value} of its service in 24 hours",
    "service_degradations_7d": "{value} of its service in 7 days",
    "service_degradations_30d": "{value} of its service in 30 days",
    "service_changes_1d": "{value} of its service in 24 hours",
    "service_changes_7d": "{value} of its service in 7 days",
    "service_alerts_1d": "{value} of its service in 24 hours",
    "service_open_ratio": "{value} times as many tickets of its service are open as usual",
    "service_open_major": "{value} of the top priority open for its service",
    "service_inflow_2h": "{value} came to its service in 2 hours",
    "service_inflow_ratio": "{value} times as many tickets came to its service as on a usual day",
    "service_reopened_7d": "{value} of its service were reopened in 7 days",
}
"""Wording around the value; all others read "meaning: value"."""

LOADS: Mapping[str, str] = {
    "open": "{value} are open with the same {key}",
    "waiting": "{value} wait with the same {key}",
    "older": "{value} of the same {key} came before it",
    "arrivals_1d": "{value} came to its {key} in 24 hours",
    "arrivals_7d": "{value} came to its {key} in 7 days",
    "resolved_1d": "its {key} resolved {value} in 24 hours",
    "resolved_7d": "its {key} resolved {value} in 7 days",
    "passed_on_7d": "{value} left its {key} unresolved in 7 days",
    "expected_wait_days": "its {key} has a backlog of {value}",
    "share_of_open": "its {key} holds {value} of all open tickets",
    "due_sooner": "{value} of the same {key} are due before it",
    "changes_1d": "{value} of tickets with its {key} in 24 hours",
    "changes_7d": "{value} of tickets with its {key} in 7 days",
    "quiet_hours": "no ticket with its {key} changed for {value} or more",
}
"""Wording of load by what is counted; {key} is the team, the assignee, ..."""

CLOCK_TIMES = ("local_hour", "opened_local_hour")
NOT_COMPARED = (*CLOCK_TIMES, "service_open_ratio", "service_inflow_ratio")
"""Beside these what is usual tells nothing, or is told already."""
NO_OUTAGE = re.compile(r"service_hours_since_outage_.*")
NO_OUTAGE_HOURS = 720.0  # and more are told as this


@dataclass(frozen=True)
class _Frame:
    """The words around a value, the unit to tell it in, and what is usual ("": nothing to compare with)."""

    words: str
    unit: str
    usual: str

    def text(self, name: str, value: float) -> str:
        """The value of the feature of that name in words."""
        said = _value(name, self.unit, value)
        text = self.words.format(value=said)
        return text if self.usual in ("", said) else f"{text}: usual is {self.usual}"


@dataclass(frozen=True)
class Phrasebook:
    """The words for the features of a spec; "usual" is the median of the training rows."""

    spec: FeatureSpec
    range: TrainingRange

    def phrase(self, feature: int, value: float) -> str:
        """What a value of the feature at a place of the spec says, with the usual value where that tells more."""
        declared = self.spec.features[feature]
        name = declared.name
        if math.isnan(value):
            return f"{_short(declared.meaning)}: unknown"
        if declared.family == "text":
            return _likeness(_short(declared.meaning), value)
        if declared.unit == "0 or 1":
            return _flag(name, _short(declared.meaning), value >= 0.5)
        if name in self._orders:
            return _place(*self._orders[name], value)
        if NO_OUTAGE.fullmatch(name) and value >= NO_OUTAGE_HOURS:
            return "no outage of its service in 30 days"
        record = RECORD.fullmatch(name)
        if record is not None and declared.unit in ("logit", "log hours"):
            is_spread = record["what"] == "log_hours_spread"
            return _spread(declared.question, value) if is_spread else _record(declared.question, declared.unit, value)
        return self._frame(feature).text(name, value)

    def _frame(self, feature: int) -> _Frame:
        """What stands around the values of a feature; made once, because pages and scores tell many values of few features."""
        if feature not in self._frames:
            declared = self.spec.features[feature]
            words, unit = self._worded(declared)
            usual = float(self.range.usual[feature])
            is_comparable = not math.isnan(usual) and declared.name not in NOT_COMPARED and declared.unit != "day"
            self._frames[feature] = _Frame(words, unit, _value(declared.name, unit, usual) if is_comparable else "")
        return self._frames[feature]

    @cached_property
    def _frames(self) -> dict[int, _Frame]:
        return {}

    def _worded(self, declared: Feature) -> tuple[str, str]:
        """The words around a value, and the unit to tell it in."""
        if declared.name in WORDED:
            return WORDED[declared.name], declared.unit
        load = LOAD.fullmatch(declared.name)
        if load is not None and declared.family == "load" and load["what"] in LOADS:
            return LOADS[load["what"]].replace("{key}", load["key"].replace("_", " ")), declared.unit
        meaning = _short(declared.meaning)
        return meaning + ": {value}", "" if declared.unit in meaning else declared.unit  # "changes of status: 2"

    @cached_property
    def _orders(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """For features that are places in a learned order: the column in words, and the values in that order."""
        return {
            f"{plain_name(column)}_place": (column.removeprefix("attributes.").replace("_", " "), values)
            for column, values in self.spec.settings.orders.items()
        }


def _likeness(meaning: str, value: float) -> str:
    """What a direction of the text encoder says; its words are those after the colon."""
    words = meaning.partition(": ")[2]
    return f"{'like' if value > 0 else 'unlike'} tickets that say: {words}"


def _flag(name: str, meaning: str, is_so: bool) -> str:
    if name in FLAGS:
        return FLAGS[name][0 if is_so else 1]
    return f"{meaning}: {'yes' if is_so else 'no'}"


def _place(column: str, values: tuple[str, ...], value: float) -> str:
    place = round(value)
    return f"{column} is {values[place]}" if 0 <= place < len(values) else f"{column} is new to the model"


def _record(question: str, unit: str, value: float) -> str:
    """How tickets of one team, assignee, ... fared, against all; the words for the key are those of the question."""
    key = re.sub(r"^(Do tickets with this|Does the) | (end badly|end badly of late|take long)\?$", "", question)
    late = " of late" if question.endswith("of late?") else ""
    times = math.exp(abs(value))
    if times < 1.1:
        return f"tickets with this {key} fare like most{late}"
    if unit == "logit":
        size = "over 10 times" if times > 10 else f"{times:.1f} times"
        words = ("more", "higher") if value > 0 else ("less", "lower")
        return f"tickets with this {key} breach {words[0]} often than most{late} (odds {size} {words[1]})"
    if value < 0:
        return f"tickets with this {key} are done in {100 / times:.0f} % of the usual time"
    return f"tickets with this {key} take {'over 10' if times > 10 else f'{times:.1f}'} times as long as most"


def _spread(question: str, value: float) -> str:
    """How much the lengths of work of one team, assignee, ... differ from each other, against all."""
    key = question.removeprefix("How predictable is the ").removesuffix("?")
    if abs(value) < 0.1:
        return f"tickets with this {key} differ in length like most"
    return f"tickets with this {key} differ {'more' if value > 0 else 'less'} in length than most"


def _value(name: str, unit: str, value: float) -> str:
    if name in CLOCK_TIMES:
        return f"{int(value) % 24:02d}:{int(value % 1 * 60):02d}"
    if unit == "day":
        return WEEKDAYS[round(value) % 7]
    if unit == "share":
        return f"{100 * value:.0f} %"
    if unit in ("hours", "working hours"):
        return duration(value, is_working=unit == "working hours")
    if unit == "times":
        return {0: "never", 1: "once", 2: "twice"}.get(round(value), f"{value:.0f} times")
    if unit == "ratio":
        return f"{value:.1f}"
    number = f"{value:.0f}" if abs(value) >= 10 or value == round(value) else f"{value:.1f}"
    if not unit:
        return number
    singular = unit[:-1] if number == "1" and unit.endswith("s") else unit
    return f"{number} {'person' if number == '1' and unit == 'people' else singular}"


def duration(hours: float, *, is_working: bool = False) -> str:
    """Hours in words: minutes below two hours, days from three on. Working time is never told in days: a day is no unit of it."""
    size = abs(hours)
    sign = "-" if hours < 0 else ""
    if size < 2:
        return f"{sign}{size * 60:.0f} min"
    if size < 72 or is_working:
        return f"{sign}{size:.0f} h" if size >= 10 else f"{sign}{size:.1f} h"
    return f"{sign}{size / 24:.1f} days"


def _short(meaning: str) -> str:
    """The meaning up to its first aside."""
    for mark in (";", " ("):
        meaning = meaning.split(mark)[0]
    return meaning
