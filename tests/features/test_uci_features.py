"""The public incident log: known counts of snapshots and labels, and no feature that looks ahead on real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.histories import Histories
from features.labels import breach_labels
from features.pipeline import build
from features.snapshots import SnapshotKind, Snapshots, event_snapshots, is_open, open_snapshots
from features.sources.mapping import load_mapping
from features.sources.reading import read
from features.spec import FeatureSpec
from sla.agreements.loading import load_agreements

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT.parent / "shared" / "data" / "uci-incidents" / "incident_event_log.zip"
EXAMPLE = ROOT / "examples" / "uci-incidents"

pytestmark = pytest.mark.skipif(
    not LOG.exists(), reason="the public incident log is not in ../shared/data/uci-incidents"
)


@pytest.fixture(scope="module")
def uci() -> Histories:
    events = read(LOG, load_mapping(EXAMPLE / "mapping.yaml")).events
    return Histories.from_events(events, load_agreements(EXAMPLE / "agreements.yaml"))


def _us(text: str) -> int:
    return pd.Timestamp(text, tz="Europe/Berlin").value // 1000


def _opened_by_31_may(uci: Histories) -> np.ndarray:
    return uci.steps.opened_us < _us("2016-06-01")


def test_snapshots_of_the_log_are_those_counted_in_its_rows(uci):
    snapshots = event_snapshots(uci)
    opened = uci.steps.opened_us[snapshots.ticket]
    created = snapshots.kind == SnapshotKind.CREATED
    in_may = (opened >= _us("2016-05-01")) & (opened < _us("2016-06-01"))
    assert created.sum() == 23_099  # of 24,918; the first row of the others says Resolved
    assert (created & in_may).sum() == 7_169
    steps = uci.steps
    last_of_minute = steps.is_last_of_second & is_open(uci) & _opened_by_31_may(uci)[steps.ticket]
    assert last_of_minute.sum() == 76_123


def test_broken_promises_by_month_and_priority_are_the_known_shares(uci):
    tickets = np.flatnonzero(_opened_by_31_may(uci))
    first_us = uci.steps.known_us[uci.steps.offsets[tickets]]
    labels = breach_labels(uci, Snapshots(tickets, first_us, np.zeros(len(tickets), np.int8)), "resolution")
    opened = pd.to_datetime(uci.steps.opened_us[tickets], unit="us", utc=True).tz_convert("Europe/Berlin")
    last = uci.steps.offsets[tickets + 1] - 1
    priority = np.array(uci.values("priority"))[uci.codes("priority")[last]]
    frame = pd.DataFrame({"month": opened.month, "priority": priority, "broken": labels.breached})
    assert len(frame) == 24_644
    by_month = frame.groupby("month")["broken"].agg(["size", "mean"]).round(3)
    assert by_month.loc[[3, 4, 5]].to_dict() == {
        "size": {3: 8_995, 4: 7_934, 5: 7_508},
        "mean": {3: 0.284, 4: 0.161, 5: 0.167},
    }
    by_priority = frame.groupby("priority")["broken"].agg(["size", "mean"]).round(3)
    assert by_priority["mean"].to_dict() == {"1": 0.736, "2": 0.520, "3": 0.200, "4": 0.118}


@pytest.mark.parametrize("at", ["2016-04-13 10:00:30", "2016-05-02 16:31"])
def test_deleting_the_future_changes_no_feature_of_the_open_tickets(uci, at):
    known = uci.known_by(_us(at))
    spec = FeatureSpec.from_histories(known)
    live, before = open_snapshots(uci, _us(at)), open_snapshots(known, _us(at))
    assert len(live) > 300
    pd.testing.assert_frame_equal(build(known, before, spec), build(uci, live, spec), check_exact=True)
