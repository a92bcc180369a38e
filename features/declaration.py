"""What a feature is declared to be, and the settings that name features after the data they were made for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

Key: TypeAlias = tuple[str, ...]
"""What tickets are grouped by: one column, or several together. `FIRST_TEAM` counts as a column."""

FIRST_TEAM = "first team"


@dataclass(frozen=True)
class Feature:
    """One column: its name, the family that computes it, its unit, what it means in words, the question it answers."""

    name: str
    family: str
    unit: str
    meaning: str
    question: str


@dataclass(frozen=True)
class Settings:
    """What was chosen from the training histories, by name, so that any log with other columns works unchanged.

    `orders` maps a column to its values in ascending order; outcomes are counted by each of `keys`, those of
    `recent_keys` also over the last 14 days, durations by `duration_keys`, their spread by `spread_keys`; open tickets
    are counted by `load_keys`, by `due_keys` those that are due sooner, by `present_keys` what changed of late. Of services
    the events of `service_kinds` are counted, and the tickets that name a service if `counts_service_tickets`. With
    `has_majors` the agreements tell a top
    priority, with `has_warnings` they warn before a promise is broken. `text_topics` names each direction of the text encoder
    with the fingerprint `text_version`. The family `sequence` tells values by their place in `vocabularies`, and those of
    `sequence_columns` also in their course.
    """

    families: tuple[str, ...]
    orders: Mapping[str, tuple[str, ...]]
    keys: tuple[Key, ...]
    recent_keys: tuple[Key, ...]
    duration_keys: tuple[Key, ...]
    load_keys: tuple[Key, ...]
    spread_keys: tuple[Key, ...] = ()
    due_keys: tuple[Key, ...] = ()
    present_keys: tuple[Key, ...] = ()
    service_kinds: tuple[str, ...] = ()
    counts_service_tickets: bool = False
    has_majors: bool = False
    has_warnings: bool = False
    text_topics: tuple[str, ...] = ()
    text_version: str = ""
    vocabularies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sequence_columns: tuple[str, ...] = ()


def plain_name(column: str) -> str:
    """A column's name as part of a feature name: word characters only."""
    return re.sub(r"\W+", "_", column.removeprefix("attributes.")).strip("_").lower()


def label(column: str) -> str:
    """A column's name in words."""
    return column.removeprefix("attributes.").replace("_", " ")


@cache
def key_name(key: Key) -> str:
    """A key's name as part of a feature name."""
    return "_".join(plain_name(column) for column in key)


def key_label(key: Key) -> str:
    """A key's name in words."""
    return " and ".join(label(column) for column in key)
