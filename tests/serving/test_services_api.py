"""GET /api/v1/services and /services/{service}: over a real store, for those who may see all or some."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from features.store.access_keys import AccessKey
from serving.access.roles import Role
from serving.app import application
from serving.service import Service
from tests.serving.real_desk import AT
from tests.serving.service_builders import built, keeper_of, year_of_services
from tests.serving.stored_desk import HASHES, HOST, TOKENS


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    found = built(tmp_path_factory.mktemp("services"), year_of_services())
    yield found
    found.close()


def client(service: Service, role: Role | None = None) -> TestClient:
    headers = {"Authorization": f"Bearer {TOKENS[role].text}"} if role else {}
    return TestClient(application(service), base_url=HOST, client=("127.0.0.1", 50000), headers=headers)


def asked(service: Service, query: str = "") -> dict[str, Any]:
    answer = client(service).get(f"/api/v1/services{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def one(service: Service, name: str) -> dict[str, Any]:
    return next(row for row in asked(service)["services"] if row["service"] == name)


def test_the_worst_comes_first_and_everything_of_the_catalogue_is_there(service: Service) -> None:
    found = asked(service)
    assert [row["service"] for row in found["services"][:2]] == ["Network", "Mail"]
    assert {row["service"] for row in found["services"]} == {"Mail", "Network", "ERP", "Archive"}
    assert (found["total"], found["next_cursor"], found["problem"]) == (4, None, None)


def test_without_a_model_a_rule_answers_and_it_is_said(service: Service) -> None:
    found = asked(service)
    assert (found["by"], found["model_version"]) == ("rate x weekday", None)
    assert found["why_no_model"] == "SLACAST_USE_MODEL is off"
    risk = one(service, "Mail")["risk"]
    assert 0.1 < risk["usual"] < 0.3
    assert "such days saw an outage; usual for this service: " in risk["words"]
    assert risk["outages_7_days"] == pytest.approx(1.3, abs=0.3)


def test_a_service_that_is_down_or_unheard_of_has_no_risk_and_says_why(service: Service) -> None:
    network, archive = one(service, "Network"), one(service, "Archive")
    assert (network["state"], network["risk"]) == ("down", None)
    assert "it is down" in network["why_no_risk"]
    assert (archive["state"], archive["availability"], archive["risk"]) == ("unknown", None, None)
    assert "nothing is recorded of it" in archive["why_no_risk"]


def test_budget_and_burn_are_those_of_the_catalogue(service: Service) -> None:
    budget = one(service, "Mail")["budget"]
    lost = 60 * (6 * 30 + 20)  # six outages of half an hour in 30 days, and the one just now
    assert budget["lost_seconds"] == lost
    assert budget["allowed_seconds"] == pytest.approx(0.001 * 30 * 86_400)
    assert budget["remaining_share"] == pytest.approx(1 - lost / (0.001 * 30 * 86_400))
    hour = next(burn for burn in budget["burns"] if burn["long_seconds"] == 3600)
    assert hour["long_rate"] == pytest.approx((20 / 60) / 0.001)
    assert (hour["short_rate"], hour["is_firing"]) == (0, False)  # it is over for more than five minutes
    assert budget["exhausted_in_seconds"] == 0
    assert one(service, "Network")["budget"]["burns"][0]["is_firing"]


def test_what_is_needed_decides_how_the_whole_stands(service: Service) -> None:
    mail = one(service, "Mail")
    assert (mail["state"], mail["whole_state"], mail["needs_down"]) == ("available", "down", ["Network"])
    assert one(service, "Network")["needed_by"] == ["Mail"]


def test_what_is_announced_and_recovery_against_its_objectives_are_told(service: Service) -> None:
    mail = one(service, "Mail")
    assert [(planned["kind"], planned["end_at"] is None) for planned in mail["planned"]] == [
        ("change", True),
        ("maintenance", False),
    ]
    assert mail["continuity"] | {"exercised_at": None} == {
        "recovery_time_seconds": 3600,
        "recovery_point_seconds": 900,
        "outages_over": 41,
        "outages_late": 0,
        "longest_seconds": 1800,
        "data_lost_seconds": 600,
        "exercised_at": None,
        "exercise_due_at": "2016-04-03T00:00:00Z",
    }


def test_open_tickets_are_counted_by_service(service: Service) -> None:
    queue = client(service).get("/api/v1/queue?limit=1000").json()["tickets"]
    for row in asked(service)["services"]:
        assert row["open_tickets"] == sum(ticket["service"] == row["service"] for ticket in queue)
    assert one(service, "Mail")["open_tickets"] == 3
    by_day = client(service).get("/api/v1/services/Mail").json()["tickets_by_day"]
    assert (len(by_day), by_day[-4:]) == (90, [1, 1, 1, 0])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?state=down", ["Network"]),
        ("?criticality=critical&state=available", ["ERP"]),
        ("?is_kept=false", ["Mail"]),
        ("?probability_from=0.1", ["Mail"]),
        ("?text=anna+post", ["Mail"]),
        ("?text=nothing", []),
    ],
)
def test_filters_narrow_the_list(service: Service, query: str, names: list[str]) -> None:
    found = asked(service, query)
    assert ([row["service"] for row in found["services"]], found["total"]) == (names, len(names))


def test_pages_follow_each_other_without_gap_or_overlap(service: Service) -> None:
    whole = [row["service"] for row in asked(service)["services"]]
    found, cursor = [], ""
    while True:
        part = asked(service, f"?limit=3{cursor}")
        found += [row["service"] for row in part["services"]]
        if part["next_cursor"] is None:
            break
        cursor = f"&cursor={part['next_cursor']}"
    assert found == whole
    assert client(service).get("/api/v1/services?cursor=odd").status_code == 422


def test_an_answer_that_did_not_change_is_not_sent_again(service: Service) -> None:
    asking = client(service)
    for address in ("/api/v1/services", "/api/v1/services/Mail"):
        first = asking.get(address)
        again = asking.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert asking.get("/api/v1/services").headers["etag"] != asking.get("/api/v1/services?state=down").headers["etag"]


def test_one_service_tells_what_happened_and_how_its_budget_went(service: Service) -> None:
    found = client(service).get("/api/v1/services/Mail").json()
    assert found["service"] == one(service, "Mail")
    kinds = [happening["kind"] for happening in found["happenings"]]
    assert kinds[:3] == ["maintenance", "change", "outage"]
    assert kinds.count("outage") == 19
    assert len(found["course"]) == 90
    assert found["course"][-1]["availability"] == pytest.approx(found["service"]["availability"])
    assert found["course"][-1]["remaining_share"] == pytest.approx(found["service"]["budget"]["remaining_share"])
    assert found["whole_availability"] < found["service"]["availability"]
    assert client(service).get("/api/v1/services/Male").status_code == 404


def test_a_key_sees_the_services_of_its_scope_alone(tmp_path: Path) -> None:
    service = built(tmp_path, year_of_services())
    for role, scope in ((Role.READER, {"services": ("Mail",)}), (Role.PLANNER, {"teams": ("nowhere",)})):
        key = {"prefix": TOKENS[role].prefix, "hashed": HASHES[role], "name": "test", "role": role.value}
        service.written().access_keys.add(AccessKey(**key, created_at=AT, created_by="test", **scope))
    mail = client(service, Role.READER)
    found = mail.get("/api/v1/services").json()
    assert [row["service"] for row in found["services"]] == ["Mail"]
    assert (found["services"][0]["needs"], found["services"][0]["needs_down"]) == ([], [])
    assert mail.get("/api/v1/services/Network").status_code == 404
    assert mail.get("/api/v1/services/Mail").status_code == 200
    of_no_team = client(service, Role.PLANNER).get("/api/v1/services").json()
    assert {row["open_tickets"] for row in of_no_team["services"]} == {0}
    assert client(service).get("/api/v1/services").status_code == 401
    service.close()


def test_before_the_first_board_it_says_so(tmp_path: Path) -> None:
    service = built(tmp_path)
    keeper_of(service).basis = None
    answer = client(service).get("/api/v1/services")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    service.close()


def test_news_of_a_service_is_seen_at_the_next_making(tmp_path: Path) -> None:
    service = built(tmp_path)
    assert all(row["state"] == "unknown" for row in asked(service)["services"])
    assert not keeper_of(service)._memory.has_news()
    service.written().append_service_events(year_of_services(), "test")
    assert keeper_of(service)._memory.has_news()
    keeper_of(service).step()
    assert asked(service)["services"][0]["state"] == "down"
    service.close()


def test_a_forecast_is_kept_to_be_judged_at_most_once_an_hour(tmp_path: Path) -> None:
    service = built(tmp_path, year_of_services())
    keeper = keeper_of(service)
    assert service.written().forecasts.read("outage probability").empty  # nobody acts: no lease is held
    keeper._may_store = lambda: True
    keeper.step()
    keeper.step()
    kept = service.written().forecasts.read("outage probability")
    board = keeper.board
    assert board is not None
    said = {one.service: one.risk.probability for one in board.services if one.risk}
    assert dict(zip(kept["subject"], kept["value"], strict=True)) == pytest.approx(said)
    assert set(kept["period_end"] - kept["period_start"]) == {timedelta(hours=24)}
    assert set(kept["model_version"]) == {"rate x weekday"}
    service.close()


def test_a_failure_keeps_the_last_good_board_and_says_so(tmp_path: Path) -> None:
    service = built(tmp_path, year_of_services())
    before = asked(service)
    keeper_of(service)._agreements = lambda: 1 / 0  # type: ignore[assignment,return-value]
    assert not keeper_of(service).step()
    after = asked(service)
    assert "ZeroDivisionError" in after["problem"]
    assert after["services"] == before["services"]
    service.close()
