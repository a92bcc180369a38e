"""What was told, held back or put off: the state that alerting decides by, which the stored notices add up to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from sla.instants import DAY_US, SECOND_US

HOUR_US = 3600 * SECOND_US
KEPT_US = 4 * DAY_US  # longer than a weekend with a holiday: what was held back is summed up when quiet hours end


class Event(StrEnum):
    """What happened to an alert. Only the first three are sent; the others are stored so that the past adds up."""

    RAISED = "raised"
    RECOVERED = "recovered"  # of a raised one
    SUMMARY = "summary"  # how many were held back in an hour
    DEFERRED = "deferred"  # by quiet hours, until they end
    HELD = "held"  # by the bound; raised when there is room within the hour
    DROPPED = "dropped"  # there was no room
    PASSED = "passed"  # over without having been told

    @property
    def is_over(self) -> bool:
        """True where the subject's next alert is a new one."""
        return self in (Event.RECOVERED, Event.PASSED)


SENT = (Event.RAISED, Event.RECOVERED, Event.SUMMARY)


@dataclass(frozen=True)
class Episode:
    """Where a rule stands with a subject: the last event and when, when the condition began, when it was last told (None: never)."""

    event: Event
    at_us: int
    begun_us: int
    raised_us: int | None


@dataclass(frozen=True)
class Notice:
    """One event to be stored, and perhaps sent. `places` are its tickets in what was seen, the worst first; `count` is of a summary."""

    rule: str
    subject: str
    event: Event
    at_us: int
    begun_us: int
    raised_us: int | None = None
    value: float | None = None
    places: tuple[int, ...] = ()
    cause: str = ""
    count: int = 0
    words: str = ""  # of a service: what is so


@dataclass
class Memory:
    """All that deciding depends on beside the queue. Filled from stored notices alone, so a restart changes nothing."""

    episodes: dict[str, dict[str, Episode]] = field(default_factory=lambda: defaultdict(dict))
    raised_us: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    held: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))  # by hour since 1970
    summed_up: dict[str, int] = field(default_factory=dict)  # the last hour that was

    def remember(self, notices: Iterable[Notice]) -> None:
        """Nothing; these happened."""
        for notice in notices:
            hour = notice.begun_us // HOUR_US
            if notice.event is Event.SUMMARY:
                self.summed_up[notice.rule] = max(hour, self.summed_up.get(notice.rule, hour))
                continue
            episode = Episode(notice.event, notice.at_us, notice.begun_us, notice.raised_us)
            self.episodes[notice.rule][notice.subject] = episode
            if notice.event is Event.RAISED:
                self.raised_us[notice.rule].append(notice.at_us)
            elif notice.event is Event.HELD:
                self.held[notice.rule][notice.at_us // HOUR_US] += 1

    def raised_in_hour(self, rule: str, at_us: int) -> int:
        """How many alerts of a rule were raised in the hour up to an instant."""
        return sum(raised_us > at_us - HOUR_US for raised_us in self.raised_us[rule])

    def raised_in_hour_by_all(self, at_us: int) -> int:
        """The same for all rules, those that are no longer in the file included."""
        return sum(self.raised_in_hour(rule, at_us) for rule in list(self.raised_us))

    def forget(self, at_us: int, cooldown_us: int) -> None:
        """Nothing; what can no longer matter at an instant is gone. `cooldown_us`: the longest of any rule."""
        before_us = at_us - max(KEPT_US, cooldown_us)
        for name, episodes in self.episodes.items():
            stale = [key for key, one in episodes.items() if one.event.is_over and one.at_us < before_us]
            for key in stale:
                del episodes[key]
            self.raised_us[name] = [one for one in self.raised_us[name] if one >= at_us - HOUR_US]
            for hour in [hour for hour in self.held[name] if hour * HOUR_US < before_us]:
                del self.held[name][hour]
