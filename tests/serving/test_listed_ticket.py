"""A ticket's file as the queue has it: the row of the list, and all else as read from the events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from html import escape

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event as engine_event
from sqlalchemy.engine import Engine

from serving.listed_ticket import listed_ticket
from serving.queue import Queue, QueueRow
from serving.scorer import Scorer
from serving.ticket_file import TicketFile
from serving.wording import percent
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AT, ListStore, agreements, fitted_bundle, random_events
from tests.serving.stored_desk import Desk, event

EVENTS = random_events(60)
BUNDLE = fitted_bundle(EVENTS)


def asked_anew(scorer: Scorer, ticket_id: str, queue: Queue) -> TicketFile:
    found = scorer.ticket(ticket_id, queue.as_of)
    assert found is not None
    return found


def without_estimate(row: QueueRow) -> QueueRow:
    blank = {"group": row.group, "why_here": "", "risk": row.rules_risk, "reasons": ()}
    return replace(row, probability=None, bundle_version=None, **blank)


def rounded(found: TicketFile) -> TicketFile:
    """The file without the last digits, which depend on what else was asked about at once."""
    row = found.row and replace(found.row, probability=found.row.probability and round(found.row.probability, 12))
    reasons = tuple(replace(one, contribution=one.contribution and round(one.contribution, 9)) for one in found.reasons)
    return replace(found, row=row, reasons=reasons, likely_end=None)


def test_it_is_the_file_that_is_read_from_the_events_with_the_row_of_the_list() -> None:
    scorer = Scorer(ListStore(EVENTS), agreements(), BUNDLE)
    queue = scorer.score(AT)
    estimated = 0
    for ticket_id, row in by_ticket(queue).items():
        found, anew = listed_ticket(queue, ticket_id), asked_anew(scorer, ticket_id, queue)
        assert found is not None
        assert found.row == row
        assert rounded(found) == rounded(anew)
        assert (found.likely_end is None) == (anew.likely_end is None)
        estimated += any(reason.contribution for reason in found.reasons)
    assert estimated


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(1, len(EVENTS)), st.integers(0, 90)), min_size=1, max_size=4))
def test_after_any_news_it_is_that_of_the_newest_queue(steps: list[tuple[int, int]]) -> None:
    """Also where the bundle was not asked again: its words are those of the list, the clocks and events those of now."""
    store, at = ListStore(EVENTS), AT
    store.visible = 1
    scorer = Scorer(store, agreements(), BUNDLE)
    scorer.read_news()
    scorer.score(at)
    for visible, minutes in steps:
        store.visible, at = max(store.visible, visible), at + timedelta(minutes=minutes)
        scorer.read_news()
        queue = scorer.refresh(at)
        for ticket_id, row in list(by_ticket(queue).items())[:8]:
            found, anew = listed_ticket(queue, ticket_id), asked_anew(scorer, ticket_id, queue)
            assert found is not None
            assert found.row == row
            assert anew.row is not None
            assert without_estimate(found.row) == replace(
                without_estimate(anew.row),
                **{
                    name: getattr(row, name)
                    for name in ("group", "gain_per_minute", "late_if_taken_now", "work_minutes", "rank_in_team")
                },
            )
            told = ("as_of", "zone", "facts", "clocks", "events", "bundle_version", "rules_only_reason", "warnings")
            assert [getattr(found, name) for name in told] == [getattr(anew, name) for name in told]


def test_another_model_speaks_once_the_queue_is_scored_by_it() -> None:
    scorer = Scorer(ListStore(EVENTS), agreements(), BUNDLE)
    before = scorer.score(AT)
    ticket_id = next(row.ticket_id for row in before.rows if row.probability is not None)
    scorer.use(fitted_bundle(EVENTS, "breach v2"))
    kept = listed_ticket(before, ticket_id)
    told = listed_ticket(scorer.score(AT), ticket_id)
    assert kept is not None
    assert told is not None
    assert (kept.bundle_version, told.bundle_version) == ("breach v1", "breach v2")


def test_what_the_model_never_saw_is_said() -> None:
    manifest = BUNDLE.manifest.model_copy(update={"seen": {"team": ("Elsewhere",)}})
    scorer = Scorer(ListStore(EVENTS), agreements(), replace(BUNDLE, manifest=manifest))
    queue = scorer.score(AT)
    row = next(row for row in queue.rows if row.team)
    found = listed_ticket(queue, row.ticket_id)
    assert found is not None
    assert found.warnings == asked_anew(scorer, row.ticket_id, queue).warnings
    assert len(found.warnings) == 1


def test_what_is_finished_or_unknown_and_what_the_rules_alone_order_is_not_told_here() -> None:
    scorer = Scorer(ListStore(EVENTS), agreements(), BUNDLE)
    queue = scorer.score(AT)
    finished = next(name for name in EVENTS.ticket_id.unique() if queue.find(str(name)) is None)
    assert listed_ticket(queue, str(finished)) is None
    assert listed_ticket(queue, "unknown") is None
    scorer.use(None)
    bare = scorer.score(AT)
    assert listed_ticket(bare, bare.rows[0].ticket_id) is None


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that a database is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        asked.append(statement)

    engine_event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        engine_event.remove(engine, "before_cursor_execute", note)


def of_the_ticket(asked: list[str]) -> list[str]:
    """The statements without those that are asked every few seconds, whoever comes: which keys and marks there are."""
    return [one for one in asked if one != "BEGIN" and "FROM access_keys" not in one and "FROM marks" not in one]


def test_page_answer_and_list_agree_ask_the_database_hardly_anything_and_tell_of_news(desk: Desk) -> None:
    scorer, client = desk.service.source, desk.client()
    scorer.use(fitted_bundle(random_events(30)), "")  # type: ignore[attr-defined]
    desk.service.ticker._next_tick = 0.0
    assert desk.service.ticker.step()
    listed = client.get("/api/v1/queue").json()["tickets"]
    row = next(one for one in listed if one["probability"] is not None)
    path = f"/tickets/{row['ticket_id']}"
    client.get(path, headers={"Accept": "text/html"})  # marks are read about once a second
    with statements(desk.store._engine) as asked:
        page = client.get(f"{path}?again=1", headers={"Accept": "text/html"})
    assert page.status_code == 200
    told = of_the_ticket(asked)
    assert len(told) == 1, told
    assert "FROM predictions" in told[0]
    with statements(desk.store._engine) as asked:
        answer = client.get(f"/api/v1{path}").json()
    assert of_the_ticket(asked) == []
    likely_end = row.pop("likely_end")
    assert answer["score"] == row
    assert answer["likely_end"] == likely_end
    assert f'<span class="number">{escape(percent(row["probability"]))}</span>' in page.text

    changed = event(1, ticket_id=row["ticket_id"], kind="assigned", assignee="Nobody Else")
    assert client.post("/api/v1/events", json=changed).status_code == 201
    assert desk.service.ticker.step()
    assert client.get(f"/api/v1{path}").json()["facts"]["assignee"] == "Nobody Else"
    assert "Nobody Else" in client.get(path, headers={"Accept": "text/html"}).text
