"""The bytes of a file, also from inside a zip or a gz, with faults that say what to do."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from features.sources.faults import SourceError, did_you_mean

_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_GZ = b"\x1f\x8b"


@dataclass(frozen=True)
class Unpacked:
    """One file's bytes, and its name when unpacked."""

    name: str
    content: bytes


def read_bytes(path: str | Path, member: str | None = None) -> bytes:
    """The content of `path`; see `unpacked`."""
    return unpacked(path, member).content


def unpacked(path: str | Path, member: str | None = None) -> Unpacked:
    """The content of `path`; of `member`, or of the only file, inside a zip; unpacked from a gz.

    What the file is, is told from its first bytes and checked against its name. Raises SourceError for a file that is
    absent, empty, truncated, damaged, or not what its name says.
    """
    files = _contents(Path(path), member)
    if len(files) != 1:
        names = [file.name for file in files]
        raise SourceError(
            f"{path}: holds {len(files)} files {names[:5]}, expected one; name it in the mapping: `file: {{member: ...}}`"
        )
    return files[0]


def all_unpacked(path: str | Path, member: str | None = None, beside: Sequence[str] = ()) -> list[Unpacked]:
    """Every file of an export: all in a zip (or only `member`), and the files named by `beside` in the same folder.

    Raises SourceError as `unpacked` does.
    """
    folder = Path(path).parent
    return [*_contents(Path(path), member), *(file for name in beside for file in _contents(folder / name, None))]


def _contents(file: Path, member: str | None) -> list[Unpacked]:
    content = _stored(file)
    if content.startswith((_ZIP, _EMPTY_ZIP)):
        files = _from_zip(file, content, member)
    elif content.startswith(_GZ):
        files = [Unpacked(_without_gz(file.name), _from_gz(file, content))]
    elif file.suffix.lower() in (".zip", ".gz"):
        raise SourceError(
            f"{file}: the name says {file.suffix}, but the content is not: it begins with {content[:8]!r}; "
            "copy or download it again, or give it its true ending"
        )
    else:
        files = [Unpacked(file.name, content)]
    for one in files:
        if not one.content or one.content.isspace():
            raise SourceError(f"{file}: the file is empty; export it again")
    return files


def _without_gz(name: str) -> str:
    return name[:-3] if name.lower().endswith(".gz") else name


def _stored(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        near = [other.name for other in file.parent.iterdir()] if file.parent.is_dir() else []
        raise SourceError(f"{file}: there is no such file.{did_you_mean(file.name, near)}") from error
    except IsADirectoryError as error:
        raise SourceError(f"{file}: this is a folder; name the file in it") from error
    except OSError as error:
        raise SourceError(f"{file}: cannot be read: {error.strerror or error}") from error
    if not content:
        raise SourceError(f"{file}: the file is empty (0 bytes); export it again")
    return content


def _from_gz(file: Path, content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{file}: the gz file is damaged or cut off ({error}); copy or download it again") from error


def _from_zip(file: Path, content: bytes, member: str | None) -> list[Unpacked]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [Unpacked(name, archive.read(name)) for name in _members(file, archive, member)]
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{file}: the zip file is damaged or cut off ({error}); copy or download it again") from error
    except (RuntimeError, NotImplementedError) as error:  # a password, or a compression Python does not know
        raise SourceError(
            f"{file}: the zip file cannot be unpacked here ({error}); unpack it and name the file"
        ) from error


def _members(file: Path, archive: zipfile.ZipFile, member: str | None) -> list[str]:
    names = [
        info.filename for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")
    ]
    if any(name.startswith("xl/") for name in names):
        raise SourceError(f"{file}: this is an Excel workbook; save the sheet as CSV (UTF-8) and import that")
    if member is not None:
        if member not in names:
            raise SourceError(
                f"{file}: holds no {member!r}, only {names}.{did_you_mean(member, names)} See `file: member:` in the mapping"
            )
        return [member]
    if not names:
        raise SourceError(f"{file}: holds 0 files, expected one; export it again")
    return sorted(names)
