"""Which features tell one story: what a person would call one reason, however many columns measure it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.declaration import Feature

TOPICS: Mapping[str, tuple[str, ...]] = {
    "time": (
        "share_used",
        "target_hours",
        "elapsed_hours",
        "remaining_hours",
        "due_in_hours",
        "started_hours_ago",
        "age_hours",
        "is_half_used",
        "is_three_quarters_used",
        "is_nearly_used",
        "warnings_passed",
        "hours_to_next_warning",
    ),
    "waiting": (
        "is_waiting_on_customer",
        "is_waiting_on_others",
        "is_waiting",
        "is_clock_paused",
        "waiting_hours",
        "waits",
        "waiting_share",
        "paused_hours",
        "paused_share",
    ),
    "moves": (
        "handovers",
        "returns",
        "teams_seen",
        "is_with_first_team",
        "assignee_changes",
        "assignees_seen",
    ),
    "hour": (
        "local_hour",
        "local_weekday",
        "is_working_time",
        "hours_to_close",
        "shift_share_left",
        "hours_to_open",
        "working_hours_next_day",
        "closed_hours_until_due",
    ),
    "filing": ("opened_local_hour", "opened_local_weekday"),
    "progress": ("is_new", "events_so_far", "events_last_day", "silence_hours", "status_changes", "hours_in_status"),
}
"""Topics of fixed features."""

LOAD = re.compile(
    r"(?P<key>.+)_(?P<what>open|waiting|older|arrivals_1d|arrivals_7d|resolved_1d|resolved_7d|passed_on_7d|expected_wait_days|share_of_open|due_sooner|changes_1d|changes_7d|quiet_hours)"
)
RECORD = re.compile(r"(?P<key>.+)_(?P<what>breach_logit|breach_logit_14d|log_hours|log_hours_spread)")
ALWAYS = "share_used"
STATES = (
    "is_waiting_on_customer",
    "is_waiting_on_others",
    "is_waiting",
    "service_outage_now",
    "service_degradation_now",
)
"""Those that speak for their topic whoever moved the score: people want the fact (97 % of its time is used), not the column
that a tree happened to split on. A state speaks only while it lasts; the first that does."""

_TOPIC_OF = {name: topic for topic, names in TOPICS.items() for name in names}


def topic_of(feature: Feature) -> str:
    """The topic of a feature: fixed ones by name, load and record by their key, all others by the question they answer."""
    if feature.name in _TOPIC_OF:
        return _TOPIC_OF[feature.name]
    for pattern, family in ((LOAD, "load"), (RECORD, "history")):
        found = pattern.fullmatch(feature.name)
        if found is not None and feature.family == family:
            return f"{family} of {found['key']}"
    return f"{feature.family}: {feature.question}"


@dataclass(frozen=True)
class Groups:
    """Features of one topic are one reason: their contributions are added before anything is ranked."""

    names: tuple[str, ...]  # k: of the features
    of_feature: NDArray[np.intp]  # k: the group of each feature
    count: int

    @classmethod
    def of(cls, features: Sequence[Feature]) -> Groups:
        """The groups of features, by topic."""
        topics = [topic_of(feature) for feature in features]
        places = {topic: place for place, topic in enumerate(dict.fromkeys(topics))}
        names = tuple(feature.name for feature in features)
        return cls(names, np.array([places[topic] for topic in topics], dtype=np.intp), len(places))

    def sums(self, contributions: NDArray[np.float64]) -> NDArray[np.float64]:
        """n x groups, for n x k contributions."""
        return np.asarray(contributions @ self._member, dtype=np.float64)

    @cached_property
    def members(self) -> tuple[NDArray[np.intp], ...]:
        """The features of each group, by place."""
        return tuple(np.flatnonzero(self.of_feature == one) for one in range(self.count))

    @cached_property
    def member_names(self) -> tuple[tuple[str, ...], ...]:
        """The same by name."""
        return tuple(tuple(self.names[place] for place in members) for members in self.members)

    def spoken(
        self,
        group: NDArray[np.intp],
        total: NDArray[np.float64],
        contributions: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> NDArray[np.intp]:
        """The feature that words each of n x top groups, by place, for n x k contributions and values.

        The one that moves the score most in the direction of the group's `total`, unless another speaks for the topic.
        """
        members = self._members_alike[group]
        pushes = contributions[np.arange(len(group))[:, None, None], members] * np.sign(total)[:, :, None]
        found = np.take_along_axis(members, pushes.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
        for name in (*reversed(STATES), ALWAYS):
            if name in self.names:
                place = self.names.index(name)
                speaks = group == self.of_feature[place]
                if name != ALWAYS:
                    speaks &= values[:, [place]] >= 0.5
                found[speaks] = place
        return found

    @cached_property
    def _members_alike(self) -> NDArray[np.intp]:
        """The features of each group, as many for all: those with fewer repeat their first, which changes no maximum."""
        size = max(len(one) for one in self.members)
        return np.array([[*one, *[one[0]] * (size - len(one))] for one in self.members], np.intp)

    @cached_property
    def _member(self) -> NDArray[np.float64]:
        member = np.zeros((len(self.of_feature), self.count))
        member[np.arange(len(self.of_feature)), self.of_feature] = 1.0
        return member
