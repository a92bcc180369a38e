"""How tickets like this one ended: smoothed rates of broken promises and lengths of work, as known at the instant.

Rates are given as the difference of their logit from that of all tickets known at the same instant, lengths as the
difference of mean logarithms: a desk that gets better or worse as a whole then moves no feature. A ticket counts under
the team, person, category it had when its outcome became known. Small groups are pulled towards what is known of all
(and pairs towards their first part), as if `PRIOR` more tickets of the usual kind had been seen.
"""

from __future__ import annotations

import numpy as np

from features.declaration import Feature, Key, Settings, key_label, key_name
from features.keys import KeyCodes
from features.outcomes import BROKEN, DECIDED, LOG_HOURS, LOG_UNITS, STOPPED, Outcomes
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
    known = outcomes.timeline.before(view.others_us)
    recent = outcomes.timeline.before(view.others_us - RECENT_US)
    settings, usual = view.settings, _sums(view, outcomes, ALL, known)
    usual_rate = (usual[:, BROKEN] + 1.0) / (usual[:, DECIDED] + 4.0)
    usual_logit = _logit(usual_rate)
    rates: dict[Key, FloatArray] = {}
    out: dict[str, FloatArray] = {}
    for key in sorted({*settings.keys, *settings.recent_keys, *settings.duration_keys, *_parts(settings)}, key=len):
        sums = _sums(view, outcomes, key, known)
        rates[key] = _shrunk(sums, rates[key[:1]] if len(key) > 1 else usual_rate)
        out[f"{key_name(key)}_breach_logit"] = _logit(rates[key]) - usual_logit
        out[f"{key_name(key)}_log_hours"] = _log_hours(sums, usual)
        if key in settings.recent_keys:
            lately = sums - _sums(view, outcomes, key, recent)
            out[f"{key_name(key)}_breach_logit_14d"] = _logit(_shrunk(lately, usual_rate)) - usual_logit
    return out


def _parts(settings: Settings) -> set[Key]:
    """The first parts of keys of several columns."""
    return {key[:1] for key in settings.keys}


def _sums(view: View, outcomes: Outcomes, key: Key, known: Int64Array) -> Int64Array:
    codes = KeyCodes.of(view.histories, key).codes[view.step]
    return outcomes.sums(view.histories, key).upto(codes, known)


def _shrunk(sums: Int64Array, prior: FloatArray) -> FloatArray:
    """A rate pulled towards `prior`; a window can hold more takings-back than outcomes, which then count as none."""
    count = np.maximum(sums[:, DECIDED], 0)
    broken = np.clip(sums[:, BROKEN], 0, count)
    rate: FloatArray = (broken + PRIOR * prior) / (count + PRIOR)
    return rate


def _log_hours(sums: Int64Array, usual: Int64Array) -> FloatArray:
    mean = usual[:, LOG_HOURS] / np.maximum(usual[:, STOPPED], 1) / LOG_UNITS
    length: FloatArray = (sums[:, LOG_HOURS] / LOG_UNITS + PRIOR * mean) / (sums[:, STOPPED] + PRIOR) - mean
    return length


def _logit(rate: FloatArray) -> FloatArray:
    odds: FloatArray = np.log(rate / (1.0 - rate))
    return odds
