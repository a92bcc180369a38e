"""The static files of the pages, served from memory under names that carry a hash of their content."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """One static file. `address` holds the hash, so it may be cached for ever; `packed` is the same content, gzipped."""

    name: str
    address: str
    content: bytes
    packed: bytes
    media_type: str


class Assets:
    """All static files, by name and by address."""

    def __init__(self, folder: Path = FOLDER) -> None:
        found = [_asset(path) for path in sorted(folder.iterdir()) if path.suffix in _TYPES]
        self._by_name = {asset.name: asset for asset in found}
        self._by_address = {asset.address: asset for asset in found}
        self.fingerprint = hashlib.blake2b("".join(sorted(self._by_address)).encode(), digest_size=6).hexdigest()

    def url(self, name: str) -> str:
        """The address of a static file, for templates. KeyError for a file that is not there."""
        return self._by_name[name].address

    def at(self, address: str) -> Asset | None:
        """The file at an address, None when there is none with this content."""
        return self._by_address.get(address)


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    packed = gzip.compress(content, mtime=0)
    return Asset(path.name, f"/static/{path.stem}.{digest}{path.suffix}", content, packed, _TYPES[path.suffix])
