"""Pages kept with a queue are given to those alone whose they are: each reader gets what they get with nobody else there."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from serving.access.roles import Role
from tests.serving.stored_desk import HASHES, TOKENS, Desk, field, logged_in

AGE = re.compile(r'<span data-age="[^"]*">[^<]*</span>|"scored_seconds_ago":[0-9.]+')
PATHS = ("/queue", "/queue?sort=due", "/api/v1/queue?limit=3", "/queue?lang=zh-Hans")


@pytest.fixture
def readers(desk: Desk) -> dict[str, TestClient]:
    """Of one key twice, of each role that sees the queue in its own way, of a team alone, and in another language."""
    desk.add_keys(Role.READER, Role.DISPATCHER, Role.ADMIN)
    teams = sorted({row.team for row in desk.service.queue()[0].rows if row.team})
    found = {
        "reader": logged_in(desk, Role.READER),
        "the same key elsewhere": logged_in(desk, Role.READER),
        "dispatcher": logged_in(desk, Role.DISPATCHER),
        "admin": logged_in(desk, Role.ADMIN),
        "in Chinese": desk.client(),
    }
    found["in Chinese"].cookies.update(dict(found["reader"].cookies))  # the same login, so that nothing else differs
    found["in Chinese"].headers["Accept-Language"] = "zh-CN"
    desk.add_key(TOKENS[Role.MANAGER], HASHES[Role.MANAGER], name="reader", role="reader", teams=(teams[0],))
    found["of one team"] = logged_in(desk, Role.MANAGER)
    return found


def told(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return AGE.sub("", answer.text)


@pytest.mark.parametrize("path", PATHS)
def test_everyone_gets_the_page_that_they_get_alone(desk: Desk, readers: dict[str, TestClient], path: str) -> None:
    alone = {}
    for name, client in readers.items():
        desk.service.ticker.step()
        desk.service.queue()[0].pages.clear()
        desk.service.pages.clear()
        alone[name] = told(client, path)
    for _visit in range(2):
        assert {name: told(client, path) for name, client in readers.items()} == alone
    assert desk.service.queue()[0].pages or len(desk.service.pages)  # something was kept
    if path == "/queue":
        tokens = [field(page, "csrf") for name, page in alone.items() if name != "in Chinese"]
        assert len(set(tokens)) == len(tokens)
        assert 'lang="zh-Hans"' in alone["in Chinese"]
    assert alone["of one team"] != alone["reader"]
