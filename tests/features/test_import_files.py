"""Files that cannot be read, and what is said about them."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from features.sources import encoding
from features.sources.faults import SourceError
from features.sources.mapping import parse_mapping
from features.sources.reading import read
from tests.features.builders import MAPPING, ROWS


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            # A fixed date: two workers of a test run must see the same bytes.
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


LONG = ROWS + "".join(f"T9,2024-03-05 {k // 60:02d}:{k % 60:02d},Open\n" for k in range(600))
ZIP, GZ = zipped(tickets=LONG), gzip.compress(LONG.encode(), mtime=0)


def read_as(folder: Path, name: str, content: bytes | str, mapping: str = MAPPING) -> list[str]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(path, parse_mapping(mapping)).events["ticket_id"].tolist()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", LONG),
        ("a.zip", ZIP),
        ("a.csv.gz", GZ),
        ("a.csv", GZ),
        ("a.csv", "\ufeff" + LONG),
        ("a.csv", LONG.replace("\n", "\r\n")),
    ],
)
def test_plain_zip_and_gz_say_the_same(tmp_path: Path, name: str, content: bytes | str) -> None:
    assert len(read_as(tmp_path, name, content)) == 604


@pytest.mark.parametrize(
    ("change", "mapping"),
    [
        (lambda text: text.replace(",", ";"), "file: {delimiter: ';'}\n"),
        (lambda text: text.replace(",", "\t"), 'file: {delimiter: "\\t"}\n'),
        (lambda text: text.replace("T1", "Tü").encode("cp1252"), "file: {encoding: cp1252}\n"),
        (lambda text: text.replace("T1", "Tü").encode("utf-16"), "file: {encoding: utf-16}\n"),
        (lambda text: text.replace("T1", "'T,1'"), 'file: {quote: "\'"}\n'),
        (lambda text: text.replace("T1", '"T1'), 'file: {quote: ""}\n'),
        (lambda text: text.replace("\n", "\n\n"), ""),
    ],
)
def test_other_layouts_are_read_as_the_mapping_says(tmp_path: Path, change: object, mapping: str) -> None:
    assert len(read_as(tmp_path, "a.csv", change(ROWS), MAPPING + mapping)) == 4  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "", r"a\.csv: the file is empty \(0 bytes\)"),
        ("a.csv", "\n\n", "the file is empty"),
        ("a.csv", "ticket,changed,state\n", "has a header but no rows"),
        ("a.csv", "ticket,changed,state\n\n\n", "has a header but no rows"),
        ("a.csv", "\n" + ROWS, "line 1: expected the names of the columns, found an empty line"),
        ("a.zip", ZIP[:-30], "damaged or cut off"),
        ("a.zip", ZIP[:100], "damaged or cut off"),
        ("a.zip", ZIP[:60] + b"\0\0\0\0" + ZIP[64:], "damaged or cut off"),
        ("a.zip", b"hello", "the name says .zip, but the content is not"),
        ("a.zip", zipped(), "holds 0 files"),
        ("a.zip", zipped(a=ROWS, b=ROWS), r"holds 2 files \['a', 'b'\], expected one; name it in the mapping"),
        ("a.xlsx", zipped(**{"xl/workbook.xml": "x"}), "Excel workbook; save the sheet as CSV"),
        ("a.csv.gz", GZ[:-20], "damaged or cut off"),
        ("a.csv.gz", GZ[:20] + b"xxxx" + GZ[24:], "damaged or cut off"),
        ("a.csv.gz", b"hello", "the name says .gz, but the content is not: it begins with b'hello'"),
        (
            "a.csv",
            ROWS.replace("Done", "Dön").encode("latin-1"),
            r"line 5: byte 0xf6 in .*is not utf-8; .*encoding: cp1252",
        ),
        ("a.csv", ROWS.encode("utf-16"), r"line 1: byte 0xff .*encoding: utf-16"),
        ("a.csv", ROWS.replace("T2", '"T2'), r'row 4: a quote " opens and is never closed'),
        ("a.csv", ROWS.replace("state", "ticket", 1), "line 1: the header names 'ticket' more than once"),
        ("a.csv", ROWS.replace("ticket,", "tiket,"), "line 1: there is no column 'ticket'. Did you mean 'tiket'?"),
        ("a.csv", ROWS.replace(",", ";"), r"probably the mapping needs `file: \{delimiter: ';'\}`"),
        ("a.csv", ROWS.replace("ticket", "ti\x00cket"), "holds zero bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(tmp_path: Path, name: str, content: bytes | str, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        read_as(tmp_path, name, content)
    assert str(tmp_path / name) in str(caught.value)


def test_one_member_of_a_zip_can_be_named(tmp_path: Path) -> None:
    both = zipped(a=ROWS, b=LONG)
    assert len(read_as(tmp_path, "a.zip", both, MAPPING + "file: {member: a}\n")) == 4
    with pytest.raises(SourceError, match=r"holds no 'aa', only \['a', 'b'\]"):
        read_as(tmp_path, "a.zip", both, MAPPING + "file: {member: aa}\n")


def test_an_absent_file_or_a_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "tickets.csv").touch()
    with pytest.raises(SourceError, match=r"there is no such file. Did you mean 'tickets.csv'"):
        read(tmp_path / "ticket.csv", parse_mapping(MAPPING))
    with pytest.raises(SourceError, match="this is a folder"):
        read(tmp_path, parse_mapping(MAPPING))


def test_a_repeated_column_may_be_ignored_by_name(tmp_path: Path) -> None:
    doubled = "\n".join(line + (",x,x" if k == 0 else ",1,2") for k, line in enumerate(ROWS.strip().splitlines()))
    with pytest.raises(SourceError, match="'x' more than once"):
        read_as(tmp_path, "a.csv", doubled)
    assert len(read_as(tmp_path, "a.csv", doubled, MAPPING + "ignore: [x]\n")) == 4


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1 << 24])
@pytest.mark.parametrize(
    "content", ["T1,é,日本,🙂\n".encode() * 9, b"\xef\xbb\xbfticket\n", b"", "\ufeff".encode() * 2]
)
def test_text_in_utf_8_is_taken_as_it_is_wherever_a_sign_is_cut(
    monkeypatch: pytest.MonkeyPatch, chunk_bytes: int, content: bytes
) -> None:
    monkeypatch.setattr(encoding, "_CHUNK_BYTES", chunk_bytes)
    assert encoding.as_utf8("a.csv", content, "utf8") == encoding.decoded("a.csv", content, "utf-8").encode()
    for cut in (content[:5] + b"\xe9", "日".encode()[:2]):
        with pytest.raises(SourceError, match=r"is not utf-8; write the file's encoding"):
            encoding.as_utf8("a.csv", cut, "utf-8")
