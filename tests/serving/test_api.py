"""The HTTP interface, docs/api.md."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from serving import kept_pages
from serving.api import queue
from serving.queue import QueueRow
from tests.serving.builders import FixedSource, busy_desk, client_of, clock, is_problem, queue_of, row, service_over
from tests.serving.desk_pages import DESK

ROOT = Path(__file__).resolve().parents[2]


def test_the_queue_is_listed_in_the_suggested_order_with_counts(client: TestClient) -> None:
    found = client.get("/api/v1/queue?limit=1000").json()
    assert [ticket["ticket_id"] for ticket in found["tickets"]] == [item.ticket_id for item in DESK.rows]
    assert found["counts"]["late_or_lost"] == DESK.counts.late_or_lost
    assert found["bundle_version"] == "breach v7"
    assert found["rules_only_reason"] is None
    assert found["next_cursor"] is None


def test_pages_by_cursor_walk_the_filtered_list(client: TestClient) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        found = client.get(f"/api/v1/queue?team=Network&team=Workplace&limit=7{cursor}").json()
        seen += [ticket["ticket_id"] for ticket in found["tickets"]]
        if not found["next_cursor"]:
            break
        cursor = f"&cursor={found['next_cursor']}"
    assert seen == [item.ticket_id for item in DESK.rows if item.team in ("Network", "Workplace")]
    assert found["total"] == len(seen)


@pytest.mark.parametrize(
    ("query", "keeps"),
    [
        ("group=late_or_lost", lambda item: item.group == "late_or_lost"),
        ("view=paused", lambda item: "paused" in item.risk),
        ("risk=high_risk&risk=breached", lambda item: item.risk in ("high_risk", "breached")),
        ("priority=1&service=Mail", lambda item: item.priority == "1" and item.service == "Mail"),
        ("status=waiting&assignee=", lambda item: item.status == "waiting" and not item.assignee),
        (f"customer={DESK.rows[3].customer}", lambda item: item.customer == DESK.rows[3].customer),
        ("status=waiting", lambda item: item.status == "waiting"),
        ("text=laptop+monday", lambda item: "laptop" in item.title),
    ],
)
def test_filters_keep_exactly_what_they_say(client: TestClient, query: str, keeps: Any) -> None:
    found = client.get(f"/api/v1/queue?limit=1000&{query}").json()["tickets"]
    assert {ticket["ticket_id"] for ticket in found} == {item.ticket_id for item in DESK.rows if keeps(item)}


def test_the_csv_and_the_list_understand_the_same_filters(client: TestClient) -> None:
    spec = client.get("/api/v1/openapi.json").json()["paths"]
    listed, as_csv = (
        {one["name"] for one in spec[f"/api/v1/{name}"]["get"]["parameters"]} for name in ("queue", "queue.csv")
    )
    assert listed - as_csv == {"limit", "cursor"}
    assert as_csv <= listed


def test_risk_sorts_with_the_highest_first_and_due_with_the_soonest(client: TestClient) -> None:
    by_due = [ticket["due_at"] for ticket in client.get("/api/v1/queue?sort=due&limit=1000").json()["tickets"]]
    assert by_due == sorted(by_due)
    worst = client.get("/api/v1/queue?sort=risk&limit=1").json()["tickets"][0]
    assert worst["risk"] == "breached"


def test_nothing_is_sent_again_while_nothing_changed(client: TestClient, source: FixedSource) -> None:
    for path in ("/api/v1/queue?limit=5", f"/api/v1/tickets/{DESK.rows[0].ticket_id}", "/queue?q=mail"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    other = {"If-None-Match": client.get("/api/v1/queue?limit=5").headers["etag"]}
    assert client.get("/api/v1/queue?limit=6", headers=other).status_code == 200
    tag = client.get("/api/v1/queue").headers["etag"]
    source.queue, source.has_news = queue_of([row()], last_sequence=9), True
    client.app.state.service.ticker.step()  # type: ignore[attr-defined]
    assert client.get("/api/v1/queue", headers={"If-None-Match": tag}).status_code == 200


def test_a_page_is_put_into_words_once_for_a_queue_however_many_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = client_of(service_over(FixedSource(busy_desk(20))))
    worded: list[str] = []
    written = queue.row_document

    def counting(row: QueueRow) -> dict[str, Any]:
        worded.append(row.ticket_id)
        return written(row)

    monkeypatch.setattr(queue, "row_document", counting)
    paths = ("/api/v1/queue?limit=3", "/api/v1/queue?limit=3&view=late_or_lost", "/api/v1/queue?limit=2")
    first = [client.get(path).json() for path in paths]
    rows = len(worded)
    assert rows == sum(len(page["tickets"]) for page in first)
    again = [client.get(path).json() for path in paths]
    assert len(worded) == rows
    ages = [
        (one.pop("scored_seconds_ago"), other.pop("scored_seconds_ago"))
        for one, other in zip(first, again, strict=True)
    ]
    assert again == first
    assert all(then < now for then, now in ages)  # how old it is stays true
    cursor = first[0]["next_cursor"]
    assert client.get(f"/api/v1/queue?limit=3&cursor={cursor}").json()["tickets"] != first[0]["tickets"]


def test_few_and_small_pages_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    service = service_over(FixedSource(busy_desk(20)))
    client, kept = client_of(service), service.pages
    monkeypatch.setattr(kept_pages, "LARGEST_PAGE", len(client.get("/api/v1/queue?limit=2").content))
    kept.clear()
    client.get("/api/v1/queue?limit=9")
    assert not len(kept)
    monkeypatch.setattr(kept_pages, "MOST_PAGES", 2)
    for path in ("/api/v1/queue?limit=1", "/api/v1/queue?limit=2", "/api/v1/queue?limit=1&text=x"):
        assert client.get(path).status_code == 200
    assert len(kept) == 2


def test_a_ticket_has_its_clocks_events_score_and_reasons(client: TestClient) -> None:
    expected = DESK.rows[0]
    found = client.get(f"/api/v1/tickets/{expected.ticket_id}").json()
    assert found["is_open"] is True
    assert found["score"]["probability"] == pytest.approx(expected.probability, abs=1e-4)
    assert found["clocks"][0]["trace"][-1]["doing"] == "due"
    assert [event["kind"] for event in found["events"]] == ["created", "status", "status"]
    assert [reason["text"] for reason in found["reasons"]] == list(expected.reasons)


def test_the_answers_keep_to_the_schema_they_publish(client: TestClient) -> None:
    from serving.api.schemas import QueuePage, Readiness, TicketOut

    QueuePage.model_validate(client.get("/api/v1/queue").json(), extra="forbid")
    TicketOut.model_validate(client.get(f"/api/v1/tickets/{DESK.rows[0].ticket_id}").json(), extra="forbid")
    Readiness.model_validate(client.get("/readyz").json(), extra="forbid")


def test_a_ticket_id_may_hold_anything(source: FixedSource) -> None:
    for name in ("a/b c", "ü?#%", "../x"):
        source.queue = queue_of([row(name, clock=clock(3))])
        client = client_of(service_over(source))
        from serving.web.frame import ticket_url

        assert client.get("/api/v1" + ticket_url(name)).json()["ticket_id"] == name
        page = client.get("/queue").text
        assert f'href="{ticket_url(name)}"' in page
        assert client.get(ticket_url(name)).status_code == 200


def test_csv_holds_exactly_the_filtered_list(client: TestClient) -> None:
    answer = client.get("/api/v1/queue.csv?view=late_or_lost&team=Network")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="queue-20160517T0604Z.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [found["ticket_id"] for found in rows] == [
        item.ticket_id for item in DESK.rows if item.team == "Network" and item.group == "late_or_lost"
    ]


@pytest.mark.parametrize("path", ["/api/v1/tickets/none", "/api/v1/nothing", "/nothing"])
def test_what_is_not_there_is_a_problem_404(client: TestClient, path: str) -> None:
    assert is_problem(client.get(path), 404)["instance"] == path


def test_a_wrong_method_is_a_problem_405(client: TestClient) -> None:
    assert "DELETE" in is_problem(client.delete("/api/v1/queue"), 405)["detail"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("risk=bad", "risk"),
        ("sort=age", "sort"),
        ("cursor=zzz", "cursor"),
        ("group=all", "group"),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient, query: str, pointer: str) -> None:
    faults = is_problem(client.get(f"/api/v1/queue?{query}"), 422)["errors"]
    assert pointer in {fault["pointer"] for fault in faults} or pointer == "risk"
    assert all(fault["detail"] for fault in faults)


def _examples(document: dict[str, Any], content: dict[str, Any]) -> list[Any]:
    schema = content.get("schema", {})
    resolved = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    named = [one["value"] for one in content.get("examples", {}).values()]
    return [*named, *resolved.get("examples", []), *([content["example"]] if "example" in content else [])]


@pytest.mark.parametrize("at", ["0066-01-15T15:26:52Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z"])
def test_instants_outside_of_all_calendars_are_refused(client: TestClient, at: str) -> None:
    body = {"as_of": at, "tickets": [{"ticket_id": "A", "events": [{"event_at": at, "recorded_at": at}]}]}
    problem = is_problem(client.post("/api/v1/score", json=body), 422)
    assert len(problem["errors"]) == 3
    assert "between 1970 and 2099" in problem["errors"][0]["detail"]


def test_every_operation_shows_what_is_sent_and_answered_and_the_examples_keep_to_their_schemas(
    client: TestClient,
) -> None:
    document = client.get("/api/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
            bodies = [operation["requestBody"]] if "requestBody" in operation else []
            for part in (*answers, *bodies):
                for content in part["content"].values():
                    examples = _examples(document, content)
                    assert examples, (method, path)
                    for example in examples:
                        whole = {**content["schema"], "components": document["components"]}
                        Draft202012Validator(whole).validate(example)


def test_every_path_is_documented(client: TestClient) -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    spec = client.get("/api/v1/openapi.json").json()
    for path, methods in spec["paths"].items():
        name = re.sub(r"{\w+_id}", "{id}", path)
        for method in methods:
            assert f"{method.upper()} {name}" in text or (method == "get" and name in text), (
                f"{method} {path} is not in docs/api.md"
            )
    assert spec["components"]["schemas"]["ScoreIn"]["examples"]
