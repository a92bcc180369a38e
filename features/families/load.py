"""How busy those are who hold the ticket: backlog, arrivals, resolutions, and how many come before this ticket.

Other tickets count strictly before the instant. Counters that only grow with the age of the log are left out: a model
would learn the date from them.
"""

from __future__ import annotations

import numpy as np

from features.declaration import Feature, Key, Settings, key_label, key_name
from features.histories import Histories
from features.keys import KeyCodes
from features.membership import Membership
from features.prefix_sums import sums_below
from features.view import FloatArray, View
from sla.instants import DAY_US, Int64Array

FAMILY = "load"
TEAM: Key = ("team",)
ALL: Key = ()


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of this family."""
    features = [feature for key in settings.load_keys for feature in _declared_of(key)]
    return (
        *features,
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


def values(view: View) -> dict[str, FloatArray | Int64Array]:
    """The columns of this family, by name."""
    out: dict[str, FloatArray | Int64Array] = {}
    for key in view.settings.load_keys:
        out |= _values_of(view, key)
    everything = membership(view.histories, ALL)
    zeros = np.zeros(len(view.at_us), np.int64)
    known, day, week = _places(view, everything)
    last_day, last_week = everything.flows(zeros, day, known), everything.flows(zeros, week, known)
    trends = 7.0 * last_day / np.maximum(last_week, 1)
    team = _open_waiting(view, TEAM)[:, 0]
    all_open = everything.others(zeros, known, view.step_before)[:, 0]
    return out | {
        "team_share_of_open": team / np.maximum(all_open, 1),
        "arrivals_trend": trends[:, 0],
        "resolutions_trend": trends[:, 1],
    }


def membership(histories: Histories, key: Key) -> Membership:
    """The membership under a key, built once."""
    codes = KeyCodes.of(histories, key)
    return histories.once(f"membership of {key}", lambda: Membership.of(histories, codes.codes, codes.count))


def _values_of(view: View, key: Key) -> dict[str, FloatArray | Int64Array]:
    name, held = key_name(key), membership(view.histories, key)
    keys = held.keys[view.step]
    known, day, week = _places(view, held)
    counts = _open_waiting(view, key)
    last_day, last_week = held.flows(keys, day, known), held.flows(keys, week, known)
    return {
        f"{name}_open": counts[:, 0],
        f"{name}_waiting": counts[:, 1],
        f"{name}_older": _older(view, held, keys, known),
        f"{name}_arrivals_1d": last_day[:, 0],
        f"{name}_arrivals_7d": last_week[:, 0],
        f"{name}_resolved_1d": last_day[:, 1],
        f"{name}_resolved_7d": last_week[:, 1],
        f"{name}_passed_on_7d": last_week[:, 2],
        f"{name}_expected_wait_days": 7.0 * counts[:, 0] / (last_week[:, 1] + 1.0),
    }


def _open_waiting(view: View, key: Key) -> Int64Array:
    held = membership(view.histories, key)
    return held.others(held.keys[view.step], held.timeline.before(view.others_us), view.step_before)


def _places(view: View, held: Membership) -> tuple[Int64Array, Int64Array, Int64Array]:
    """How many entries were known before each instant, a day earlier and a week earlier."""
    before = held.timeline.before
    return before(view.others_us), before(view.others_us - DAY_US), before(view.others_us - 7 * DAY_US)


def _older(view: View, held: Membership, keys: Int64Array, known: Int64Array) -> Int64Array:
    steps = view.histories.steps
    first = steps.offsets[:-1].clip(max=max(len(steps) - 1, 0))
    opened_us = steps.at_us[first]
    return sums_below(
        opened_us[held.entry_ticket],
        held.entry_open,
        held.sums.starts(keys),
        held.sums.places(keys, known),
        opened_us[view.ticket],
    )
