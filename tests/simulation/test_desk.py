from collections import Counter
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from features.schema import validate_service_events, validate_ticket_events
from simulation.demo_world import demo_world
from simulation.desk import Desk
from simulation.dispatch import fifo, priority_then_fifo
from simulation.world import Afterwards, Exponential, LogNormal, Misrouting, Outage
from tests.simulation.builders import START, after, agents, topic, waits, world

DEMO_START = datetime(2026, 3, 23, tzinfo=UTC)  # the week in which the clocks change
MONTH = DEMO_START + timedelta(days=28)


@pytest.fixture(scope="module")
def month() -> pd.DataFrame:
    return Desk(demo_world(), 4, DEMO_START).events_until(MONTH)


def test_the_same_seed_gives_the_same_bytes(month):
    again = Desk(demo_world(), 4, DEMO_START).events_until(MONTH)
    assert again.to_csv(index=False) == month.to_csv(index=False)


def test_another_seed_gives_another_desk(month):
    other = Desk(demo_world(), 5, DEMO_START).events_until(MONTH)
    opened = [set(events.loc[events["kind"] == "created", "event_at"]) for events in (month, other)]
    assert len(opened[0] & opened[1]) < 0.01 * len(opened[0])


@pytest.mark.parametrize("hours", [1.7, 30, 100])
def test_any_step_size_gives_the_same_stream(month, hours):
    desk = Desk(demo_world(), 4, DEMO_START)
    until = DEMO_START + timedelta(days=8)
    steps = [DEMO_START + timedelta(hours=hours * k) for k in range(int(8 * 24 / hours) + 1)]
    parts = [desk.events_until(at) for at in [*steps, until]]
    whole = pd.concat([part for part in parts if len(part)], ignore_index=True)
    pd.testing.assert_frame_equal(whole, month[month["recorded_at"] <= until])


def test_a_step_holds_only_what_is_recorded_within_it():
    desk = Desk(demo_world(), 4, DEMO_START)
    last = DEMO_START - timedelta(days=1)
    for hour in range(0, 200, 9):
        at = DEMO_START + timedelta(hours=hour)
        step = desk.events_until(at)
        assert ((step["recorded_at"] > last) & (step["recorded_at"] <= at)).all()
        last = at


def test_an_instant_of_the_past_gives_nothing_and_loses_nothing(month):
    desk = Desk(demo_world(), 4, DEMO_START)
    first = desk.events_until(DEMO_START + timedelta(days=3))
    assert desk.events_until(DEMO_START).empty
    rest = desk.events_until(MONTH)
    assert len(first) + len(rest) == len(month)


def test_what_comes_out_is_canonical(month):
    validate_ticket_events(month)
    validate_ticket_events(Desk(demo_world(), 4, DEMO_START).events_until(DEMO_START))


def test_nothing_is_emitted_in_the_past_of_what_was_emitted(month):
    assert month["recorded_at"].is_monotonic_increasing
    late = month["recorded_at"] != month["event_at"]
    assert (month.loc[late, "kind"] == "created").all()
    assert late.any()
    assert (month.groupby("ticket_id")["event_at"].diff().dropna() >= pd.Timedelta(0)).all()


def test_every_ticket_is_open_closed_or_cancelled():
    desk = Desk(demo_world(), 4, DEMO_START)
    events = desk.events_until(MONTH)
    last = events.groupby("ticket_id")["status"].last().value_counts()
    assert desk.counts["registered"] == events["ticket_id"].nunique()
    assert desk.counts["closed"] == last["closed"]
    assert desk.counts["cancelled"] == last["cancelled"]
    assert len(desk.open_tickets) == last["new"] + last["open"] + last["waiting"]
    assert {ticket.ticket_id for ticket in desk.open_tickets} <= set(events["ticket_id"])


def test_tickets_go_only_where_tickets_can_go(month):
    ordered = month.groupby("ticket_id")["status"]
    steps = Counter(zip(ordered.shift(fill_value="nothing"), month["status"], strict=True))
    allowed = {
        "nothing": {"new"},
        "new": {"new", "open", "cancelled"},
        "open": {"open", "waiting", "resolved", "cancelled"},
        "waiting": {"waiting", "open", "cancelled"},
        "resolved": {"closed", "open"},
    }
    assert {(before, now) for before, now in steps if now not in allowed.get(before, set())} == set()
    assert all(any(before == state for before, _ in steps) for state in allowed), "the month is too quiet to prove it"


