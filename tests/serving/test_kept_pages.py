"""Pages of the queue that are kept with it: said once, true for whoever asks, and as old as the scores are by now."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.likely_end import LikelyEnd
from serving.scored_rows import narrowed
from serving.web import pages, queue_page
from serving.web.queue_page import QueueView, queue_view
from tests.serving.builders import NOW, FixedSource, busy_desk, client_of, service_over


def test_a_page_is_put_into_words_once_and_tells_the_age_of_the_scores_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    service = service_over(FixedSource(busy_desk(30)))
    client = client_of(service)
    seen: list[str] = []
    ages = iter([12.0, 75.04])
    monkeypatch.setattr(type(service.standing), "age_seconds", lambda _standing: next(ages))

    def counted(*given: Any, **named: Any) -> QueueView:
        seen.append("asked")
        return queue_view(*given, **named)

    monkeypatch.setattr(pages, "queue_view", counted)
    first, second = (client.get("/queue?sort=due").text for _visit in range(2))
    assert seen == ["asked"]
    assert '<span data-age="12.0">12 s</span>' in first
    assert '<span data-age="75.0">75 s</span>' in second
    assert _without_age(first) == _without_age(second)


def test_another_address_language_or_tick_is_another_page() -> None:
    source = FixedSource(busy_desk(30))
    service = service_over(source)
    client = client_of(service)
    told = [
        client.get("/queue").text,
        client.get("/queue?sort=risk").text,
        client.get("/queue", headers={"Accept-Language": "zh-CN"}).text,
    ]
    source.queue, source.has_news = busy_desk(31), True
    service.ticker.step()
    told.append(client.get("/queue").text)
    assert len({_without_age(text) for text in told}) == 4


def _without_age(text: str) -> str:
    return re.sub(r'<span data-age="[^"]*">[^<]*</span>', "", text)


def test_the_likely_end_stands_under_the_due_time_of_the_tickets_that_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = busy_desk(30)
    found, early, late = desk.rows[0].ticket_id, NOW + timedelta(hours=1), NOW + timedelta(hours=30)
    end = LikelyEnd(early, NOW + timedelta(hours=6), late, 3600.0, 21600.0, 30000.0)
    monkeypatch.setattr(queue_page, "ends_of", lambda rows, shown: {found: end} if rows is desk.rows else {})
    page = client_of(service_over(FixedSource(desk))).get("/queue").text
    told = re.findall(r'<small class="likely">(.*?)</small>', page)
    assert len(told) == 1
    instants = re.findall(r'<time datetime="([^"]+)"', told[0])
    assert instants == [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (end.middle_at, early, late)]
    assert page.index(told[0]) < page.index(f'data-ticket="{desk.rows[1].ticket_id}"')


@given(
    st.lists(st.integers(-70_000, 70_000) | st.sampled_from([0, 2**63 - 1, -(2**63)]), max_size=40),
    st.booleans(),
)
def test_ranks_in_two_bytes_sort_as_they_are(values: list[int], is_small: bool) -> None:
    key = np.array([value % 500 if is_small else value for value in values], np.int64)
    assert np.argsort(narrowed(key), kind="stable").tolist() == np.argsort(key, kind="stable").tolist()
