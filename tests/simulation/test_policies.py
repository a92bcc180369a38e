"""Policies that weigh all that wait, on the desk that writes events."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from commands.desk_changes import log_still_needed, policies
from features.waiting import Waiting
from models.dispatch import Gain, gain
from simulation.calendars import world_calendars
from simulation.changes import Change
from simulation.demo_world import demo_world
from simulation.desk import Desk
from simulation.dispatch import chosen
from simulation.measures import Targets, measured
from simulation.policies import POLICIES, Usual, Weighing, kind_of, usual, usual_of
from simulation.tickets import Ticket
from simulation.what_if import baseline, compared
from simulation.world import Exponential, LogNormal, Misrouting, Title
from sla.instants import from_us
from tests.simulation.builders import agents, topic, world

START = datetime(2026, 1, 5, tzinfo=ZoneInfo("Europe/Berlin"))
END = START + timedelta(weeks=3)
TARGETS = Targets((240.0, 480.0, 960.0, 2400.0))
WORLD = demo_world()


def due_first(queue: Waiting) -> int:
    return int(np.lexsort((queue.opened, queue.left))[0])


def opened_first(queue: Waiting) -> int:
    return int(np.lexsort((-queue.weight, queue.opened))[0])


def test_weighing_by_due_time_or_opening_is_the_policy_of_that_rank() -> None:
    for choose, name in ((due_first, "due"), (opened_first, "fifo")):
        one, other = (
            Desk(WORLD, 3, START, policy(WORLD, TARGETS)).events_until(END)
            for policy in (Weighing(choose, log_still_needed), POLICIES[name])
        )
        assert one.to_csv() == other.to_csv()


def test_the_time_left_at_a_pick_is_the_target_less_what_the_events_say_has_run() -> None:
    seen: list[tuple[str, int, float]] = []

    def first(queue: Waiting) -> int:
        asked[-1][1].extend(queue.left.tolist())
        return 0

    asked: list[tuple[int, list[float], list[Ticket]]] = []
    weigh = Weighing(first, log_still_needed)(WORLD, TARGETS)
    line_of = weigh()
    inner = line_of._choose  # type: ignore[attr-defined]  # the choice itself, to hear what it is asked

    def heard(waiting: list[Ticket], at_us: int, count: int) -> int:
        asked.append((at_us, [], list(waiting)))
        return inner(waiting, at_us, count)  # type: ignore[no-any-return]

    events = Desk(WORLD, 6, START, chosen(heard)).events_until(END)
    for at_us, left, waiting in asked:
        seen += [(one.ticket_id, at_us, minutes) for one, minutes in zip(waiting, left, strict=False)]
    hours = world_calendars(WORLD)["desk"]
    histories = dict(iter(events.groupby("ticket_id", sort=False)))
    stood_before = 0
    for ticket_id, at_us, left in seen[:: max(1, len(seen) // 300)]:
        at, ran, stands, since = from_us(at_us), 0.0, False, None
        lines = histories[ticket_id]
        lines = lines[lines["event_at"] <= at]
        for when, status in zip(lines["event_at"], lines["status"], strict=True):
            if since is not None and not stands:
                ran += hours.elapsed_seconds(since, when.to_pydatetime()) / 60
            since, stands = when.to_pydatetime(), status in ("waiting", "resolved")
            stood_before += stands
        ran += hours.elapsed_seconds(since, at) / 60
        promised = TARGETS.minutes[int(lines["priority"].iloc[-1]) - 1]
        assert left == pytest.approx(promised - ran, abs=1e-6)
    assert len(seen) > 1000
    assert stood_before > 20


def test_what_is_usual_of_a_kind_is_that_of_its_work_its_titles_and_its_detours() -> None:
    plain = topic(
        LogNormal(30.0, 0.8),
        titles=(Title("much", 4.0), Title("little", 0.25)),
        ask_customer_share=0.5,
        ask_supplier_share=0.2,
        misrouting=(Misrouting("Other", 0.25),),
    )
    found = usual(plain)
    assert found.log_mean == pytest.approx(np.log(30.0))
    assert found.log_sd == pytest.approx(np.hypot(0.8, np.log(4.0)))
    assert found.detour_share == pytest.approx(1 - 0.75 * 0.5 * 0.8)
    draws = np.random.default_rng(1).exponential(60.0, 200_000)
    by_formula = usual(topic(Exponential(60.0)))
    assert by_formula.log_mean == pytest.approx(np.log(draws).mean(), abs=0.02)
    assert by_formula.log_sd == pytest.approx(np.log(draws).std(), abs=0.02)
    one, other = topic(LogNormal(10.0, 1.0), weight=3.0), topic(LogNormal(1000.0, 1.0), weight=1.0)
    both = usual_of(replace(world(9.0, agents(1)), topics=(one, other)))
    assert both == {kind_of(one): Usual(pytest.approx((3 * np.log(10) + np.log(1000)) / 4), 1.0, 0.0)}


def test_a_ticket_is_believed_to_need_less_after_work_and_no_detour_once_touched() -> None:
    rows: list[tuple[float, float, float]] = []

    def note(queue: Waiting) -> int:
        rows.extend(zip(queue.log_mean, queue.log_sd, queue.detour_share, strict=True))
        return 0

    measured(WORLD, TARGETS, 2, START, 1, Weighing(note, log_still_needed)(WORLD, TARGETS))
    detours = np.array([row[2] for row in rows])
    means = {round(one.log_mean, 9) for one in usual_of(WORLD).values()}
    is_fresh = np.array([round(row[0], 9) in means for row in rows])
    assert (detours[~is_fresh] == 0).all()
    assert (~is_fresh).sum() > 20
    assert (detours > 0).sum() > 100


def test_the_suggested_order_is_that_of_the_live_queue_and_saves_tickets() -> None:
    settings = policies(0.003)["suggested"].choose.settings  # type: ignore[attr-defined]
    queue = Waiting(*(np.array([values], float).ravel() for values in (
        [30, 500, -60], [np.inf] * 3, [240, 960, 480], [20, 3, 8], [3, 3, 3], [1, 1, 1], [33, 33, 33], [0, 0, 0], [1, 2, 3],
    )))  # fmt: skip
    worth: Gain = gain(queue, settings)
    assert policies(0.003)["suggested"].choose(queue) == int(np.argmax(worth.total))  # type: ignore[attr-defined]
    locked = baseline(WORLD, TARGETS, START, 4, range(4))
    found = {
        one.figure: one
        for one in compared(WORLD, TARGETS, locked, Change(policy="suggested"), policies=policies(0.003))
    }
    assert abs(found["tickets"].change) < 5  # who gives up waiting depends on the order
    assert found["breaches"].change < -0.1 * found["breaches"].before
