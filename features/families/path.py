"""How the ticket got here: states, hand-overs, returns, replies, silence, as known at the instant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.declaration import Feature, Settings
from features.families.static import places
from features.histories import FEW_STEPS, Histories
from features.snapshots import is_open
from features.view import HOUR_US, FloatArray, View
from sla.instants import DAY_US, BoolArray, Int64Array

FAMILY = "path"

_MEANINGS = {
    "age_hours": ("hours", "wall-clock time since the ticket was opened", "How old is it?"),
    "hours_until_recorded": ("hours", "time from the opening to its record", "Was it filed late?"),
    "events_so_far": ("events", "records known of the ticket", "How busy was it?"),
    "events_last_day": ("events", "records of the last 24 hours", "Is anyone at it now?"),
    "silence_hours": ("hours", "time since the last record", "Was it forgotten?"),
    "status_changes": ("changes", "changes of status", "How far did it come?"),
    "hours_in_status": ("hours", "time in the present status", "Is it stuck?"),
    "is_new": ("0 or 1", "nobody has begun: status new", "Has work begun?"),
    "is_waiting": ("0 or 1", "status waiting", "Is it waiting?"),
    "is_waiting_on_customer": ("0 or 1", "waiting for the customer", "Is it out of our hands?"),
    "is_waiting_on_others": ("0 or 1", "waiting for someone who is not the customer", "Who holds it up?"),
    "waits": ("times", "how often it began to wait", "How often did it stall?"),
    "waiting_hours": ("hours", "wall-clock time spent waiting, until now", "How long did it stall?"),
    "waiting_share": ("share", "share of its age spent waiting", "How long did it stall?"),
    "reopenings": ("times", "how often it was reopened", "Did a solution fail?"),
    "handovers": ("times", "moves from one team to another", "Is it being passed around?"),
    "teams_seen": ("teams", "different teams that held it", "How many were involved?"),
    "returns": ("times", "moves back to a team that had held it before", "Does it bounce?"),
    "is_with_first_team": ("0 or 1", "the first team known still holds it", "Was it routed well?"),
    "hours_in_team": ("hours", "time with the present team", "Is it stuck with a team?"),
    "assignee_changes": ("times", "changes of the person assigned", "Is it being passed around?"),
    "assignees_seen": ("people", "different people it was assigned to", "How many were involved?"),
    "hours_with_assignee": (
        "hours",
        "time since the present person (or nobody) was assigned",
        "Is it stuck with someone?",
    ),
    "priority_changes": ("times", "changes of priority", "Was it misjudged?"),
    "priority_shift": ("places", "present place of the priority less the first one", "Did it become urgent?"),
    "category_changes": ("times", "changes of category", "Was it misjudged?"),
    "customer_replies": ("replies", "comments by the customer", "Is the customer pressing?"),
    "agent_replies": ("replies", "comments by agents", "Do we talk to the customer?"),
    "is_reply_due": ("0 or 1", "the last comment is the customer's", "Do we owe an answer?"),
}


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of this family."""
    return tuple(
        Feature(name, FAMILY, unit, meaning, question)
        for name, (unit, meaning, question) in _MEANINGS.items()
        if name != "priority_shift" or "priority" in settings.orders
    )


def values(view: View) -> dict[str, FloatArray | Int64Array | BoolArray]:
    """The columns of this family, by name."""
    step, histories = view.step, view.histories
    counts = histories.once("path counts", lambda: _counts(histories))
    flags = histories.once("path flags", lambda: _flags(histories))
    out: dict[str, FloatArray | Int64Array | BoolArray] = {name: count[step] for name, count in counts.items()}
    out |= {name: flag[step] for name, flag in flags.items()}
    out |= _times(view)
    if "priority" in view.settings.orders:
        place = places(histories, "priority", view.settings.orders["priority"])
        first = histories.steps.offsets[view.ticket]
        out["priority_shift"] = place[step] - place[first]
    return out


def run_starts_us(histories: Histories, column: str) -> Int64Array:
    """Per step, when the ticket's present run of one value of a column began (the event's time, not its record's)."""

    def build() -> Int64Array:
        steps = histories.steps
        begins = steps.changed(histories.codes(column)) | steps.is_first
        return steps.at_us[steps.latest(begins)]

    return histories.once(f"run starts of {column}", build)


