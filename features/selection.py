"""Chooses, from the training histories alone, which columns of a log become features, without knowing their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from features.declaration import FIRST_TEAM, Key, Settings, plain_name
from features.histories import Histories
from features.major_incidents import top_priorities
from features.schema import ATTRIBUTE_PREFIX

FAMILIES = ("static", "clock", "path", "load", "service", "history", "calendar", "text")
ON_REQUEST = ("sequence",)
"""Families that are off unless they are asked for."""

ORDERED_COLUMNS = ("service", "channel", "category")
KEY_COLUMNS = ("team", "assignee", "category", "service", "customer")
FEWEST_VALUES, MOST_PLACES, MOST_ORDERED = 2, 12, 8
SEEN_OFTEN = 5
LEAST_SHARE_SEEN_OFTEN = 0.3
LEAST_SHARE_RUNNING, LEAST_SHARE_GROWING = 0.05, 0.95
MOST_ATTRIBUTE_KEYS = 6


def chosen_settings(histories: Histories, families: tuple[str, ...]) -> Settings:
    """The settings for a log.

    A column is ordered if it has 2 to 12 values. A column becomes a key of histories if at least three tickets of ten
    have a value that five or more tickets share; attributes with the most informative values (entropy) come first.
    Running totals, such as minutes booked so far, are neither: they tell how long a ticket has lived, not what it is.
    """
    attributes = [name for name in histories.log.columns if name.startswith(ATTRIBUTE_PREFIX)]
    attributes = [name for name in _without_clashes(attributes) if not is_running_total(histories, name)]
    last = histories.steps.offsets[1:][np.diff(histories.steps.offsets) > 0] - 1
    counts = {
        name: _value_counts(histories, name, last) for name in (*KEY_COLUMNS, *ORDERED_COLUMNS, "priority", *attributes)
    }
    ordered = [name for name in (*ORDERED_COLUMNS, *attributes) if FEWEST_VALUES <= len(counts[name]) <= MOST_PLACES]
    orders = {name: _order(counts[name]) for name in ["priority", *ordered[:MOST_ORDERED]] if len(counts[name]) > 0}
    named = [name for name in KEY_COLUMNS if _is_key(counts[name], len(last))]
    named = _without_twins(histories, named, named)
    found = [name for name in attributes if _is_key(counts[name], len(last)) and len(counts[name]) > MOST_PLACES]
    found = _without_twins(histories, found, named)
    found = sorted(found, key=lambda name: (-_entropy(counts[name]), name))[:MOST_ATTRIBUTE_KEYS]
    keys = _keys(named, found, has_priority=len(counts["priority"]) > 1)
    return Settings(families, orders, **keys, **_services(histories, counts["service"], len(last)), **_flags(histories))


class _Services(TypedDict):
    service_kinds: tuple[str, ...]
    counts_service_tickets: bool


def _services(histories: Histories, counts: dict[str, int], tickets: int) -> _Services:
    """Events count if they are of services that tickets name, tickets if enough of them share a service."""
    is_known = not counts.keys().isdisjoint(histories.services.names)
    return {
        "service_kinds": histories.services.kinds if is_known else (),
        "counts_service_tickets": _is_key(counts, tickets),
    }


class _Flags(TypedDict):
    has_majors: bool
    has_warnings: bool


def _flags(histories: Histories) -> _Flags:
    """What the agreements tell, whatever the log holds."""
    terms = [term for clock in histories.agreements.clocks.values() for term in clock.terms]
    return {
        "has_majors": bool(top_priorities(histories.agreements)),
        "has_warnings": any(term.warnings for term in terms),
    }


class _Keys(TypedDict):
    keys: tuple[Key, ...]
    recent_keys: tuple[Key, ...]
    duration_keys: tuple[Key, ...]
    load_keys: tuple[Key, ...]
    spread_keys: tuple[Key, ...]
    due_keys: tuple[Key, ...]
    present_keys: tuple[Key, ...]


def _keys(named: list[str], found: list[str], has_priority: bool) -> _Keys:
    """Keys for outcomes, for recent outcomes, for durations and for load."""
    single: list[Key] = [(name,) for name in named]
    if "team" in named:
        single.insert(1, (FIRST_TEAM,))
    single += [(name,) for name in found]
    pairs: list[Key] = [("team", "category")] if {"team", "category"} <= set(named) else []
    if has_priority:
        pairs += [(name, "priority") for name in [*found[:1], *(["team"] if "team" in named else [])]]
    return {
        "keys": (*single, *pairs),
        "recent_keys": tuple(key for key in single if key[0] in ("team", "assignee", "category", *found[:2])),
        "duration_keys": tuple(key for key in (*single, *pairs) if key != ("customer",)),
        "load_keys": tuple(key for key in single if key[0] in ("team", "assignee", "service")),
        "spread_keys": tuple(key for key in single if key[0] in ("team", "assignee", "category", *found[:1])),
        "due_keys": tuple(key for key in single if key == ("team",)),
        "present_keys": tuple(key for key in single if key == ("assignee",)),
    }


def _without_clashes(attributes: list[str]) -> list[str]:
    """Attributes whose plain names are new and not empty: two columns must not make features of one name."""
    taken = {plain_name(name) for name in (*KEY_COLUMNS, *ORDERED_COLUMNS, "priority", FIRST_TEAM)}
    kept = []
    for name in sorted(attributes):
        if plain_name(name) and plain_name(name) not in taken:
            kept.append(name)
            taken.add(plain_name(name))
    return kept


def is_running_total(histories: Histories, column: str) -> bool:
    """Whether a column counts upwards while tickets live: numbers that change in one ticket of twenty, and nearly always grow."""
    numbers = _numbers(histories.values(column))[histories.codes(column)]
    follows = histories.steps.ticket[1:] == histories.steps.ticket[:-1]
    change = np.diff(numbers)[follows]
    moved = int((change != 0).sum() - np.isnan(change).sum())
    tickets = len(np.unique(histories.steps.ticket[~np.isnan(numbers)]))
    return moved >= max(LEAST_SHARE_RUNNING * tickets, 1) and bool((change > 0).sum() >= LEAST_SHARE_GROWING * moved)


def _numbers(texts: Sequence[str]) -> NDArray[np.float64]:
    """The texts as numbers, NaN for those that are none, and NaN at the end: for the code -1."""
    found = np.full(len(texts) + 1, np.nan)
    for place, text in enumerate(texts):
        if re.fullmatch(r"\d+(\.\d+)?", text):
            found[place] = float(text)
    return found


def _without_twins(histories: Histories, columns: list[str], others: list[str]) -> list[str]:
    """Columns that do not merely rename an earlier column of `others` or of their own."""
    kept: list[str] = []
    for name in columns:
        before = [*others[: others.index(name)], *kept] if name in others else [*others, *kept]
        if not any(_is_renamed(histories, name, other) for other in before):
            kept.append(name)
    return kept


def _is_renamed(histories: Histories, column: str, other: str) -> bool:
    """Whether the values of two columns stand in a one-to-one relation."""
    codes, others = histories.codes(column).astype(np.int64), histories.codes(other).astype(np.int64)
    width = len(histories.values(other)) + 1
    count = len(np.unique(codes * width + others))
    return count == len(np.unique(codes)) == len(np.unique(others))


def _value_counts(histories: Histories, column: str, last: NDArray[np.int64]) -> dict[str, int]:
    """How many tickets ended with each named value."""
    texts = histories.values(column)
    codes = histories.codes(column)[last]
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    return {text: int(count) for text, count in zip(texts, counts, strict=True) if text and count}


def _is_key(counts: dict[str, int], tickets: int) -> bool:
    shared = sum(count for count in counts.values() if count >= SEEN_OFTEN)
    return len(counts) >= FEWEST_VALUES and shared >= LEAST_SHARE_SEEN_OFTEN * tickets


def _entropy(counts: dict[str, int]) -> float:
    shares = np.array(list(counts.values()), np.float64)
    shares /= shares.sum()
    return round(float(-(shares * np.log(shares)).sum()), 9)


def _order(counts: dict[str, int]) -> tuple[str, ...]:
    """By the number they begin with if all do ("1 - High"), else the commonest first."""
    numbers = {text: re.match(r"\D{0,2}(\d+)", text) for text in counts}
    if all(numbers.values()):
        return tuple(sorted(counts, key=lambda text: (int(numbers[text][1]), text)))  # type: ignore[index]
    return tuple(sorted(counts, key=lambda text: (-counts[text], text)))
