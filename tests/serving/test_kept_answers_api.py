"""Kept pages as the API gives them: with the instant, the age and the tag of the page, and without another thread."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
import pytest

from serving.api import queue as queue_api
from serving.kept_pages import Asked, KeptPage
from serving.queue import Queue
from serving.selection import Selection
from serving.trail import Trail
from tests.serving.builders import FixedSource, busy_desk, client_of, service_over


def test_the_api_tells_the_instant_the_age_and_the_tag_of_the_page_it_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    first = replace(busy_desk(40), trail=Trail())
    team = next(row.team for row in first.rows if row.team)
    source = FixedSource(first)
    service = service_over(source)
    client = client_of(service)
    address = f"/api/v1/queue?team={team}"
    clock = service.standing.scored_seconds
    answer = client.get(address)

    def shows(teams: set[str]) -> None:
        queue = source.queue
        at = queue.as_of + timedelta(seconds=1)
        source.queue = replace(queue, as_of=at, trail=queue.trail.after(teams))
        source.has_news = True
        service.ticker.step()

    shows({"someone else's"})
    monkeypatch.setattr("serving.ticker.time", Clock(clock + 100.0))
    again = client.get(address)
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert without_age(again.json()) == without_age(answer.json())
    assert again.json()["scored_seconds_ago"] == pytest.approx(100.0)
    assert client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    other = client.get("/api/v1/queue").json()
    assert other["as_of"] > again.json()["as_of"]
    shows({team})
    new = client.get(address)
    assert new.headers["ETag"] != answer.headers["ETag"]
    assert new.json()["as_of"] > other["as_of"]
    assert new.json()["scored_seconds_ago"] == pytest.approx(0.0)
    assert client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200


class Clock:
    """A steady clock that stands still."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def monotonic(self) -> float:
        return self._seconds


def without_age(page: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in page.items() if name != "scored_seconds_ago"}


def test_a_page_is_put_into_words_in_another_thread_and_given_again_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = service_over(FixedSource(busy_desk(30)))
    service.ticker.step()
    put, looked, threads = list[str](), list[int](), list[str]()
    words, find, in_a_thread = queue_api.page_in_words, service.pages.find, anyio.to_thread.run_sync

    async def counted(call: Any, *given: Any, **values: Any) -> Any:
        threads.append(getattr(getattr(call, "func", call), "__name__", "another"))
        return await in_a_thread(call, *given, **values)

    def told(everything: Queue, asked: Asked) -> bytes:
        put.append(threading.current_thread().name)
        return words(everything, asked)

    def looked_for(asked: Asked, queue: Queue) -> KeptPage | None:
        looked.append(threading.get_ident())
        return find(asked, queue)

    monkeypatch.setattr(anyio.to_thread, "run_sync", counted)
    monkeypatch.setattr(queue_api, "page_in_words", told)
    monkeypatch.setattr(service.pages, "find", looked_for)
    client, address = client_of(service), "/api/v1/queue?team=Network&risk=high_risk"
    with client:
        service.pages.clear()
        first = client.get(address)
        assert first.status_code == 200
        assert len(put) == 1
        threads.clear()
        assert client.get(address).json()["tickets"] == first.json()["tickets"]
        assert client.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
        threads = [name for name in threads if name != "caller"]  # who asks is looked up once a second
        assert (threads, len(put), len(set(looked))) == ([], 1, 1)
        assert "AnyIO worker thread" in put[0]


def test_an_address_that_was_read_before_is_answered_by_who_asks_now_and_refused_as_ever() -> None:
    queue = busy_desk(60)
    teams = sorted({row.team for row in queue.rows if row.team})[:2]
    one, both = urlencode({"team": teams[0]}), urlencode({"team": teams, "limit": 3}, doseq=True)
    service = service_over(FixedSource(queue))
    client = client_of(service)
    for address in ("", f"?{one}", f"?{both}", "?sort=due&descending=true"):
        first, again = (client.get(f"/api/v1/queue{address}") for _ in range(2))
        assert first.status_code == again.status_code == 200
        assert without_age(first.json()) == without_age(again.json())
        assert first.headers["ETag"] == again.headers["ETag"]
    addresses = client.app.state.addresses
    assert len(addresses) == 4
    for address in ("?limit=0", "?limit=x", "?sort=nothing", "?cursor=none", f"?text={'x' * 501}"):
        assert [client.get(f"/api/v1/queue{address}").status_code for _ in range(2)] == [422, 422]
    assert len(addresses) == 4
    found = addresses.find(both)
    assert (found[0].team, found[1], found[2]) == (tuple(teams), 3, None)
    rows = client.get(f"/api/v1/queue?{both}").json()["tickets"]
    assert len(rows) == 3
    following = client.get("/api/v1/queue?limit=3").json()["next_cursor"]
    pages = [client.get("/api/v1/queue", params={"limit": 3, "cursor": following}).json() for _ in range(2)]
    assert without_age(pages[0]) == without_age(pages[1])
    assert pages[0]["tickets"] != rows


def test_long_addresses_are_not_remembered_and_the_oldest_give_way() -> None:
    addresses, nothing = queue_api.Addresses(), Selection()
    addresses.keep("x" * (queue_api.LONGEST_ADDRESS + 1), nothing, 50, None)
    assert len(addresses) == 0
    for number in range(queue_api.MOST_ADDRESSES + 2):
        addresses.keep(f"limit={number}", nothing, number, None)
    assert len(addresses) == queue_api.MOST_ADDRESSES
    assert addresses.find("limit=1") is None
    assert addresses.find("limit=2") == (nothing, 2, None)
