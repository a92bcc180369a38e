"""Pages of the queue that were put into words: answered again while nothing that they tell of had news, with the instant they tell of."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from serving.access.caller import Scope
from serving.queue import Queue
from serving.selection import Selection
from serving.trail import Trail

MOST_PAGES = 200
LARGEST_PAGE = 1 << 17
"""So many pages of one queue are kept, of at most so many bytes; 50 rows are about half of that."""


@dataclass(frozen=True)
class Asked:
    """What was asked for, and on whose behalf."""

    scope: Scope
    wanted: Selection
    limit: int
    cursor: str | None

    @property
    def teams(self) -> frozenset[str] | None:
        """The teams to whose tickets the page is confined; None where it may tell of any."""
        given = [frozenset(teams) for teams in (self.scope.teams, self.wanted.team) if teams]
        return frozenset.intersection(*given) if given else None


@dataclass(frozen=True)
class KeptPage:
    """A page in words, of which queue it tells, and when that was scored (seconds of the process's steady clock)."""

    body: bytes
    fingerprint: str
    scored_seconds: float
    trail: Trail
    heading: tuple[Any, ...]


class KeptPages:
    """The pages that were asked for since all was scored. Any thread may ask and add.

    A page outlives its queue while none of the tickets it is confined to had news: it then tells what it told, as of the same instant.
    What it says beside its tickets (model, order, idle teams) must be what the newest queue says.
    """

    def __init__(self) -> None:
        self._pages: dict[Asked, KeptPage] = {}
        self._adding = threading.Lock()

    def __len__(self) -> int:
        return len(self._pages)

    def find(self, asked: Asked, queue: Queue) -> KeptPage | None:
        """The page, where it still holds by what the queue knows."""
        found = self._pages.get(asked)
        return found if found is not None and _holds(found, asked, queue) else None

    def keep(self, asked: Asked, queue: Queue, scored_seconds: float, body: bytes) -> KeptPage:
        """The page of that queue; kept where it is not too large, in the place of one that holds no more or of the oldest."""
        page = KeptPage(body, queue.fingerprint, scored_seconds, queue.trail, _heading(queue))
        if len(body) > LARGEST_PAGE:
            return page
        with self._adding:
            if any(one.trail.began is not queue.trail.began for one in list(self._pages.values())[:1]):
                self.clear()  # all was scored anew
            self._pages.pop(asked, None)
            if len(self._pages) >= MOST_PAGES:
                self._make_room(queue)
            self._pages[asked] = page
        return page

    def clear(self) -> None:
        """Keep nothing."""
        self._pages.clear()

    def _make_room(self, queue: Queue) -> None:
        for asked, page in list(self._pages.items()):
            if not _holds(page, asked, queue):
                del self._pages[asked]
        if len(self._pages) >= MOST_PAGES:
            del self._pages[next(iter(self._pages))]


def _holds(page: KeptPage, asked: Asked, queue: Queue) -> bool:
    return queue.trail.says_nothing_new(page.trail, asked.teams) and _heading(queue) == page.heading


def _heading(queue: Queue) -> tuple[Any, ...]:
    """What a page says beside its tickets and its instant."""
    return (
        queue.bundle_version,
        queue.rules_only_reason,
        queue.asked_at,
        queue.zone,
        queue.thresholds,
        queue.order,
        queue.order_words,
        tuple(queue.idle),
    )
