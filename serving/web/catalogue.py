"""The texts of the pages in other languages: gettext catalogues (`locale/<language>/*.po`), read as they are, without compiling.

The English text is the key. A key with `{names}` is a sentence whose parts change; it translates every sentence of that form.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "locale"
_CONTEXT = "\x04"  # as gettext joins a context and a text
_LINE = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?)\s+)?(".*")')
_PLACE = re.compile(r"\{(\w+)\}")


class CatalogueError(ValueError):
    """A catalogue that cannot be read, with file and line."""


@dataclass(frozen=True)
class Catalogue:
    """Translations of one language by their English text."""

    texts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Catalogue:
        """All catalogues of a folder as one; of a text translated twice the first holds. Raises CatalogueError for what is no entry."""
        texts: dict[str, str] = {}
        for _place, key, text in entries_of(folder):
            texts.setdefault(key, text)
        return cls(texts)

    def forms(self) -> list[tuple[re.Pattern[str], str]]:
        """The sentences whose parts change, the longest first, as patterns with what they become."""
        keys = sorted(
            (key for key in self.texts if _PLACE.search(key)), key=lambda key: (-len(_PLACE.sub("", key)), key)
        )
        return [(_pattern(key), self.texts[key]) for key in keys]


def entries_of(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Where each entry of a folder's catalogues begins, its key and its translation."""
    for path in sorted(folder.glob("*.po")):
        yield from _entries(path)


def key_of(text: str, context: str | None = None) -> str:
    """The key of a text in a catalogue."""
    return text if context is None else f"{context}{_CONTEXT}{text}"


def _pattern(key: str) -> re.Pattern[str]:
    parts = _PLACE.split(key)
    return re.compile("".join(re.escape(part) if at % 2 == 0 else f"(?P<{part}>.+?)" for at, part in enumerate(parts)))


def _entries(path: Path) -> Iterator[tuple[str, str, str]]:
    entry: dict[str, str] = {}
    current, begins = "", 0
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], 1):
        if not line.strip():
            yield from _entry(f"{path.name}, line {begins}", entry)
            entry, current = {}, ""
        elif not line.startswith("#"):
            found = _LINE.fullmatch(line.strip())
            if found is None or not (found[1] or current):
                raise CatalogueError(f"{path}, line {number}: {line.strip()[:80]!r} is no line of a gettext catalogue.")
            begins = begins if entry else number
            current = found[1] or current
            entry[current] = entry.get(current, "") + ast.literal_eval(found[2])


def _entry(place: str, entry: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    if not entry or entry.get("msgid") == "":
        return  # the head of the file
    text = entry.get("msgstr") or entry.get("msgstr[0]") or ""
    if not text:
        raise CatalogueError(f"{place}: {entry.get('msgid')!r} has no translation; write one or take the entry away.")
    for name in ("msgid", "msgid_plural"):
        if name in entry:
            yield place, key_of(entry[name], entry.get("msgctxt")), text
