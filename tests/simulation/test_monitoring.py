"""What watches the demo desk's services: docs/simulation.md, the services."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from features.outages.ledger import Ledger
from simulation.demo import HISTORY_START, LIVE_START, demo_desk, demo_monitoring
from sla.instants import to_us

UNTIL = datetime(2026, 3, 2, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture(scope="module")
def watched() -> pd.DataFrame:
    return demo_monitoring().events_until(UNTIL)


def test_any_steps_give_the_same_records(watched: pd.DataFrame) -> None:
    monitoring, at, parts = demo_monitoring(), datetime(2025, 9, 1, 13, 7, tzinfo=ZoneInfo("UTC")), []
    while at < UNTIL:
        parts.append(monitoring.events_until(at))
        at += timedelta(days=17, hours=5)
    parts.append(monitoring.events_until(UNTIL))
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), watched)
    assert watched["recorded_at"].is_monotonic_increasing
    assert watched["event_id"].is_unique


def test_outages_that_customers_write_in_about_are_the_desks_own(watched: pd.DataFrame) -> None:
    told = watched[(watched["kind"] == "outage") & (watched["event_at"] >= HISTORY_START)]
    own = demo_desk().service_events_until(UNTIL)
    assert len(own) > 10
    columns = ["service", "phase", "event_at"]
    assert told[columns].to_numpy().tolist() == own[columns].to_numpy().tolist()


def test_no_outage_is_told_twice(watched: pd.DataFrame) -> None:
    checked = set(watched.loc[watched["kind"] == "check", "service"])
    assert checked.isdisjoint(watched.loc[watched["kind"] == "outage", "service"])
    outages = Ledger.of(watched).outages
    assert len(outages.begin_us) > 60
    same = outages.service[1:] == outages.service[:-1]
    assert (outages.begin_us[1:][same] > outages.end_us[:-1][same]).mean() > 0.95


def slow_share_before(watched: pd.DataFrame, service: str) -> tuple[float, float]:
    """The share of outages of a service in whose last four hours answers were slow, and that of all stretches of four hours."""
    ledger = Ledger.of(watched)
    begins = ledger.outages.begin_us[ledger.outages.service == ledger.names.index(service)]
    samples = watched[(watched["service"] == service) & watched["value"].notna()]
    at_us, value = np.array([to_us(at.to_pydatetime()) for at in samples["event_at"]]), samples["value"].to_numpy(float)
    is_slow = value > 2 * np.median(value)

    def seen(until_us: np.ndarray) -> float:
        begin = np.searchsorted(at_us, until_us - 4 * 3_600_000_000)
        end = np.searchsorted(at_us, until_us)
        return float(np.mean([is_slow[a:b].any() for a, b in zip(begin, end, strict=True)]))

    return seen(begins), seen(at_us[8::4])


@pytest.mark.parametrize("service", ["VPN", "Web shop"])
def test_planted_answers_grow_slow_before_an_outage(watched: pd.DataFrame, service: str) -> None:
    before, ever = slow_share_before(watched, service)
    assert before > 0.5
    assert ever < 0.15


def test_planted_the_wifi_fails_without_a_sign(watched: pd.DataFrame) -> None:
    before, ever = slow_share_before(watched, "Wi-Fi")
    assert before < 0.2
    assert ever < 0.1


def test_planted_changes_break_the_database(watched: pd.DataFrame) -> None:
    ledger = Ledger.of(watched)
    begins = ledger.outages.begin_us[ledger.outages.service == ledger.names.index("Database")]
    changes = watched[(watched["kind"] == "change") & (watched["phase"] == "start")]
    assert (changes["recorded_at"] < changes["event_at"]).mean() > 0.95  # announced the day before
    own = changes.loc[changes["service"] == "Database", "event_at"]
    assert len(own) > 20
    at_us = np.array([to_us(at.to_pydatetime()) for at in own])
    followed = np.mean([((begins >= at) & (begins <= at + 4 * 3_600_000_000)).any() for at in at_us])
    assert 0.15 < followed < 0.6


def test_the_watch_goes_on_where_the_history_ended() -> None:
    monitoring = demo_monitoring()
    monitoring.events_until(LIVE_START)
    later = monitoring.events_until(LIVE_START + timedelta(hours=2))
    assert (later["recorded_at"] > LIVE_START).all()
    assert later.loc[later["kind"].isin(["check", "latency"]), "service"].nunique() >= 14
