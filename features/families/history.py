"""How tickets like this one ended: smoothed rates of broken promises and lengths of work, as known at the instant.

Rates are given as the difference of their logit from that of all tickets known at the same instant, lengths as the
difference of mean logarithms: a desk that gets better or worse as a whole then moves no feature. A ticket counts under
the team, person, category it had when its outcome became known. Small groups are pulled towards what is known of all
(and pairs towards their first part), as if `PRIOR` more tickets of the usual kind had been seen.
"""

from __future__ import annotations

import numpy as np

from features.declaration import Feature, Key, Settings, key_label, key_name
from features.histories import Histories
from features.keys import KeyCodes
from features.outcomes import COUNT, LOG_UNITS, TOTAL, Outcomes
from features.view import FloatArray, View
from sla.instants import DAY_US, Int64Array

FAMILY = "history"
PRIOR = 10.0
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
    return (*rates, *recent, *lengths)


def values(view: View) -> dict[str, FloatArray]:
    """The columns of this family, by name."""
    outcomes = Outcomes.of(view.histories, view.target)
    known = outcomes.decided_line.before(view.others_us)
    recent = outcomes.decided_line.before(view.others_us - RECENT_US)
    worked = outcomes.worked_line.before(view.others_us)
    usual = _usual_rate(outcomes, view, known)
    out: dict[str, FloatArray] = {}
    for key in view.settings.keys:
        prior = _rate(outcomes, view, key[:1], known, usual) if len(key) > 1 else usual
        out[f"{key_name(key)}_breach_logit"] = _logit(_rate(outcomes, view, key, known, prior)) - _logit(usual)
    for key in view.settings.recent_keys:
        sums = outcomes.sums(view.histories, "decided", key).between(_codes(view, key), recent, known)
        out[f"{key_name(key)}_breach_logit_14d"] = _logit(_shrunk(sums, usual)) - _logit(usual)
    for key in view.settings.duration_keys:
        out[f"{key_name(key)}_log_hours"] = _log_hours(outcomes, view, key, worked)
    return out


def _usual_rate(outcomes: Outcomes, view: View, known: Int64Array) -> FloatArray:
    sums = outcomes.sums(view.histories, "decided", ALL).upto(_codes(view, ALL), known)
    usual: FloatArray = (sums[:, TOTAL] + 1.0) / (sums[:, COUNT] + 4.0)
    return usual


def _rate(outcomes: Outcomes, view: View, key: Key, known: Int64Array, prior: FloatArray) -> FloatArray:
    sums = outcomes.sums(view.histories, "decided", key).upto(_codes(view, key), known)
    return _shrunk(sums, prior)


def _shrunk(sums: Int64Array, prior: FloatArray) -> FloatArray:
    """A rate pulled towards `prior`; a window can hold more takings-back than outcomes, which then count as none."""
    count = np.maximum(sums[:, COUNT], 0)
    total = np.clip(sums[:, TOTAL], 0, count)
    rate: FloatArray = (total + PRIOR * prior) / (count + PRIOR)
    return rate


def _log_hours(outcomes: Outcomes, view: View, key: Key, known: Int64Array) -> FloatArray:
    usual = outcomes.sums(view.histories, "worked", ALL).upto(_codes(view, ALL), known)
    mean = usual[:, TOTAL] / np.maximum(usual[:, COUNT], 1) / LOG_UNITS
    sums = outcomes.sums(view.histories, "worked", key).upto(_codes(view, key), known)
    length: FloatArray = (sums[:, TOTAL] / LOG_UNITS + PRIOR * mean) / (sums[:, COUNT] + PRIOR) - mean
    return length


def _codes(view: View, key: Key) -> Int64Array:
    return _step_codes(view.histories, key)[view.step]


def _step_codes(histories: Histories, key: Key) -> Int64Array:
    return KeyCodes.of(histories, key).codes


def _logit(rate: FloatArray) -> FloatArray:
    odds: FloatArray = np.log(rate) - np.log1p(-rate)
    return odds
