"""What every source promises, whatever the file: one contract, passed by each format and each adapter."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from features.schema import INSTANT_COLUMNS, INSTANT_DTYPE, TICKET_COLUMNS, validate_ticket_events
from features.sources.faults import SourceError
from features.sources.mapping import parse_mapping
from features.sources.reading import read
from tests.features.source_cases import CASES, Case, backwards, broken_date, generic_cases, twice

every_source = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_text = pytest.mark.parametrize("case", [case for case in CASES if case.is_text], ids=lambda case: case.name)
_ADAPTERS_BEGIN = len(generic_cases())


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other)


@every_source
def test_events_are_canonical_and_in_aware_utc(case: Case, tmp_path: Path) -> None:
    found = case.read(tmp_path)
    validate_ticket_events(found.events)
    assert tuple(found.events.columns[: len(TICKET_COLUMNS)]) == TICKET_COLUMNS
    assert {str(found.events[name].dtype) for name in INSTANT_COLUMNS} == {INSTANT_DTYPE}
    assert found.events["ticket_id"].nunique() == case.tickets
    assert found.rows_rejected == 0


@every_source
def test_each_ticket_begins_with_its_only_creation(case: Case, tmp_path: Path) -> None:
    for _, events in case.read(tmp_path).events.groupby("ticket_id"):
        assert events["event_id"].is_monotonic_increasing
        assert (events["kind"] == "created").tolist() == [True] + [False] * (len(events) - 1)
        assert events["event_at"].min() == events["event_at"].iloc[0]
        assert events["event_id"].iloc[0].endswith("/000")


@every_source
def test_reading_again_gives_the_same_ids_and_the_same_frame(case: Case, tmp_path: Path) -> None:
    first, second = case.read(tmp_path).events, case.read(tmp_path).events
    assert first["event_id"].is_unique
    same(first, second)


@every_source
def test_the_order_of_records_does_not_matter(case: Case, tmp_path: Path) -> None:
    shuffled = case.write(backwards)
    assert shuffled != case.contents
    same(case.read(tmp_path).events, case.read(tmp_path, shuffled).events)


@every_source
def test_records_exported_twice_count_once(case: Case, tmp_path: Path) -> None:
    same(case.read(tmp_path).events, case.read(tmp_path, case.write(twice)).events)


@every_source
def test_a_date_that_is_none_is_named_with_file_record_and_column(case: Case, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        case.read(tmp_path, case.write(broken_date))
    words = str(caught.value)
    assert str(tmp_path / case.file) in words
    assert re.search(rf"{re.escape(case.place)}.*, column '{case.column}': 'yesterday", words)


@every_source
def test_an_absent_column_is_named_with_a_hint(case: Case, tmp_path: Path) -> None:
    with_typo = "attributes: {odd: staet}\n" + case.mapping.replace("attributes:\n", "")
    with_typo = with_typo.replace("  impact: impact\n", "")
    with pytest.raises(SourceError, match=r"there is no column 'staet'\. Did you mean 'stat(e|us)'") as caught:
        replace(case, mapping=with_typo).read(tmp_path)
    assert str(tmp_path / case.file) in str(caught.value)


@every_source
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_is_cut_off_is_refused(case: Case, tmp_path: Path, share: float) -> None:
    content = case.contents[case.file]
    cut = content[: int(len(content) * share)].rstrip(b"\n \t,")
    with pytest.raises(SourceError, match=re.escape(case.file)) as caught:
        case.read(tmp_path, {**case.contents, case.file: cut})
    assert "cut off" in str(caught.value)


@every_source
@pytest.mark.parametrize("content", [b"", b" \n\n "])
def test_an_empty_file_is_refused(case: Case, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match="the file is empty"):
        case.read(tmp_path, {**case.contents, case.file: content})


@every_source
def test_a_file_without_records_is_refused(case: Case, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="export it again"):
        case.read(tmp_path, {name: _without_records(case, name) for name in case.contents})


def _without_records(case: Case, name: str) -> bytes:
    return case.write(lambda _: [])[case.file] if case in CASES[:_ADAPTERS_BEGIN] else b"[]"


@every_text
def test_a_byte_order_mark_is_no_content(case: Case, tmp_path: Path) -> None:
    marked = case.recoded(lambda content: b"\xef\xbb\xbf" + content)
    same(case.read(tmp_path).events, marked.read(tmp_path).events)


@every_text
@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_other_encodings_are_read_as_the_mapping_says(case: Case, tmp_path: Path, encoding: str) -> None:
    written = case.recoded(lambda content: content.decode().encode(encoding))
    if "file: {" in case.mapping:
        mapping = case.mapping.replace("file: {", f"file: {{encoding: {encoding}, ")
    else:
        mapping = f"file: {{encoding: {encoding}}}\n{case.mapping}"
    same(replace(written, mapping=mapping).read(tmp_path).events, _plain(case, tmp_path))


def _plain(case: Case, folder: Path) -> pd.DataFrame:
    apart = folder / "plain"
    apart.mkdir()
    return case.read(apart).events


@every_text
def test_bytes_of_another_encoding_are_refused_with_file_and_line(case: Case, tmp_path: Path) -> None:
    wrong = case.recoded(lambda content: re.sub(rb"Desk|Ben|Anna|ben@", b"K\xf6ln", content))
    with pytest.raises(SourceError, match=rf"{re.escape(case.file)}.*line \d+"):
        wrong.read(tmp_path)


@every_source
def test_packed_files_say_the_same(case: Case, tmp_path: Path) -> None:
    packed = case.recoded(lambda content: gzip.compress(content, mtime=0), ".gz")
    same(packed.read(tmp_path).events, _plain(case, tmp_path))
    with pytest.raises(SourceError, match="damaged or cut off"):
        packed.recoded(lambda content: content[:-20]).read(tmp_path)


@every_source
def test_a_zip_may_hold_all_files_of_an_export(case: Case, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in case.contents.items():
            archive.writestr(name, content)
    (tmp_path / "export.zip").write_bytes(buffer.getvalue())
    mapping = parse_mapping(case.mapping.replace("file: {beside: sys_audit.json}", ""))
    same(read(tmp_path / "export.zip", mapping).events, _plain(case, tmp_path))


@pytest.mark.parametrize("case", CASES[1:_ADAPTERS_BEGIN], ids=lambda case: case.name)
def test_every_format_tells_the_same_events(case: Case, tmp_path: Path) -> None:
    same(case.read(tmp_path).events, CASES[0].read(tmp_path).events)
