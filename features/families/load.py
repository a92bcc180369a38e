"""How busy those are who hold the ticket: backlog, arrivals, resolutions, and how many come before this ticket.

Other tickets count strictly before the instant. Counters that only grow with the age of the log are left out: a model
would learn the date from them.
"""

from __future__ import annotations

import numpy as np

from features.declaration import Feature, Key, Settings, key_label, key_name
from features.due_times import due_spells
from features.histories import Histories
from features.keys import KeyCodes
from features.membership import ARRIVED, CHANGED, OPEN, PASSED_ON, RESOLVED, WAITING, Membership, spells_among
from features.outcomes import Outcomes
from features.snapshots import is_open
from features.view import HOUR_US, FloatArray, View
from sla.instants import DAY_US, NEVER_US, Int64Array

FAMILY = "load"
TEAM: Key = ("team",)
ALL: Key = ()
QUIET_HOURS = (0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 24.0, 36.0, 48.0, 72.0, 96.0, 120.0, 168.0)
"""Spans that are asked whether anything changed in them: sums know how much did, not when it did last."""


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of this family."""
    features = [feature for key in settings.load_keys for feature in _declared_of(key)]
    due = [
        Feature(
            f"{key_name(key)}_due_sooner",
            FAMILY,
            "tickets",
            f"other open tickets with the same {key_label(key)} whose running clock is due before this one's",
            "How many come first?",
        )
        for key in settings.due_keys
    ]
    present = [feature for key in settings.present_keys for feature in _presence_declared(key)]
    return (
        *features,
        *due,
        *present,
        Feature(
            "team_share_of_open",
            FAMILY,
            "share",
            "share of all open tickets that the team holds",
            "Is the team the bottleneck?",
        ),
        Feature(
            "arrivals_trend",
            FAMILY,
            "ratio",
            "tickets opened in the last day over the daily mean of the last week",
            "Is there a rush?",
        ),
        Feature(
            "resolutions_trend",
            FAMILY,
            "ratio",
            "tickets resolved in the last day over the daily mean of the last week",
            "Is the desk keeping up?",
        ),
    )


def _declared_of(key: Key) -> list[Feature]:
    name, words = key_name(key), key_label(key)
    busy, flow = f"How busy is the {words}?", f"How fast does the {words} work?"
    return [
        Feature(f"{name}_open", FAMILY, "tickets", f"other open tickets with the same {words}", busy),
        Feature(f"{name}_waiting", FAMILY, "tickets", "of these, tickets that wait", busy),
        Feature(f"{name}_older", FAMILY, "tickets", "of these, tickets opened before this one", "How many come first?"),
        Feature(
            f"{name}_arrivals_1d", FAMILY, "tickets", f"tickets that came to the {words} in the last 24 hours", busy
        ),
        Feature(f"{name}_arrivals_7d", FAMILY, "tickets", f"tickets that came to the {words} in the last 7 days", busy),
        Feature(
            f"{name}_resolved_1d", FAMILY, "tickets", f"tickets of the {words} resolved in the last 24 hours", flow
        ),
        Feature(f"{name}_resolved_7d", FAMILY, "tickets", f"tickets of the {words} resolved in the last 7 days", flow),
        Feature(
            f"{name}_passed_on_7d",
            FAMILY,
            "tickets",
            f"tickets that left the {words} unresolved in the last 7 days",
            "Does it pass work on?",
        ),
        Feature(
            f"{name}_expected_wait_days",
            FAMILY,
            "days",
            f"backlog of the {words} over its resolutions a day (last 7 days)",
            flow,
        ),
    ]


def _presence_declared(key: Key) -> list[Feature]:
    name, words = key_name(key), key_label(key)
    question = f"Is the {words} at work?"
    what = f"tickets of the {words}, this one included: taken over, set to wait or resumed, resolved, reopened"
    quiet = f"the longest span up to {QUIET_HOURS[-1]:.0f} hours in which nothing changed, 0 below half an hour"
    return [
        Feature(f"{name}_changes_1d", FAMILY, "changes", f"changes in the last 24 hours to {what}", question),
        Feature(f"{name}_changes_7d", FAMILY, "changes", f"changes in the last 7 days to {what}", question),
        Feature(f"{name}_quiet_hours", FAMILY, "hours", f"{quiet}, of {what}", question),
    ]


def values(view: View) -> dict[str, FloatArray | Int64Array]:
    """The columns of this family, by name."""
    out: dict[str, FloatArray | Int64Array] = {}
    for key in view.settings.load_keys:
        out |= _values_of(view, key)
    out |= {f"{key_name(key)}_due_sooner": _due_sooner(view, key) for key in view.settings.due_keys}
    for key in view.settings.present_keys:
        out |= _presence(view, key)
    counts, last_day, last_week = _sums(view, ALL)
    trends = 7.0 * last_day / np.maximum(last_week, 1)
    team_open = out["team_open"] if TEAM in view.settings.load_keys else _sums(view, TEAM)[0][:, OPEN]
    return out | {
        "team_share_of_open": team_open / np.maximum(counts[:, OPEN], 1),
        "arrivals_trend": trends[:, ARRIVED],
        "resolutions_trend": trends[:, RESOLVED],
    }


def membership(histories: Histories, key: Key) -> Membership:
    """The membership under a key, built once."""
    return Membership.of(histories, key)


def _values_of(view: View, key: Key) -> dict[str, FloatArray | Int64Array]:
    name = key_name(key)
    counts, last_day, last_week = _sums(view, key)
    return {
        f"{name}_open": counts[:, OPEN],
        f"{name}_waiting": counts[:, WAITING],
        f"{name}_older": _older(view, key),
        f"{name}_arrivals_1d": last_day[:, ARRIVED],
        f"{name}_arrivals_7d": last_week[:, ARRIVED],
        f"{name}_resolved_1d": last_day[:, RESOLVED],
        f"{name}_resolved_7d": last_week[:, RESOLVED],
        f"{name}_passed_on_7d": last_week[:, PASSED_ON],
        f"{name}_expected_wait_days": 7.0 * counts[:, OPEN] / (last_week[:, RESOLVED] + 1.0),
    }


def _sums(view: View, key: Key) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Other tickets held now (open, waiting), and what all tickets did in the last day and the last week."""
    held = membership(view.histories, key)
    keys = held.keys[view.step]
    now, day, week = view.sums(held.sums, held.timeline, keys, 0, DAY_US, 7 * DAY_US)
    return held.others(now, keys, view.step_before), now - day, now - week


