"""The bytes of a file, also from inside a zip or a gz, with faults that say what to do."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path

from features.sources.faults import SourceError, did_you_mean

_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_GZ = b"\x1f\x8b"


def read_bytes(path: str | Path, member: str | None = None) -> bytes:
    """The content of `path`; of `member`, or of the only file, inside a zip; unpacked from a gz.

    What the file is, is told from its first bytes and checked against its name. Raises SourceError for a file that is
    absent, empty, truncated, damaged, or not what its name says.
    """
    file = Path(path)
    content = _stored(file)
    if content.startswith((_ZIP, _EMPTY_ZIP)):
        content = _from_zip(file, content, member)
    elif content.startswith(_GZ):
        content = _from_gz(file, content)
    elif file.suffix.lower() in (".zip", ".gz"):
        raise SourceError(
            f"{file}: the name says {file.suffix}, but the content is not: it begins with {content[:8]!r}; "
            "copy or download it again, or give it its true ending"
        )
    if not content.strip():
        raise SourceError(f"{file}: the file is empty; export it again")
    return content


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


def _from_zip(file: Path, content: bytes, member: str | None) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(_member(file, archive, member))
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{file}: the zip file is damaged or cut off ({error}); copy or download it again") from error
    except (RuntimeError, NotImplementedError) as error:  # a password, or a compression Python does not know
        raise SourceError(
            f"{file}: the zip file cannot be unpacked here ({error}); unpack it and name the file"
        ) from error


def _member(file: Path, archive: zipfile.ZipFile, member: str | None) -> str:
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
        return member
    if len(names) != 1:
        raise SourceError(
            f"{file}: holds {len(names)} files {names[:5]}, expected one; name it in the mapping: `file: {{member: ...}}`"
        )
    return names[0]
