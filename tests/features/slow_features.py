"""Every feature again, one snapshot at a time, in plain loops over dictionaries: slow, obvious, and written separately."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from features.declaration import Settings, plain_name
from tests.features.slow_desk import DAY_US, HOUR_US, SlowDesk, Step
from tests.features.slow_others import slow_due_sooner, slow_history, slow_load
from tests.features.slow_service import slow_service

NAN = math.nan


def slow_row(desk: SlowDesk, settings: Settings, ticket: str, at_us: int) -> dict[str, float]:
    """All features of one ticket at one instant."""
    steps = desk.steps_until(ticket, at_us)
    verdict = desk.verdict(ticket, at_us)
    before_us = at_us - at_us % 1_000_000
    row = {
        **_static(steps[-1], settings),
        **_clock(verdict, at_us),
        **_warnings(desk, verdict),
        **_path(steps, settings, at_us),
        **slow_load(desk, settings, ticket, steps, before_us),
        "team_due_sooner": slow_due_sooner(desk, ticket, steps, verdict, before_us),
        **slow_service(desk, ticket, steps, before_us),
        **slow_history(desk, settings, steps, before_us),
        **_calendar(desk, verdict, steps[0].at_us, at_us),
    }
    return {name: float(value) for name, value in row.items()}


def _static(step: Step, settings: Settings) -> dict[str, float]:
    row = {f"{plain_name(name)}_place": _place(step, name, order) for name, order in settings.orders.items()}
    return row | {"is_assigned": bool(step.get("assignee")), "has_team": bool(step.get("team"))}


def _place(step: Step, column: str, order: tuple[str, ...]) -> float:
    value = step.get(column)
    return order.index(value) if value in order else NAN


def _clock(verdict: dict[str, int], at_us: int) -> dict[str, float]:
    target, elapsed, paused = (
        verdict["target_us"] / HOUR_US,
        verdict["elapsed_us"] / HOUR_US,
        verdict["paused_us"] / HOUR_US,
    )
    due_in = (verdict["due_us"] - at_us) / HOUR_US if verdict["due_us"] < 2**62 else NAN
    row = {
        "target_hours": target,
        "elapsed_hours": elapsed,
        "remaining_hours": verdict["remaining_us"] / HOUR_US,
        "share_used": elapsed / target,
        "paused_hours": paused,
        "paused_share": paused / (elapsed + paused) if elapsed + paused > 0 else 0.0,
        "is_clock_paused": verdict["state"] in (2, 5),
        "due_in_hours": due_in,
        "closed_hours_until_due": due_in - verdict["remaining_us"] / HOUR_US,
        "started_hours_ago": (at_us - verdict["started_us"]) / HOUR_US,
        "is_half_used": elapsed >= 0.5 * target,
        "is_three_quarters_used": elapsed >= 0.75 * target,
        "is_nearly_used": elapsed / target >= 0.9,
    }
    runs = verdict["target_us"] >= 0 and verdict["state"] != 0
    return {name: value if runs else NAN for name, value in row.items()}


def _warnings(desk: SlowDesk, verdict: dict[str, int]) -> dict[str, float]:
    if verdict["target_us"] < 0 or verdict["state"] == 0:
        return {"warnings_passed": NAN, "hours_to_next_warning": NAN}
    shares = desk.agreements.clock(desk.target).terms[verdict["term"]].warnings
    target, elapsed = verdict["target_us"], verdict["elapsed_us"]
    ahead = [share * target - elapsed for share in (*shares, 1.0) if share * target > elapsed]
    return {
        "warnings_passed": sum(elapsed >= share * target for share in shares),
        "hours_to_next_warning": min(ahead, default=0.0) / HOUR_US,
    }


def _path(steps: list[Step], settings: Settings, at_us: int) -> dict[str, float]:
    now, first = steps[-1], steps[0]
    pairs = list(itertools.pairwise(steps))
    age = (at_us - first.at_us) / HOUR_US
    waited = _waited_us(steps, at_us) / HOUR_US
    named_teams = [step.get("team") for step in steps if step.get("team")]
    comments = [step.says.get("actor_kind") for step in steps if step.says.get("kind") == "commented"]
    comments = [actor for actor in comments if actor in ("customer", "agent")]
    on_customer = now.is_waiting and now.get("waiting_on") == "customer"
    row: dict[str, float] = {
        "age_hours": age,
        "hours_until_recorded": (first.known_us - first.at_us) / HOUR_US,
        "events_so_far": len(steps),
        "events_last_day": sum(step.known_us > at_us - DAY_US for step in steps),
        "silence_hours": (at_us - now.known_us) / HOUR_US,
        "status_changes": sum(a.get("status") != b.get("status") for a, b in pairs),
        "is_new": now.get("status") == "new",
        "is_waiting": now.is_waiting,
        "is_waiting_on_customer": on_customer,
        "is_waiting_on_others": now.is_waiting and not on_customer,
        "waits": first.is_waiting + sum(b.is_waiting and not a.is_waiting for a, b in pairs),
        "waiting_hours": waited,
        "waiting_share": waited / age if age > 0 else 0.0,
        "reopenings": sum(b.is_open and not a.is_open for a, b in pairs),
        "handovers": _moves(steps, "team"),
        "teams_seen": len(set(named_teams)),
        "returns": _returns(steps),
        "is_with_first_team": bool(named_teams) and now.get("team") == named_teams[0],
        "assignee_changes": _moves(steps, "assignee"),
        "assignees_seen": len({step.get("assignee") for step in steps if step.get("assignee")}),
        "priority_changes": _moves(steps, "priority"),
        "category_changes": _moves(steps, "category"),
        "customer_replies": comments.count("customer"),
        "agent_replies": comments.count("agent"),
        "is_reply_due": bool(comments) and comments[-1] == "customer",
    }
    order = settings.orders["priority"]
    row["priority_shift"] = _place(now, "priority", order) - _place(first, "priority", order)
    for name, column in (("hours_in_status", "status"), ("hours_in_team", "team"), ("hours_with_assignee", "assignee")):
        row[name] = (at_us - now.since_us[column]) / HOUR_US
    return row


def _waited_us(steps: list[Step], at_us: int) -> int:
    total = 0
    for a, b in itertools.pairwise(steps):
        if a.is_waiting and a.get("status") != b.get("status"):
            total += b.since_us["status"] - a.since_us["status"]
    return total + (at_us - steps[-1].since_us["status"] if steps[-1].is_waiting else 0)


def _moves(steps: list[Step], column: str) -> int:
    return sum(
        bool(a.get(column)) and bool(b.get(column)) and a.get(column) != b.get(column)
        for a, b in itertools.pairwise(steps)
    )


def _returns(steps: list[Step]) -> int:
    count, seen = 0, {steps[0].get("team")}
    for a, b in itertools.pairwise(steps):
        was, now = a.get("team"), b.get("team")
        count += bool(was) and bool(now) and was != now and now in seen
        seen.add(now)
    return count


def _calendar(desk: SlowDesk, verdict: dict[str, int], opened_us: int, at_us: int) -> dict[str, float]:
    """Minute by minute through the next week."""
    names = (
        "local_hour",
        "local_weekday",
        "opened_local_hour",
        "opened_local_weekday",
        "is_working_time",
        "shift_share_left",
        "hours_to_close",
        "hours_to_open",
        "working_hours_next_day",
        "working_hours_next_week",
    )
    if verdict["calendar"] < 0:
        return dict.fromkeys(names, NAN)
    calendar = desk.agreements.business_times[verdict["calendar"]]
    whole_us = at_us - at_us % 60_000_000
    minutes = calendar.is_open(np.arange(whole_us, whole_us + 7 * DAY_US + 120_000_000, 60_000_000)).tolist()
    part = (at_us - whole_us) / HOUR_US
    now, opened = (_local(calendar.zone, us) for us in (at_us, opened_us))
    to_change = minutes.index(not minutes[0]) / 60 - part if (not minutes[0]) in minutes else math.inf
    day = sum(minutes[:1440]) / 60 + part * (minutes[1440] - minutes[0])
    week = sum(minutes[:10080]) / 60 + part * (minutes[10080] - minutes[0])
    closes = min(to_change, 24.0) if minutes[0] else 0.0
    opens = min(to_change, 168.0) if not minutes[0] else 0.0
    return dict(
        zip(
            names,
            (now[1], now[0], opened[1], opened[0], minutes[0], _shift_left(calendar, at_us), closes, opens, day, week),
            strict=True,
        )
    )


def _shift_left(calendar, at_us: int) -> float:
    """Minute by minute through the local day."""
    zone = ZoneInfo(calendar.zone)
    today = datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(zone).date()
    edges = [datetime.combine(today + timedelta(days=later), time(), zone) for later in (0, 1)]
    begins_us, ends_us = (int(edge.timestamp()) * 1_000_000 for edge in edges)
    minutes = calendar.is_open(np.arange(begins_us, ends_us, 60_000_000)).tolist()
    place, part = divmod(at_us - begins_us, 60_000_000)
    left = sum(minutes[place:]) - minutes[place] * part / 60_000_000
    return left / sum(minutes) if any(minutes) else 0.0


def _local(zone: str, at_us: int) -> tuple[int, float]:
    local = datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(ZoneInfo(zone))
    return local.weekday(), local.hour + local.minute / 60 + local.second / 3600
