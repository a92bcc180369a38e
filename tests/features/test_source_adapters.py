"""Change logs of well-known systems: what was so at first, who did it, and what is refused because nobody can know."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.sources.faults import MappingError, SourceError
from features.sources.mapping import parse_mapping
from features.sources.reading import read
from features.sources.result import ImportResult
from tests.features.source_examples import EXAMPLES, EXPORTS, results

Change = Callable[[Any], None]
ROOT = Path(__file__).resolve().parents[2]


def imported(
    folder: Path, name: str, change: Change | None = None, mapping: str = "", lenient: bool = True
) -> ImportResult:
    """The example of an adapter after a change to its (first) file."""
    text = (EXAMPLES / name / EXPORTS[name]).read_text(encoding="utf-8")
    content = [json.loads(line) for line in text.splitlines()] if name == "zendesk" else json.loads(text)
    if change is not None:
        change(content)
    (folder / EXPORTS[name]).write_text(json.dumps(content), encoding="utf-8")
    if name == "servicenow":
        audit = (EXAMPLES / name / "sys_audit.json").read_bytes()
        (folder / "sys_audit.json").write_bytes(audit)
    text = mapping or (EXAMPLES / name / "mapping.yaml").read_text(encoding="utf-8")
    return read(folder / EXPORTS[name], parse_mapping(text + ("rejected_share_limit: 0.9\n" if lenient else "")))


def column(found: ImportResult, name: str, ticket: str) -> list[str | None]:
    values = found.events.loc[found.events["ticket_id"] == ticket, name]
    return [None if pd.isna(value) else value for value in values]


@pytest.mark.parametrize("name", EXPORTS)
def test_an_example_becomes_its_committed_events_and_report(name: str) -> None:
    for file, text in results(name).items():
        assert text == (EXAMPLES / name / file).read_text(encoding="utf-8"), (
            f"python -m tests.features.source_examples writes {file} anew"
        )


@pytest.mark.parametrize(
    ("name", "ticket", "field", "first"),
    [
        ("jira", "DESK-1", "status", "new"),
        ("jira", "DESK-1", "priority", "3"),
        ("jira", "DESK-1", "team", "Service Desk"),
        ("jira", "DESK-1", "assignee", ""),
        ("jira", "DESK-1", "service", "Mail"),
        ("jira", "DESK-1", "category", "Incident"),
        ("servicenow", "INC0010001", "status", "new"),
        ("servicenow", "INC0010001", "team", "Desk"),
        ("servicenow", "INC0010001", "attributes.impact", "3"),
        ("zendesk", "47", "team", "Support"),
        ("zendesk", "47", "service", "accounts"),
        ("zendesk", "47", "priority", ""),
        ("zammad", "22007", "team", "Users"),
        ("zammad", "22007", "assignee", ""),
        ("zammad", "22007", "priority", "2"),
    ],
)
def test_a_creation_knows_only_what_was_so_at_first(
    tmp_path: Path, name: str, ticket: str, field: str, first: str
) -> None:
    assert column(imported(tmp_path, name), field, ticket)[0] == first


@pytest.mark.parametrize("name", ["jira", "servicenow", "zendesk", "zammad"])
def test_replaying_the_changes_ends_at_the_exported_state(tmp_path: Path, name: str) -> None:
    last = imported(tmp_path, name).events.groupby("ticket_id").last()
    expected = {
        "jira": {"status": ["resolved", "new"], "priority": ["2", "4"], "service": ["Mail, Network", ""]},
        "servicenow": {"status": ["resolved", "new"], "priority": ["2", "4"], "team": ["Network", "Desk"]},
        "zendesk": {"status": ["resolved", "new"], "assignee": ["Ben", ""], "service": ["billing", ""]},
        "zammad": {"status": ["closed", "new"], "team": ["Hardware", "Users"], "assignee": ["ben@example.com", ""]},
    }[name]
    assert {field: last[field].tolist() for field in expected} == expected


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("jira", "resolutiondate"),
        ("servicenow", "resolved_at"),
        ("zendesk", "satisfaction_rating.score"),
        ("zammad", "close_at"),
    ],
)
def test_a_field_whose_changes_are_not_logged_is_refused(tmp_path: Path, name: str, field: str) -> None:
    mapping = f"adapter: {name}\ntime_zone: UTC\nattributes: {{odd: {field}}}\n"
    mapping += "file: {beside: sys_audit.json}\n" if name == "servicenow" else ""
    with pytest.raises(SourceError, match=rf"the change log says nothing about '{field}'.*tell the future"):
        imported(tmp_path, name, mapping=mapping)


def test_a_final_field_whose_changes_are_logged_begins_empty(tmp_path: Path) -> None:
    mapping = (EXAMPLES / "servicenow" / "mapping.yaml").read_text(encoding="utf-8").replace("ignore: [close_code]", "")
    found = imported(tmp_path, "servicenow", mapping=mapping.replace("impact: impact", "code: close_code"))
    assert column(found, "attributes.code", "INC0010001") == ["", None, None, None, None, None, "Solved"]


def _cut_changelog(page: Any) -> None:
    page["issues"][0]["changelog"]["total"] = 7


def _no_changelog(page: Any) -> None:
    del page["issues"][0]["changelog"]


def _no_key(page: Any) -> None:
    del page["issues"][0]["key"]


def _no_audit(page: Any) -> None:
    page["result"][1]["sys_mod_count"]["value"] = "3"


def _display_values(page: Any) -> None:
    page["result"][1]["state"] = "In Progress"


def _no_first_audit(pages: Any) -> None:
    del pages[1]["audits"][0]


def _no_audits(pages: Any) -> None:
    del pages[2]["audits"][3]


def _no_creation(tickets: Any) -> None:
    del tickets[0]["history"]["history"][0]


def _no_names(tickets: Any) -> None:
    del tickets[0]["state"]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("jira", _cut_changelog, r"issue DESK-1 \(record 1 of 'issues'\): 'changelog' holds 5 of 7 entries"),
        ("jira", _no_changelog, "issue DESK-1 .*'changelog' missing"),
        ("jira", _no_key, "record 1 of 'issues': 'key' or 'fields' missing"),
        ("servicenow", _no_audit, r"incident INC0010002 \(incident.json, record 2 of 'result'\): 'sys_mod_count' is 3"),
        ("servicenow", _display_values, "INC0010002 .*'state' is 'In Progress'"),
        ("zendesk", _no_first_audit, "ticket 47 .*no audit with Create events"),
        ("zendesk", _no_audits, "ticket 48 .*no audits"),
        ("zammad", _no_creation, "ticket 22007 .*'history' has no such entry"),
        ("zammad", _no_names, "ticket 22007 .*'state' missing"),
    ],
)
def test_a_ticket_whose_beginning_nobody_can_know_is_left_out_whole(
    tmp_path: Path, name: str, change: Change, words: str
) -> None:
    found = imported(tmp_path, name, change)
    assert found.rows_rejected == 1
    assert found.events["ticket_id"].nunique() == 1
    with pytest.raises(SourceError, match=words):
        imported(tmp_path, name, change, lenient=False)


def test_an_issue_exported_twice_counts_as_it_was_last(tmp_path: Path) -> None:
    def earlier_page(page: Any) -> None:
        issue = json.loads(json.dumps(page["issues"][0]))
        issue["fields"] |= {"updated": "2024-03-29T09:16:00.000+0100", "status": {"name": "Open"}, "comment": {}}
        issue["changelog"]["histories"] = issue["changelog"]["histories"][3:]
        issue["changelog"]["total"] = 2
        page["issues"].append(issue)

    assert imported(tmp_path, "jira", earlier_page).events.equals(imported(tmp_path, "jira").events)


@pytest.mark.parametrize("name", ["jira", "zendesk", "zammad"])
def test_an_earlier_export_has_the_same_ids_for_the_same_events(tmp_path: Path, name: str) -> None:
    def earlier(content: Any) -> None:
        if name == "jira":
            log = content["issues"][0]["changelog"]
            log["histories"], log["total"] = log["histories"][1:], 4
            content["issues"][0]["fields"]["status"]["name"] = "In Progress"
        elif name == "zendesk":
            del content[2]["audits"][2]
            content[0]["tickets"][0] |= {
                "status": "open",
                "type": None,
                "custom_fields": [{"id": 360001, "value": "accounts"}],
            }
        else:
            del content[0]["history"]["history"][-1]
            content[0]["state"] = "open"

    full, part = imported(tmp_path, name).events, imported(tmp_path, name, earlier).events
    assert len(part) == len(full) - 1
    pd.testing.assert_frame_equal(full[full["event_id"].isin(part["event_id"])].reset_index(drop=True), part)


def test_who_did_it_is_told_from_the_account(tmp_path: Path) -> None:
    assert column(imported(tmp_path, "jira"), "actor_kind", "DESK-1") == ["customer", *["agent"] * 5, "system", "agent"]
    assert column(imported(tmp_path, "zendesk"), "actor_kind", "47")[3:5] == ["customer", "system"]
    assert column(imported(tmp_path, "servicenow"), "actor_kind", "INC0010001")[3:5] == ["customer", "system"]


def test_public_and_internal_comments_are_told_apart(tmp_path: Path) -> None:
    for name, ticket in (("jira", "DESK-1"), ("zendesk", "47"), ("servicenow", "INC0010001"), ("zammad", "22007")):
        kinds = column(imported(tmp_path, name), "kind", ticket)
        assert {"commented", "noted"} <= set(kinds)


def test_an_article_without_its_record_may_have_been_internal(tmp_path: Path) -> None:
    def history_alone(tickets: Any) -> None:
        del tickets[0]["articles"]
        entry = {"id": 999, "o_id": 102, "related_o_id": 7, "object": "Ticket::Article", "type": "created"}
        tickets[0]["history"]["history"].append({**entry, "created_by_id": 12, "created_at": "2024-03-29T08:30:00Z"})

    kinds = column(imported(tmp_path, "zammad", history_alone), "kind", "22007")
    assert kinds[2] == "updated"
    assert not {"commented", "noted"} & set(kinds)


def test_histories_may_stand_beside_their_tickets(tmp_path: Path) -> None:
    tickets = json.loads((EXAMPLES / "zammad" / "tickets.json").read_text(encoding="utf-8"))
    answers = [ticket.pop("history") for ticket in tickets] + [
        {"articles": ticket.pop("articles")} for ticket in tickets
    ]
    (tmp_path / "tickets.json").write_text("\n".join(map(json.dumps, [*answers, tickets])), encoding="utf-8")
    apart = read(
        tmp_path / "tickets.json", parse_mapping((EXAMPLES / "zammad/mapping.yaml").read_text(encoding="utf-8"))
    )
    pd.testing.assert_frame_equal(apart.events, imported(tmp_path, "zammad").events)


def test_a_state_the_mapping_does_not_know_is_named_with_its_change(tmp_path: Path) -> None:
    mapping = "adapter: jira\ntime_zone: UTC\nstates: {Open: new, In Progress: open, Resolved: resolved}\n"
    with pytest.raises(
        SourceError, match=r"issue DESK-1 .*, change 5, column 'status': 'Waiting for customer' \(1 row\)"
    ):
        imported(tmp_path, "jira", mapping=mapping)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (
            "adapter: jiira\ntime_zone: UTC\n",
            "line 1: adapter: .*'jira', 'servicenow', 'zendesk', 'zammad', 'prometheus' or 'statuspage'",
        ),
        ("adapter: jira\ntime_zone: UTC\nkind: service_events\n", "line 3: adapter jira reads tickets"),
        (
            "columns: {ticket_id: a, event_at: b}\ntime_zone: UTC\nfile: {beside: b.json}\n",
            "beside is only for an adapter",
        ),
        ("adapter: jira\ntime_zone: UTC\nfile: {format: xes}\n", "format: .*reads its own JSON"),
    ],
)
def test_a_mapping_that_misuses_an_adapter_is_refused(mapping: str, words: str) -> None:
    with pytest.raises(MappingError, match=words):
        parse_mapping(mapping, "mapping.yaml")


def test_a_column_of_the_adapter_can_be_left_out_or_replaced(tmp_path: Path) -> None:
    mapping = (EXAMPLES / "jira/mapping.yaml").read_text(encoding="utf-8")
    found = imported(
        tmp_path, "jira", mapping=mapping.replace("columns:", "columns:\n  category: null\n  service: issuetype")
    )
    assert column(found, "category", "DESK-1")[0] is None
    assert column(found, "service", "DESK-1")[0] == "Incident"


def test_the_page_of_sources_names_every_adapter_and_example() -> None:
    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    assert [name for name in EXPORTS if f"examples/{name}" not in page] == []
