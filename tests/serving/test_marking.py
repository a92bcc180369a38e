"""What a dispatcher does to ticked tickets: stored once, audited, hidden only as long as promised, and only by who may."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from starlette.testclient import TestClient

from features.store.faults import StoreError
from features.store.marks import ASSIGNED, SNOOZED, Mark
from serving.access.roles import Role
from serving.access.tokens import Token
from serving.queue import Queue, QueueRow
from serving.risk import Risk
from serving.scored_rows import ScoredRows
from serving.scorer import Scorer
from serving.web.mark_book import Desk, MarkBook, state_of
from serving.web.marking import snooze_choices, snooze_dates
from serving.web.queue_views import PageView, counts_of, holds, part_of
from tests.serving.builders import NOW, busy_desk, queue_of, row
from tests.serving.real_desk import AT, ListStore, agreements, random_events
from tests.serving.stored_desk import HASHES, TOKENS, event, field, logged_in
from tests.serving.stored_desk import Desk as StoredDesk

HTML = {"Accept": "text/html"}


@pytest.fixture
def client(desk: StoredDesk) -> TestClient:
    return desk.client()


def tickets_in(page: str) -> list[str]:
    return re.findall(r'<tr data-ticket="([^"]+)"', page)


def send(client: TestClient, tickets: list[str], **fields: str) -> object:
    return client.post("/queue/marks", data={"ticket": tickets, "next": "/queue?sort=due", **fields}, headers=HTML)


def test_a_bulk_is_stored_once_audited_in_one_line_and_leads_back(desk: StoredDesk, client: TestClient) -> None:
    first, second = tickets_in(client.get("/queue").text)[:2]
    for _ in range(2):
        answer = send(client, [first, second], action="assign", assignee="  B.  Ito ")
        assert (answer.status_code, answer.headers["location"]) == (303, "/queue?sort=due")
    assert [(mark.kind, mark.text) for mark in desk.store.marks.since(0)[1]] == [(ASSIGNED, "B. Ito")] * 2
    (entry,) = [one.change for one in desk.store.audit.read() if one.change.action == "tickets assigned"]
    assert (entry.subject, entry.actor) == ("2 tickets", "this machine")
    assert entry.after == {"tickets": [first, second]}
    assert "Ito" not in str(desk.store.audit.read())  # the audit log cannot be erased, the marks can
    page = client.get("/queue").text
    assert page.count("→ <bdi>B. Ito</bdi>") == 2
    assert len(desk.store.ticket_events()) == len(random_events(30))  # no event of the ticket


def test_a_snoozed_ticket_is_hidden_counted_and_comes_back(desk: StoredDesk, client: TestClient) -> None:
    before = client.get("/queue")
    (ticket, *others) = tickets_in(before.text)
    choice = next(one for one in snooze_choices(AT, "UTC") if one.until_at)
    assert send(client, [ticket], action="snooze", until=choice.value).status_code == 303
    after = client.get("/queue")
    assert tickets_in(after.text) == others
    assert after.headers["etag"] != before.headers["etag"]
    snoozed = client.get("/queue?view=snoozed").text
    assert tickets_in(snoozed) == [ticket]
    assert "snoozed until" in snoozed
    listed = list(csv.DictReader(io.StringIO(client.get("/queue.csv").text.lstrip("\ufeff"))))
    assert [line["ticket_id"] for line in listed] == others  # exactly what is shown
    assert send(client, [ticket], action="wake").status_code == 303
    assert tickets_in(client.get("/queue").text) == [ticket, *others]


def test_nothing_is_marked_unless_all_of_it_can_be(desk: StoredDesk, client: TestClient) -> None:
    ticket = tickets_in(client.get("/queue").text)[0]
    far = (AT + timedelta(days=400)).isoformat()
    for status, tickets, fields in [
        (409, [ticket, "GONE"], {"action": "seen"}),
        (422, [], {"action": "seen"}),
        (422, [ticket], {"action": "dance"}),
        (422, [ticket], {"action": "assign", "assignee": "  "}),
        (422, [ticket], {"action": "assign", "assignee": "a\x07b"}),
        (422, [ticket], {"action": "snooze", "until": "soon"}),
        (422, [ticket], {"action": "snooze", "until": "2016-05-01T00:00:00"}),
        (422, [ticket], {"action": "snooze", "until": far}),
        (422, [ticket], {"action": "snooze", "until": "date"}),
        (422, [ticket], {"action": "snooze", "until": "date", "until_date": "5 May"}),
        (422, [ticket], {"action": "snooze", "until": "date", "until_date": AT.date().isoformat()}),
        (422, [ticket], {"action": "snooze", "until": "date", "until_date": far[:10]}),
        (422, [f"T{number}" for number in range(1200)], {"action": "seen"}),
    ]:
        answer = send(client, tickets, **fields)
        assert answer.status_code == status, fields
        assert "<h1>" in answer.text
    assert desk.store.marks.since(0) == (0, [])
    elsewhere = client.post("/queue/marks", data={"ticket": ticket, "action": "seen", "next": "//evil.example"})
    assert elsewhere.headers["location"] == "/queue"


def test_a_reader_sees_no_boxes_and_may_not_mark_nor_may_a_form_without_its_token(desk: StoredDesk) -> None:
    desk.add_keys()
    reader, dispatcher = logged_in(desk, Role.READER), logged_in(desk, Role.DISPATCHER)
    page = dispatcher.get("/queue", headers=HTML).text
    ticket, csrf = tickets_in(page)[0], field(page, "csrf")
    assert 'name="ticket"' in page
    assert 'name="ticket"' not in reader.get("/queue", headers=HTML).text
    mine = {"ticket": ticket, "action": "seen", "next": "/queue"}
    token = field(reader.get("/queue", headers=HTML).text, "csrf")
    assert reader.post("/queue/marks", data={**mine, "csrf": token}).status_code == 403
    assert dispatcher.post("/queue/marks", data=mine).status_code == 403
    assert dispatcher.post("/queue/marks", data={**mine, "csrf": csrf}).status_code == 303
    assert 'class="noted">seen' in dispatcher.get("/queue", headers=HTML).text
    assert 'class="noted">seen' not in logged_in(desk, Role.ADMIN).get("/queue", headers=HTML).text  # a person's own
    given = {**mine, "action": "assign", "assignee": "dispatcher", "csrf": csrf}
    assert dispatcher.post("/queue/marks", data=given).status_code == 303
    assert tickets_in(dispatcher.get("/queue?view=mine", headers=HTML).text) == [ticket]


def test_a_view_is_saved_shown_and_given_up(client: TestClient) -> None:
    asked = {"name": "Due  first", "query": "view=at_risk&sort=due", "action": "save", "next": "/queue"}
    assert client.post("/queue/views", data=asked).status_code == 303
    page = client.get("/queue").text
    assert 'href="/queue?view=at_risk&amp;sort=due"' in page
    assert "Due first</a>" in page
    assert client.post("/queue/views", data={**asked, "action": "drop"}).status_code == 303
    assert "Due first</a>" not in client.get("/queue").text
    assert client.post("/queue/views", data={**asked, "name": " "}, headers=HTML).status_code == 422


def test_two_keys_of_one_name_for_different_teams_both_see_what_is_snoozed(desk: StoredDesk) -> None:
    desk.add_keys()
    desk.client(Role.ADMIN).post("/api/v1/events", json=[event(1, team="East"), event(2, team="West")])
    desk.service.ticker.step()
    clients = {}
    for team, prefix in (("East", "eastern2"), ("West", "western2")):
        token = Token(prefix, TOKENS[Role.READER].secret)
        desk.add_key(token, HASHES[Role.READER], name="Ada", role="dispatcher", teams=(team,))
        clients[team] = desk.client(token=token.text)
        assert len(tickets_in(clients[team].get("/queue", headers=HTML).text)) == 1
    assert send(clients["West"], ["N2"], action="snooze", until="news").status_code == 303
    assert tickets_in(clients["East"].get("/queue", headers=HTML).text) == ["N1"]
    assert tickets_in(clients["West"].get("/queue", headers=HTML).text) == []
    assert tickets_in(clients["West"].get("/queue?view=snoozed", headers=HTML).text) == ["N2"]


def test_without_its_store_the_queue_stands_with_the_marks_that_were_known(
    desk: StoredDesk, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ticket, *others) = tickets_in(client.get("/queue").text)
    send(client, [ticket], action="snooze", until="news")

    def gone(*_args: object) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(type(desk.store.marks), "since", gone)
    monkeypatch.setattr(type(desk.store.saved_views), "of", gone)
    monkeypatch.setattr("serving.web.mark_book.LOOK_AGAIN_SECONDS", 0.0)
    page = client.get("/queue")
    assert (page.status_code, tickets_in(page.text)) == (200, others)
    assert tickets_in(client.get("/queue?view=snoozed").text) == [ticket]
    assert client.get(f"/tickets/{ticket}").status_code == 200


@pytest.fixture(scope="module")
def live() -> Queue:
    return Scorer(ListStore(random_events(120, seed=7)), agreements(), None).score(AT)


def test_views_of_columns_are_those_of_rows(live: Queue) -> None:
    rows = tuple(live.rows)
    names = [found.ticket_id for found in rows]
    owner = next(found.assignee for found in rows if found.assignee)
    desk = Desk(frozenset(names[:4]), frozenset(names[2:9]), frozenset(names[9:14]), frozenset(names[2:14]), owner)
    assert isinstance(live.rows, ScoredRows)
    for view in PageView:
        assert tuple(part_of(live.rows, view, desk)) == tuple(part_of(rows, view, desk))
        assert list(part_of(rows, view, desk)) == [found for found in rows if holds(found, view, desk)]
    counts = counts_of(live.rows, PageView, desk)
    assert counts == counts_of(rows, PageView, desk)
    half = live.rows.where(np.arange(len(live.rows.scored.risk)) % 2 == 0)
    assert counts_of(half, PageView, desk) == counts_of(tuple(half), PageView, desk) != counts
    assert counts[PageView.ALL] + counts[PageView.SNOOZED] == len(rows)
    assert min(counts.values()) > 0


class ListedMarks:
    """A store that knows these marks."""

    def __init__(self, *found: Mark) -> None:
        self.marks, self.found = self, list(found)

    def since(self, number: int) -> tuple[int, list[Mark]]:
        return len(self.found), self.found[number:]


def snooze(found: QueueRow, hours: float | None) -> Mark:
    until = None if hours is None else NOW + timedelta(hours=hours)
    return Mark(
        ticket_id=found.ticket_id, kind=SNOOZED, made_by="Ada", made_at=NOW, until_at=until, text=state_of(found)
    )


@pytest.mark.parametrize(
    ("change", "is_hidden"),
    [({}, True), ({"title": "new"}, True), ({"status": "waiting"}, False), ({"priority": "1"}, False), ({"assignee": "B"}, False), ({"last_contact_at": NOW}, False), ({"risk": Risk.BREACHED}, False), ({"risk": Risk.HIGH_RISK}, True)],
)  # fmt: skip
@pytest.mark.parametrize("hours", [None, 4.0])
def test_a_snooze_ends_with_news_of_the_ticket(change: dict[str, object], is_hidden: bool, hours: float | None) -> None:
    found = row("INC1", status="open", priority="3")
    book = MarkBook(ListedMarks(snooze(found, hours)))  # type: ignore[arg-type]
    book.look()
    later = replace(found, **change)
    assert book.desk(queue_of([later]), "Ada").snoozed == ({"INC1"} if is_hidden else set())
    assert book.desk(queue_of([later]), "Bo").snoozed == set()


def test_a_snooze_ends_with_its_time() -> None:
    found = row("INC1")
    book = MarkBook(ListedMarks(snooze(found, 4)))  # type: ignore[arg-type]
    book.look()
    for hours, is_hidden in ((3.9, True), (4, False), (5, False)):
        queue = queue_of([found], as_of=NOW + timedelta(hours=hours))
        assert book.desk(queue, "Ada").snoozed == ({"INC1"} if is_hidden else set())


def test_snoozes_are_offered_by_the_desks_mornings() -> None:
    friday = NOW + timedelta(days=3)
    found = {choice.words: choice.until_at for choice in snooze_choices(friday, "Europe/Berlin")}
    monday = found["Monday 08:00"]
    assert monday is not None
    assert (monday.isoformat(), found["something happens"]) == ("2016-05-23T06:00:00+00:00", None)
    assert found["tomorrow 08:00"] < monday  # type: ignore[operator]


def test_a_snooze_until_a_date_ends_at_the_desks_morning_of_it(desk: StoredDesk, client: TestClient) -> None:
    (ticket, *others) = tickets_in(client.get("/queue").text)
    first, last = snooze_dates(AT, "Europe/Berlin")
    for day in (first, last, date(2024, 4, 10)):
        assert send(client, [ticket], action="snooze", until="date", until_date=day.isoformat()).status_code == 303
        assert tickets_in(client.get("/queue").text) == others
    mark = desk.store.marks.since(0)[1][-1]
    assert mark.until_at == datetime(2024, 4, 10, 6, tzinfo=UTC)  # 08:00 in Berlin, in summer
    assert first == date(2024, 4, 4)


def test_pills_count_under_the_filters_of_the_page(desk: StoredDesk, client: TestClient) -> None:
    queue = desk.service.queue()[0]
    team = next(found.team for found in queue.rows if found.team)
    page = client.get("/queue", params={"team": team}).text
    shown = dict(re.findall(r'id="view-(\w+)".*?<span class="count">(\d+)</span>', page))
    assert int(shown["all"]) == sum(found.team == team for found in queue.rows)
    assert int(shown["unassigned"]) == sum(found.team == team and not found.assignee for found in queue.rows)
    assert set(shown) == {"all", "at_risk", "breached", "unassigned", "paused"}  # this machine is no person


def test_a_busy_desk_has_something_in_every_view() -> None:
    counts = counts_of(busy_desk(200).rows, [view for view in PageView if view not in (PageView.MINE, PageView.SNOOZED)], Desk())  # fmt: skip
    assert min(counts.values()) > 0
