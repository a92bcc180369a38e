"""How states, targets and spans of time are said in a language."""

from __future__ import annotations

from dataclasses import dataclass

from serving import wording
from serving.risk import Clock
from serving.web.language import Language, phrase

STATE_WORDS = {
    "not_started": ("○", phrase("Not started")),
    "running": ("●", phrase("Running")),
    "paused": ("‖", phrase("Paused")),
    "met": ("✓", phrase("Met")),
    "breached": ("✕", phrase("Breached")),
    "paused_and_breached": ("‖✕", phrase("Paused, breached")),
    "cancelled": ("○", phrase("Cancelled")),
    "no_agreement": ("○", phrase("No agreement")),
}
NOTHING = "–"


@dataclass(frozen=True)
class Telling:
    """Says things in one language."""

    language: Language

    def state(self, state: str) -> str:
        """A verdict state for people, with its shape."""
        shape, word = STATE_WORDS.get(state, ("○", state.replace("_", " ").capitalize()))
        return f"{shape} {self.language.gettext(word)}"

    def target(self, target: str) -> str:
        """A clock's name for people: `Resolution`, `Team time (network)`."""
        metric, _mark, party = target.partition(":")
        word = self.language.gettext(metric.replace("_", " ").capitalize())
        return word + (f" ({party})" if party else "")

    def working(self, seconds: float) -> str:
        """Working time: `3 h 20 min`."""
        return self.language.spans(wording.working_time(seconds))

    def relative(self, seconds: float) -> str:
        """Where an instant lies from now: `in 4 h`, `2 d ago`."""
        return self.language.said(wording.relative(seconds))

    def age(self, seconds: float) -> str:
        """How long ago something was: `40 s`."""
        return self.language.spans(wording.age(seconds))

    def of_hundred(self, probability: float) -> str:
        """A probability as a count: `about 92`."""
        return self.language.said(wording.of_hundred(probability))

    def left(self, clock: Clock) -> str:
        """Working time left, or how late: `5 h 10 min`, `3 h late`."""
        left = clock.remaining_working_seconds
        if left is None:
            return NOTHING
        return self.working(left) if left >= 0 else self.language.said(f"{wording.working_time(-left)} late")

    def rough(self, clock: Clock) -> str:
        """The same in one unit: `40 min`, `3 h late`."""
        left = clock.remaining_working_seconds
        if left is None:
            return NOTHING
        return self.language.said(wording.rough_time(left) + ("" if left >= 0 else " late"))