def _counts(histories: Histories) -> Mapping[str, NDArray[Any]]:
    steps = histories.steps
    total = steps.running_total
    waiting = histories.is_value("status", "waiting")
    was_ended = steps.previous(~is_open(histories), False)
    moves = {column: _moves(histories, column) for column in ("team", "assignee", "priority", "category")}
    seen = {column: _values_seen(histories, column) for column in ("team", "assignee")}
    found = {
        "events_so_far": total(np.ones(len(steps), np.int64)),
        "status_changes": total(steps.changed(histories.codes("status"))),
        "waits": total(waiting & ~steps.previous(waiting, False)),
        "reopenings": total(is_open(histories) & was_ended),
        "handovers": total(moves["team"]),
        "teams_seen": seen["team"],
        "returns": total(moves["team"] & ~steps.first_of_value(histories.codes("team"))),
        "assignee_changes": total(moves["assignee"]),
        "assignees_seen": seen["assignee"],
        "priority_changes": total(moves["priority"]),
        "category_changes": total(moves["category"]),
        "customer_replies": total(_comments(histories, "customer")),
        "agent_replies": total(_comments(histories, "agent")),
    }
    if len(steps) <= FEW_STEPS:
        return found
    # One number a step, for as long as a service lives: most fit into a byte.
    return {name: count.astype(np.min_scalar_type(int(count.max(initial=0)))) for name, count in found.items()}


def _flags(histories: Histories) -> Mapping[str, BoolArray]:
    steps = histories.steps
    waiting = histories.is_value("status", "waiting")
    on_customer = waiting & histories.is_value("waiting_on", "customer")
    team = histories.codes("team")
    first_team = steps.latest(_named_for_the_first_time(histories, "team"))
    by_customer = _comments(histories, "customer")
    last_comment = steps.latest(by_customer | _comments(histories, "agent"))
    return {
        "is_new": histories.is_value("status", "new"),
        "is_waiting": waiting,
        "is_waiting_on_customer": on_customer,
        "is_waiting_on_others": waiting & ~on_customer,
        "is_with_first_team": (first_team >= 0) & (team[first_team] == team),
        "is_reply_due": (last_comment >= 0) & by_customer[last_comment],
    }


def _times(view: View) -> dict[str, FloatArray | Int64Array]:
    step, steps = view.step, view.histories.steps
    first = steps.offsets[view.ticket]
    age = view.hours_since(steps.at_us[first])
    waiting_hours = _waiting_hours(view)
    a_day_ago = view.histories.search.at(view.ticket, view.at_us - DAY_US)
    return {
        "age_hours": age,
        "hours_until_recorded": (steps.known_us[first] - steps.at_us[first]) / HOUR_US,
        "events_last_day": step - np.where(a_day_ago >= 0, a_day_ago, first - 1),
        "silence_hours": view.hours_since(steps.known_us[step]),
        "hours_in_status": view.hours_since(run_starts_us(view.histories, "status")[step]),
        "hours_in_team": view.hours_since(run_starts_us(view.histories, "team")[step]),
        "hours_with_assignee": view.hours_since(run_starts_us(view.histories, "assignee")[step]),
        "waiting_hours": waiting_hours,
        "waiting_share": np.divide(waiting_hours, age, out=np.zeros(len(age)), where=age > 0),
    }


def _waiting_hours(view: View) -> FloatArray:
    """Past runs of waiting plus the one that goes on."""
    steps, histories = view.histories.steps, view.histories
    waiting = histories.is_value("status", "waiting")
    start_us = run_starts_us(histories, "status")

    def build() -> Int64Array:
        ended = steps.changed(histories.codes("status")) & steps.previous(waiting, False)
        return steps.running_total(np.where(ended, start_us - steps.previous(start_us, 0), 0))

    past_us = histories.once("waited until the run", build)[view.step]
    present = np.where(waiting[view.step], view.at_us - start_us[view.step], 0)
    hours: FloatArray = (past_us + present) / HOUR_US
    return hours


def _moves(histories: Histories, column: str) -> BoolArray:
    """Steps at which a column goes from one named value to another; naming or clearing it is no move."""
    named = histories.is_named(column)
    was_named = histories.steps.previous(named, False)
    return histories.steps.changed(histories.codes(column)) & named & was_named


def _values_seen(histories: Histories, column: str) -> Int64Array:
    return histories.steps.running_total(
        histories.steps.first_of_value(histories.codes(column)) & histories.is_named(column)
    )


def _named_for_the_first_time(histories: Histories, column: str) -> BoolArray:
    named = histories.is_named(column)
    first: BoolArray = named & (histories.steps.running_total(named) == 1)
    return first


def _comments(histories: Histories, actor_kind: str) -> NDArray[np.bool_]:
    comments: BoolArray = histories.is_value("kind", "commented") & histories.is_value("actor_kind", actor_kind)
    return comments
