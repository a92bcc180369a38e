"""What other tickets tell about one, again in plain loops: how much work its people have, and how others like it ended."""

from __future__ import annotations

import math

from features.declaration import FIRST_TEAM, Key, Settings, key_name
from tests.features.slow_desk import DAY_US, SlowDesk, Step

SPANS = (0.5, 1, 2, 4, 8, 12, 16, 24, 36, 48, 72, 96, 120, 168)


def _key(steps: list[Step], key: Key) -> tuple[str, ...]:
    """What a ticket is grouped under after its last step: empty text for what is missing or cleared."""
    teams = [step.get("team") for step in steps if step.get("team")]
    return tuple((teams[0] if teams else "") if column == FIRST_TEAM else steps[-1].get(column) or "" for column in key)


def _key_at(desk: SlowDesk, ticket: str, step: Step, key: Key) -> tuple[str, ...]:
    return _key(desk.steps_until(ticket, step.known_us), key)


def slow_load(desk: SlowDesk, settings: Settings, ticket: str, steps: list[Step], before_us: int) -> dict[str, float]:
    row: dict[str, float] = {}
    for key in settings.load_keys:
        mine, name = _key(steps, key), key_name(key)
        held = _held(desk, key, ticket, before_us)
        open_here = [other for other, where, *_ in held if where == mine]
        week = _flows(desk, key, mine, before_us - 7 * DAY_US, before_us)
        day = _flows(desk, key, mine, before_us - DAY_US, before_us)
        row |= {
            f"{name}_open": len(open_here),
            f"{name}_waiting": sum(waits for _, where, waits, _ in held if where == mine),
            f"{name}_older": sum(desk.steps[other][0].at_us < steps[0].at_us for other in open_here),
            f"{name}_arrivals_1d": day[0],
            f"{name}_arrivals_7d": week[0],
            f"{name}_resolved_1d": day[1],
            f"{name}_resolved_7d": week[1],
            f"{name}_passed_on_7d": week[2],
            f"{name}_expected_wait_days": 7 * len(open_here) / (week[1] + 1),
        }
        if key in settings.present_keys:
            row[f"{name}_changes_1d"] = _changes(desk, key, mine, before_us - DAY_US, before_us)
            row[f"{name}_changes_7d"] = _changes(desk, key, mine, before_us - 7 * DAY_US, before_us)
            row[f"{name}_quiet_hours"] = max(
                (
                    hours
                    for hours in SPANS
                    if not _changes(desk, key, mine, before_us - hours * DAY_US // 24, before_us)
                ),
                default=0.0,
            )
    week = _flows(desk, (), (), before_us - 7 * DAY_US, before_us)
    day = _flows(desk, (), (), before_us - DAY_US, before_us)
    return row | {
        "team_share_of_open": row["team_open"] / max(len(_held(desk, (), ticket, before_us)), 1),
        "arrivals_trend": 7 * day[0] / max(week[0], 1),
        "resolutions_trend": 7 * day[1] / max(week[1], 1),
    }


def slow_due_sooner(desk: SlowDesk, ticket: str, steps: list[Step], verdict: dict[str, int], before_us: int) -> float:
    if verdict["due_us"] >= 2**62:
        return math.nan
    count = 0
    for other, team, *_ in _held(desk, ("team",), ticket, before_us):
        last = desk.steps_until(other, before_us - 1)[-1]
        then = desk.verdict(other, last.known_us)
        runs = then["state"] in (1, 4) and then["stopped_us"] >= 2**62
        count += runs and team == _key(steps, ("team",)) and then["due_us"] < verdict["due_us"]
    return count


def _held(desk: SlowDesk, key: Key, ticket: str, before_us: int) -> list[tuple[str, tuple[str, ...], bool, bool]]:
    """Other tickets that were open before an instant, what they were grouped under, whether they waited or were major."""
    found = []
    for other in desk.tickets():
        steps = desk.steps_until(other, before_us - 1)
        if other != ticket and steps and steps[-1].is_open:
            found.append((other, _key(steps, key), steps[-1].is_waiting, steps[-1].get("priority") == "high"))
    return found


def _changes(desk: SlowDesk, key: Key, mine: tuple[str, ...], from_us: float, before_us: int) -> int:
    """Records in [from, before) that brought a ticket to a group, or changed of one there whether it is open, waits, is major."""
    count = 0
    for steps in desk.steps.values():
        for place, step in enumerate(steps):
            if from_us <= step.known_us < before_us and _key(steps[: place + 1], key) == mine:
                count += not place or _key(steps[:place], key) != mine or _held_as(step) != _held_as(steps[place - 1])
    return count


def _held_as(step: Step) -> tuple[bool, bool, bool]:
    """Whether a ticket is open, waits, and is major."""
    return step.is_open, step.is_open and step.is_waiting, step.is_open and step.get("priority") == "high"


def _flows(desk: SlowDesk, key: Key, mine: tuple[str, ...], from_us: int, before_us: int) -> tuple[int, int, int, int]:
    """Arrivals, resolutions, hand-overs and reopenings of a group in [from, before), of all tickets."""
    arrived = resolved = passed_on = reopened = 0
    for steps in desk.steps.values():
        for place, step in enumerate(steps):
            if not from_us <= step.known_us < before_us:
                continue
            here = step.is_open and _key(steps[: place + 1], key) == mine
            was_here = place > 0 and steps[place - 1].is_open and _key(steps[:place], key) == mine
            arrived += here and not was_here
            resolved += was_here and not step.is_open
            passed_on += was_here and step.is_open and not here
            reopened += here and place > 0 and not steps[place - 1].is_open
    return arrived, resolved, passed_on, reopened


def slow_history(desk: SlowDesk, settings: Settings, steps: list[Step], before_us: int) -> dict[str, float]:
    count, broken = _net(desk, desk.decided, (), (), -math.inf, before_us)
    usual = (broken + 1) / (count + 4)
    row = {}
    for key in settings.keys:
        prior = usual
        if len(key) > 1:
            prior = _shrunk(_net(desk, desk.decided, key[:1], _key(steps, key[:1]), -math.inf, before_us), usual)
        rate = _shrunk(_net(desk, desk.decided, key, _key(steps, key), -math.inf, before_us), prior)
        row[f"{key_name(key)}_breach_logit"] = _logit(rate) - _logit(usual)
    for key in settings.recent_keys:
        rate = _shrunk(_net(desk, desk.decided, key, _key(steps, key), before_us - 14 * DAY_US, before_us), usual)
        row[f"{key_name(key)}_breach_logit_14d"] = _logit(rate) - _logit(usual)
    count, total = _net(desk, desk.worked, (), (), -math.inf, before_us)
    mean = total / max(count, 1)
    for key in settings.duration_keys:
        number, logs = _net(desk, desk.worked, key, _key(steps, key), -math.inf, before_us)
        row[f"{key_name(key)}_log_hours"] = (logs + 10 * mean) / (number + 10) - mean
    _, squares = _net(desk, desk.worked, (), (), -math.inf, before_us, power=2)
    of_all = (mean, squares / max(count, 1)) if count else (0.0, 0.0)
    for key in settings.spread_keys:
        number, logs = _net(desk, desk.worked, key, _key(steps, key), -math.inf, before_us)
        _, squares = _net(desk, desk.worked, key, _key(steps, key), -math.inf, before_us, power=2)
        means = [(total + 10 * usual) / (number + 10) for total, usual in zip((logs, squares), of_all, strict=True)]
        row[f"{key_name(key)}_log_hours_spread"] = _deviation(*means) - _deviation(*of_all)
    return row


def _deviation(mean: float, mean_square: float) -> float:
    return math.sqrt(max(mean_square - mean**2, 1e-4))


def _net(
    desk: SlowDesk, entries, key: Key, mine: tuple[str, ...], from_us: float, before_us: int, power: int = 1
) -> tuple[int, float]:
    """How many entries of a group were made in [from, before), less those taken back in it, and the sum of their values."""
    count, total = 0, 0.0
    for ticket in desk.tickets():
        for since_us, until_us, value, step in entries(ticket):
            if _key_at(desk, ticket, step, key) != mine:
                continue
            net = (from_us <= since_us < before_us) - (from_us <= until_us < before_us)
            count, total = count + net, total + net * value**power
    return count, total


def _shrunk(sums: tuple[int, float], prior: float) -> float:
    count = max(sums[0], 0)
    return (min(max(sums[1], 0), count) + 10 * prior) / (count + 10)


def _logit(rate: float) -> float:
    return math.log(rate / (1 - rate))
