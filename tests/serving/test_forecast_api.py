"""GET /api/v1/forecast: over a real store, with and without a kept forecast, for those who may see all or some."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from features.store.access_keys import AccessKey
from features.store.repository import open_store
from features.volumes.breaches import breached_counts
from features.volumes.counts import count_tickets
from features.volumes.planned import Outlook
from models.volumes.account import account_of
from serving.access.roles import Role
from serving.app import application
from serving.service import Service
from serving.settings import Settings
from serving.workplace import build_service
from sla.agreements.loading import parse_agreements
from tests.serving.real_desk import AGREEMENTS
from tests.serving.stored_desk import HASHES, HOST, TOKENS
from tests.volume_events import FIRST, volume_events
from training.volumes.fitting import VolumeSettings, fit_volumes

AT = (FIRST + timedelta(days=120, hours=9)).to_pydatetime()


def kept_desk(folder: Path, *, days: int = 120) -> Service:
    """A service over four months of tickets, with a forecast kept a week ago and one of today."""
    settings = Settings(
        database_url=f"sqlite:///{folder}/desk.db", use_model=False, var_dir=folder, time_zone="Europe/Berlin"
    )
    events, agreed = volume_events(days), parse_agreements(AGREEMENTS)
    with open_store(settings.database_url) as store:
        store.append_ticket_events(events, "test")
        store.save_agreements(AGREEMENTS, AT)
        for made_at in (AT - timedelta(days=7), AT):
            known = events[events["recorded_at"] <= made_at]
            counts = count_tickets(known, made_at, zone="Europe/Berlin")
            model = fit_volumes(counts, Outlook(), VolumeSettings(origins=4)).model
            missed = breached_counts(known, agreed, made_at, counts)
            account = account_of(counts, Outlook(), known, made_at, model, "volume v3", breached=missed)
            store.forecasts.append(account.rows())
    service = build_service(settings, lambda: AT, None)
    service.ticker.step()
    return service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    found = kept_desk(tmp_path_factory.mktemp("forecasts"))
    yield found
    found.close()


@cache
def app_of(service: Service) -> FastAPI:
    return application(service)


def client(service: Service, token: str | None = None) -> TestClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    app = application(service) if token else app_of(service)  # whether keys exist is looked at when it is built
    return TestClient(app, base_url=HOST, client=("127.0.0.1", 50000), headers=headers)


def asked(service: Service, query: str = "") -> dict[str, Any]:
    answer = client(service).get(f"/api/v1/forecast{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_forecast_in_force_is_told_with_intervals_and_what_came_before(service: Service) -> None:
    found = asked(service)
    assert (found["level"], found["model_version"], found["why_none"]) == ("all", "volume v3", None)
    assert found["made_at"] == AT.isoformat().replace("+00:00", "Z")
    assert len(found["days"]) == 56
    first = found["days"][0]
    assert first["start_at"] == "2026-05-04T22:00:00Z"  # midnight in Berlin
    assert first["low_95"] <= first["low_80"] <= first["expected"] <= first["high_80"] <= first["high_95"]
    assert found["counted"][-1]["end_at"] == first["start_at"]
    assert sum(
        one["expected"] for one in found["half_hours"][:48] if one["end_at"] <= first["end_at"]
    ) == pytest.approx(first["expected"], rel=0.01)
    assert found["hours"][0]["expected"] == pytest.approx(first["expected"] / 2, rel=0.1)
    assert len(found["backlog"]) == 56
    assert {"level": "team", "subject": "Network"} in found["series"]


def test_forecasts_kept_earlier_are_held_against_what_came(service: Service) -> None:
    past = {one["first_day_ahead"]: one for one in asked(service)["past"]}
    assert (past[1]["days"], past[2]["days"]) == (1, 6)
    assert 0 < past[2]["wape"] < 0.5
    assert past[2]["within_95"] >= past[2]["within_80"]


def test_parts_add_up_to_the_whole_over_the_wire_too(service: Service) -> None:
    whole = [one["expected"] for one in asked(service)["days"]]
    parts = [asked(service, f"?level=team&subject={team}")["days"] for team in ("Desk", "Network")]
    assert [sum(one["expected"] for one in days) for days in zip(*parts, strict=True)] == whole


def test_missed_resolutions_of_teams_add_up_to_all_and_are_held_against_what_came(service: Service) -> None:
    whole, *teams = (
        asked(service, query) for query in ("", *(f"?level=team&subject={one}" for one in ("Desk", "Network")))
    )
    assert sum(one["expected"] for one in whole["breaches"][:7]) > 5
    known = volume_events(120)
    known = known[known["recorded_at"] <= AT]
    missed = breached_counts(known, parse_agreements(AGREEMENTS), AT, count_tickets(known, AT, zone="Europe/Berlin"))
    assert [one["expected"] for one in whole["missed"]] == missed[0, -56:].tolist()
    for name in ("breaches", "missed"):
        parts = zip(*(one[name] for one in teams), strict=True)
        assert [sum(one["expected"] for one in days) for days in parts] == [one["expected"] for one in whole[name]]
    for one in (whole, *teams):
        first = one["breaches"][0]
        assert first["low_95"] <= first["low_80"] < first["high_80"] <= first["high_95"]
        assert one["missed"][-1]["end_at"] == first["start_at"]
        past = {figure["first_day_ahead"]: figure for figure in one["past_breaches"]}
        assert (past[1]["days"], past[2]["days"]) == (1, 6)
        assert past[2] != {figure["first_day_ahead"]: figure for figure in one["past"]}[2]
    assert whole["past_breaches"][1]["wape"] == pytest.approx(held_against(service, ""))
    assert teams[1]["past_breaches"][1]["wape"] == pytest.approx(held_against(service, "team:Network"))


def held_against(service: Service, name: str) -> float:
    """How far the breaches said a week ago for the second to seventh day were off, straight from the rows of the store."""
    assert service.store is not None
    said = service.store.forecasts.read("breaches", name, until=AT - timedelta(days=7))
    came = service.store.forecasts.read("breaches counted", name, since=AT).set_index("period_start")["value"]
    days = said[said["quantile"] == 0.5].set_index("period_start")["value"].sort_index().iloc[1:7]
    return float((days - came.loc[days.index]).abs().sum() / came.loc[days.index].sum())


def test_nothing_is_sent_again_while_no_newer_forecast_is_kept(service: Service) -> None:
    caller = client(service)
    first = caller.get("/api/v1/forecast")
    again = caller.get("/api/v1/forecast", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = caller.get("/api/v1/forecast?level=team&subject=Desk", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?level=team&subject=Nobody", 404, "There is no forecast of team Nobody"),
        ("?level=team", 422, "a level but `all` needs a subject"),
        ("?level=moon", 422, ""),
    ],
)
def test_what_cannot_be_answered_is_told(service: Service, query: str, status: int, words: str) -> None:
    answer = client(service).get(f"/api/v1/forecast{query}")
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_without_a_kept_forecast_the_answer_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/desk.db", use_model=False, var_dir=tmp_path)
    with open_store(settings.database_url) as store:
        store.append_ticket_events(volume_events(5), "test")
        store.save_agreements(AGREEMENTS, AT)
    fresh = build_service(settings, lambda: AT, None)
    fresh.ticker.step()
    found = asked(fresh)
    fresh.close()
    assert (found["days"], found["made_at"]) == ([], None)
    assert "slacast forecast volume --keep" in found["why_none"]


def test_a_caller_of_one_team_gets_that_team_and_no_other(tmp_path: Path) -> None:
    service = kept_desk(tmp_path, days=122)
    with open_store(service.settings.database_url) as store:
        key = TOKENS[Role.PLANNER]
        named = {"prefix": key.prefix, "hashed": HASHES[Role.PLANNER], "name": "planner", "role": Role.PLANNER.value}
        store.access_keys.add(AccessKey(**named, created_at=AT, created_by="test", teams=("Network",)))
    caller = client(service, key.text)
    own = caller.get("/api/v1/forecast").json()
    assert (own["level"], own["subject"]) == ("team", "Network")
    assert own["series"] == [{"level": "team", "subject": "Network"}]
    for query in ("?level=all", "?level=team&subject=Desk", "?level=service&subject=VPN"):
        answer = caller.get(f"/api/v1/forecast{query}")
        assert answer.status_code == 403
        assert "You see team Network" in answer.json()["detail"]
    service.close()
