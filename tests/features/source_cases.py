"""One small desk told in every format, and the examples of every adapter, each with what can happen to a file."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.sources.mapping import parse_mapping
from features.sources.reading import read
from features.sources.result import ImportResult
from tests.features.source_examples import EXAMPLES, EXPORTS

Records = list[dict[str, Any]]
NAMES = ("ticket", "changed", "opened", "n", "state", "team", "who")
ROWS: Records = [
    dict(zip(NAMES, values, strict=True))
    for values in (
        ("T1", "2024-03-29T09:05:00+01:00", "2024-03-29T09:00:00+01:00", "0", "New", "Desk", ""),
        ("T1", "2024-03-29T09:05:00+01:00", "2024-03-29T09:00:00+01:00", "1", "Open", "Köln", "Ben"),
        ("T1", "2024-03-31 01:30:00Z", "2024-03-29T09:00:00+01:00", "2", "Done", "Köln", "Ben"),
        ("T2", "2024-04-02T10:00:00+02:00", "2024-04-02T10:00:00+02:00", "0", "New", "Desk", "Éva"),
    )
]
MAPPING = """\
time_zone: Europe/Berlin
columns: {ticket_id: ticket, event_at: changed, opened_at: opened, order: n, status: state, team: team, assignee: who}
cleared: {assignee: [""]}
states: {New: new, Open: open, Done: resolved}
"""
XES_NAMES = {"ticket": "case:concept:name", "opened": "case:opened", "changed": "time:timestamp"}
_PAGES = ("issues", "histories", "comments", "result", "records", "tickets", "audits", "history", "articles", "users")


@dataclass(frozen=True)
class Case:
    """A source, and how to write the same desk out of order, with a record twice, or with a date that is none."""

    name: str
    file: str
    mapping: str
    contents: dict[str, bytes]  # by file name; `file` and what lies beside it
    write: Callable[[Callable[[Any], Any]], dict[str, bytes]]  # the contents after a change to the records
    place: str  # what names the record with the broken date
    column: str
    tickets: int
    is_text: bool = True

    def read(self, folder: Path, contents: dict[str, bytes] | None = None) -> ImportResult:
        """The events of these contents (without any: of the case's own)."""
        for name, content in (contents or self.contents).items():
            (folder / name).write_bytes(content)
        return read(folder / self.file, parse_mapping(self.mapping, "mapping.yaml"))

    def recoded(self, change: Callable[[bytes], bytes], ending: str = "") -> Case:
        """The case with every file's bytes changed."""
        contents = {name + ending: change(content) for name, content in self.contents.items()}
        beside = self.mapping.replace("sys_audit.json", "sys_audit.json" + ending)
        return replace(self, file=self.file + ending, contents=contents, mapping=beside)


def backwards(value: Any) -> Any:
    """The records in the opposite order, at every level at which order says nothing."""
    if isinstance(value, dict):
        return {
            key: backwards(inner) if key in _PAGES or isinstance(inner, dict) else inner for key, inner in value.items()
        }
    return [backwards(item) for item in reversed(value)] if isinstance(value, list) else value


def twice(value: Any) -> Any:
    """Every record two times, as overlapping pages give it."""
    if isinstance(value, dict):
        return {key: twice(inner) if key in _PAGES else inner for key, inner in value.items()}
    return value + value if isinstance(value, list) else value


def broken_date(value: Any) -> Any:
    """The records with one date that is none."""
    return json.loads(json.dumps(value).replace("2024-03-31 01:30:00Z", "yesterday"))


def generic_cases() -> list[Case]:
    """The formats that a mapping describes column by column."""
    made = [
        ("delimited", "desk.csv", _csv(","), "row 4"),
        ("tabs", "desk.tsv", _csv("\t"), "row 4"),
        ("json_lines", "desk.jsonl", _json_lines, "line 3"),
        ("json", "desk.json", _json, "record 3"),
        ("parquet", "desk.parquet", _parquet, "row 3"),
        ("xes", "desk.xes", _xes, "trace 1, event 3"),
    ]
    cases = []
    for name, file, writer, place in made:
        mapping = MAPPING
        for plain, key in XES_NAMES.items() if name == "xes" else ():
            mapping = mapping.replace(f": {plain},", f': "{key}",')
        column = XES_NAMES["changed"] if name == "xes" else "changed"

        def write(change: Callable[[Any], Any], file: str = file, writer: Any = writer) -> dict[str, bytes]:
            return {file: writer(change(ROWS))}

        cases.append(
            Case(name, file, mapping, {file: writer(ROWS)}, write, place, column, 2, is_text=name != "parquet")
        )
    return cases


def adapter_cases() -> list[Case]:
    """The adapters on their examples. The broken date stands in a change, so its record is named by ticket and change."""
    places = {
        "jira": ("issue DESK-1 (record 1 of 'issues'), change", "2024-03-31T03:30:00.000+0200"),
        "servicenow": ("incident INC0010001 (incident.json, record 1 of 'result'), change", "2024-03-29 12:05:00"),
        "zendesk": ("ticket 47 (record 1 of 'tickets'), change", "2024-03-31T01:30:00Z"),
        "zammad": ("ticket 22007 (record 1), change", "2024-03-31T01:30:00.000Z"),
    }
    return [_adapter_case(name, place, broken) for name, (place, broken) in places.items()]


def _adapter_case(name: str, place: str, broken: str) -> Case:
    folder = EXAMPLES / name
    files = [EXPORTS[name], *(["sys_audit.json"] if name == "servicenow" else [])]
    contents = {file: (folder / file).read_bytes() for file in files}

    def write(change: Callable[[Any], Any]) -> dict[str, bytes]:
        found = {}
        for file, content in contents.items():
            text = content.decode()
            if change is broken_date:
                found[file] = text.replace(broken, "yesterday").encode()
                continue
            documents = [json.loads(line) for line in text.splitlines()] if file.endswith("l") else [json.loads(text)]
            documents = change(documents) if len(documents) > 1 else [change(documents[0])]
            found[file] = "\n".join(json.dumps(document, ensure_ascii=False) for document in documents).encode()
        return found

    mapping = (folder / "mapping.yaml").read_text(encoding="utf-8")
    return Case(name, EXPORTS[name], mapping, contents, write, place, "at", 2)


def _csv(mark: str) -> Callable[[Records], bytes]:
    def write(rows: Records) -> bytes:
        return "".join(mark.join(line) + "\n" for line in (NAMES, *(tuple(row.values()) for row in rows))).encode()

    return write


def _json_lines(rows: Records) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _json(rows: Records) -> bytes:
    return json.dumps({"records": rows, "count": len(rows)}, ensure_ascii=False).encode()


def _parquet(rows: Records) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in NAMES}), buffer)
    return buffer.getvalue()


def _xes(rows: Records) -> bytes:
    traces: dict[str, Records] = {}
    for row in rows:
        traces.setdefault(row["ticket"], []).append(row)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<log xes.version="2.0" xmlns="http://www.xes-standard.org/">']
    lines += ['<global scope="event"><string key="state" value="unknown"/></global><classifier name="c" keys="state"/>']
    for ticket, events in traces.items():
        lines += ["<trace>", f'<string key="concept:name" value="{ticket}"/>']
        lines += [f'<date key="opened" value="{events[0]["opened"]}"/>']
        for row in events:
            lines += [
                "<event>",
                f'<date key="time:timestamp" value="{row["changed"]}"/>',
                f'<int key="n" value="{row["n"]}"/>',
            ]
            lines += [f'<string key="{name}" value="{row[name]}"/>' for name in ("state", "team", "who")]
            lines += ["</event>"]
        lines += ["</trace>"]
    return "\n".join([*lines, "</log>", ""]).encode()


CASES = [*generic_cases(), *adapter_cases()]
