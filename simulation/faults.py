"""What is refused with a sentence."""

from __future__ import annotations


class DeskError(ValueError):
    """A desk, a history or a question about them that cannot be simulated or computed; the text says what to do."""
