"""What is particular to one format: hostile XML, half lines, typed columns, endings."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.sources.faults import SourceError
from features.sources.mapping import parse_mapping
from features.sources.reading import read
from features.sources.result import ImportResult

MAPPING = (
    "time_zone: Europe/Berlin\nrejected_share_limit: 0.9\ncolumns: {ticket_id: t, event_at: at}\nattributes: {x: x}\n"
)
XES = MAPPING.replace("{ticket_id: t,", '{ticket_id: "case:concept:name",')
EVENT = '<event><date key="at" value="2024-03-04T08:00:00Z"/>%s</event>'
LINE = {"t": "T1", "at": "2024-03-04T08:00:00Z", "x": "1"}


def result(folder: Path, name: str, content: str | bytes, mapping: str = MAPPING) -> ImportResult:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(path, parse_mapping(mapping))


def xes(*events: str, head: str = "", trace: str = '<string key="concept:name" value="T1"/>') -> str:
    return f'<?xml version="1.0"?>{head}<log><trace>{trace}{"".join(events)}</trace></log>'


def x(found: ImportResult) -> list[str | None]:
    return [None if pd.isna(value) else value for value in found.events["attributes.x"]]


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE log [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
        '<!DOCTYPE log [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE log SYSTEM "http://example.com/log.dtd">',
        "<!DOCTYPE log>",
    ],
)
def test_a_log_that_declares_entities_is_refused_before_they_can_grow(tmp_path: Path, doctype: str) -> None:
    text = xes(EVENT % '<string key="x" value="&c;"/>', head=doctype)
    with pytest.raises(SourceError, match=r"log\.xes: holds a document type declaration"):
        result(tmp_path, "log.xes", text, XES)


def test_an_undeclared_entity_is_no_well_formed_xml(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no well-formed XML: undefined entity: line 1"):
        result(tmp_path, "log.xes", xes(EVENT % '<string key="x" value="&c;"/>'), XES)


@pytest.mark.parametrize(
    ("inner", "column", "expected"),
    [
        ('<string key="x" value="a &amp; b"/>', "x", "a & b"),
        ('<string key="o" value="1"><int key="x" value="2"/></string>', "o.x", "2"),
        ('<string key="o" value="1"><id key="m" value="0"><int key="x" value="2"/></id></string>', "o.m.x", "2"),
        ('<list key="o"><values><string key="x" value="a"/><string key="x" value="b"/></values></list>', "o.x", "a, b"),
        ('<container key="o"><float key="x" value="1.50"/></container><string key="y" value="z"/>', "o.x", "1.50"),
    ],
)
def test_attributes_within_attributes_become_columns(tmp_path: Path, inner: str, column: str, expected: str) -> None:
    found = result(tmp_path, "log.xes", xes(EVENT % inner), XES.replace("{x: x}", f'{{x: "{column}"}}'))
    assert x(found) == [expected]


def test_a_namespace_prefix_changes_nothing(tmp_path: Path) -> None:
    plain = xes(EVENT % '<string key="o" value="1"><string key="x" value="2"/></string>')
    prefixed = plain.replace("</", "</x:").replace("<string", "<x:string").replace("<date", "<x:date")
    prefixed = prefixed.replace("<log>", '<x:log xmlns:x="http://www.xes-standard.org/">')
    prefixed = prefixed.replace("<trace>", "<x:trace>").replace("<event>", "<x:event>")
    mapping = XES.replace("{x: x}", "{x: o.x}")
    assert x(result(tmp_path, "a.xes", plain, mapping)) == x(result(tmp_path, "b.xes", prefixed, mapping)) == ["2"]


def test_an_event_outside_of_a_trace_is_rejected_and_counted(tmp_path: Path) -> None:
    text = xes(EVENT % '<string key="x" value="1"/>').replace("</log>", EVENT % "" + "</log>")
    found = result(tmp_path, "log.xes", text, XES)
    assert (found.rows_read, found.rows_rejected, len(found.events)) == (2, 1, 1)


@pytest.mark.parametrize("text", ["<html></html>", "{}", "<log/>", "<log><trace/></log>"])
def test_what_is_no_event_log_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"expected an XES log|no well-formed XML|holds no events"):
        result(tmp_path, "log.xes", text, XES)


def test_a_line_that_is_no_object_is_rejected_with_its_number(tmp_path: Path) -> None:
    good = json.dumps(LINE)
    found = result(tmp_path, "a.jsonl", f'{good}\n\n{{"t": oops}}\n["T1"]\n{good.replace("08", "09")}\n')
    assert (found.rows_read, found.rows_rejected, len(found.events)) == (4, 2, 2)
    assert found.rejections[0].rows == (3, 4)
    assert "line 3: Expecting value" in found.rejections[0].examples[0]


def test_objects_that_share_or_span_lines_are_not_mistaken_for_records(tmp_path: Path) -> None:
    good = json.dumps(LINE)
    found = result(tmp_path, "a.jsonl", f'{good}, {good}\n{{"t": [1\n2]}}\n{good}\n')
    assert (found.rejections[0].rows, len(found.events)) == ((1, 2, 3), 1)


def test_numbers_stay_as_they_are_written_and_null_is_an_empty_cell(tmp_path: Path) -> None:
    values = ["1.50", "12345678901234567890", "true", "null", '["a", "b"]', '"007"']
    lines = [f'{{"t": {k}, "at": "2024-03-04T08:0{k}:00Z", "x": {value}}}' for k, value in enumerate(values)]
    lines.append('{"t": 9, "at": "2024-03-04T08:09:00Z"}')
    found = result(tmp_path, "a.jsonl", "\n".join(lines), MAPPING + 'cleared: {x: [""]}\n')
    assert x(found) == ["1.50", "12345678901234567890", "true", "", "a, b", "007", None]


def test_objects_within_objects_become_columns(tmp_path: Path) -> None:
    line = {**LINE, "x": {"name": "Mail", "owner": {"id": 7}}}
    found = result(tmp_path, "a.jsonl", json.dumps(line), MAPPING.replace("{x: x}", "{x: x.owner.id}"))
    assert x(found) == ["7"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": [], "b": []}', "found the lists a, b"),
        ('"T1"', "expected a list of records"),
        ('[{"t": 1},,]', r"line 1, column \d+: this is not JSON: Expecting value, near"),
        ("[" * 100_000, "nested too deeply|cut off"),
    ],
)
def test_json_that_holds_no_plain_list_is_explained(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        result(tmp_path, "a.json", text)


def parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_typed_parquet_columns_are_read_like_their_texts(tmp_path: Path) -> None:
    at = datetime(2024, 3, 4, 8, 0, 0, 120, tzinfo=UTC)
    berlin = pa.array([at, None, at], pa.timestamp("ns", tz="Europe/Berlin"))
    found = result(tmp_path, "a.parquet", parquet(t=pa.array([7, 8, 9]), at=berlin, x=pa.array([1.0, None, 3.0])))
    assert found.events["ticket_id"].tolist() == ["7", "9"]
    assert found.events["event_at"].tolist() == [pd.Timestamp(at)] * 2
    assert x(found) == ["1", "3"]
    assert found.rejections[0].rows == (2,)


def test_a_parquet_time_without_zone_is_local(tmp_path: Path) -> None:
    local = pa.array([datetime(2024, 7, 4, 8)], pa.timestamp("us"))  # noqa: DTZ001 - local times have no zone
    words = pa.array(["a"]).dictionary_encode()
    found = result(tmp_path, "a.parquet", parquet(t=pa.array(["T1"]), at=local, x=words))
    assert found.events["event_at"].tolist() == [pd.Timestamp("2024-07-04T06:00Z")]
    assert x(found) == ["a"]


def test_nested_parquet_columns_are_named_with_a_dot(tmp_path: Path) -> None:
    nested = parquet(t=["T1"], at=["2024-03-04"], o=[{"p": {"x": [1, 2]}}])
    assert x(result(tmp_path, "a.parquet", nested, MAPPING.replace("{x: x}", "{x: o.p.x}"))) == ["1, 2"]


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    content = bytearray(parquet(t=["T1"] * 9, at=["2024-03-04"] * 9, x=[str(k) for k in range(9)]))
    content[8:40] = bytes(32)
    with pytest.raises(SourceError, match=r"a\.parquet: cannot be read as Parquet, it is damaged or cut off"):
        result(tmp_path, "a.parquet", bytes(content))


def test_the_mappings_format_wins_over_the_ending(tmp_path: Path) -> None:
    line = json.dumps(LINE)
    assert x(result(tmp_path, "export.txt", line, MAPPING + "file: {format: json_lines}\n")) == ["1"]
    with pytest.raises(SourceError, match="there is no column 't'"):
        result(tmp_path, "export.txt", line + "\n" + line)


def test_half_a_record_at_the_end_of_a_csv_is_a_file_cut_off(tmp_path: Path) -> None:
    whole = "t,at,x\n" + "T1,2024-03-04T08:00:00Z,1\n" * 3
    with pytest.raises(SourceError, match=r"row 5: the file ends in the middle of a record: 'T1,2024' has 2 of 3"):
        result(tmp_path, "a.csv", whole + "T1,2024")
    assert result(tmp_path, "a.csv", whole + "T1,2024\n").rows_rejected == 1


def test_typed_times_say_the_same_as_their_texts(tmp_path: Path) -> None:
    """Around both changes of the clocks, before 1970, after 2099, and absent: as instants, and as the texts Arrow writes."""
    hours = [*range(475_505, 475_535), *range(480_545, 480_575), -5, 1_200_000]
    for zone in (None, "UTC", "America/New_York"):
        at = pa.array([hour * 3_600_000_000 + 30 for hour in hours] + [None], pa.int64()).cast(pa.timestamp("us", zone))
        texts = at.cast(pa.timestamp("us", tz="UTC" if zone else None), safe=False).cast(pa.string())
        tickets = pa.array([str(k) for k in range(len(at))])
        typed = result(tmp_path, "a.parquet", parquet(t=tickets, at=at, x=at))
        plain = result(tmp_path, "b.parquet", parquet(t=tickets, at=texts, x=texts))
        pd.testing.assert_frame_equal(typed.events, plain.events)
        assert typed.quality == plain.quality
        assert [one.examples for one in typed.rejections] == [
            tuple(text.replace("b.parquet", "a.parquet") for text in one.examples) for one in plain.rejections
        ]
        assert typed.quality.in_gap_rows == plain.quality.in_gap_rows == (zone is None)
