"""What can be wrong with a mapping or a file, in words a person can act on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


class SourceError(ValueError):
    """A file that cannot be imported; the text names file, place, value found, value expected and what to do."""


class MappingError(SourceError):
    """A mapping that cannot be used; the text lists every fault with its line."""


@dataclass(frozen=True)
class Rejection:
    """Rows that were left out for one reason, with a few of them as examples."""

    reason: str
    expected: str
    rows: tuple[int, ...]  # record numbers; the header is row 1
    examples: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.rows)

    def text(self) -> str:
        """One or more lines for people."""
        lines = [f"{count_of(self.count, 'row')}: {self.reason}; expected {self.expected}"]
        lines += [f"  {example}" for example in self.examples]
        return "\n".join(lines)


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """A hint such as ` Did you mean 'number'?` with a space in front, or nothing."""
    known = [str(candidate) for candidate in words]
    by_lower = {candidate.lower(): candidate for candidate in reversed(known)}
    close = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return f" Did you mean {by_lower[close[0]]!r}?" if close else ""


def count_of(number: int, noun: str) -> str:
    """`1 row` or `1,234 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
