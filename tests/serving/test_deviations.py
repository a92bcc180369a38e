"""Missed targets with cause, action, owner and due day: who may write them, what holds, what is pressing, and that text is text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect

from features.store.deviation_notes import DeviationNote, DeviationNotes
from features.store.faults import StoreError
from serving.access.roles import Role
from serving.deviations import Deviation, DeviationState, pressing_first, state_of
from tests.serving.browser import served, visit
from tests.serving.builders import is_problem
from tests.serving.real_desk import AT
from tests.serving.stored_desk import HASHES_NOWHERE, NOWHERE, Desk, field, logged_in

TODAY = AT.date()
MISSED = {"ticket_id": "T003", "target": "resolution"}
LATER = str(TODAY + timedelta(days=30))
HOSTILE = "<script>alert(1)</script> {{7*7}} \u202eevil"
NOTE = DeviationNote(**MISSED, made_by="Mara", made_at=AT)


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "unexplained"),
        ({"cause": "no part"}, "noted"),
        ({"owner": "Bo"}, "noted"),
        ({"action": "order"}, "open"),
        ({"due_on": TODAY}, "open"),
        ({"action": "order", "due_on": TODAY - timedelta(days=1)}, "overdue"),
        ({"action": "order", "due_on": TODAY - timedelta(days=1), "is_done": True}, "done"),
    ],
)
def test_a_deviation_is_as_far_as_its_note_says(changed: dict[str, Any], state: str) -> None:
    assert state_of(replace(NOTE, **changed), TODAY) == state


def test_nothing_written_is_no_cause_yet() -> None:
    assert state_of(None, TODAY) is DeviationState.UNEXPLAINED


def _deviation(place: int, due_in: int | None, action: str, is_done: bool) -> Deviation:
    due_on = None if due_in is None else TODAY + timedelta(days=due_in)
    note = replace(NOTE, ticket_id=str(place), action=action, due_on=due_on, is_done=is_done)
    return Deviation(str(place), "resolution", "A", AT, 1.2, 60.0, "", "", "", "", note, state_of(note, TODAY))


@given(st.lists(st.tuples(st.none() | st.integers(-5, 5), st.sampled_from(["", "act"]), st.booleans()), max_size=12))
def test_what_is_overdue_comes_first_then_what_is_open_by_its_day_and_the_rest_as_it_was(
    wanted: list[tuple[int | None, str, bool]],
) -> None:
    given_order = [_deviation(place, *one) for place, one in enumerate(wanted)]

    def day(one: Deviation) -> date:
        return (one.note.due_on if one.note else None) or date.max

    late = sorted((one for one in given_order if one.state is DeviationState.OVERDUE), key=day)
    to_do = sorted((one for one in given_order if one.state is DeviationState.OPEN), key=day)
    rest = [one for one in given_order if one not in late and one not in to_do]
    assert pressing_first(given_order) == late + to_do + rest


@pytest.fixture
def keyed(desk: Desk) -> Desk:
    desk.add_keys()
    return desk


def test_a_manager_writes_and_all_who_see_the_ticket_read_it_with_what_was_said_before(keyed: Desk) -> None:
    manager, reader = keyed.client(Role.MANAGER), keyed.client(Role.READER)
    first = {**MISSED, "cause": "no part in stock"}
    second = {**first, "action": " keep two ", "owner": "M. Berg", "due_on": str(TODAY - timedelta(days=1))}
    assert manager.post("/api/v1/deviations", json=first).json() == {"is_new": True}
    assert manager.post("/api/v1/deviations", json=second).json() == {"is_new": True}
    assert manager.post("/api/v1/deviations", json=second).json() == {"is_new": False}
    found = reader.get("/api/v1/deviations").json()
    top = found["deviations"][0]  # what is overdue stands before what is worse
    assert (top["ticket_id"], top["state"], top["note"]["action"]) == ("T003", "overdue", "keep two")
    assert found["total"] == len(found["deviations"]) > 5
    assert {one["state"] for one in found["deviations"][1:]} == {"unexplained"}
    history = reader.get("/api/v1/deviations/history", params=MISSED).json()
    assert [note["action"] for note in history] == ["", "keep two"]
    only = reader.get("/api/v1/deviations?state=overdue&limit=1").json()
    assert [one["ticket_id"] for one in only["deviations"]] == ["T003"]
    assert only["total"] == 1
    audit = [entry.change for entry in keyed.store.audit.read(action="deviation noted")]
    assert [change.subject for change in audit] == ["T003", "T003"]
    assert audit[0].after is not None
    assert "action" in audit[0].after["written"]
    assert "keep two" not in str(audit)  # the audit log cannot be erased, the register can


def test_what_was_not_missed_or_is_not_ones_own_cannot_be_written_about_or_read(keyed: Desk) -> None:
    keyed.add_key(NOWHERE, HASHES_NOWHERE, role="manager", teams=("nowhere",))
    manager, stranger = keyed.client(Role.MANAGER), keyed.client(token=NOWHERE.text)
    for client, body in ((manager, {**MISSED, "target": "first_response"}), (manager, {**MISSED, "ticket_id": "T404"}), (stranger, MISSED)):  # fmt: skip
        is_problem(client.post("/api/v1/deviations", json={**body, "cause": "x"}), 404)
        is_problem(client.get("/api/v1/deviations/history", params=body), 404)
    assert stranger.get("/api/v1/deviations").json()["deviations"] == []
    manager.post("/api/v1/deviations", json={**MISSED, "action": "SECRET", "due_on": "2016-01-01"})
    assert "SECRET" not in stranger.get("/levels").text
    for wrong in ({"cause": "x" * 2001}, {"due_on": "soon"}, {"owner": "x" * 101}, {"cause": "\0"}, {"why": "x"}):
        is_problem(manager.post("/api/v1/deviations", json={**MISSED, **wrong}), 422)
    is_problem(manager.get("/api/v1/deviations?month=May"), 422)


def test_the_csv_of_the_deviations_has_what_was_written_and_runs_nothing(keyed: Desk) -> None:
    manager = keyed.client(Role.MANAGER)
    manager.post("/api/v1/deviations", json={**MISSED, "cause": "=cmd()", "due_on": LATER, "owner": "Bo"})
    lines = list(csv.DictReader(io.StringIO(manager.get("/levels.csv?of=deviations").text.lstrip("\ufeff"))))
    noted = next(line for line in lines if line["ticket_id"] == "T003" and line["target"] == "resolution")
    assert (noted["state"], noted["due_on"], noted["owner"]) == ("open", LATER, "Bo")
    assert noted["cause"] == "'=cmd()"
    assert {line["state"] for line in lines if line["ticket_id"] != "T003"} == {"unexplained"}


def test_a_reader_sees_what_was_written_and_no_way_to_write(keyed: Desk) -> None:
    keyed.client(Role.MANAGER).post("/api/v1/deviations", json={**MISSED, "cause": "no part", "action": "order"})
    reader = logged_in(keyed, Role.READER, "/levels")
    held = reader.get("/levels").headers["etag"]
    page = reader.get("/levels?note=T003&target=resolution").text
    assert "no part" in page
    assert 'action="/levels/deviations"' not in page
    assert ">write<" not in page
    keyed.client(Role.MANAGER).post("/api/v1/deviations", json={**MISSED, "cause": "other"})
    assert reader.get("/levels", headers={"If-None-Match": held}).status_code == 200  # no old page after news
    csrf = field(reader.get("/queue").text, "csrf")
    refused = reader.post("/levels/deviations", data={**MISSED, "cause": "mine", "csrf": csrf})
    assert refused.status_code == 403


OVERDUE = {**MISSED, "cause": "no part", "action": "order", "due_on": "2016-01-01"}


@pytest.mark.parametrize("unread", ["holding", "history"])
def test_notes_that_cannot_be_read_are_never_told_as_none(
    keyed: Desk, monkeypatch: pytest.MonkeyPatch, unread: str
) -> None:
    """What is overdue would pass for unexplained, and whoever writes would write over what was said before."""
    manager = logged_in(keyed, Role.MANAGER, "/levels")
    keyed.client(Role.MANAGER).post("/api/v1/deviations", json=OVERDUE)
    whole = manager.get("/levels?note=T003&target=resolution")

    def away(*_parts: object) -> None:
        raise StoreError("the database is away")

    monkeypatch.setattr(DeviationNotes, unread, away)
    page = manager.get("/levels?note=T003&target=resolution")
    assert page.status_code == 200
    assert 'id="unread"' in page.text
    assert "No cause yet" not in page.text
    assert ">write<" not in page.text
    assert 'action="/levels/deviations"' not in page.text
    assert "T003" in page.text  # what was missed is known all the same
    assert page.headers["etag"] != whole.headers["etag"]
    reader = keyed.client(Role.READER)
    paths = {"holding": ["/api/v1/deviations", "/levels.csv?of=deviations"], "history": ["/api/v1/deviations/history?ticket_id=T003&target=resolution"]}  # fmt: skip
    for path in paths[unread]:
        assert "cannot be read at present" in is_problem(reader.get(path), 503)["detail"]
    monkeypatch.undo()
    again = manager.get("/levels?note=T003&target=resolution", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, 'id="unread"' in again.text, "Overdue" in again.text) == (200, False, True)


@pytest.fixture
def address(prepared_desk: Path, tmp_path: Path) -> Iterator[str]:
    found = Desk(prepared_desk, tmp_path, tick_seconds=3600)
    with served(found.app) as at:
        yield at
    found.close()


@pytest.mark.parametrize(("has_script", "month"), [(True, ""), (False, "&month=2001-01")])
def test_a_cause_is_written_on_the_page_which_then_shows_what_is_to_be_done(
    browser: Browser, address: str, has_script: bool, month: str
) -> None:
    link = f"{address}/levels?note=T003&target=resolution{month}"
    with visit(browser, f"{address}/levels", java_script_enabled=has_script) as page:
        page.goto(link)
        page.fill("textarea[name=cause]", HOSTILE)
        page.fill("textarea[name=action]", "keep two\nin stock")
        page.fill("input[name=due_on]", "2016-01-01")
        page.click("form.note button")
        expect(page.locator("#actions-table tbody tr")).to_have_count(1)
        assert page.url.split("#")[0] == link
        told = page.locator("#actions-table").inner_text()
        assert "Overdue" in told
        assert "<script>alert(1)</script> {{7*7}}" in told
        assert page.locator("main script").count() == 0
        assert page.locator("#note .timeline li").count() == 1
        page.click("#note-close")
        expect(page.locator("#note")).to_have_count(0)
        page.go_back()
        expect(page.locator("textarea[name=action]")).to_have_value("keep two\nin stock")
