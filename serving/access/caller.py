"""Who asks: a key, a person with a session, or whoever sits at this machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from serving.access.roles import Permission, Role
from serving.queue import Queue
from serving.selection import Selection


@dataclass(frozen=True)
class Scope:
    """The tickets one may see: those of these teams and these services; empty means all of them."""

    teams: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """True where nothing is hidden."""
        return not self.teams and not self.services

    def holds(self, team: str, service: str) -> bool:
        """True for a ticket of that team and service ("": none is known)."""
        return (not self.teams or team in self.teams) and (not self.services or service in self.services)

    def words(self) -> str:
        """The scope in words."""
        parts = [("team", self.teams), ("service", self.services)]
        said = [f"{name}{'s' if len(found) > 1 else ''} {', '.join(found)}" for name, found in parts if found]
        return " and ".join(said) or "all teams and services"


@dataclass(frozen=True)
class Caller:
    """Who asks. `name` is what the audit log calls them; `how` they showed it; `csrf` is what their forms must carry."""

    name: str
    role: Role
    scope: Scope = Scope()
    how: Literal["open", "key", "session"] = "open"
    csrf: str | None = None
    address: str | None = None

    def may(self, permission: Permission) -> bool:
        """True where the caller's role has the permission."""
        return self.role.may(permission)


LOCAL = Caller("this machine", Role.ADMIN)
"""Whoever sits at this machine, while no key was ever made."""


def seen_by(queue: Queue, scope: Scope) -> Queue:
    """The queue as if there were no tickets outside the scope; made once for each queue and scope."""
    return queue if scope.is_everything else _narrowed(_Same(queue), scope)


class _Same:
    """A queue as a key of a cache: the same object, not an equal one, for comparing 100,000 rows costs more than it saves."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def __hash__(self) -> int:
        return id(self.queue)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.queue is self.queue


@lru_cache(maxsize=64)
def _narrowed(same: _Same, scope: Scope) -> Queue:
    queue = same.queue
    idle = tuple(
        one for one in queue.idle if scope.holds(one.from_team, one.service) and scope.holds(one.team, one.service)
    )
    return replace(queue, rows=Selection(team=scope.teams, service=scope.services).apply(queue).rows, idle=idle)
