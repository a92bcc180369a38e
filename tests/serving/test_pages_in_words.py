"""What is kept of pages: one for each who asked and what, few and small ones, and none that tells of what had news since."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from serving import kept_pages
from serving.access.caller import Scope
from serving.kept_pages import Asked, KeptPages
from serving.queue import IdleTeam, Queue
from serving.selection import Selection
from serving.trail import Trail
from tests.serving.builders import busy_desk
from tests.serving.real_desk import AT


def of_team(*teams: str, scope: Scope | None = None, limit: int = 50) -> Asked:
    return Asked(scope or Scope(), Selection(team=teams), limit, None)


def held(page_of: Queue, now: Queue, asked: Asked) -> bool:
    pages = KeptPages()
    pages.keep(asked, page_of, 0.0, b"{}")
    return pages.find(asked, now) is not None


@pytest.mark.parametrize(
    "said_otherwise",
    [
        {"bundle_version": "breach v3"},
        {"rules_only_reason": "no model"},
        {"asked_at": AT + timedelta(hours=1)},
        {"zone": "Asia/Tokyo"},
        {"order": "suggested"},
        {"order_words": "Otherwise."},
        {"idle": (IdleTeam("C", "T01", "A", "mail", "", 7, "take T01"),)},
    ],
)
def test_what_stands_above_the_tickets_ends_a_page_when_it_changes(said_otherwise: dict[str, Any]) -> None:
    queue = busy_desk(30)
    assert held(queue, replace(queue), of_team("A"))
    assert not held(queue, replace(queue, **said_otherwise), of_team("A"))


def test_each_scope_has_pages_of_its_own() -> None:
    queue, pages = busy_desk(30), KeptPages()
    pages.keep(of_team("A"), queue, 0.0, b"all")
    assert pages.find(of_team("A", scope=Scope(teams=("A",))), queue) is None
    assert pages.find(of_team("A", scope=Scope(services=("mail",))), queue) is None


def test_pages_of_an_earlier_scoring_and_large_ones_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_pages, "LARGEST_PAGE", 10)
    pages = KeptPages()
    for limit in range(5):
        pages.keep(of_team("A", limit=limit), busy_desk(3), 0.0, b"{}")
        assert len(pages) == 1
    queue = busy_desk(3)
    assert pages.keep(of_team("B"), queue, 0.0, b"x" * 11).body == b"x" * 11
    assert pages.find(of_team("B"), queue) is None


def test_the_oldest_page_makes_room_after_those_that_hold_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_pages, "MOST_PAGES", 3)
    before = busy_desk(3)
    after = replace(before, trail=before.trail.after(["A"]))
    pages = KeptPages()
    for team in ("B", "A", "C"):
        pages.keep(of_team(team), before, 0.0, b"{}")
    pages.keep(of_team("A", limit=7), after, 0.0, b"{}")  # in the place of A's
    assert [pages.find(of_team(team), after) is not None for team in ("B", "A", "C")] == [True, False, True]
    pages.keep(of_team("A", limit=8), after, 0.0, b"{}")  # all hold: in the place of B's, the oldest
    assert [pages.find(of_team(team), after) is not None for team in ("B", "C")] == [False, True]
    assert len(pages) == 3


def test_a_look_that_finds_nothing_of_a_team_says_nothing_new_of_it() -> None:
    first = Trail()
    second = first.after(["A"])
    third = second.after(["B", ""])
    assert third.says_nothing_new(second, frozenset({"A"}))
    assert not third.says_nothing_new(first, frozenset({"A"}))
    assert not third.says_nothing_new(second, frozenset({"A", ""}))
    assert not third.says_nothing_new(second, None)
    assert third.after([]).says_nothing_new(third, None)
    assert second.says_nothing_new(third, None)  # a page may be newer than the queue that was just read
    assert third.says_nothing_new(first, frozenset())
    assert not Trail().says_nothing_new(first, frozenset())
    assert np.all([trail.began is first.began for trail in (second, third)])
