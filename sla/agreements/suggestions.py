"""What a misspelt name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The closest known name as ', did you mean "x"?', or all of them when there are few, or nothing."""
    choices = sorted(set(known))
    by_case = {choice.lower(): choice for choice in choices}
    close = get_close_matches(name.lower(), by_case, n=1, cutoff=0.6)
    if close:
        return f', did you mean "{by_case[close[0]]}"?'
    if 0 < len(choices) <= 16:
        return f"; known: {', '.join(choices)}"
    return ""
