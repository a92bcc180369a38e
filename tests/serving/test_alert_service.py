"""Alerts in the running service: told by whoever holds the lease, read through the API within one's scope."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.store.alerts import DEAD, Attempt
from serving.access.roles import Role
from serving.alerting.loading import AlertRulesError
from tests.serving.alert_receivers import Hook, hook
from tests.serving.stored_desk import TOKENS, Desk

RULES = """slacast_alerts: 1
channels: {{pager: {{kind: webhook, url: "{url}/in", secret_from: PAGER_KEY}}}}
rules: [{{name: Late, kind: breach, news_for: 100 days, channels: [pager], max_per_hour: 4}}]
"""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setenv("PAGER_KEY", "hunter2")
    with hook() as found:
        yield found


def desk_with(prepared: Path, folder: Path, to: Hook, **settings: object) -> Desk:
    (folder / "rules.yaml").write_text(RULES.format(url=to.url), encoding="utf-8")
    return Desk(prepared, folder, alert_rules=folder / "rules.yaml", **settings)


def told(desk: Desk) -> None:
    """One round of the recorder on the queue that was scored, and of the courier."""
    assert desk.service.recorder is not None
    assert desk.service.watchman is not None
    desk.service.recorder.step()
    for courier in desk.service.watchman._couriers:
        courier.deliver()


def test_alerts_are_told_after_a_tick_and_listed(prepared_desk: Path, tmp_path: Path, receiver: Hook) -> None:
    desk = desk_with(prepared_desk, tmp_path, receiver)
    told(desk)
    assert len(receiver.got) == 4
    page = desk.client().get("/api/v1/alerts?limit=3").json()
    assert (page["is_on"], page["problem"], page["still_to_send"], page["dead_letters"]) == (True, None, 0, [])
    assert page["held_back_in_the_last_hour"] > 0
    assert [one["event"] for one in page["alerts"]] == ["raised"] * 3
    assert {one["id"] for one in page["alerts"]} <= set(receiver.keys)
    assert all(one["ticket_ids"] == [one["subject"]] for one in page["alerts"])
    rest = desk.client().get(f"/api/v1/alerts?before={page['next_before']}").json()
    assert len(rest["alerts"]) == 1
    assert rest["next_before"] is None
    desk.close()


def test_what_was_given_up_is_listed_with_the_reason(prepared_desk: Path, tmp_path: Path, receiver: Hook) -> None:
    desk = desk_with(prepared_desk, tmp_path, receiver)
    told(desk)
    at = datetime(2026, 11, 3, tzinfo=UTC)
    desk.store.alerts.record(Attempt(2, "pager", DEAD, at, detail="answered 500"))
    found = desk.client().get("/api/v1/alerts").json()["dead_letters"]
    assert found == [{"number": 2, "channel": "pager", "given_up_at": "2026-11-03T00:00:00Z", "detail": "answered 500"}]
    desk.close()


def test_a_key_for_one_team_sees_the_alerts_of_that_team_alone(
    prepared_desk: Path, tmp_path: Path, receiver: Hook
) -> None:
    desk = desk_with(prepared_desk, tmp_path, receiver)
    told(desk)
    everything = desk.client().get("/api/v1/alerts").json()["alerts"]
    stored = {row["key"]: json.loads(row["details"]) for row in desk.store.alerts.read().to_dict("records")}
    teams = {one["id"]: stored[one["id"]]["tickets"][0]["team"] for one in everything}
    chosen = max(teams.values())
    desk.store.alerts.record(Attempt(1, "pager", DEAD, datetime(2026, 11, 3, tzinfo=UTC), detail="answered 500"))
    desk.add_keys(Role.READER, teams=(chosen,))
    desk.add_keys(Role.ADMIN)
    page = desk.client(Role.READER).get("/api/v1/alerts").json()
    assert {one["id"] for one in page["alerts"]} == {key for key, team in teams.items() if team == chosen}
    assert page["dead_letters"] == []
    assert len(desk.client(Role.ADMIN).get("/api/v1/alerts").json()["alerts"]) == len(everything) > len(page["alerts"])
    assert TOKENS[Role.READER].text not in json.dumps(page)
    desk.close()


def test_another_process_that_holds_the_lease_tells_and_this_one_does_not(
    prepared_desk: Path, tmp_path: Path, receiver: Hook
) -> None:
    desk = desk_with(prepared_desk, tmp_path, receiver)
    told(desk)
    count = len(receiver.got)
    second = Desk(
        tmp_path / "desk.db",
        _sibling(tmp_path),
        alert_rules=tmp_path / "rules.yaml",
        database_url=str(desk.settings.database_url),
    )
    told(second)
    assert len(receiver.got) == count
    assert not second.service.recorder or not second.service.recorder.is_acting
    second.close()
    desk.close()


def _sibling(folder: Path) -> Path:
    found = folder / "second"
    found.mkdir()
    return found


def test_a_service_with_faulty_rules_or_without_its_secrets_does_not_start(
    prepared_desk: Path, tmp_path: Path, receiver: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAGER_KEY")
    with pytest.raises(AlertRulesError, match="PAGER_KEY is not set"):
        desk_with(prepared_desk, tmp_path, receiver)
    silent = desk_with(prepared_desk, tmp_path, receiver, store_scores=False)  # another process tells, and has them
    assert silent.service.watchman is None
    assert silent.client().get("/api/v1/alerts").json()["is_on"] is False
    silent.close()


def test_a_running_service_starts_and_stops_its_couriers(prepared_desk: Path, tmp_path: Path, receiver: Hook) -> None:
    desk = desk_with(prepared_desk, tmp_path, receiver, tick_seconds=3600)
    desk.service.start()
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    while len(receiver.got) < 4 and datetime.now(UTC) < deadline:
        time.sleep(0.02)
    desk.service.stop()
    desk.close()
    assert len(set(receiver.keys)) == 4