def test_an_agent_has_one_ticket_at_a_time():
    events = Desk(world(60.0, agents(2)), 1, START).events_until(after(20))
    moves = events[events["status"].isin(["open", "resolved"]) & (events["assignee"] != "")]
    at_hand: dict[str, str] = {}
    for agent, ticket, status in zip(moves["assignee"], moves["ticket_id"], moves["status"], strict=True):
        if status == "open":
            assert at_hand.setdefault(agent, ticket) == ticket
        else:
            assert at_hand.pop(agent) == ticket


def test_work_stops_at_the_end_of_a_shift_and_goes_on_the_next_day():
    calendars = {name: {"hours": {"mon-sun": [["09:00", "17:00"]]}} for name in ("desk", "customers", "day")}
    steady = topic(LogNormal(300.0, 1e-9))
    desk = Desk(world(1.0, agents(1, "day"), steady, calendars=calendars), 2, START)
    served = waits(desk.events_until(after(90)), warm_up_days=0).dropna(subset=["resolved"])
    started, resolved = (pd.to_datetime(served[name], unit="s", utc=True) for name in ("started", "resolved"))
    assert started.dt.hour.between(9, 17).all()
    nights = (resolved.dt.normalize() - started.dt.normalize()).dt.days
    worked = (resolved - started) - nights * pd.Timedelta(hours=16)
    assert set(worked.dt.total_seconds()) == {300 * 60.0}
    assert (nights == 1).any()


def test_a_faster_agent_needs_less_time():
    steady = topic(LogNormal(60.0, 1e-9))
    for speed, minutes in ((0.5, 120), (1.0, 60), (2.0, 30)):
        served = waits(Desk(world(5.0, agents(1, speed=speed), steady), 2, START).events_until(after(20)))
        finished = served.dropna(subset=["resolved"])
        assert set(finished["resolved"] - finished["started"]) == {minutes * 60}


def test_nobody_works_on_a_day_off():
    events = Desk(world(20.0, agents(1, absent_share=0.5)), 3, START).events_until(after(60))
    worked = events[events["kind"] == "assigned"]["event_at"].dt.normalize().nunique()
    assert 15 < worked < 45


def test_waiting_for_the_customer_ends_with_the_customers_answer():
    asking = topic(LogNormal(30.0, 0.3), ask_customer_share=1.0)
    events = Desk(world(10.0, agents(1), asking), 3, START).events_until(after(30))
    path = events.groupby("ticket_id")["status"].agg(" ".join)
    assert path.str.startswith("new open waiting open resolved").mean() > 0.8
    back = events[(events["status"] == "open") & (events["actor_kind"] == "customer")]
    assert (back["waiting_on"] == "").all()
    assert set(events.loc[events["status"] == "waiting", "waiting_on"]) == {"customer"}


def test_a_supplier_is_waited_for_as_long_as_it_takes():
    asking = topic(LogNormal(30.0, 0.3), ask_supplier_share=1.0, supplier=LogNormal(1000.0, 1e-9))
    events = Desk(world(10.0, agents(2), asking), 3, START).events_until(after(30))
    waiting = events[events["waiting_on"] == "supplier"].set_index("ticket_id")["event_at"]
    back = events[events["actor_kind"] == "supplier"].set_index("ticket_id")["event_at"]
    assert set((back - waiting).dropna().dt.total_seconds()) == {60_000.0}


def test_a_misrouted_ticket_lies_unnoticed_before_the_right_team_takes_it():
    wrong = Misrouting("Workplace", 1.0, LogNormal(10.0, 1e-9), LogNormal(120.0, 1e-9))
    teams = ("Network", "Workplace")
    crew = (*agents(1), *agents(1, teams=("Workplace",), name="Wrong"))
    events = Desk(world(2.0, crew, topic(LogNormal(5.0, 1e-9), misrouting=(wrong,)), teams=teams), 3, START)
    frame = events.events_until(after(60))
    one = frame[frame["ticket_id"] == frame["ticket_id"].iloc[0]]
    assert one["team"].tolist()[:4] == ["Workplace", "Workplace", "Network", "Network"]
    assert one["assignee"].tolist()[:4] == ["", "Wrong", "", "Agent 0"]
    handed_over, taken = one["event_at"].iloc[2], one["event_at"].iloc[3]
    assert taken - handed_over >= timedelta(minutes=120)
    assert one["attributes.handling_minutes"].tolist()[:5] == ["0", "0", "10", "10", "15"]


