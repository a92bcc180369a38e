"""Whose tickets had news since all open tickets were scored: what was said of a team whose tickets had none still holds, as of when it was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Trail:
    """The looks at news since one scoring of everything (`began`: that scoring and no other), and at which of them each team was touched last.

    What a queue says of a ticket rests on what is known of it, on the work that waits in its team's queue, and on what holds for all: so
    news of one team's tickets changes nothing that was said of another's.
    """

    began: object = field(default_factory=object)
    looks: int = 0
    touched: Mapping[str, int] = field(default_factory=dict)

    def after(self, teams: Iterable[str]) -> Trail:
        """The trail with one look more, which found news of these teams' tickets ("": of tickets without a team)."""
        looks = self.looks + 1
        return Trail(self.began, looks, {**self.touched, **dict.fromkeys(teams, looks)})

    def says_nothing_new(self, then: Trail, teams: frozenset[str] | None) -> bool:
        """True where none of the teams' tickets (None: no ticket at all) had news after `then`, and nothing was scored as a whole."""
        if self.began is not then.began:
            return False
        last = self.touched.values() if teams is None else (self.touched.get(team, 0) for team in teams)
        return max(last, default=0) <= then.looks