def _presence(view: View, key: Key) -> dict[str, FloatArray | Int64Array]:
    """Changes of all tickets of the same key in the last day and week, and for how long there was none, by spans."""
    held, name = membership(view.histories, key), key_name(key)
    keys, back_us = held.keys[view.step], [int(hours * HOUR_US) for hours in QUIET_HOURS]
    place = np.arange(len(keys))
    if len(keys) > 1 and view.others_us.min() == view.others_us.max():  # one instant: ask once a key
        keys, first, place = np.unique(keys, return_index=True, return_inverse=True)
        view = View(view.histories, view.snapshots.take(first), view.settings, view.target)
    now, *before = view.sums(held.sums, held.timeline, keys, 0, *back_us)
    counts = [now[:, CHANGED] - then[:, CHANGED] for then in before]
    quiet_spans = np.sum([count == 0 for count in counts], axis=0)
    return {
        f"{name}_changes_1d": counts[QUIET_HOURS.index(24.0)][place],
        f"{name}_changes_7d": counts[QUIET_HOURS.index(168.0)][place],
        f"{name}_quiet_hours": np.array([0.0, *QUIET_HOURS])[quiet_spans][place],
    }


def _older(view: View, key: Key) -> Int64Array:
    """Open tickets of the same key that were opened before this one."""
    if view.is_each_alone:
        return np.zeros(len(view.at_us), np.int64)
    opened_us = view.histories.steps.opened_us
    keys = KeyCodes.of(view.histories, key).codes[view.step]
    return view.older(spells_among(view.histories, key), keys, opened_us, opened_us[view.ticket])


def _due_sooner(view: View, key: Key) -> FloatArray:
    """Open tickets of the same key that are due before this one, as known then; missing where this one has no due time."""
    due_us, before = view.verdicts.due_us, view.step_before
    if view.is_each_alone:
        return np.where(due_us == NEVER_US, np.nan, 0.0)
    keys, outcomes = KeyCodes.of(view.histories, key).codes, Outcomes.of(view.histories, view.target)
    spells = due_spells(view.histories, key, view.target)
    sooner = view.older(spells, keys[view.step], outcomes.due_us, due_us)
    is_own = (before >= 0) & (keys[before] == keys[view.step]) & is_open(view.histories)[before]
    own: FloatArray = sooner - (is_own & (outcomes.due_us[before] < due_us))
    return np.where(due_us == NEVER_US, np.nan, own)
