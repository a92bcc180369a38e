"""How tickets like this one ended: smoothed rates of broken promises and lengths of work, as known at the instant.

Rates are given as the difference of their logit from that of all tickets known at the same instant, lengths as the
difference of mean logarithms: a desk that gets better or worse as a whole then moves no feature. A ticket counts under
the team, person, category it had when its outcome became known. Small groups are pulled towards what is known of all
(and pairs towards their first part), as if `PRIOR` more tickets of the usual kind had been seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.declaration import Feature, Key, Settings, key_label, key_name
from features.keys import KeyCodes
from features.outcomes import (
    BROKEN,
    COLUMNS,
    DECIDED,
    LOG_HOURS,
    LOG_SQUARES,
    LOG_UNITS,
    STOPPED,
    Outcomes,
    is_without_end,
)
from features.view import FloatArray, View
from sla.instants import DAY_US, NEVER_US, Int64Array

FAMILY = "history"
PRIOR = 10.0
LEAST_VARIANCE = 1e-4  # below it rounding would be seen: one part in a hundred of the time is no spread at all
RECENT_US = 14 * DAY_US
ALL: Key = ()


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of this family."""
    rates = [
        Feature(
            f"{key_name(key)}_breach_logit",
            FAMILY,
            "logit",
            f"broken promises among decided tickets with the same {key_label(key)}, against all tickets (0 = as usual, above = worse)",
            f"Do tickets with this {key_label(key)} end badly?",
        )
        for key in settings.keys
    ]
    recent = [
        Feature(
            f"{key_name(key)}_breach_logit_14d",
            FAMILY,
            "logit",
            f"the same over the last 14 days for the {key_label(key)}",
            f"Do tickets with this {key_label(key)} end badly of late?",
        )
        for key in settings.recent_keys
    ]
    lengths = [
        Feature(
            f"{key_name(key)}_log_hours",
            FAMILY,
            "log hours",
            f"mean log(1 + working hours) of finished tickets with the same {key_label(key)}, less that of all tickets",
            f"Does the {key_label(key)} take long?",
        )
        for key in settings.duration_keys
    ]
    spreads = [
        Feature(
            f"{key_name(key)}_log_hours_spread",
            FAMILY,
            "log hours",
            f"standard deviation of log(1 + working hours) of finished tickets with the same {key_label(key)}, less that of all tickets",
            f"How predictable is the {key_label(key)}?",
        )
        for key in settings.spread_keys
    ]
    return (*rates, *recent, *lengths, *spreads)


def values(view: View) -> dict[str, FloatArray]:
    """The columns of this family, by name."""
    until_us = int(view.others_us.max(initial=-NEVER_US))
    if view.is_each_alone and is_without_end(view.histories, view.target, until_us):
        names, numbers = _of_nothing(_Keys.of(view.settings))
        return dict(zip(names, np.broadcast_to(numbers, (len(numbers), len(view.at_us))), strict=True))
    outcomes = Outcomes.of(view.histories, view.target)
    return _columns(_Keys.of(view.settings), lambda key, *back_us: _sums(view, outcomes, key, *back_us))


@dataclass(frozen=True)
class _Keys:
    """What is asked of each key, and in which order."""

    asked: tuple[Key, ...]
    recent: tuple[Key, ...]
    spread: tuple[Key, ...]

    @classmethod
    def of(cls, settings: Settings) -> _Keys:
        return cls(tuple(asked_keys(settings)), tuple(settings.recent_keys), tuple(settings.spread_keys))


@lru_cache(maxsize=16)
def _of_nothing(keys: _Keys) -> tuple[tuple[str, ...], FloatArray]:
    """The columns where no clock has ended yet: their names, and (columns, 1) the numbers, the same for every ticket."""
    found = _columns(keys, lambda _key, *back_us: [np.zeros((1, COLUMNS), np.int64)] * (1 + len(back_us)))
    return tuple(found), np.array(list(found.values())).reshape(len(found), 1)


def _columns(keys: _Keys, sums_of: Callable[..., list[Int64Array]]) -> dict[str, FloatArray]:
    """The columns by name, of the sums of a key as known now, and then as known so much earlier."""
    usual = sums_of(ALL)[0]
    usual_rate = (usual[:, BROKEN] + 1.0) / (usual[:, DECIDED] + 4.0)
    usual_logit = _logit(usual_rate)
    usual_length, usual_spread = _mean(usual, usual, LOG_HOURS), _spread(usual, usual)
    rates: dict[Key, FloatArray] = {}
    out: dict[str, FloatArray] = {}
    for key in keys.asked:
        is_recent = key in keys.recent
        sums, *before = sums_of(key, *[RECENT_US] * is_recent)
        rates[key] = _shrunk(sums, rates[key[:1]] if len(key) > 1 else usual_rate)
        out[f"{key_name(key)}_breach_logit"] = _logit(rates[key]) - usual_logit
        out[f"{key_name(key)}_log_hours"] = _mean(sums, usual, LOG_HOURS) - usual_length
        if key in keys.spread:
            out[f"{key_name(key)}_log_hours_spread"] = _spread(sums, usual) - usual_spread
        if is_recent:
            lately = sums - before[0]
            out[f"{key_name(key)}_breach_logit_14d"] = _logit(_shrunk(lately, usual_rate)) - usual_logit
    return out


def asked_keys(settings: Settings) -> list[Key]:
    """Every key whose outcomes are asked for, parts of keys before the keys."""
    keys = {*settings.keys, *settings.recent_keys, *settings.duration_keys, *settings.spread_keys}
    return sorted(keys | {key[:1] for key in settings.keys}, key=lambda key: (len(key), key))


def _sums(view: View, outcomes: Outcomes, key: Key, *back_us: int) -> list[Int64Array]:
    """The sums as known now, then as known so much earlier."""
    codes = KeyCodes.of(view.histories, key).codes[view.step]
    return view.sums(outcomes.sums(view.histories, key), outcomes.timeline, codes, 0, *back_us)


def _shrunk(sums: Int64Array, prior: FloatArray) -> FloatArray:
    """A rate pulled towards `prior`; a window can hold more takings-back than outcomes, which then count as none."""
    count = np.maximum(sums[:, DECIDED], 0)
    broken = np.clip(sums[:, BROKEN], 0, count)
    rate: FloatArray = (broken + PRIOR * prior) / (count + PRIOR)
    return rate


def _mean(sums: Int64Array, usual: Int64Array, column: int) -> FloatArray:
    """The mean of what a column sums over finished tickets, pulled towards that of all; 0 where nothing is finished."""
    prior = usual[:, column] / np.maximum(usual[:, STOPPED], 1) / LOG_UNITS
    mean: FloatArray = (sums[:, column] / LOG_UNITS + PRIOR * prior) / (sums[:, STOPPED] + PRIOR)
    return mean


def _spread(sums: Int64Array, usual: Int64Array) -> FloatArray:
    """The standard deviation of log(1 + working hours)."""
    variance = _mean(sums, usual, LOG_SQUARES) - _mean(sums, usual, LOG_HOURS) ** 2
    spread: FloatArray = np.sqrt(np.maximum(variance, LEAST_VARIANCE))
    return spread


def _logit(rate: FloatArray) -> FloatArray:
    odds: FloatArray = np.log(rate / (1.0 - rate))
    return odds
