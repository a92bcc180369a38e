"""A file of named arrays and facts: read as it lies on the disk, and refused unless it is whole. Nothing in it can run.

Arrays come first, then a JSON object that says where each one lies, then its length, a checksum of all that comes before,
and the sign of the format: a file that was cut off has no end, one that was damaged has another checksum.
"""

from __future__ import annotations

import json
import mmap
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

_SIGN: Final = b"slacast memory 1"
_END: Final = struct.Struct("<QI16s")
_ALIGNED: Final = 64
_PORTION: Final = 1 << 20
_KINDS: Final = "iub"  # whole numbers and yes or no
_MAPPED: Final[WeakSet[mmap.mmap]] = WeakSet()


class MemoryFileError(Exception):
    """A file that cannot be used; the text says why."""


class ArrayWriter:
    """Writes arrays one by one, then all that is said of them. The file is not one before `finish`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._size, self._checksum = file, 0, 0
        self._arrays: dict[str, tuple[str, list[int], int]] = {}

    def put(self, name: str, array: NDArray[Any]) -> None:
        """Write an array of whole numbers or of truth values."""
        if array.dtype.kind not in _KINDS or name in self._arrays:
            raise ValueError(f"{name}: an array of {array.dtype} cannot be kept, or was kept already")
        self._write(bytes(-self._size % _ALIGNED))
        self._arrays[name] = (array.dtype.str, list(array.shape), self._size)
        flat = np.ascontiguousarray(array).reshape(-1)
        if len(flat):
            self._write(flat.view(np.uint8).data)

    def put_texts(self, name: str, texts: Sequence[str]) -> None:
        """Write texts, of any characters."""
        self.put(f"{name}/ends", np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), dtype=np.int64))
        self.put(f"{name}/text", np.frombuffer("".join(texts).encode("utf-8", "surrogatepass"), np.uint8))

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write the end."""
        said = json.dumps({"arrays": self._arrays, "facts": facts}).encode()
        self._write(said)
        self._file.write(_END.pack(len(said), self._checksum, _SIGN))

    def _write(self, data: bytes | memoryview) -> None:
        self._checksum = zlib.crc32(data, self._checksum)
        self._file.write(data)
        self._size += len(data)


class ArrayFile:
    """The arrays of a file, which stay on the disk until they are looked at, and its `facts`."""

    def __init__(self, path: Path) -> None:
        """Raises MemoryFileError where the file is not whole or of another format, OSError where it cannot be read."""
        with path.open("rb") as file:
            said = _checked(file)
            file.seek(0)
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        _MAPPED.add(self._map)
        self._arrays: dict[str, tuple[str, list[int], int]] = said["arrays"]
        self.facts: dict[str, Any] = said["facts"]

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def array(self, name: str) -> NDArray[Any]:
        """An array, which cannot be written to."""
        if name not in self._arrays:
            raise MemoryFileError(f"it holds no {name}")
        kind, shape, offset = self._arrays[name]
        return np.ndarray(tuple(shape), np.dtype(kind), self._map, offset)

    def texts(self, name: str) -> list[str]:
        """Texts."""
        text = self.array(f"{name}/text").tobytes().decode("utf-8", "surrogatepass")
        ends = self.array(f"{name}/ends").tolist()
        return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def let_go() -> int:
    """How many bytes of files lie on the disk alone now: what arrays show of them leaves this process until it is looked at again.

    The machine keeps such pages as long as it has room, so another look costs microseconds. 0 where the system cannot.
    """
    if not hasattr(mmap, "MADV_DONTNEED"):
        return 0
    files = list(_MAPPED)  # another thread may open one
    for file in files:
        file.madvise(mmap.MADV_DONTNEED)
    return sum(map(len, files))


def _checked(file: BinaryIO) -> dict[str, Any]:
    """What the end of the file says of it. It is read once through: that leaves nothing in this process."""
    size = file.seek(0, 2)
    if size < _END.size:
        raise MemoryFileError("it has no end")
    file.seek(size - _END.size)
    length, checksum, sign = _END.unpack(file.read(_END.size))
    if sign != _SIGN or length > size - _END.size:
        raise MemoryFileError("it has no end, or is of another format")
    file.seek(0)
    found, left = 0, size - _END.size
    while left:
        portion = file.read(min(_PORTION, left))
        found, left = zlib.crc32(portion, found), left - len(portion)
        if not portion:
            raise MemoryFileError("it ends early")
    if found != checksum:
        raise MemoryFileError("its checksum is wrong")
    file.seek(size - _END.size - length)
    said: dict[str, Any] = json.loads(file.read(length))
    return said