def test_a_bounced_ticket_passes_four_hands():
    wrong = Misrouting("Workplace", 1.0, LogNormal(10.0, 0.1), LogNormal(20.0, 0.1), bounce_share=1.0)
    crew = (*agents(1), *agents(1, teams=("Workplace",), name="Wrong"))
    frame = Desk(
        world(2.0, crew, topic(LogNormal(5.0, 0.1), misrouting=(wrong,)), teams=("Network", "Workplace")), 3, START
    ).events_until(after(30))
    handed_over = frame[(frame["kind"] == "assigned") & (frame["assignee"] == "") & (frame["team"] == "Network")]
    assert (handed_over.groupby("ticket_id").size() == 2).mean() > 0.9


def test_a_reopened_ticket_is_worked_on_again_and_closed_once():
    again = topic(LogNormal(20.0, 0.3), reopen_share=1.0)
    soon = Afterwards(reopen_after=LogNormal(60.0, 0.1))
    events = Desk(world(10.0, agents(1), again, afterwards=soon), 3, START).events_until(after(30))
    done = events.groupby("ticket_id")["status"].agg(" ".join)
    done = done[done.str.endswith("closed")]
    assert set(done) == {"new open resolved open resolved closed"}


def test_long_work_leaves_notes_with_the_time_booked_so_far():
    long = topic(LogNormal(500.0, 1e-9))
    events = Desk(world(1.0, agents(1), long), 3, START).events_until(after(10))
    one = events[events["ticket_id"] == events["ticket_id"].iloc[0]]
    booked = one.loc[one["kind"] == "worked", "attributes.handling_minutes"].tolist()
    assert booked == ["120", "240", "360", "480"]
    assert one.loc[one["status"] == "resolved", "attributes.handling_minutes"].iloc[0] == "500"


def test_a_chasing_customer_may_raise_the_priority():
    slow = world(30.0, agents(1), topic(LogNormal(60.0, 0.5)))
    chasing = Afterwards(chase_share=1.0, chase_after=LogNormal(60.0, 0.1), raised_share=1.0)
    events = Desk(world(30.0, slow.agents, *slow.topics, afterwards=chasing), 3, START).events_until(after(20))
    raised = events[events["kind"] == "priority"]
    assert set(raised["priority"]) == {"2"}
    comments = events[events["kind"] == "commented"].set_index("ticket_id")["event_at"]
    assert ((raised.set_index("ticket_id")["event_at"] - comments).dropna() == timedelta(minutes=2)).all()


def test_an_outage_raises_the_inflow_while_it_lasts():
    outage = Outage("ERP", 1.0, LogNormal(240.0, 1e-9), 30.0, topic(Exponential(5.0), service="ERP"))
    desk = Desk(world(20.0, agents(3), outages=(outage,)), 6, START)
    services, events = desk.service_events_until(after(60)), desk.events_until(after(60))
    validate_service_events(services)
    begins = services[services["phase"] == "start"]["event_at"].tolist()
    ends = services[services["phase"] == "end"]["event_at"].tolist()
    assert 4 <= len(begins) <= 14
    created = events[events["kind"] == "created"]
    caused = created[created["service"] == "ERP"]["event_at"]
    assert len(caused) == pytest.approx(120 * len(begins), rel=0.15)
    assert all(any(a <= at <= b for a, b in zip(begins, ends, strict=True)) for at in caused)


def test_two_policies_meet_the_same_tickets():
    mixed = topic(LogNormal(60.0, 0.8), priority_shares=(0.1, 0.2, 0.4, 0.3))
    runs = [Desk(world(44.0, agents(2), mixed), 8, START, policy) for policy in (fifo, priority_then_fifo)]
    created = [run.events_until(after(30)).query("kind == 'created'").reset_index(drop=True) for run in runs]
    pd.testing.assert_frame_equal(*created)


def test_a_world_that_contradicts_itself_is_refused():
    with pytest.raises(ValueError, match=r"works in \['Sales'\].*the teams of this world are \['Network'\]"):
        Desk(world(1.0, agents(1, teams=("Sales",))), 1, START)
    with pytest.raises(ValueError, match="has shift 'night'"):
        Desk(world(1.0, agents(1, "night")), 1, START)
    with pytest.raises(ValueError, match="speed 0"):
        Desk(world(1.0, agents(1, speed=0)), 1, START)
    with pytest.raises(ValueError, match=r"calendars \['lunch'\]"):
        Desk(world(1.0, agents(1), desk_hours="lunch"), 1, START)
