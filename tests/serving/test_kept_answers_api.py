"""Kept pages as the API gives them: with the instant, the age and the tag of the page, and without another thread."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio.to_thread
import pytest

from serving.api import queue as queue_api
from serving.kept_pages import Asked, KeptPage
from serving.queue import Queue
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
