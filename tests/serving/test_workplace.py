"""The service put together from settings: a real store, real agreements, a bundle on disk."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from features.store.repository import Store, open_store
from models.bundle import load_bundle, save_bundle
from models.registry import RegistryAnswer
from serving.app import application, create_app
from serving.champion import Champion
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


# ---- the champion


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    save_bundle(folder, fitted_bundle(EVENTS))
    return folder


class Registry:
    """A registry that answers what it is told to."""

    def __init__(self, answer: RegistryAnswer) -> None:
        self.answer = answer

    def __call__(self, uri: str, name: str, download_to: Path) -> RegistryAnswer:
        return self.answer


NONE = RegistryAnswer(None, None, None, "no model 'breach' carries the alias yet.")
GONE = RegistryAnswer(None, None, None, "MLflow cannot be asked.", is_reachable=False)


def test_a_champion_is_loaded_once_and_swapped_when_another_takes_its_place(
    bundle_folder: Path, tmp_path: Path
) -> None:
    registry = Registry(RegistryAnswer(bundle_folder, "breach v1", 1, "breach v1 is served"))
    champion = Champion("x", "breach", tmp_path, ask=registry)
    assert [champion.poll(), champion.poll()] == [True, False]
    registry.answer = replace(registry.answer, version="breach v2", number=2)
    assert champion.poll() is True
    assert champion.bundle is not None
    assert champion.bundle.version == "breach v2"


def test_a_bad_bundle_is_refused_and_the_good_one_stays(
    bundle_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(RegistryAnswer(bundle_folder, "breach v1", 1, "breach v1 is served"))
    champion = Champion("x", "breach", tmp_path, ask=registry)
    champion.poll()
    registry.answer = RegistryAnswer(tmp_path, "breach v2", 2, "breach v2 is served")
    assert [champion.poll(), champion.poll()] == [False, False]
    assert champion.bundle is not None
    assert champion.bundle.version == "breach v1"
    assert champion.problem is not None
    assert "breach v2 was refused" in champion.problem
    assert (
        len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    )  # said once, not at every poll


def test_mlflow_gone_keeps_the_last_good_bundle_and_no_champion_takes_it_away(
    bundle_folder: Path, tmp_path: Path
) -> None:
    registry = Registry(GONE)
    champion = Champion("x", "breach", tmp_path, ask=registry)
    assert champion.poll() is False
    assert champion.why == "Rules only: no model is loaded (MLflow cannot be asked)"
    registry.answer = RegistryAnswer(bundle_folder, "breach v1", 1, "breach v1 is served")
    assert champion.poll() is True
    registry.answer = GONE
    assert champion.poll() is False
    assert champion.bundle is not None
    assert champion.problem == GONE.why
    registry.answer = NONE
    assert champion.poll() is True
    assert champion.bundle is None
    assert champion.problem is None


def test_a_service_with_a_model_names_it_everywhere(
    settings: Settings, bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(RegistryAnswer(bundle_folder, "breach v3", 3, "breach v3 is served"))
    monkeypatch.setattr(
        "serving.workplace.champion_of",
        lambda chosen: Champion("x", "breach", chosen.var_dir, ask=registry, load=load_bundle),
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
    assert load_bundle(bundle_folder).finish is None
    assert {ticket["likely_end"] for ticket in found["tickets"]} == {None}
    service.close()


# ---- POST /api/v1/score


@pytest.fixture
def scoring(settings: Settings) -> Iterator[TestClient]:
    service = build_service(settings, lambda: AT, None)
    yield on_this_machine(application(service))
    service.close()


def sent(ticket_id: str) -> dict[str, Any]:
    names = ("event_id", "kind", "status", "waiting_on", "priority", "team", "assignee", "actor_kind")
    events = [
        {name: row[name] for name in names if isinstance(row[name], str)}
        | {name: row[name].isoformat() for name in ("event_at", "recorded_at")}
        | {"attributes": {"title": row["attributes.title"]}}
        for row in EVENTS[EVENTS.ticket_id == ticket_id].to_dict("records")
    ]
    return {"ticket_id": ticket_id, "events": events}


def test_tickets_sent_with_their_events_get_the_verdicts_of_the_queue(
    settings: Settings, scoring: TestClient, store: Store
) -> None:
    before = store.last_sequence()
    queue = score_once(settings, AT)
    ids = sorted(EVENTS.ticket_id.unique())
    found = scoring.post(
        "/api/v1/score", json={"as_of": AT.isoformat(), "tickets": [sent(ticket_id) for ticket_id in ids]}
    ).json()
    assert [ticket["ticket_id"] for ticket in found["tickets"]] == [row.ticket_id for row in queue.rows]
    rows = by_ticket(queue)
    for ticket in found["tickets"]:
        row = rows[ticket["ticket_id"]]
        assert ticket["verdict_state"] == row.clock.state
        assert ticket["remaining_working_seconds"] == row.clock.remaining_working_seconds
        assert ticket["reasons"] == list(row.reasons)
    assert {ticket["ticket_id"] for ticket in found["not_scored"]} == set(ids) - set(rows)
    assert store.last_sequence() == before


def test_the_least_that_can_be_sent_is_enough(scoring: TestClient) -> None:
    body = {
        "tickets": [
            {
                "ticket_id": "X",
                "events": [
                    {"event_at": "2024-04-03T14:00:00+02:00", "kind": "created", "status": "open", "priority": "1"}
                ],
            }
        ]
    }
    found = scoring.post("/api/v1/score", json=body).json()
    assert found["as_of"] == "2024-04-03T12:30:00Z"
    assert found["tickets"][0]["share_used"] == 0.125


def test_a_finished_or_future_ticket_is_not_scored_and_the_answer_says_why(scoring: TestClient) -> None:
    at = "2024-04-03T10:00:00Z"
    body = {
        "tickets": [
            {"ticket_id": "done", "events": [{"event_at": at, "status": "closed"}]},
            {"ticket_id": "later", "events": [{"event_at": "2024-04-04T10:00:00Z", "status": "open"}]},
        ]
    }
    found = scoring.post("/api/v1/score", json=body).json()
    assert found["tickets"] == []
    assert {item["ticket_id"]: item["why"] for item in found["not_scored"]} == {
        "done": "it is not open at this instant",
        "later": "none of its events is known at this instant",
    }


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "#/tickets"),
        ({"tickets": []}, "#/tickets"),
        ({"tickets": [{"ticket_id": "A", "events": []}]}, "#/tickets/0/events"),
        (
            {"tickets": [{"ticket_id": "A", "events": [{"event_at": "2024-04-03T10:00:00"}]}]},
            "#/tickets/0/events/0/event_at",
        ),
        (
            {"tickets": [{"ticket_id": "A", "events": [{"event_at": "2024-04-03T10:00:00Z", "colour": "red"}]}]},
            "#/tickets/0/events/0/colour",
        ),
        (
            {"tickets": [{"ticket_id": "A", "events": [{"event_at": "2024-04-03T10:00:00Z", "status": "opne"}]}]},
            "#/tickets",
        ),
        ({"tickets": [sent("T001"), sent("T001")]}, "#/tickets/1/ticket_id"),
        (
            {
                "tickets": [
                    {
                        "ticket_id": "A",
                        "events": [{"event_at": "2024-04-03T10:00:00Z", "recorded_at": "2024-04-03T09:00:00Z"}],
                    }
                ]
            },
            "#/tickets",
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_named_by_its_place(
    scoring: TestClient, body: dict[str, Any], where: str
) -> None:
    answer = scoring.post("/api/v1/score", json=body)
    assert answer.status_code == 422
    assert where in [fault["pointer"] for fault in answer.json()["errors"]], answer.json()


def test_too_many_tickets_and_no_json_at_all_are_refused(scoring: TestClient, settings: Settings) -> None:
    tickets = [
        {"ticket_id": str(number), "events": [{"event_at": "2024-04-03T10:00:00Z"}]}
        for number in range(settings.max_score_tickets + 1)
    ]
    assert scoring.post("/api/v1/score", json={"tickets": tickets}).status_code == 413
    assert scoring.post("/api/v1/score", content=b"{nope").status_code == 422


def test_the_agreements_of_a_file_win_over_those_in_the_store(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(AGREEMENTS.replace("40 h", "400 h"), encoding="utf-8")
    own = settings.model_copy(update={"agreements": tmp_path / "own.yaml"})
    targets = {row.clock.target_seconds for row in score_once(own, AT).rows if row.priority == "3"}
    assert targets == {400 * 3600.0}
