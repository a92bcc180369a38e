"""What docs/simulation.md says about the demo desk, measured with the rules of examples/demo/agreements.yaml."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from simulation.demo import LIVE_START, DemoClock, DemoFeed, demo_desk, demo_history, history_end
from sla.agreements.loading import load_agreements
from sla.clocks.replay import VerdictState, replay
from sla.events import EventLog
from sla.instants import NEVER_US, to_us

AGREEMENTS = Path(__file__).parents[2] / "examples" / "demo" / "agreements.yaml"
STATES = ("status", "waiting_on", "priority", "service", "category", "team", "assignee", "customer", "channel")


class Lived(NamedTuple):
    """One run of the demo desk: six months, the outages in them, and the first four live hours in steps of five minutes."""

    history: pd.DataFrame
    services: pd.DataFrame
    steps: list[pd.DataFrame]
    backwards: pd.DataFrame


@pytest.fixture(scope="module")
def lived() -> Lived:
    desk = demo_desk()
    history, services, feed = desk.events_until(LIVE_START), desk.service_events_until(LIVE_START), DemoFeed(desk)
    steps = [feed.events_until(LIVE_START + timedelta(minutes=5 * k)) for k in range(1, 49)]
    return Lived(history, services, steps, feed.events_until(LIVE_START))


@pytest.fixture(scope="module")
def history(lived) -> pd.DataFrame:
    return lived.history


@pytest.fixture(scope="module")
def resolution(history) -> pd.DataFrame:
    """One row a ticket: how its resolution clock stood at the live start, what it was about, which way it went."""
    instants = {
        name: history[name].to_numpy("datetime64[us]").view("int64").copy() for name in ("event_at", "recorded_at")
    }
    columns = {name: history[name].to_numpy(object) for name in ("kind", "actor_kind", *STATES)}
    log = EventLog.from_columns(
        history["ticket_id"].to_numpy(object), *instants.values(), history["event_id"].to_numpy(object), columns
    )
    table = replay(log, load_agreements(AGREEMENTS), to_us(LIVE_START))
    verdicts = table.verdicts
    found = pd.DataFrame(
        {
            "target": [table.targets[k] for k in table.target],
            "state": verdicts.state,
            "is_breached": verdicts.breached_us != NEVER_US,
            "opened": pd.DatetimeIndex(verdicts.started_us.view("datetime64[us]"), tz="UTC"),
        },
        index=table.ticket_ids[table.ticket],
    )
    tickets = history.groupby("ticket_id")
    last = tickets[["status", "priority", "team", "service", "customer", "attributes.subcategory"]].last()
    moved = history["team"] != tickets["team"].shift()
    way = history[moved].groupby("ticket_id")["team"].agg(" > ".join).rename("way")
    asked = {
        f"asked_{whom}": pd.Series(last.index.isin(history.loc[history["waiting_on"] == whom, "ticket_id"]), last.index)
        for whom in ("customer", "supplier")
    }
    return found[found["target"] == "resolution"].join(last).join(way).join(pd.DataFrame(asked))


@pytest.fixture(scope="module")
def done(resolution) -> pd.DataFrame:
    return resolution[resolution["status"].isin(["resolved", "closed"])]


def breach_share(tickets: pd.DataFrame) -> float:
    assert len(tickets) >= 30, "too few tickets to speak of a share"
    return float(tickets["is_breached"].mean())


def test_six_months_bring_six_to_eight_thousand_tickets(history):
    assert 6_000 <= history["ticket_id"].nunique() <= 8_000
    local = history.loc[history["kind"] == "created", "event_at"].dt.tz_convert("Europe/Berlin")
    working = local[local.dt.day_of_week < 5]
    assert 40 <= len(working) / 124 <= 60
    assert len(working) / len(local) > 0.9


def test_about_one_ticket_in_five_is_late_in_every_month(done):
    assert 0.15 <= breach_share(done) <= 0.25
    by_month = done.groupby(done["opened"].dt.month)["is_breached"].mean().loc[1:6]
    assert by_month.between(0.10, 0.30).all()


def test_the_queue_of_the_first_live_morning_is_mixed(resolution):
    waiting = resolution[~resolution["status"].isin(["resolved", "closed", "cancelled"])]
    assert 60 <= len(waiting) <= 200
    states = waiting["state"].map(lambda code: VerdictState(code).name).value_counts(normalize=True)
    assert states["RUNNING"] > 0.5
    assert 0.05 < states["BREACHED"] < 0.4
    assert states["PAUSED"] > 0.05
    assert waiting["team"].nunique() == 6


def test_at_any_time_the_desk_has_open_tickets_and_never_drowns(history):
    begins = history.groupby("ticket_id")["recorded_at"].min()
    ends = history[history["status"].isin(["resolved", "cancelled"])].groupby("ticket_id")["recorded_at"].min()
    noons = [datetime.fromisoformat("2026-01-28T12:00:00+01:00") + timedelta(weeks=week) for week in range(23)]
    open_at = [int((begins <= noon).sum() - (ends <= noon).sum()) for noon in noons]
    assert min(open_at) >= 50
    assert max(open_at) <= 200
    assert 60 <= np.median(open_at) <= 200


def test_planted_the_evening_is_understaffed(done):
    urgent = done[done["priority"].isin(["1", "2"])]
    hour = urgent["opened"].dt.tz_convert("Europe/Berlin").dt.hour
    assert breach_share(urgent[hour.between(15, 18)]) > breach_share(urgent[hour.between(8, 10)]) + 0.1


def test_planted_the_hand_over_from_workplace_to_network_is_bad(done):
    calls = done[done["attributes.subcategory"].isin(["Remote access", "Wireless"])]
    direct, handed_over = calls[calls["way"] == "Network"], calls[calls["way"] == "Workplace > Network"]
    bounced = calls[calls["way"] == "Workplace > Network > Workplace > Network"]
    assert breach_share(handed_over) > breach_share(direct) + 0.15
    assert breach_share(bounced) > breach_share(handed_over) + 0.15


def test_planted_laptops_wait_for_the_manufacturer(done):
    laptops, others = (
        done[done["attributes.subcategory"].isin(names)] for names in (["Laptop"], ["Monitor and dock", "Phone"])
    )
    assert breach_share(laptops) > 2 * breach_share(others)
    assert breach_share(laptops[laptops["asked_supplier"]]) > 0.45


def test_planted_the_vpn_is_flaky(lived, done):
    services = lived.services
    failures = services[(services["service"] == "VPN") & (services["phase"] == "start")]
    assert 15 <= len(failures) <= 35
    wave = done[(done["attributes.subcategory"] == "Outage") & (done["service"] == "VPN")]
    assert len(wave) / len(failures) > 10
    assert breach_share(wave) > 2 * breach_share(done)


def test_planted_nordwind_answers_late_and_its_clock_does_not_wait(done):
    asked = done[done["asked_customer"]]
    nordwind, slow_too = (asked[asked["customer"] == name] for name in ("Nordwind Logistics", "City of Havelstadt"))
    others = asked[~asked["customer"].isin(["Nordwind Logistics", "City of Havelstadt"])]
    assert breach_share(nordwind) > 0.5
    assert abs(breach_share(slow_too) - breach_share(others)) < 0.1


def test_titles_hint_at_the_work_they_hide(history):
    resolved = history[history["status"] == "resolved"].drop_duplicates("ticket_id", keep="last")
    minutes = resolved["attributes.handling_minutes"].astype("int64").groupby(resolved["attributes.title"]).mean()
    assert minutes["Access for forty temporary staff by Monday"] > 2 * minutes["Read access for an auditor"]
    assert minutes["Blue screen twice a day"] > 1.3 * minutes["Laptop battery lasts ten minutes"]


def test_the_feed_goes_on_where_the_history_ended(lived):
    later = pd.concat(lived.steps)
    assert (later["recorded_at"] > LIVE_START).all()
    assert len(later) > 40
    known = set(lived.history["ticket_id"])
    assert later["ticket_id"].isin(known).any()
    assert (~later["ticket_id"].isin(known)).any()
    assert lived.backwards.empty


def test_the_queue_visibly_moves(lived):
    assert np.mean([len(step) > 0 for step in lived.steps]) > 0.7


def test_the_history_is_the_same_in_every_process(lived):
    pd.testing.assert_frame_equal(demo_history(), lived.history)


def test_the_clock_of_the_demo_runs_faster_than_ours():
    seconds = iter([100.0, 100.0, 101.5, 160.0])
    clock = DemoClock(LIVE_START, 60.0, lambda: next(seconds))
    assert clock.now() == LIVE_START
    assert clock() == LIVE_START + timedelta(seconds=90)
    assert clock.now() == LIVE_START + timedelta(hours=1)


def test_a_clock_that_stands_still_is_refused():
    with pytest.raises(ValueError, match="must be above 0"):
        DemoClock(LIVE_START, 0.0, lambda: 0.0)


def test_a_history_of_six_months_ends_at_the_live_start():
    assert history_end(6) == LIVE_START
    assert history_end(12).isoformat() == "2027-01-04T08:30:00+01:00"
