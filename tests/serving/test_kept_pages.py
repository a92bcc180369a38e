"""Pages of the queue that are kept with it: said once, true for whoever asks, and as old as the scores are by now."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.scored import narrowed
from serving.web import pages
from serving.web.queue_page import QueueView, queue_view
from tests.serving.builders import FixedSource, busy_desk, client_of, service_over


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


@given(
    st.lists(st.integers(-70_000, 70_000) | st.sampled_from([0, 2**63 - 1, -(2**63)]), max_size=40),
    st.booleans(),
)
def test_ranks_in_two_bytes_sort_as_they_are(values: list[int], is_small: bool) -> None:
    key = np.array([value % 500 if is_small else value for value in values], np.int64)
    assert np.argsort(narrowed(key), kind="stable").tolist() == np.argsort(key, kind="stable").tolist()
