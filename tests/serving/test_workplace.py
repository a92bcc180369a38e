"""The service put together from settings: a real store, real agreements, a bundle on disk."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

import serving.app
from features.store.repository import Store, open_store
from models.bundle import load_bundle, save_bundle
from models.registry import RegistryAnswer
from serving.app import application, create_app, serve
from serving.champion import NOT_YET, Champion, LastGood, Served
from serving.queue import Queue
from serving.scorer import FIRST_WORD, is_scored
from serving.settings import Settings, SettingsError
from serving.workplace import build_service, score_once
from sla.agreements.loading import AgreementError
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AGREEMENTS, AT, fitted_bundle, frame_of, random_events

EVENTS = random_events(40)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated store with events and agreements; each test copies it."""
    path = tmp_path_factory.mktemp("store") / "desk.db"
    with open_store(f"sqlite:///{path}") as store:
        store.append_ticket_events(EVENTS, "test")
        store.save_agreements(AGREEMENTS, AT)
    return path


@pytest.fixture
def settings(prepared: Path, tmp_path: Path) -> Settings:
    (tmp_path / "desk.db").write_bytes(prepared.read_bytes())
    return Settings(
        database_url=f"sqlite:///{tmp_path}/desk.db", mlflow_uri=f"sqlite:///{tmp_path}/mlflow.db", var_dir=tmp_path
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.database_url) as opened:
        yield opened


def on_this_machine(app: Any) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000))


def test_the_whole_service_answers_from_the_rules_when_there_is_no_model(settings: Settings) -> None:
    service = build_service(settings, lambda: AT, None)
    assert service.ticker.step()
    client = on_this_machine(application(service))
    found = client.get("/api/v1/queue?limit=1000").json()
    assert found["total"] > 10
    assert "no model is loaded (no model 'breach' yet" in found["rules_only_reason"]
    assert "slacast train breach" in found["rules_only_reason"]
    for ticket in found["tickets"][:5]:
        assert client.get(f"/api/v1/tickets/{ticket['ticket_id']}").json()["score"]["due_at"] == ticket["due_at"]
    page = client.get("/queue").text
    assert "Rules only: no model is loaded" in page
    service.close()


def test_the_background_tick_starts_and_stops_with_the_application(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"news_seconds": 0.02}), clock=lambda: AT)
    with on_this_machine(app) as client:
        for _ in range(3000):
            if client.get("/readyz").status_code == 200:
                break
        assert client.get("/readyz").json()["status"] == "ready"
        assert app.state.service.ticker._loop.is_running
    assert not app.state.service.ticker._loop.is_running


def test_news_in_the_store_is_in_the_queue_after_the_next_step(settings: Settings, store: Store) -> None:
    service = build_service(settings, lambda: AT, None)
    service.ticker.step()
    assert service.ticker.step() is False
    event = {
        "event_id": "NEW/1", "ticket_id": "NEW", "event_at": AT - timedelta(minutes=5), "recorded_at": AT - timedelta(minutes=5),
        "kind": "created", "status": "new", "priority": "1", "actor_kind": "customer",
    }  # fmt: skip
    store.append_ticket_events(frame_of([event]), "test")
    assert service.ticker.step() is True
    queue = service.ticker.standing.queue
    assert queue is not None
    assert by_ticket(queue)["NEW"].group == "save_now"
    service.close()


class LateFeed:
    """A feed that has one event, once."""

    def __init__(self) -> None:
        self.left = [
            EVENTS.iloc[:1].assign(event_id="FEED/1", ticket_id="FEED", kind="created", status="open", priority="2")
        ]

    def events_until(self, at: Any) -> pd.DataFrame:
        return self.left.pop() if self.left else EVENTS.iloc[:0]


def test_a_feed_is_stored_and_scored(settings: Settings, store: Store) -> None:
    service = build_service(settings, lambda: AT, LateFeed())
    service.ticker.step()
    assert service.ticker.standing.problem is None
    assert service.ticker.standing.queue is not None
    assert "FEED" in by_ticket(service.ticker.standing.queue)
    assert len(store.ticket_events(ticket_ids=["FEED"])) == 1
    service.close()


def test_scoring_once_is_what_the_command_line_prints(settings: Settings) -> None:
    queue = score_once(settings, AT)
    assert queue.counts.all > 10
    assert score_once(settings.model_copy(update={"use_model": False}), AT).rules_only_reason == (
        "Rules only: no model is loaded (SLACAST_USE_MODEL is off)"
    )


def test_without_agreements_it_says_what_to_do(tmp_path: Path, prepared: Path) -> None:
    empty = Settings(database_url=f"sqlite:///{tmp_path}/empty.db", mlflow_uri="sqlite:///none.db")
    with pytest.raises(SettingsError, match="There are no agreements"):
        create_app(empty)
    with pytest.raises(SettingsError, match="is not a file"):
        create_app(empty.model_copy(update={"agreements": tmp_path / "none.yaml"}))
    (tmp_path / "bad.yaml").write_text("slacast: 1\n", encoding="utf-8")
    with pytest.raises(AgreementError, match="agreements"):
        create_app(empty.model_copy(update={"agreements": tmp_path / "bad.yaml"}))


