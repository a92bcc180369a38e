"""What the service tells of one ticket beside its risk: when it will likely be done, and what the model never saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.histories import log_of
from features.schema import conform_service_events
from features.store import Store, open_store
from models.blend import Blend
from models.bundle import BreachBundle, load_bundle
from models.calibration import Calibration
from models.scales import Float64Array
from serving.api.score_extras import said_beside
from serving.api.tickets import content_of, likely_end_content
from serving.likely_end import likely_end, likely_ends
from serving.listed_ticket import listed_ticket
from serving.row_ends import ends_of
from serving.scored_rows import ScoredRows
from serving.scorer import Scorer
from serving.ticket_file import TicketFile
from sla.clocks.verdicts import VerdictState
from tests.serving.builders import FixedSource, client_of, service_over
from tests.training.builders import small_plan
from tests.training.conftest import TrainedDesk
from training.breach import TrainRequest, train_breach
from training.building import HistoryRows
from training.fitting import fit_members
from training.packing import judgement_entry, pack
from training.rehearsal import CalibrationAnswer
from training.splits import derive_periods, learnable


@pytest.fixture(scope="module")
def store(trained_desk: TrainedDesk) -> Iterator[Store]:
    with open_store(f"sqlite:///{trained_desk.folder / 'range.db'}") as opened:
        opened.append_ticket_events(trained_desk.past, "demo")
        yield opened


@pytest.fixture(scope="module")
def at(trained_desk: TrainedDesk) -> datetime:
    return trained_desk.past["recorded_at"].max().to_pydatetime()


@pytest.fixture(scope="module")
def scorer(store: Store, trained_desk: TrainedDesk) -> Scorer:
    return Scorer(store, trained_desk.agreements, load_bundle(trained_desk.response.bundle))


@pytest.fixture(scope="module")
def files(scorer: Scorer, at: datetime) -> list[TicketFile]:
    asked = [row.ticket_id for row in scorer.score(at).rows if row.probability is not None]
    found = [scorer.ticket(ticket_id, at) for ticket_id in asked]
    assert len(found) > 20
    return [file for file in found if file is not None]


def test_the_range_begins_now_and_is_told_in_order(files: list[TicketFile], at: datetime) -> None:
    for file in files:
        end = file.likely_end
        assert end is not None
        assert at <= end.early_at <= end.middle_at <= end.late_at
        assert 0 <= end.early_working_seconds <= end.middle_working_seconds <= end.late_working_seconds


def test_range_and_risk_tell_one_story(files: list[TicketFile]) -> None:
    """Likely broken: the late end lies beyond the due time; surely kept: the early one before it. The clock says the same."""
    likely = kept = 0
    for file in files:
        assert file.row is not None
        assert file.likely_end is not None
        left, risk = file.row.clock.remaining_working_seconds, file.row.probability
        assert left is not None
        assert risk is not None
        if risk > 0.5:
            likely += 1
            assert file.likely_end.late_working_seconds >= left
            if file.row.clock.state == "running":
                assert file.row.clock.due_at is not None
                assert file.likely_end.late_at >= file.row.clock.due_at
        if risk < 0.1:
            kept += 1
            assert file.likely_end.early_working_seconds <= left
    assert likely
    assert kept


def test_a_clock_that_never_waits_ends_when_its_working_time_is_over(
    files: list[TicketFile], trained_desk: TrainedDesk, at: datetime
) -> None:
    calendar = trained_desk.agreements.business_times[0]
    theirs = [file for file in files if file.row is not None and file.row.clock.agreement == "Nordwind Logistics"]
    assert theirs
    for file in theirs:
        assert file.likely_end is not None
        assert calendar.elapsed_seconds(at, file.likely_end.middle_at) == pytest.approx(
            file.likely_end.middle_working_seconds, abs=1
        )


def test_the_document_of_a_ticket_has_the_range_and_no_warning_where_all_is_known(files: list[TicketFile]) -> None:
    document = content_of(files[0])
    assert document["likely_end"]["early_at"] <= document["likely_end"]["late_at"]
    assert document["warnings"] == []


def test_a_team_and_a_category_that_training_never_saw_are_served_with_a_warning(
    scorer: Scorer, files: list[TicketFile], trained_desk: TrainedDesk, at: datetime
) -> None:
    ticket_id = files[0].ticket_id
    news = trained_desk.past[trained_desk.past["ticket_id"] == ticket_id].tail(1).copy()
    news["event_id"], news["team"], news["category"] = "moved", "Moon base", "Craters"
    news["event_at"] = news["recorded_at"] = pd.Timestamp(at)
    file = scorer.ticket(ticket_id, at, supposed=news)
    assert file is not None
    assert file.row is not None
    assert file.row.probability is not None
    assert [warning.split(" was not seen")[0] for warning in file.warnings] == [
        "Category 'Craters'",
        "Team 'Moon base'",
    ]
    assert content_of(file)["warnings"] == list(file.warnings)


def service_events(events: pd.DataFrame) -> pd.DataFrame:
    """An outage of the service that most tickets name, of two hours, on every third day."""
    service = events["service"].mode()[0]
    begins = pd.date_range(events["event_at"].min().ceil("D") + pd.Timedelta("9h"), events["event_at"].max(), freq="3D")
    rows = [
        {"event_id": f"{phase}{place}", "service": service, "event_at": at, "kind": "outage", "phase": phase}
        for place, begin in enumerate(begins)
        for phase, at in (("start", begin), ("end", begin + pd.Timedelta("2h")))
    ]
    return conform_service_events(pd.DataFrame(rows))


def test_a_training_reads_the_events_of_services_too(
    trained_desk: TrainedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: list[HistoryRows] = []
    monkeypatch.setattr("training.breach.train_from", lambda source, _plan, _steps: sources.append(source))
    services = service_events(trained_desk.past)
    for given in (services, None):
        desk = trained_desk
        train_breach(TrainRequest(desk.past, desk.agreements, "", desk.folder, service_events=given))
    assert sources[0].histories.services.kinds == ("outage",)
    assert sources[0].data_fingerprint != sources[1].data_fingerprint


def test_a_bundle_trained_with_events_of_services_scores_with_them(
    store: Store, trained_desk: TrainedDesk, at: datetime
) -> None:
    desk, services = trained_desk, service_events(trained_desk.past)
    source = HistoryRows.of(desk.past, desk.agreements, "resolution", 32, 0, service_events=services)
    bundle = _fitted(source, desk)
    asked = [name for name in bundle.spec.names if "outage" in name]
    assert asked
    without = Scorer(store, desk.agreements, bundle)
    untold = _features(without, at)
    store.append_service_events(services, "monitoring")
    told = _features(Scorer(store, desk.agreements, bundle), at)
    assert (told[asked].fillna(-1) != untold[asked].fillna(-1)).to_numpy().any()
    known = told.drop(columns=asked)
    assert np.array_equal(known, untold[known.columns], equal_nan=True)


def _fitted(source: HistoryRows, desk: TrainedDesk) -> BreachBundle:
    plan = small_plan(desk.folder, "")
    periods = derive_periods(source.labelled, source.end_us, None, None, weeks_judged=2)
    rows = source.rows(periods.end_us)
    train = rows.where(learnable(rows, periods.end_us, periods.maturity_us))
    fitted = fit_members(train, plan.settings.model, 0)
    blend, answer = Blend.even("boosting"), CalibrationAnswer(Calibration(), "none")
    return load_bundle(
        pack(fitted, blend, answer, train, source, periods, judgement_entry(periods, 0, {}), plan).folder
    )


def _features(scorer: Scorer, at: datetime) -> pd.DataFrame:
    scored = scorer.score(at).rows.scored  # type: ignore[attr-defined]
    (rows,) = scored.estimates.features
    frame: pd.DataFrame = rows.frame()
    return frame


def test_a_row_of_the_queue_tells_what_its_ticket_tells(scorer: Scorer, files: list[TicketFile], at: datetime) -> None:
    queue = scorer.score(at)
    listed = ends_of(queue.rows, queue.rows)
    for file in files:
        alone, among = file.likely_end, listed[file.ticket_id]
        assert alone is not None
        of_page = listed_ticket(queue, file.ticket_id)
        assert of_page is not None
        assert of_page.likely_end == among
        for name in ("early", "middle", "late"):  # sums of many rows at once differ in the last digits
            instants = (getattr(one, f"{name}_at") for one in (alone, among))
            assert abs(next(instants) - next(instants)) < timedelta(milliseconds=1)
            seconds = f"{name}_working_seconds"
            assert getattr(among, seconds) == pytest.approx(getattr(alone, seconds), abs=1e-3)
    decided = [row.ticket_id for row in queue.rows if row.probability is None]
    assert decided
    assert not set(decided) & set(listed)
    assert ends_of([], []) == {}
    assert ends_of([files[0].row], [files[0].row]) == {}  # type: ignore[list-item]


def test_a_page_of_the_queue_over_http_has_the_range_in_each_row(scorer: Scorer, at: datetime) -> None:
    queue = scorer.score(at)
    client = client_of(service_over(FixedSource(queue)))
    ends = ends_of(queue.rows, queue.rows)
    found = client.get("/api/v1/queue?limit=1000").json()["tickets"]
    told = {ticket["ticket_id"]: ticket["likely_end"] for ticket in found if ticket["likely_end"]}
    assert told == {ticket_id: likely_end_content(end) for ticket_id, end in ends.items()}
    page = client.get("/api/v1/queue?limit=3&sort=due&team=Network").json()["tickets"]
    assert len(page) == 3
    assert [ticket["likely_end"] for ticket in page] == [told.get(ticket["ticket_id"]) for ticket in page]


def test_each_row_is_asked_when_it_will_end_once_and_only_if_it_is_read(
    scorer: Scorer, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    plain = BreachBundle.finish_values

    def counted(bundle: BreachBundle, X: pd.DataFrame) -> Float64Array:
        asked.append(len(X))
        return plain(bundle, X)

    monkeypatch.setattr(BreachBundle, "finish_values", counted)
    queue = scorer.score(at)
    open_rows = [row for row in queue.rows if row.probability is not None]
    assert not asked
    first, both = ends_of(queue.rows, open_rows[:5]), ends_of(queue.rows, open_rows[3:9])
    assert asked == [5, 4]
    assert {name: both[name] for name in first if name in both} == {
        row.ticket_id: first[row.ticket_id] for row in open_rows[3:5]
    }
    later = scorer.refresh(at + timedelta(seconds=60))
    ends_of(later.rows, open_rows[:9])
    assert asked == [5, 4]


def test_what_was_said_earlier_is_counted_from_then_and_never_ends_before_now(
    scorer: Scorer, trained_desk: TrainedDesk, at: datetime
) -> None:
    rows = scorer.score(at).rows
    assert isinstance(rows, ScoredRows)
    scored, agreements = rows.scored, trained_desk.agreements
    places = np.flatnonzero(scored.estimates.row >= 0)
    later = at + timedelta(days=1)
    hurried = paused = 0
    for place in places.tolist():
        (before,) = likely_ends(scored.estimates, scored.leading, agreements, at, np.array([place]))
        (after,) = likely_ends(scored.estimates, scored.leading, agreements, later, np.array([place]))
        assert before is not None
        assert after is not None
        assert after.early_at == max(before.early_at, later)
        assert after.late_at == max(before.late_at, later)
        runs = scored.leading.state[place] == VerdictState.RUNNING
        times = agreements.business_times[int(scored.leading.calendar[place])]
        since = times.elapsed_seconds(at, later) if runs else 0.0
        assert after.late_working_seconds == pytest.approx(max(before.late_working_seconds - since, 0.0))
        hurried += runs and since > 0 and after.late_working_seconds > 0
        paused += not runs
    assert hurried
    assert paused


def test_tickets_that_come_with_their_events_get_their_range_and_warnings_too(
    scorer: Scorer, files: list[TicketFile], trained_desk: TrainedDesk, at: datetime
) -> None:
    names = [file.ticket_id for file in files if file.likely_end is not None][:4]
    sent = trained_desk.past[trained_desk.past["ticket_id"].isin(names)]
    queue = scorer.score_events(log_of(sent), at)
    nothing: dict[str, dict[str, str]] = {name: {} for name in names}
    together = said_beside(queue, nothing, with_range=True)
    ends = {name: one["likely_end"] for name, one in together.items()}
    assert any(ends.values())
    for end in filter(None, ends.values()):
        assert at.isoformat()[:19] <= end["early_at"][:19] <= end["middle_at"][:19] <= end["late_at"][:19]
    assert isinstance(queue.rows, ScoredRows)
    scored = queue.rows.scored
    for place, ticket_id in enumerate(scored.facts.ticket_ids.tolist()):  # each asked about by itself
        alone = np.array([place])
        estimates = replace(scored.estimates, row=scored.estimates.row[alone])
        end = likely_end(estimates, scored.leading.take(alone), trained_desk.agreements, at)
        assert ends[ticket_id] == (None if end is None else likely_end_content(end))
    assert all(one["likely_end"] is None for one in said_beside(queue, nothing, with_range=False).values())
    assert all(one["warnings"] == [] for one in together.values())
    unknown = scorer.score_events(log_of(sent.assign(team="Moon base")), at)
    warned = said_beside(unknown, nothing, with_range=False)
    assert {text.split(" was")[0] for one in warned.values() for text in one["warnings"]} == {"Team 'Moon base'"}
