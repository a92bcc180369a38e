"""A page of the queue outlives news that do not concern it, and says then what it would have said had they been known."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pandas as pd
import pytest

from features.schema import SERVICE_COLUMNS, conform_service_events
from serving.access.caller import Scope
from serving.api.queue import page_in_words
from serving.kept_pages import Asked, KeptPages
from serving.queue import Queue
from serving.risk import Risk
from serving.scorer import Scorer
from serving.selection import Selection, Sort, View
from tests.serving.real_desk import AT, ListStore, agreements, fitted_bundle, frame_of
from tests.serving.test_pages_in_words import held, of_team

TEAMS, SERVICES = ("A", "B", "C", ""), ("mail", "web", "")
GAPS = [timedelta(0), timedelta(seconds=1), timedelta(minutes=30), timedelta(hours=5)]
LOOKS = 5


def event(ticket_id: str, at: datetime, recorded_at: datetime, chance: random.Random, **values: str) -> dict[str, Any]:
    return {
        "event_id": f"{ticket_id}/{at:%d%H%M%S}/{chance.random()}", "ticket_id": ticket_id, "event_at": at, "recorded_at": recorded_at,
        "actor_kind": "agent", **values,
    }  # fmt: skip


def created(ticket_id: str, at: datetime, chance: random.Random) -> dict[str, Any]:
    return event(
        ticket_id, at, at, chance, kind="created", status="open", priority=chance.choice("1234"), team=chance.choice(TEAMS),
        service=chance.choice(SERVICES), assignee=chance.choice(("Ada", "")), **{"attributes.title": f"Title {chance.randrange(5)}"},
    )  # fmt: skip


EVENTS = frame_of(
    [created(f"T{number:02d}", AT - timedelta(hours=1 + 3 * number), random.Random(number)) for number in range(40)]
)
BUNDLE = fitted_bundle(EVENTS)


def change(number: int, now: datetime, chance: random.Random) -> dict[str, Any]:
    """News of one ticket: known in time, late (as most here, so that it counts at instants before it was read) or ahead of its time."""
    at = now + chance.choice([timedelta(hours=-9), timedelta(minutes=-50), timedelta(minutes=-50), timedelta(0), timedelta(hours=2)])  # fmt: skip
    if chance.random() < 0.4:
        return created(f"N{number:03d}", at, chance)
    values = chance.choice(
        (
            {"kind": "status", "status": "resolved"},
            {"kind": "status", "status": "waiting", "waiting_on": "customer"},
            {"kind": "priority", "priority": chance.choice("1234")},
            {"kind": "assigned", "team": chance.choice(TEAMS), "assignee": "Ben"},
            {"kind": "commented"},
        )
    )
    return event(f"T{chance.randrange(40):02d}", at, at, chance, **values)


def outage(at: datetime, chance: random.Random) -> dict[str, Any]:
    return {
        "event_id": f"o{chance.random()}", "service": chance.choice(SERVICES[:2]), "kind": "outage", "phase": "start",
        "event_at": at, "recorded_at": at,
    }  # fmt: skip


class History:
    """A desk as a scorer reads it: at each look an instant, and how many events of tickets and of services are there by then."""

    def __init__(self, chance: random.Random) -> None:
        now, rows, outages = AT, list[dict[str, Any]](), list[dict[str, Any]]()
        self.looks: list[tuple[datetime, int, int]] = [(AT, len(EVENTS), 0)]
        for look in range(LOOKS):
            now += chance.choice(GAPS)
            rows += [change(10 * look + place, now, chance) for place in range(chance.randrange(3))]
            outages += [outage(now, chance)] if chance.random() < 0.15 else []
            self.looks.append((now, len(EVENTS) + len(rows), len(outages)))
        self._rows = [EVENTS, *([frame_of(rows)] if rows else [])]
        services = pd.DataFrame(outages, columns=None if outages else list(SERVICE_COLUMNS))
        for name in ("event_at", "recorded_at"):
            services[name] = pd.to_datetime(services[name], utc=True).astype("datetime64[us, UTC]")
        self._services = conform_service_events(services)

    def queues(self, looks: list[tuple[datetime, int, int]]) -> list[Queue]:
        """What is shown at each of some looks, the first of which scores everything."""
        store = ListStore(*self._rows)
        scorer, found = Scorer(store, agreements(), BUNDLE), list[Queue]()
        for place, (at, events, outages) in enumerate(looks):
            store.visible, store.of_services = events, self._services.iloc[:outages]
            scorer.read_news()
            found.append(scorer.refresh(at) if place else scorer.score(at))
        return found

    @cache  # noqa: B019 (it goes with its test)
    def had_been_known(self, then: int, look: int) -> Queue:
        """The queue of a look, had all been known that is known at a later one."""
        return self.queues([*self.looks[:then], (self.looks[then][0], *self.looks[look][1:])])[-1]


def some_page(chance: random.Random) -> Asked:
    def some(texts: tuple[str, ...], share: float) -> tuple[str, ...]:
        return tuple(text for text in texts if chance.random() < share) if chance.random() < 0.5 else ()

    wanted = Selection(
        view=chance.choice(list(View)) if chance.random() < 0.3 else View.ALL,
        team=(chance.choice(TEAMS),) if chance.random() < 0.6 else some(TEAMS, 0.5),
        service=some(SERVICES, 0.6) if chance.random() < 0.3 else (),
        priority=("3", "4") if chance.random() < 0.2 else (),
        risk=(Risk.HIGH_RISK, Risk.BREACHED) if chance.random() < 0.2 else (),
        text="title" if chance.random() < 0.2 else "",
        sort=chance.choice(list(Sort)),
        descending=chance.random() < 0.5,
    )
    scope = Scope(some(TEAMS, 0.5), some(SERVICES, 0.5)) if chance.random() < 0.4 else Scope()
    return Asked(scope, wanted, chance.choice((2, 5, 50)), None)


def said(queue: Queue, asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page_in_words(queue, asked))
    return found


def known_of(page: dict[str, Any]) -> set[tuple[Any, ...]]:
    """What a page says of its tickets that no time changes."""
    names = ("ticket_id", "title", "priority", "service", "team", "assignee", "status", "opened_at", "waiting_since")
    return {tuple(row[name] for name in names) for row in page["tickets"]}


@pytest.mark.parametrize("seed", range(5))
def test_a_kept_page_is_what_it_would_have_been_had_all_been_known_by_then(seed: int) -> None:
    chance = random.Random(seed)
    history = History(chance)
    queues, pages, kept, outlived = history.queues(history.looks), KeptPages(), dict[Asked, int](), 0
    wanted = [some_page(chance) for _page in range(10)]
    for look, queue in enumerate(queues):
        for asked in list(wanted):
            page = pages.find(asked, queue)
            if page is None:
                page, kept[asked] = pages.keep(asked, queue, float(look), page_in_words(queue, asked)), look
                after = json.loads(page.body)["next_cursor"]
                if look < 2 and after is not None:
                    wanted.append(replace(asked, cursor=after))
                continue
            then = kept[asked]
            outlived += then < look
            assert (page.scored_seconds, page.fingerprint) == (float(then), queues[then].fingerprint)
            assert page.body == page_in_words(history.had_been_known(then, look), asked)
            alone = replace(asked, wanted=replace(asked.wanted, view=View.ALL, risk=()), limit=1000, cursor=None)
            assert known_of(said(queues[then], alone)) == known_of(said(queue, alone))
    assert outlived > 5


def queues_with(*news: dict[str, Any], **given: Any) -> tuple[Scorer, list[Queue]]:
    """Of a scorer that knows the desk and then, one after the other, the news."""
    store = ListStore(EVENTS, frame_of(list(news)))
    store.visible = len(EVENTS)
    scorer = Scorer(store, agreements(), BUNDLE, **given)
    found = [scorer.score(AT)]
    for place in range(len(news)):
        store.visible += 1
        scorer.read_news()
        found.append(scorer.refresh(AT + timedelta(minutes=place + 1)))
    return scorer, found


def new_ticket(team: str) -> dict[str, Any]:
    at = AT + timedelta(seconds=5)
    return event("NEW", at, at, random.Random(1), kind="created", status="open", priority="3", team=team)


def test_news_of_a_team_end_its_pages_and_those_of_no_team_in_particular() -> None:
    _scorer, (before, after) = queues_with(new_ticket("A"))
    assert not held(before, after, of_team("A"))
    assert not held(before, after, of_team("B", "A"))
    assert not held(before, after, of_team())
    assert not held(before, after, of_team(scope=Scope(services=("mail",))))
    assert not held(before, after, of_team(scope=Scope(teams=("A", "B"))))
    assert held(before, after, of_team("B"))
    assert held(before, after, of_team("A", "B", scope=Scope(teams=("B", "C"))))


def test_a_ticket_that_is_moved_is_news_to_both_teams() -> None:
    team = EVENTS["team"].iloc[0]
    other, third = [one for one in TEAMS if one != team][:2]
    at = AT + timedelta(seconds=5)
    moved = event(str(EVENTS["ticket_id"].iloc[0]), at, at, random.Random(1), kind="assigned", team=other)
    _scorer, (before, after) = queues_with(moved)
    assert [held(before, after, of_team(one)) for one in (str(team), other, third)] == [False, False, True]


def test_an_outage_of_a_service_ends_the_pages_of_the_teams_with_tickets_of_it() -> None:
    store = ListStore(EVENTS)
    scorer = Scorer(store, agreements(), BUNDLE)
    before, at = scorer.score(AT), AT + timedelta(minutes=1)
    store.of_services = conform_service_events(pd.DataFrame([outage(at, random.Random(3))]))
    (service,) = store.of_services["service"]
    concerned = {row.team for row in before.rows if row.service == service}
    assert len(concerned) > 1
    scorer.read_news()
    after = scorer.refresh(at + timedelta(minutes=1))
    assert [held(before, after, of_team(team)) for team in (*concerned, "nobody's")] == [False] * len(concerned) + [
        True
    ]


def test_nothing_is_kept_over_a_scoring_of_everything_another_model_or_other_work() -> None:
    scorer, (before, after) = queues_with(new_ticket("A"))
    assert held(after, after, of_team("B"))
    at = AT + timedelta(minutes=1)
    assert not held(after, scorer.score(at), of_team("B"))
    assert not held(scorer.score(at), scorer.score(at), of_team("B"))  # though both asked at one instant
    shown = scorer.refresh(at)
    scorer.use_work_time(None)
    assert held(shown, scorer.refresh(at), of_team("B"))
    scorer.use_work_time(NoWork())  # type: ignore[arg-type] (it is only told apart from none)
    scorer._work = None  # that it came and went is enough
    assert not held(shown, scorer.refresh(at), of_team("B"))
    shown = scorer.refresh(at)
    scorer.use(fitted_bundle(EVENTS, "breach v2"))
    assert not held(shown, scorer.refresh(at), of_team("B"))
    scorer.use_agreements(agreements())
    assert not held(before, scorer.refresh(at), of_team("B"))


class NoWork:
    """A model of work that is asked for nothing."""
