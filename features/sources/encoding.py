"""Bytes as text, with faults that name the line and the byte."""

from __future__ import annotations

import codecs

from features.sources.faults import SourceError

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_CHUNK_BYTES = 1 << 24


def decoded(name: str, content: bytes, encoding: str) -> str:
    """The text of a file without its byte order mark. `name` is the file's name for messages.

    Raises SourceError where a byte does not fit the encoding, and where text turns out to hold zero bytes.
    """
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        raise SourceError(_fault(name, content, encoding, error)) from error
    if "\x00" in text[:1000]:
        raise SourceError(
            f"{name}: holds zero bytes, so it is not {encoding} text; if it is UTF-16 write `file: {{encoding: utf-16}}` in the mapping"
        )
    return text.removeprefix("\ufeff")


def as_utf8(name: str, content: bytes, encoding: str) -> bytes:
    """The text of a file in UTF-8, without its byte order mark: the content itself where it is that already.

    A large export is then in memory once, not three times. Raises SourceError as `decoded` does.
    """
    is_plain = codecs.lookup(encoding).name == "utf-8" and b"\x00" not in content[: 4 * 1000]
    if not (is_plain and _is_utf8(content)):
        return decoded(name, content, encoding).encode()
    return content.removeprefix(codecs.BOM_UTF8)


def _is_utf8(content: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for begin in range(0, len(content), _CHUNK_BYTES):
            decoder.decode(content[begin : begin + _CHUNK_BYTES])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _fault(name: str, content: bytes, encoding: str, error: UnicodeError) -> str:
    start = error.start if isinstance(error, UnicodeDecodeError) else 0
    line = content.count(b"\n", 0, start) + 1
    guess = "utf-16" if content.startswith(_UTF16_MARKS) else "cp1252"
    begin = content.rfind(b"\n", 0, start) + 1
    around = content[max(begin, start - 20) : start + 10].decode("ascii", "backslashreplace")
    return (
        f"{name}, line {line}: byte 0x{content[start : start + 1].hex()} in {around!r} is not {encoding}; "
        f"write the file's encoding in the mapping, probably `file: {{encoding: {guess}}}`"
    )
