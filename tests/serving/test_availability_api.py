"""GET /api/v1/services/{service}/availability: by windows of any kind, for those who may see the service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from features.store.access_keys import AccessKey
from serving.access.roles import Role
from serving.app import application
from serving.service import Service
from tests.serving.real_desk import AT
from tests.serving.service_builders import built, year_of_services
from tests.serving.stored_desk import HASHES, HOST, TOKENS


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    found = built(tmp_path_factory.mktemp("availability"), year_of_services())
    yield found
    found.close()


@pytest.fixture(scope="module")
def asking(service: Service) -> TestClient:
    return TestClient(application(service), base_url=HOST, client=("127.0.0.1", 50000))


def told(asking: TestClient, query: str, name: str = "Mail") -> dict[str, Any]:
    answer = asking.get(f"/api/v1/services/{name}/availability?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def day(days_ago: int) -> str:
    return (AT - timedelta(days=days_ago)).date().isoformat()


def test_a_rolling_window_ends_with_the_day_and_is_held_to_the_promise(asking: TestClient) -> None:
    found = told(asking, f"window=rolling&rolling_days=30&from={day(0)}&to={day(0)}")
    (window,) = found["windows"]
    assert (found["window"], found["zone"], found["hours"], found["objective_percent"]) == (
        "rolling",
        "UTC",
        None,
        99.9,
    )
    assert window["lost_minutes"] == 5 * 30 + 20  # the outage 30 days ago lies before the midnight at which it begins
    assert window["measured_minutes"] <= 30 * 24 * 60
    assert window["budget_left"] == pytest.approx(1 - window["lost_minutes"] / (0.001 * window["measured_minutes"]))


def test_a_year_of_months_is_told_unless_dates_are_given(asking: TestClient) -> None:
    months = told(asking, "")["windows"]
    assert len(months) == 13
    assert months[-1]["end_at"] == told(asking, "")["as_of"]
    assert sum(one["outages"] for one in months) == 41
    berlin = told(asking, f"window=day&from={day(2)}&to={day(2)}&zone=Europe/Berlin&hours=office", "ERP")
    assert berlin["hours"] == "office"
    assert berlin["windows"][0]["measured_minutes"] in (0, 600)


@pytest.mark.parametrize(("needed", "lost"), [("", 20 + 40 - 10), ("&needed=2", 20 + 40 - 10), ("&needed=1", 10)])
def test_of_several_as_many_must_work_as_are_needed(asking: TestClient, needed: str, lost: int) -> None:
    # Mail was down from 50 to 30 minutes ago, Network is for 40: ten minutes together.
    found = told(asking, f"also=Network{needed}&window=day&from={day(0)}&to={day(0)}")
    assert found["services"] == ["Mail", "Network"]
    assert found["needed"] == (1 if needed == "&needed=1" else 2)
    assert found["windows"][-1]["lost_minutes"] == lost
    if not needed:
        assert found["windows"] == told(asking, f"with_needs=true&window=day&from={day(0)}&to={day(0)}")["windows"]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("zone=Mars/Base", 422, "there is no time zone 'Mars/Base'"),
        ("zone=Europe", 422, "there is no time zone 'Europe'"),
        ("hours=night", 422, "no calendar is called 'night'; known are: office"),
        ("needed=2", 422, "2 of 1 services are needed"),
        ("also=Post", 422, "There is no service 'Post'"),
        ("also=Mail", 422, "'Mail' is named twice"),
        ("window=hour", 422, "window"),
        ("objective=100", 422, "objective"),
        ("from=2016-05-02&to=2016-05-01", 422, "the first not after the last"),
        ("from=0001-01-01&to=0001-01-02&window=week", 422, "from 1970-01-01"),
        ("to=9999-12-31", 422, "to 2199-12-31"),
        ("from=1990-01-01&to=2016-05-01&window=day", 422, "more than 1000 windows"),
    ],
)
def test_what_makes_no_sense_is_refused(asking: TestClient, query: str, status: int, words: str) -> None:
    answer = asking.get(f"/api/v1/services/Mail/availability?{query}")
    assert answer.status_code == status
    assert words in answer.text


def test_it_is_unchanged_until_the_next_making_and_linked_on_the_page(asking: TestClient) -> None:
    found = re.search(r'href="(/api/v1/services/Mail/availability[^"]*)"', asking.get("/services/Mail").text)
    assert found is not None
    address = unescape(found[1])
    first = asking.get(address)
    assert asking.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    other = asking.get(f"{address}&zone=Asia/Tokyo", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200
    assert asking.get("/api/v1/services/Male/availability").status_code == 404


def test_a_key_asks_about_the_services_of_its_scope_alone(tmp_path: Path) -> None:
    service = built(tmp_path, year_of_services())
    key = {"prefix": TOKENS[Role.READER].prefix, "hashed": HASHES[Role.READER], "name": "test", "role": "reader"}
    service.written().access_keys.add(AccessKey(**key, created_at=AT, created_by="test", services=("Mail",)))
    headers = {"Authorization": f"Bearer {TOKENS[Role.READER].text}"}
    mail = TestClient(application(service), base_url=HOST, client=("127.0.0.1", 50000), headers=headers)
    assert mail.get("/api/v1/services/Mail/availability").status_code == 200
    assert mail.get("/api/v1/services/Network/availability").status_code == 404
    assert mail.get("/api/v1/services/Mail/availability?also=Network").status_code == 422
    unknown = TestClient(application(service), base_url=HOST, client=("127.0.0.1", 50000))
    assert unknown.get("/api/v1/services/Mail/availability").status_code == 401
    service.close()
