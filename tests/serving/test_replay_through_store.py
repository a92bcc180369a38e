"""The row a model was trained on is the row the service scores: replayed through a real store, batch by batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.histories import Histories
from features.pipeline import build
from features.snapshots import Snapshots, event_snapshots, grid_snapshots
from features.sources.mapping import load_mapping
from features.sources.reading import read
from features.spec import FeatureSpec
from features.store.repository import open_store
from serving.scorer import Scorer
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import load_agreements
from tests.features.desk_logs import agreements, busy_log, full_spec

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / ".." / "shared" / "data" / "uci-incidents" / "incident_event_log.zip"
EXAMPLE = ROOT / "examples" / "uci-incidents"


def trained_rows(histories: Histories, snapshots: Snapshots, spec: FeatureSpec, target: str) -> pd.DataFrame:
    rows = build(histories, snapshots, spec, target)
    rows.index = pd.MultiIndex.from_arrays([histories.ticket_ids[snapshots.ticket].astype(str), snapshots.at_us])
    return rows[~rows.index.duplicated()]


def assert_live_rows_are_trained_rows(
    events: pd.DataFrame, rules: AgreementSet, spec: FeatureSpec, folder: Path, *, instants: int, target: str
) -> None:
    """Append the events in the order they were recorded; at some instants of snapshots compare all rows of that instant."""
    histories = Histories.from_events(events, rules)
    snapshots = Snapshots.concatenated([event_snapshots(histories), grid_snapshots(histories, seed=5, one_in=40)])
    trained = trained_rows(histories, snapshots, spec, target)
    every = np.unique(snapshots.at_us)
    chosen = every[np.linspace(0, len(every) - 1, instants).astype(int)]
    events = events.sort_values("recorded_at", kind="stable", ignore_index=True)
    compared, stored = 0, 0
    with open_store(f"sqlite:///{folder / 'desk.db'}") as store:
        scorer = Scorer(store, rules)
        for at_us in chosen.tolist():
            known = int(events["recorded_at"].searchsorted(pd.Timestamp(at_us, unit="us", tz="UTC"), side="right"))
            if known > stored:
                again = max(stored - 3, 0)  # an at-least-once feed: the last events of each batch come twice
                store.append_ticket_events(events.iloc[again:known].reset_index(drop=True), "replay")
            stored = known
            scorer.read_news()
            live = scorer.histories.open_snapshots(at_us)
            rows = scorer.histories.matrix(live, spec, target)
            rows.index = pd.MultiIndex.from_arrays([scorer.histories.ticket_ids(live).astype(str), live.at_us])
            expected = trained[trained.index.get_level_values(1) == at_us]
            pd.testing.assert_frame_equal(rows.loc[expected.index], expected, check_exact=True)
            compared += len(expected)
    assert compared >= instants
    assert len(scorer.histories.layers) >= 1


@pytest.mark.parametrize(("seed", "target"), [(11, "resolution"), (12, "first_response")])
def test_on_a_made_up_desk_with_late_records(tmp_path, seed, target):
    events = busy_log(seed, tickets=12, events=110)
    assert_live_rows_are_trained_rows(events, agreements(), full_spec(), tmp_path, instants=10, target=target)


@pytest.mark.skipif(not LOG.exists(), reason="the public incident log is not in ../shared/data/uci-incidents")
def test_on_a_slice_of_the_public_log(tmp_path):
    rules = load_agreements(EXAMPLE / "agreements.yaml")
    events = read(LOG, load_mapping(EXAMPLE / "mapping.yaml")).events
    events = events[events["ticket_id"].isin(np.sort(events["ticket_id"].unique())[9_000:9_500])].reset_index(drop=True)
    spec = FeatureSpec.from_histories(Histories.from_events(events, rules))
    assert_live_rows_are_trained_rows(events, rules, spec, tmp_path, instants=14, target="resolution")