def test_the_agreements_of_a_file_win_over_those_in_the_store(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(AGREEMENTS.replace("40 h", "400 h"), encoding="utf-8")
    own = settings.model_copy(update={"agreements": tmp_path / "own.yaml"})
    targets = {row.clock.target_seconds for row in score_once(own, AT).rows if row.priority == "3"}
    assert targets == {400 * 3600.0}


def test_a_service_with_a_model_names_it_everywhere(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bundle"
    save_bundle(folder, fitted_bundle(EVENTS))
    answer = RegistryAnswer(folder, "breach v3", 3, "breach v3 is served")
    monkeypatch.setattr(
        "serving.workplace.champion_of",
        lambda chosen: Champion("x", "breach", chosen.var_dir, ask=lambda *_asked, **_also: answer, load=load_bundle),
    )
    service = build_service(settings, lambda: AT, None)
    service.ticker.step()
    client = on_this_machine(application(service))
    found = client.get("/api/v1/queue?limit=1000").json()
    assert found["bundle_version"] == "breach v3"
    assert {ticket["bundle_version"] for ticket in found["tickets"] if ticket["probability"] is not None} == {
        "breach v3"
    }
    assert "<strong>breach v3</strong>" in client.get("/queue").text
    scored = next(ticket for ticket in found["tickets"] if ticket["probability"] is not None)
    page = client.get(f"/tickets/{scored['ticket_id']}").text
    assert "Of 100 tickets like this" in page
    assert load_bundle(folder).finish is None
    assert {ticket["likely_end"] for ticket in found["tickets"]} == {None}
    service.close()


def test_what_the_rules_say_until_the_registry_answered_is_shown_and_not_stored(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, plain = list[bool](), Champion.poll
    monkeypatch.setattr(Champion, "poll", lambda found: bool(answered) and plain(found))
    service = build_service(settings.model_copy(update={"model_poll_seconds": 0.0}), lambda: AT, None)
    assert service.recorder is not None
    try:
        for is_answered in (False, True):
            answered += [True] * is_answered
            service.ticker.step()
            shown = service.ticker.standing.queue
            assert shown is not None
            assert (shown.rules_only_reason == NOT_YET) is not is_answered
            service.recorder.step()
            stored = store.predictions.in_force(AT, target="resolution")
            assert len(stored) == (len(shown.rows) if is_answered else 0)
    finally:
        service.close()
    assert len(shown.rows) > 5


def test_what_the_bundle_served_last_says_is_stored_once_the_registry_still_serves_it(
    settings: Settings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_bundle(tmp_path / "bundle", fitted_bundle(EVENTS))
    bundle, says = load_bundle(tmp_path / "bundle", version="breach v3"), list[bool]()
    monkeypatch.setattr(Champion, "poll", lambda found: setattr(found, "served", Served(bundle, "breach v3 is served")))
    monkeypatch.setattr(Champion, "says_of", lambda _found, version: version == "breach v3" if says else None)
    service = build_service(settings, lambda: AT, None)
    assert service.recorder is not None
    try:
        service.ticker.step()
        shown = service.ticker.standing.queue
        assert shown is not None
        assert shown.bundle_version == "breach v3"
        for is_answered in (False, True):
            says += [True] * is_answered
            service.recorder.step()
            stored = store.predictions.in_force(AT, target="resolution")
            assert len(stored) == (len(shown.rows) if is_answered else 0)
    finally:
        service.close()


def test_after_a_restart_the_bundle_served_last_scores_before_the_registry_is_asked(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_bundle(tmp_path / "bundle", fitted_bundle(EVENTS))
    LastGood(settings.var_dir / "served.json").keep(tmp_path / "bundle", "breach v3")
    monkeypatch.setattr("models.registry.quiet_mlflow", lambda: pytest.fail("it was asked"))
    service = build_service(settings, lambda: AT, None)
    assert service.watch is not None
    try:
        service.watch._turn()
        service.watch._next_look = float("inf")  # no thread runs: the ticker would look itself
        assert service.ticker.step() is True
        shown = service.ticker.standing.queue
        assert shown is not None
        assert shown.bundle_version == "breach v3"
    finally:
        service.close()


def test_what_can_be_said_before_the_first_scoring_is_no_scoring() -> None:
    shown = [Queue((), AT, rules_only_reason=why) for why in (FIRST_WORD, NOT_YET, None)]
    assert [is_scored(queue) for queue in (None, *shown)] == [False, False, True, True]


def test_a_process_that_serves_is_settled_once_the_registry_answered_and_all_was_scored(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, plain, found = list[bool](), Champion.poll, list[Any]()
    monkeypatch.setattr(Champion, "poll", lambda champion: bool(answered) and plain(champion))
    monkeypatch.setattr(serving.app, "one_thread_for_algebra", lambda: found.append("algebra"))
    monkeypatch.setattr(serving.app, "without_what_stays", lambda is_settled: nullcontext(found.append(is_settled)))
    monkeypatch.setattr(serving.app, "set_up_logging", lambda *_given: None)

    def run(app: Any, **_given: Any) -> None:
        is_settled, service = found[-1], app.state.service
        told = [is_settled()]
        for is_answered in (False, True):
            answered.extend([True] * is_answered)
            service.ticker.step()
            told.append(is_settled())
        service.close()
        found.append(told)

    monkeypatch.setattr(serving.app.uvicorn, "run", run)
    serve(settings.model_copy(update={"model_poll_seconds": 0.0}), clock=lambda: AT)
    assert (found[0], found[-1]) == ("algebra", [False, False, True])
