"""Training of the remaining-time model: rows, the judgement beside tables, and what is registered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.histories import Histories
from features.schema import conform_ticket_events
from models.registry import champion
from models.remaining_time import RemainingTimeParameters, load_remaining_time
from sla.agreements.loading import parse_agreements
from sla.instants import NEVER_US
from training.plan import TrainingError
from training.remaining_time import RemainingTimeRequest, RemainingTimeSettings, train_remaining_time
from training.remaining_time_rows import ends_us, remaining_rows
from training.remaining_time_tables import mean_by_length, median_by_group

AGREEMENTS = parse_agreements(
    """
slacast: 1
name: desk
time_zone: UTC
calendars: {office: {time_zone: UTC, hours: {mon-fri: [["08:00", "18:00"]]}}}
agreements:
  - name: desk
    owner: someone
    calendar: office
    targets: [{metric: resolution, goals: [{default: true, within: 40 working hours}]}]
""",
    source="test desk",
)
SETTINGS = RemainingTimeSettings(model=RemainingTimeParameters(trees=20, rows_per_leaf=10), grid_one_in=0, draws=50)
START = pd.Timestamp("2024-01-01T08:00Z")
HOUR_US = 3_600_000_000


def _world(tickets: int = 700, seed: int = 1, is_learnable: bool = True) -> pd.DataFrame:
    """Four records a ticket; its kind of work, which no table looks at, says whether it lasts one day or six.

    If that is not learnable, tickets last between one and six days, and the first records come hourly, whatever the kind.
    """
    rng = np.random.default_rng(seed)
    opened = np.sort(rng.integers(0, 120 * 24, tickets))
    kind = rng.integers(0, 2, tickets)
    lasts = np.where(kind > 0, 144.0, 24.0) * rng.uniform(0.9, 1.1, tickets)
    begins = np.outer(lasts, [0, 0.1, 0.3, 1])
    if not is_learnable:
        begins = np.column_stack([np.tile([0, 1, 2], (tickets, 1)), rng.uniform(24, 144, tickets)])
    rows = []
    for place in range(tickets):
        for step, status in enumerate(("new", "open", "waiting", "resolved")):
            rows.append(
                {
                    "event_id": f"{place}/{step}",
                    "ticket_id": f"T{place:04d}",
                    "event_at": START + pd.Timedelta(seconds=round((opened[place] + begins[place, step]) * 3600)),
                    "kind": "status",
                    "status": status,
                    "category": ("printer", "server")[kind[place]],
                    "team": "desk",
                }
            )
    return conform_ticket_events(pd.DataFrame(rows))


def _request(tmp_path: Path, tracking_uri: str, events: pd.DataFrame) -> RemainingTimeRequest:
    return RemainingTimeRequest(events, AGREEMENTS, tracking_uri, tmp_path, settings=SETTINGS)


@pytest.fixture(scope="module")
def histories() -> Histories:
    return Histories.from_events(_world(200), AGREEMENTS)


def test_a_row_is_a_record_and_the_hours_until_the_last_one(histories):
    rows = remaining_rows(histories)
    assert len(rows) == 200 * 3
    own = rows.where(rows.snapshots.ticket == 0)
    assert own.length.tolist() == [1, 2, 3]
    whole = own.hours[0]
    assert own.hours[1:] == pytest.approx([0.9 * whole, 0.7 * whole], rel=1e-3)


def test_as_of_an_instant_only_what_had_ended_by_then_has_an_answer(histories):
    whole = ends_us(histories)
    middle = int(np.median(whole))
    known = ends_us(histories, middle)
    assert (known[whole <= middle] == whole[whole <= middle]).all()
    assert (known[whole > middle] == NEVER_US).all()
    rows, again = remaining_rows(histories, middle), remaining_rows(histories.known_by(middle))
    assert (rows.snapshots.at_us <= middle).all()
    assert np.array_equal(rows.hours, again.hours, equal_nan=True)
    assert np.isnan(rows.hours).any()


def test_tables_say_the_mean_by_length_and_the_median_by_group(histories):
    rows = remaining_rows(histories)
    first = rows.where(rows.length == 1)
    assert mean_by_length(rows, first) == pytest.approx(np.full(200, first.hours.mean()))
    assert median_by_group(histories, rows, first) == pytest.approx(np.full(200, np.median(rows.hours)))


def test_a_model_that_beats_the_tables_is_registered_as_champion(tmp_path, tracking_uri):
    told: list[str] = []
    response = train_remaining_time(_request(tmp_path, tracking_uri, _world()), told.append)
    assert response.promoted
    assert response.judgement.errors["model"] < 0.5 * response.judgement.errors["mean by number of records"]
    assert "hours better than the median by team and priority" in response.text()
    assert told[0] == "reading histories"
    found = champion(tracking_uri, "remaining-time")
    assert found.version == response.version == "remaining-time v1"
    model = load_remaining_time(found.path)
    assert model.manifest.metrics["mae_hours.model"] == pytest.approx(response.judgement.errors["model"], abs=1e-5)


def test_where_nothing_can_be_learned_nothing_is_registered(tmp_path, tracking_uri):
    response = train_remaining_time(_request(tmp_path, tracking_uri, _world(is_learnable=False)))
    assert not response.promoted
    assert "not clearly better than the" in response.text()
    assert champion(tracking_uri, "remaining-time").path is None
    assert not list(tmp_path.glob("bundles/*"))


def test_a_log_without_endings_cannot_teach(tmp_path, tracking_uri):
    events = _world(60)
    with pytest.raises(TrainingError, match="tickets have ended"):
        train_remaining_time(_request(tmp_path, tracking_uri, events[events["status"] != "resolved"]))
